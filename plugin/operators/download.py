"""Download models before they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fiftyone.operators import types

import fiftyone_avs as avs
from fiftyone_avs.fo import PRESETS

from ..forms import dropdown, names, problem, remark
from .base import LongOperator, follow, show_results


class DownloadModels(LongOperator):
    """Downloads what a preset or some strategies need."""

    uri_name = "download_avs_models"
    title = "Download models"
    about = "What a preset needs, before a run needs it. What is here already is left alone"
    icon = "download"

    def fill_form(self, ctx: Any, inputs: types.Object) -> None:
        """Whose models, how much that is, and whether there is room."""
        dropdown(
            inputs,
            "preset",
            {name: f"{name}: {found.summary}" for name, found in PRESETS.items()},
            label="Models of",
            default="open",
        )
        dropdown(
            inputs,
            "strategies",
            names(avs.list_strategies()),
            label="Only for these strategies",
            description="Empty takes every model of the preset",
            multiple=True,
        )
        plan = avs.plan_download(ask_hub=False, **_chosen(ctx))
        (remark if plan.fits else problem)(inputs, "preset", str(plan), label="What will be downloaded")
        for name, how in plan.yours.items():
            remark(inputs, name.replace("/", "_"), how, label=f"{name}: nothing downloads it")

    def steps(self, ctx: Any) -> Iterator[Any]:
        """Download, with one bar in megabytes."""

        def work(progress: Any) -> avs.DownloadPlan:
            return avs.download_models(progress=progress, **_chosen(ctx))

        plan = yield from follow(ctx, work, "downloading, in MB")
        if not ctx.delegated:
            rows = [{"name": str(item)} for item in plan.items]
            told = "Downloaded" if plan.items else "Everything is on this machine already"
            yield show_results(ctx, [told], {"name": "Downloaded"}, rows)


def _chosen(ctx: Any) -> dict[str, Any]:
    return {
        "preset": ctx.params.get("preset") or "open",
        "strategies": ctx.params.get("strategies") or None,
    }
