"""Segment sounding objects: the form of ``fiftyone_avs.segment``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fiftyone.operators import types

import fiftyone_avs as avs
from fiftyone_avs.fo import (
    ROLES,
    check_segment,
    name_runs,
    root_dataset,
    show_runs,
)

from ..forms import misplaced, show_findings
from .base import LongOperator, bring_up_to_date, follow, show_results
from .segment_fields import (
    data_fields,
    default_preset,
    download_remark,
    how_fields,
    model_fields,
    ray_arguments,
    run_key_fields,
    strategy_fields,
    typed_overwrite,
    where_fields,
)

SHOWN_REASONS = 100


class SegmentSoundingObjects(LongOperator):
    """Predict masks, soft maps and every text on the way."""

    uri_name = "segment_sounding_objects"
    title = "Segment sounding objects"
    about = "Find the pixels of the object that makes the sound, with every text on the way"
    options = {  # noqa: RUF012
        **LongOperator.options,
        "light_icon": "/assets/icon-light.svg",
        "dark_icon": "/assets/icon-dark.svg",
    }

    def resolve_placement(self, ctx: Any) -> types.Placement:
        """A button above the grid."""
        button = types.Button(label=self.title, icon=self.icon, prompt=True)
        return types.Placement(types.Places.SAMPLES_GRID_SECONDARY_ACTIONS, button)

    def fill_form(self, ctx: Any, inputs: types.Object) -> None:
        """What to run, on what, and how."""
        inputs.view_target(ctx, action_description="Segment")
        chosen = strategy_fields(ctx, inputs)
        data_fields(ctx, inputs)
        run_key_fields(ctx, inputs, chosen)
        inputs.bool("advanced", label="More settings", default=False, view=types.SwitchView())
        if ctx.params.get("advanced"):
            model_fields(inputs, chosen)
            how_fields(inputs)
            where_fields(ctx.params, inputs)
        found = check_segment(ctx.target_view(), chosen, **_checked(ctx, chosen))
        found += misplaced("output_dir", (ctx.params.get("output_dir") or "").strip())
        show_findings(inputs, found, {"models": "preset"})
        download_remark(inputs, chosen, _checked(ctx, chosen))

    def steps(self, ctx: Any) -> Iterator[Any]:
        """One run per strategy, all in one pass."""
        samples, params = ctx.target_view(), ctx.params
        strategies = params.get("strategies") or ["vcap_acls"]
        runs = dict(zip(name_runs(strategies, params.get("run")), strategies, strict=True))
        arguments = _arguments(ctx)

        def work(progress: Any) -> list[avs.RunSummary]:
            return avs.segment_all(samples, runs, progress=progress, **arguments)

        summaries = yield from follow(ctx, work, ", ".join(runs), stop=next(iter(runs)))
        if not ctx.delegated:
            yield from show_summaries(ctx, samples, summaries)


def _overrides(params: dict[str, Any]) -> dict[str, str]:
    typed = {role: (params.get(f"model_{role}") or "").strip() for role in ROLES}
    return {role: name for role, name in typed.items() if name} | dict(params.get("models") or {})


def _checked(ctx: Any, strategies: list[str]) -> dict[str, Any]:
    """What the live check needs to know of the form: all that the call is told, so that both say the same."""
    runs, ray = name_runs(strategies, ctx.params.get("run")), ray_arguments(ctx.params)
    return _shared(ctx) | {"runs": runs, "ray": ray}


def _arguments(ctx: Any) -> dict[str, Any]:
    """The arguments of ``segment_all``; what the form did not say takes the function's own default."""
    ray = ray_arguments(ctx.params)
    runner = {} if ray is None else {"runner": avs.RayRunner(**ray)}
    return _shared(ctx) | runner | {"retry_failed": bool(ctx.params.get("retry_failed"))}


def _shared(ctx: Any) -> dict[str, Any]:
    """The arguments that the check and the call have in common."""
    params = ctx.params
    optional = (
        "precision",
        "batch_size",
        "fps",
        "frames_of",
        "threshold",
        "silence",
        "max_samples",
        "output_dir",
    )
    given = {name: params[name] for name in optional if params.get(name) not in (None, "")}
    return given | {
        "preset": params.get("preset") or default_preset(ctx.dataset),
        "audio_field": params.get("audio_field") or "audio_path",
        "models": _overrides(params),
        "device": params.get("device") or None,
        "overwrite": typed_overwrite(params),
        "compile": bool(params.get("compile")),
    }


def show_summaries(ctx: Any, samples: Any, summaries: list[avs.RunSummary]) -> Iterator[Any]:
    """The new fields in the grid, the counts in a notification, and why samples have no mask in a table."""
    yield bring_up_to_date(ctx, show_runs(ctx.dataset, [summary.run for summary in summaries]))
    bad = sum(summary.failed for summary in summaries)
    stopped = next((summary.run for summary in summaries if summary.stopped), None)
    variant = "warning" if bad or stopped else "success"
    yield ctx.ops.notify("; ".join(map(str, summaries)), variant=variant)
    reasons = [
        {"run": summary.run, "file": path.rpartition("/")[2], "reason": summary.reasons[sample_id]}
        for summary in summaries
        if summary.reasons
        for sample_id, path in _paths(samples, summary)
    ]
    columns = {"run": "Run", "file": "Sample", "reason": "Why it has no mask"}
    yield show_results(ctx, [str(summary) for summary in summaries], columns, reasons, resume=stopped)


def _paths(samples: Any, summary: avs.RunSummary) -> Iterator[tuple[str, str]]:
    """Ids and paths of the samples without a mask, as many as a table can show."""
    ids = list(summary.reasons)[:SHOWN_REASONS]
    found = root_dataset(samples).select(ids, ordered=True)
    yield from zip(*found.values(["id", "filepath"]), strict=True)
