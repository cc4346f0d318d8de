"""Import a folder, export a run, make review clips."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fiftyone.operators import types

import fiftyone_avs as avs
from fiftyone_avs.fo import (
    ALL_SPLITS,
    BENCHMARKS,
    PUBLISHED_DATASETS,
    Benchmark,
    check_data,
    check_output,
    default_data_name,
    import_data,
    list_evaluations,
    preview_import,
)

from ..forms import default_of, dropdown, mask_fields, misplaced, names, problem, remark, show_findings
from .base import LongOperator, follow, show_results
from .runs import choose_run

LAYOUTS = {
    "images": "pictures with sounds: img/ and wav/, or dog.jpg beside dog.wav; if there, gt_seg/",
    "videos": "videos, in the folder or in its folder videos/",
    **{key: f"{one.title}: {one.layout}" for key, one in BENCHMARKS.items() if key != "folder"},
}
SHOWN_REASONS = 100
FULL_PATH = "A full path on the machine where FiftyOne runs, such as ~/exported"


class ImportDataset(LongOperator):
    """Makes a dataset of a folder and opens it."""

    uri_name = "import_avs_dataset"
    title = "Import a folder"
    about = "A new dataset of pictures with sounds (and ground truth), of videos, or of a benchmark on disk"
    icon = "drive_folder_upload"

    def fill_form(self, ctx: Any, inputs: types.Object) -> None:
        """Which folder, as what, under which name."""
        inputs.str("folder", label="Folder", description="On the machine where FiftyOne runs", required=True)
        dropdown(inputs, "layout", LAYOUTS, label="What is in it", default="images")
        benchmark = BENCHMARKS.get(ctx.params.get("layout") or "")
        if benchmark is None:
            dropdown(
                inputs,
                "benchmark",
                PUBLISHED_DATASETS,
                label="Benchmark",
                description="If it is one of these, published numbers are shown beside yours",
            )
        else:
            _fill_benchmark(inputs, benchmark)
        folder, choices = _choices(ctx.params)
        named = default_data_name(folder, choices["benchmark"], choices.get("split")) if folder else None
        inputs.str("name", label="Name of the dataset", description=_by_default(named), required=False)
        if folder:
            choices["name"] = choices["name"] or named
            found = misplaced("folder", folder) or check_data(folder, **choices)
            show_findings(inputs, found, {"kind": "layout", "benchmark": "layout"})
            if benchmark is None and not any(one.blocks for one in found):
                _preview(inputs, folder, choices)

    def steps(self, ctx: Any) -> Iterator[Any]:
        """Import it; what is wrong with its files and rows is shown."""
        folder, choices = _choices(ctx.params)

        def work(progress: Any) -> Any:
            return import_data(folder, progress=progress, **choices)

        done = yield from follow(ctx, work, "importing")
        if ctx.delegated:
            return
        yield ctx.ops.notify(str(done), variant="warning" if done.left_out else "success")
        yield ctx.ops.open_dataset(done.dataset.name)
        rows = [{"row": one.row, "reason": one.reason} for one in done.problems[:SHOWN_REASONS]]
        yield show_results(ctx, [str(done), *done.notes], {"row": "Row", "reason": "What is wrong"}, rows)


class ExportRun(LongOperator):
    """Writes masks as PNG and texts as CSV."""

    uri_name = "export_avs_run"
    title = "Export a run"
    about = "Masks as PNG and every text as CSV, in the folder layout of the benchmarks"
    icon = "download"

    def fill_form(self, ctx: Any, inputs: types.Object) -> None:
        """Which run, and where to."""
        if choose_run(ctx, inputs) is None:
            return
        inputs.view_target(ctx, action_description="Export")
        out_field(ctx, inputs)
        inputs.bool("media", label="Copy pictures and sounds, too", default=True)

    def steps(self, ctx: Any) -> Iterator[Any]:
        """Write the files."""
        samples, params = ctx.target_view(), ctx.params

        def work(progress: Any) -> Any:
            return avs.export_run(
                samples,
                params["run"],
                params["out"],
                media=params.get("media", True),
                overwrite=bool(params.get("overwrite")),
                progress=progress,
            )

        yield from report(ctx, (yield from follow(ctx, work, f"exporting {params['run']}")))


class MakeClips(LongOperator):
    """Makes clips with the mask over the picture, its texts and its sound."""

    uri_name = "make_avs_clips"
    title = "Make clips"
    about = "One MP4 per sample: the mask over the picture or the video, captioned, with the sound"
    icon = "movie"

    def fill_form(self, ctx: Any, inputs: types.Object) -> None:
        """Which run, beside what, and where to."""
        if choose_run(ctx, inputs) is None:
            return
        inputs.view_target(ctx, action_description="Make clips of")
        run = ctx.params.get("run")
        truths = [name for name in mask_fields(ctx.dataset) if name.removeprefix("frames.") != run]
        gt = default_of([name for name in truths if name.endswith("ground_truth")])
        dropdown(inputs, "gt", names(truths), label="Ground truth beside it", default=gt)
        keys = [info.key for info in list_evaluations(ctx.dataset) if info.run == run]
        dropdown(inputs, "eval_key", names(keys), label="IoU of", default=keys[0] if keys else None)
        out_field(ctx, inputs)

    def steps(self, ctx: Any) -> Iterator[Any]:
        """Make the clips."""
        samples, params = ctx.target_view(), ctx.params

        def work(progress: Any) -> Any:
            return avs.make_clips(
                samples,
                params["run"],
                params["out"],
                gt=params.get("gt"),
                eval_key=params.get("eval_key"),
                overwrite=bool(params.get("overwrite")),
                progress=progress,
            )

        yield from report(ctx, (yield from follow(ctx, work, f"clips of {params['run']}")))


class MakeReviewClips(MakeClips):
    """The earlier name of ``MakeClips``, for those who call it from Python; it goes with the next release."""

    uri_name = "make_review_clips"
    title = "Make clips (earlier name)"
    options = MakeClips.options | {"unlisted": True}


def out_field(ctx: Any, inputs: types.Object) -> None:
    """The folder to write to; one that holds something must be meant."""
    inputs.str("out", label="Folder to write to", description=FULL_PATH, required=True)
    inputs.bool("overwrite", label="Write into a folder that holds something already", default=False)
    out = (ctx.params.get("out") or "").strip()
    if out:
        found = check_output(out, overwrite=bool(ctx.params.get("overwrite")), from_app=True)
        show_findings(inputs, found)


def report(ctx: Any, summary: Any) -> Iterator[Any]:
    """The counts in a notification, and why samples failed in a table."""
    if ctx.delegated:
        return
    yield ctx.ops.notify(str(summary), variant="warning" if summary.failed else "success")
    if summary.reasons:
        rows = [
            {"id": name, "reason": reason} for name, reason in list(summary.reasons.items())[:SHOWN_REASONS]
        ]
        yield show_results(ctx, [str(summary)], {"id": "Sample", "reason": "Reason"}, rows)


def _fill_benchmark(inputs: types.Object, benchmark: Benchmark) -> None:
    """What can be chosen of a benchmark."""
    if benchmark.splits:
        choices = names([*benchmark.splits, ALL_SPLITS])
        dropdown(inputs, "split", choices, label="Split", default=benchmark.default_split)
    if benchmark.clips:
        inputs.bool("as_videos", label="As videos, with the ground truth on their frames", default=False)
    if "negatives" in benchmark.options:
        inputs.bool("negatives", label="Add the pairs in which nothing sounds", default=False)
    if "index" in benchmark.options:
        inputs.str("index", label="Which list", description="If there are several", required=False)
    inputs.int("limit", label="Rows", description="Only the first so many, for a trial", required=False)


def _preview(inputs: types.Object, folder: str, choices: dict[str, Any]) -> None:
    """What would be imported, or why nothing can be."""
    try:
        lines = preview_import(folder, **choices).splitlines()
    except avs.AVSError as error:
        problem(inputs, "folder", str(error))
        return
    for index, line in enumerate(lines):
        remark(inputs, f"preview{index}", line, label="What is in it" if not index else "")


def _choices(params: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The folder, and the arguments of ``import_data``; what the layout has no use for is left out."""
    folder = (params.get("folder") or "").strip()
    name = (params.get("name") or "").strip() or None
    layout = params.get("layout") or params.get("kind") or "images"
    if layout not in BENCHMARKS:
        return folder, {"name": name, "kind": layout, "benchmark": params.get("benchmark")}
    benchmark = BENCHMARKS[layout]
    choices: dict[str, Any] = {"name": name, "benchmark": layout, "limit": params.get("limit") or None}
    if benchmark.splits and params.get("split") in (
        *benchmark.splits,
        ALL_SPLITS,
    ):  # or it is another benchmark's
        choices["split"] = params["split"]
    if benchmark.clips:
        choices["kind"] = "videos" if params.get("as_videos") else "images"
    choices |= {
        key: params[key] for key in ("negatives", "index") if key in benchmark.options and params.get(key)
    }
    return folder, choices


def _by_default(name: str | None) -> str:
    return f"By default {name}" if name else "By default the folder's or the benchmark's"
