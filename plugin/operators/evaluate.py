"""Evaluate AVS: the form of ``fiftyone_avs.evaluate``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fiftyone as fo
from fiftyone.operators import types

import fiftyone_avs as avs
from fiftyone_avs.fo import (
    PAIR_KEY,
    PROTOCOLS,
    VIDEO_KEY,
    boxes_fields,
    check_evaluate,
    describe_rules,
    group_fields,
    list_run_keys,
    offered_protocols,
    sample_class_fields,
)

from ..forms import absent, default_of, dropdown, mask_fields, names, problem, show_findings
from .base import LongOperator, bring_up_to_date, follow, show_results

RULES = {
    "official": "official: as the paper's code (ties count as background)",
    "topk": "topk: exactly as many pixels as the ground truth",
    "half": "half: half of all pixels",
}


COVERAGES = {
    "run": "what the run came to; the result says how many of all samples these are",
    "all": "all samples: what the run never came to counts as an empty mask, as in tables over a whole benchmark",
}
NO_TRUTH = "Scores need a field of masks (Segmentation) that say what sounds: import a folder with gt_seg, or add yours"
PAIR_CHOICE = (
    "pair_field",
    PAIR_KEY,
    "Field of the pair",
    "For IIoU and IAUC: a pair counts as its worst image",
)
VIDEO_CHOICE = ("video_field", VIDEO_KEY, "Field of the video", "F is taken over the frames of a video")


class EvaluateAVS(LongOperator):
    """Score runs against ground truth."""

    uri_name = "evaluate_avs"
    title = "Evaluate against ground truth"
    about = "IoU and F of every sample, and the paper's metrics over all of them"
    icon = "straighten"

    def fill_form(self, ctx: Any, inputs: types.Object) -> None:
        """Which masks against which, and how."""
        masks = mask_fields(ctx.dataset)
        runs = run_fields_of(ctx.dataset)
        preds = [*runs, *(name for name in masks if name not in runs)]
        if not preds:
            absent(inputs, "mask", "Run 'Segment sounding objects' first; a ground truth is needed, too")
            return
        if len(preds) == 1:
            absent(inputs, "ground truth", NO_TRUTH if runs else "Run 'Segment sounding objects' first")
            return
        inputs.view_target(ctx, action_description="Evaluate")
        truths = [name for name in masks if name not in runs]
        gt = default_of(truths, "ground_truth", "frames.ground_truth")
        dropdown(inputs, "gt", names(truths or masks), label="Ground truth", default=gt)
        dropdown(inputs, "preds", names(preds), label="Runs", default=runs[-1:] or None, multiple=True)
        inputs.str(
            "eval_key",
            label="Evaluation key",
            description="Names the fields of the scores; by default <run>_eval. With several runs, a suffix",
            required=False,
        )
        protocol = self._fill_protocol(ctx, inputs, ctx.params.get("gt") or gt or "")
        classes = sample_class_fields(ctx.dataset)
        dropdown(
            inputs,
            "class_field",
            names(classes),
            label="Field of the class",
            description="To break scores down by class",
            default=default_of([name for name in classes if name in ("label", "class", "category")]),
        )
        if PROTOCOLS[protocol].adaptive:
            dropdown(inputs, "adaptive_rule", RULES, label="Adaptive threshold", default="official")
            inputs.float(
                "threshold",
                label="Mask threshold",
                description="Empty takes the run's own",
                required=False,
                min=0,
                max=1,
            )
        dropdown(inputs, "coverage", COVERAGES, label="Count", default="run")
        check_form(ctx, inputs)

    def _fill_protocol(self, ctx: Any, inputs: types.Object, gt: str) -> str:
        """The protocols that the dataset offers, and the fields that the chosen one needs; returns the chosen one."""
        offered = offered_protocols(ctx.dataset, gt)
        missing = (
            "" if "boxes" in offered else "; boxes needs a field of boxes (Detections), and there is none"
        )
        dropdown(
            inputs,
            "protocol",
            {name: f"{name}: {about}" for name, about in offered.items()},
            label="Protocol",
            description=f"Numbers of different protocols are not comparable{missing}",
            default="baav",
        )
        chosen = ctx.params.get("protocol")
        protocol = chosen if chosen in offered else "baav"
        if protocol == "boxes":
            boxes = boxes_fields(ctx.dataset, gt)
            default = default_of(boxes, f"{gt}_boxes")
            dropdown(inputs, "boxes_field", names(boxes), label="Field of the boxes", default=default)
        if ctx.dataset.media_type != "video":
            name, key, label, what = VIDEO_CHOICE if protocol == "avsbench" else PAIR_CHOICE
            dropdown(
                inputs,
                name,
                names(group_fields(ctx.dataset)),
                label=label,
                description=what,
                default=ctx.dataset.info.get(key),
            )
        return protocol

    def steps(self, ctx: Any) -> Iterator[Any]:
        """One evaluation per run."""
        samples, preds = ctx.target_view(), ctx.params.get("preds") or []
        if not preds:
            raise avs.ConfigurationError("choose at least one run to evaluate")
        share, results = 1 / len(preds), []
        for index, (pred, key) in enumerate(zip(preds, eval_keys(ctx.params), strict=True)):
            arguments = _arguments(ctx.params) | {"eval_key": key}

            def work(progress: Any, pred: str = pred, arguments: Any = arguments) -> avs.AVSResults:
                return avs.evaluate(samples, pred, progress=progress, **arguments)

            results.append(
                (yield from follow(ctx, work, f"evaluating {pred}", start=index * share, share=share))
            )
        if ctx.delegated:
            return
        yield bring_up_to_date(ctx)
        yield ctx.ops.notify("; ".join(map(_counts, results)), variant="success")
        columns = {"key": "Evaluation", **results[0].metrics_shown, "samples": "Scored"}
        title = f"Scores x 100, {describe_rules(results[0].config)}"
        yield show_results(ctx, [title], columns, [_row(result) for result in results])


def run_fields_of(dataset: fo.Dataset) -> list[str]:
    """The mask fields of the dataset's runs, oldest run first."""
    prefix = "frames." if dataset.media_type == "video" else ""
    return [prefix + run for run in list_run_keys(dataset)]


