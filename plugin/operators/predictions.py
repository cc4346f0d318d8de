"""Import predictions of other programs: the form of ``fiftyone_avs.import_predictions``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fiftyone as fo
from fiftyone.operators import types

from fiftyone_avs.fo import check_predictions, import_predictions, show_runs

from ..forms import default_of, dropdown, mask_fields, names, show_findings
from .base import LongOperator, bring_up_to_date, follow
from .files import report
from .segment_fields import overwrite_fields, typed_overwrite

ACTIVATIONS = {
    "none": "none: values lie in [0, 1], or fill the range of 8 or 16 bits",
    "sigmoid": "sigmoid: raw scores of floating point (NPY)",
    "minmax": "minmax: each map is stretched from 0 to 1",
}


class ImportPredictions(LongOperator):
    """Makes a run of the masks or soft maps in a folder."""

    uri_name = "import_avs_predictions"
    title = "Import predictions"
    about = "Masks or soft maps of another program as a run, to be evaluated and shown beside others"
    icon = "layers"

    def fill_form(self, ctx: Any, inputs: types.Object) -> None:
        """Which files, as which run, and how to read them."""
        inputs.view_target(ctx, action_description="Import")
        inputs.str("folder", label="Folder", description="On the machine where FiftyOne runs", required=True)
        inputs.str("run", label="Run key", description="Names the fields of the results", required=True)
        inputs.str("source", label="Where they come from", description="For the record", required=False)
        dropdown(inputs, "activation", ACTIVATIONS, label="What the values are", default="none")
        inputs.float("threshold", label="Mask threshold", default=0.5, min=0, max=1)
        inputs.int(
            "first_frame",
            label="Number of a video's first frame",
            description="In the files' names; 0 for what AVSBench's code writes. Empty takes numbers as they are",
            required=False,
            min=0,
        )
        if ctx.dataset.media_type == "video":
            truths = mask_fields(ctx.dataset)
            gt = default_of(truths, "frames.ground_truth")
            dropdown(
                inputs, "gt", names(truths), label="Ground truth, whose frames the files number", default=gt
            )
        fields = [name for name in ctx.dataset.get_field_schema(ftype=fo.StringField) if name != "filepath"]
        fields = [name for name in fields if not name.endswith("_status")]
        dropdown(
            inputs,
            "name_field",
            names(fields),
            label="Field with the files' names",
            description="By default sample_name, the picture's path or the sound's",
        )
        given = _arguments(ctx.params)
        overwrite_fields(ctx, inputs, [given["run"]])
        if given["folder"] and given["run"]:
            show_findings(inputs, check_predictions(ctx.target_view(), **given))

    def steps(self, ctx: Any) -> Iterator[Any]:
        """Read and store the files."""
        samples, arguments = ctx.target_view(), _arguments(ctx.params)

        def work(progress: Any) -> Any:
            return import_predictions(samples, **arguments, progress=progress)

        summary = yield from follow(ctx, work, f"importing {arguments['run']}")
        if ctx.delegated:
            return
        yield bring_up_to_date(ctx, show_runs(ctx.dataset, [summary.run]))
        for note in summary.notes:
            yield ctx.ops.notify(note, variant="warning")
        yield from report(ctx, summary)


def _arguments(params: dict[str, Any]) -> dict[str, Any]:
    """The arguments of ``import_predictions``; what the form did not say takes the function's own default."""
    optional = ("gt", "source", "activation", "threshold", "first_frame", "name_field", "output_dir")
    given = {name: params[name] for name in optional if params.get(name) not in (None, "")}
    return given | {
        "folder": (params.get("folder") or "").strip(),
        "run": (params.get("run") or "").strip(),
        "overwrite": typed_overwrite(params),
    }
