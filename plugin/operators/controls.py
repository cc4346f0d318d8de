"""Controls that cannot hear: the form of ``fiftyone_avs.run_controls``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fiftyone as fo
from fiftyone.operators import types

import fiftyone_avs as avs
from fiftyone_avs.fo import (
    CONTROL_METRICS,
    CONTROLS,
    CONTROLS_ABOUT,
    PRESETS,
    check_controls,
    list_run_keys,
    run_controls,
    run_info,
)

from ..forms import absent, default_of, dropdown, mask_fields, names, show_findings
from .base import LongOperator, bring_up_to_date, follow, show_results
from .segment_fields import default_preset


class RunControls(LongOperator):
    """Runs a strategy beside controls and shows how much of its score the sound earns."""

    uri_name = "run_avs_controls"
    title = "How much does the sound earn?"
    about = "A strategy beside controls that cannot hear: floors, swapped sounds, silence and noise"
    icon = "hearing"

    def fill_form(self, ctx: Any, inputs: types.Object) -> None:
        """Which strategy, which controls, on what."""
        masks = mask_fields(ctx.dataset)
        truths = [name for name in masks if name.removeprefix("frames.") not in list_run_keys(ctx.dataset)]
        if not truths:
            absent(inputs, "ground truth", "Controls are scored, so the dataset needs a field of masks")
            return
        inputs.view_target(ctx, action_description="Try")
        dropdown(inputs, "strategy", names(avs.list_strategies()), label="Strategy", default="vcap_acls")
        presets = {name: f"{name}: {preset.summary}" for name, preset in PRESETS.items()}
        preset = preset_of(ctx.dataset, ctx.params.get("strategy") or "vcap_acls")
        dropdown(inputs, "preset", presets, label="Models", default=preset)
        dropdown(
            inputs,
            "controls",
            {name: f"{name}: {CONTROLS_ABOUT[name]}" for name in CONTROLS},
            label="Controls",
            default=list(CONTROLS),
            multiple=True,
        )
        gt = default_of(truths, "ground_truth")
        dropdown(inputs, "gt", names(truths), label="Ground truth", default=gt)
        fields = [name for name in ctx.dataset.get_field_schema(ftype=fo.StringField) if name != "filepath"]
        fields = [name for name in fields if not name.endswith("_status")]
        audio = default_of(fields, "audio_path", "audio", "sound")
        dropdown(
            inputs, "audio_field", names(fields), label="Field with the path of the sound", default=audio
        )
        inputs.int("seed", label="Seed", default=0, min=0)
        inputs.bool(
            "overwrite", label="Overwrite", description="Delete the controls' old runs first", default=False
        )
        self._check(ctx, inputs, audio, gt)

    def _check(self, ctx: Any, inputs: types.Object, audio: str | None, gt: str | None) -> None:
        """Say what would go wrong."""
        given = {"audio_field": audio or "", **_arguments(ctx)}
        if ctx.params.get("gt") is None:
            given["gt"] = gt
        found = check_controls(ctx.target_view(), **given)
        show_findings(inputs, found, {"strategies": "strategy", "run": "strategy", "models": "preset"})

    def steps(self, ctx: Any) -> Iterator[Any]:
        """Run and score all of it, and show the table."""
        samples, arguments = ctx.target_view(), _arguments(ctx)

        def work(progress: Any) -> Any:
            return run_controls(samples, **arguments, progress=progress)

        found = yield from follow(ctx, work, "controls")
        if ctx.delegated:
            return
        runs = {one.name: one for one in (found.strategy, *found.controls)}
        yield bring_up_to_date(ctx)
        columns = {"metric": "Score x 100", **{name: name for name in runs}, "earned": "Earned by the sound"}
        rows = [_row(earned, runs) for earned in found.earned]
        yield ctx.ops.notify(f"{found.n} samples scored with {len(runs) - 1} controls", variant="success")
        yield show_results(ctx, [found.title], columns, rows)


def preset_of(dataset: fo.Dataset, strategy: str) -> str:
    """The preset of the strategy's run if it is there, else the default."""
    if strategy in list_run_keys(dataset) and (preset := run_info(dataset, strategy).preset) in PRESETS:
        return preset
    return default_preset(dataset)


def _arguments(ctx: Any) -> dict[str, Any]:
    """The arguments of ``run_controls``; what the form did not say takes the function's own default."""
    params = ctx.params
    optional = ("gt", "audio_field", "seed", "device", "batch_size", "output_dir", "protocol", "run")
    given = {name: params[name] for name in optional if params.get(name) not in (None, "")}
    strategy = params.get("strategy") or "vcap_acls"
    if params.get("controls") is not None:
        given["controls"] = params["controls"]
    return given | {
        "strategy": strategy,
        "preset": params.get("preset") or preset_of(ctx.dataset, strategy),
        "overwrite": bool(params.get("overwrite")),
    }


def _row(earned: Any, runs: dict[str, Any]) -> dict[str, str]:
    scores = {name: _percent(one.scores[earned.metric]) for name, one in runs.items()}
    gain = f"{_percent(earned.difference)} ({_percent(earned.low)} .. {_percent(earned.high)})"
    return {"metric": CONTROL_METRICS[earned.metric][0], **scores, "earned": gain}


def _percent(value: float) -> str:
    return "-" if value != value else f"{100 * value:.1f}"