def eval_keys(params: dict[str, Any]) -> list[str]:
    """The key of each evaluation: the one typed, or with several runs, a suffix of it."""
    typed = (params.get("eval_key") or "").strip()
    runs = [pred.removeprefix("frames.") for pred in params.get("preds") or []]
    if len(runs) == 1 and typed:
        return [typed]
    return [f"{run}_{typed or 'eval'}" for run in runs]


def check_form(ctx: Any, inputs: types.Object) -> None:
    """Say what would go wrong."""
    preds = ctx.params.get("preds")
    if preds == []:
        problem(inputs, "preds", "choose at least one run")
        return
    findings = [
        found
        for pred, key in zip(preds or [], eval_keys(ctx.params), strict=True)
        for found in check_evaluate(ctx.target_view(), pred, eval_key=key, **_arguments(ctx.params))
    ]
    show_findings(inputs, findings, {"pred": "preds"})


def _arguments(params: dict[str, Any]) -> dict[str, Any]:
    """What was filled in, but for what another protocol's form asked for."""
    protocol = params.get("protocol") or "baav"
    asked = ("threshold", "adaptive_rule", "pair_field") if PROTOCOLS[protocol].adaptive else ("video_field",)
    optional = (
        "gt",
        "protocol",
        "class_field",
        "coverage",
        *asked,
        *(("boxes_field",) if protocol == "boxes" else ()),
    )
    return {name: params[name] for name in optional if params.get(name) is not None}


def _counts(result: avs.AVSResults) -> str:
    counts = ", ".join(f"{number} {status}" for status, number in result.counts.items() if number)
    left_out = f", {len(result.excluded)} left out" if result.excluded else ""
    covered = f"; {result.coverage.partition(':')[0]}" if result.coverage else ""
    return f"{result.key}: {counts}{left_out}{covered}"


def _row(result: avs.AVSResults) -> dict[str, Any]:
    summary = result.summary
    scores = {name: getattr(summary, name) for name in result.metrics_shown}
    shown = {name: "-" if value != value else f"{100 * value:.1f}" for name, value in scores.items()}
    return {"key": result.key, **shown, "samples": _counts(result).partition(": ")[2]}
