"""Import a folder, export a run, make review clips."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fiftyone.operators import types

import fiftyone_avs as avs
from fiftyone_avs.integrations import check_import, check_output, list_evaluations
from fiftyone_avs.published import PUBLISHED_DATASETS

from ..forms import check, default_of, dropdown, mask_fields, names
from .base import AVSOperator, LongOperator, follow, show_results
from .runs import choose_run

KINDS = {
    "images": "pictures with sounds: img/, wav/ and, if there, gt_seg/",
    "videos": "videos, in the folder or in its folder videos/",
}
SHOWN_REASONS = 100


class ImportDataset(AVSOperator):
    """Makes a dataset of a folder and opens it."""

    uri_name = "import_avs_dataset"
    title = "Import a folder"
    about = "A new dataset of pictures with sounds (and ground truth), or of videos"
    icon = "drive_folder_upload"

    def fill_form(self, ctx: Any, inputs: types.Object) -> None:
        """Which folder, as what, under which name."""
        inputs.str("folder", label="Folder", description="On the machine where FiftyOne runs", required=True)
        dropdown(inputs, "kind", KINDS, label="What is in it", default="images")
        inputs.str("name", label="Name of the dataset", description="By default the folder's", required=False)
        dropdown(
            inputs,
            "benchmark",
            PUBLISHED_DATASETS,
            label="Benchmark",
            description="If it is one of these, published numbers are shown beside yours",
        )
        folder, name = _folder_and_name(ctx.params)
        if folder:
            check(inputs, "folder", lambda: check_import(folder, name))

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Import it; files that lack their partner are named in a notification."""
        folder, name = _folder_and_name(ctx.params)
        kind, benchmark = ctx.params.get("kind") or "images", ctx.params.get("benchmark")
        report = avs.import_folder(folder, name=name, kind=kind, benchmark=benchmark)
        for note in report.notes:
            ctx.ops.notify(note, variant="warning")
        ctx.ops.notify(str(report), variant="success")
        ctx.ops.open_dataset(name)
        return {"dataset": name, "samples": len(report.dataset), "notes": list(report.notes)}


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


class MakeReviewClips(LongOperator):
    """Makes clips with the mask over the picture, its texts and its sound."""

    uri_name = "make_review_clips"
    title = "Make review clips"
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
            return avs.review_clip(
                samples,
                params["run"],
                params["out"],
                gt=params.get("gt"),
                eval_key=params.get("eval_key"),
                overwrite=bool(params.get("overwrite")),
                progress=progress,
            )

        yield from report(ctx, (yield from follow(ctx, work, f"clips of {params['run']}")))


def out_field(ctx: Any, inputs: types.Object) -> None:
    """The folder to write to; one that holds something must be meant."""
    inputs.str(
        "out", label="Folder to write to", description="On the machine where FiftyOne runs", required=True
    )
    inputs.bool("overwrite", label="Write into a folder that holds something already", default=False)
    out = (ctx.params.get("out") or "").strip()
    if out:
        check(inputs, "out", lambda: check_output(out, overwrite=bool(ctx.params.get("overwrite"))))


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


def _folder_and_name(params: dict[str, Any]) -> tuple[str, str]:
    folder = (params.get("folder") or "").strip()
    return folder, (params.get("name") or "").strip() or Path(folder).expanduser().name
