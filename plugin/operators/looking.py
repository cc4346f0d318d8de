"""Compare strategies, browse by IoU, and the panel of a single sample."""

from __future__ import annotations

from typing import Any

from fiftyone.operators import types

import fiftyone_avs as avs
from fiftyone_avs.fo import check_browse, list_evaluations

from ..forms import absent, dropdown, names, show_findings
from .base import AVSOperator

IOU_CHOICES = {
    "mask": "IoU of the masks",
    "adaptive": "adaptive IoU: the paper's, of as many pixels as the ground truth has",
}
NO_EVALUATION = "Run 'Evaluate against ground truth' first"


class CompareStrategies(AVSOperator):
    """Opens the panel AVS Compare on chosen evaluations."""

    uri_name = "compare_strategies"
    title = "Compare strategies"
    about = "Leaderboard, success rates, classes and sample by sample, in the panel AVS Compare"
    icon = "leaderboard"

    def resolve_placement(self, ctx: Any) -> types.Placement:
        """A button above the grid."""
        button = types.Button(label=self.title, icon=self.icon, prompt=True)
        return types.Placement(types.Places.SAMPLES_GRID_SECONDARY_ACTIONS, button)

    def fill_form(self, ctx: Any, inputs: types.Object) -> None:
        """Which evaluations."""
        keys = [info.key for info in list_evaluations(ctx.dataset)]
        if not keys:
            absent(inputs, "evaluation", NO_EVALUATION)
            return
        dropdown(inputs, "eval_keys", names(keys), label="Evaluations", default=keys, multiple=True)

    def execute(self, ctx: Any) -> None:
        """Remember the choice where the panel looks for it, and open the panel."""
        ctx.store("fiftyone_avs").set("compared", ctx.params.get("eval_keys"))
        ctx.ops.open_panel("avs_compare", layout="horizontal", is_active=True)


class BrowseByIoU(AVSOperator):
    """Sorts and filters the grid by the scores of an evaluation."""

    uri_name = "browse_by_iou"
    title = "Browse by IoU"
    about = "The worst, the best, or all samples between two IoUs, sorted, and saved as a view if you like"
    icon = "sort"

    def fill_form(self, ctx: Any, inputs: types.Object) -> None:
        """Which scores, which samples, and the view's name."""
        keys = [info.key for info in list_evaluations(ctx.dataset)]
        if not keys:
            absent(inputs, "evaluation", NO_EVALUATION)
            return
        inputs.view_target(ctx, action_description="Browse")
        dropdown(inputs, "eval_key", names(keys), label="Evaluation", default=keys[-1])
        dropdown(
            inputs, "order", {"worst": "worst first", "best": "best first"}, label="Order", default="worst"
        )
        dropdown(inputs, "iou", IOU_CHOICES, label="By", default="mask")
        inputs.float("low", label="IoU of at least", required=False, min=0, max=1)
        inputs.float("high", label="IoU of at most", required=False, min=0, max=1)
        inputs.int("limit", label="At most so many samples", required=False, min=1)
        inputs.str("save_as", label="Save the view as", required=False)
        inputs.bool("overwrite", label="Replace a saved view of that name", default=False)
        found = check_browse(ctx.target_view(), **_browsed(ctx, keys))
        show_findings(inputs, found, {"name": "save_as"})

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Show the view in the grid."""
        keys = [info.key for info in list_evaluations(ctx.dataset)]
        view = avs.browse_by_iou(ctx.target_view(), **_browsed(ctx, keys))
        ctx.ops.set_view(view)
        count = len(view)
        ctx.ops.notify(
            f"{count} sample{'' if count == 1 else 's'}", variant="success" if count else "warning"
        )
        return {"count": count}


def _browsed(ctx: Any, keys: list[str]) -> dict[str, Any]:
    """The arguments of ``browse_by_iou``."""
    params = ctx.params
    names = ("order", "low", "high", "limit", "iou")
    given = {name: params[name] for name in names if params.get(name) is not None}
    return given | {
        "eval_key": params.get("eval_key") or (keys[-1] if keys else ""),
        "name": (params.get("save_as") or "").strip() or None,
        "overwrite": bool(params.get("overwrite")),
    }


class OpenAVSSample(AVSOperator):
    """Opens the panel AVS Sample beside the sample that is looked at."""

    uri_name = "open_avs_sample"
    title = "Show sound, masks and texts"
    about = "Opens the panel AVS Sample"
    icon = "hearing"

    def resolve_placement(self, ctx: Any) -> types.Placement:
        """A button in the view of a single sample."""
        button = types.Button(label=self.title, icon=self.icon, prompt=False)
        return types.Placement(types.Places.SAMPLES_VIEWER_ACTIONS, button)

    def execute(self, ctx: Any) -> None:
        """Open the panel."""
        ctx.ops.open_panel("avs_sample", layout="horizontal", is_active=True)
