"""The panel AVS Compare: leaderboard, success rates, classes, and two evaluations sample by sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from fiftyone_avs import AVSError
from fiftyone_avs.fo import (
    IOU_LABELS,
    PUBLISHED_DATASETS,
    EvaluationInfo,
    browse_by_iou,
    class_standings,
    evaluation_colours,
    joint_scores,
    list_evaluations,
    rename_scores,
    sample_class_fields,
    serialized_view,
    standings,
    view_of_cell,
    view_of_class,
    view_of_range,
)

from ..forms import names
from .base import QuietPanel, in_one_column
from .board import called_after, show_earlier_names, show_leaderboard
from .choices import (
    ALL,
    AXES,
    CLASS_FIELD,
    NONE,
    SHOWN,
    pick,
    picked_axes,
    picked_class_field,
    picked_evaluations,
    picked_iou,
    picked_published,
    picked_scope,
    side_by_side,
    two_columns,
)
from .figures import MOST_CLASSES, class_bars, joint, success_curves
from .views import show, show_all, show_before, ways_back

WORST = 24
CELLS = 20
IOU_CHOICES = {"mask": "IoU of the masks", "adaptive": "adaptive IoU, which knows the answer's size"}
STORE, CHOSEN = "fiftyone_avs", "compared"

ABOUT = """\
cIoU: share of samples with an IoU of 0.5 or more. AUC: area under the success rate. Both, mIoU and F are
adaptive, as in the paper: of as many pixels as the ground truth has. J and F (threshold) judge the masks
themselves, as do curves, classes and points, unless the adaptive IoU is picked. IIoU and IAUC count a pair as its
worst sample. Under protocol avsbench J is at 0.5, and F at the best threshold of a video. Only evaluations of one
protocol, rule and ground truth are shown together.
"""

EMPTY = """\
### No evaluation yet

1. **AVS: segment sounding objects** makes masks (press `` ` `` and type AVS)
2. **AVS: evaluate against ground truth** scores them
3. then this panel compares them
"""


class AVSCompare(QuietPanel):
    """Evaluations side by side; a click shows the samples behind a number."""

    @property
    def config(self) -> foo.PanelConfig:
        """How FiftyOne lists it."""
        return foo.PanelConfig(
            "avs_compare",
            "AVS Compare",
            icon="leaderboard",
            surfaces="grid",
            help_markdown=ABOUT,
        )

    def on_load(self, ctx: Any) -> None:
        """Start with the evaluations that were asked for, else with all that are comparable."""
        state = ctx.panel.state
        wanted = ctx.store(STORE).get(CHOSEN)
        if wanted:
            state.chosen = wanted
            state.group = None
            ctx.store(STORE).delete(CHOSEN)
        state.message = ""

    def on_change_view(self, ctx: Any) -> None:
        """Rendering again is all there is to do: numbers may be of the samples shown."""

    def on_pick(self, ctx: Any) -> None:
        """Rendering again is all there is to do: the choices are in the panel's state."""

    def shown(self, ctx: Any) -> list[Any]:
        """What the drop-downs say, the evaluations there are, and the view if the numbers are of it."""
        infos = list_evaluations(ctx.dataset)
        chosen = [info.key for info in picked_evaluations(ctx, infos)]
        scope = picked_scope(ctx)
        view = serialized_view(ctx.view) if scope == SHOWN else None
        fields = sample_class_fields(ctx.dataset)
        classes = picked_class_field(ctx, fields) if fields else None
        axes = picked_axes(ctx) if len(ctx.panel.state.get("ranked") or ()) > 1 else None
        made = [f"{info.key} {info.created} {info.stale}" for info in infos]
        iou = picked_iou(ctx, picked_evaluations(ctx, infos))
        return [made, chosen, scope, str(view), picked_published(ctx), classes, axes, iou]

    def render(self, ctx: Any) -> types.Property:
        """The whole panel."""
        panel = types.Object()
        infos = list_evaluations(ctx.dataset) if ctx.dataset is not None else []
        if not infos:
            panel.md(EMPTY, name="empty")
            return in_one_column(panel)
        try:
            self._fill(ctx, panel, infos)
        except AVSError as error:
            panel.view("problem", types.Error(label="This cannot be shown", description=str(error)))
        return in_one_column(panel)

    def _fill(self, ctx: Any, panel: types.Object, infos: list[EvaluationInfo]) -> None:
        chosen = picked_evaluations(ctx, infos)
        self._drop_downs(ctx, panel, infos, chosen)
        samples = ctx.view if picked_scope(ctx) == SHOWN else ctx.dataset
        found = standings(samples, chosen)
        keys = [info.key for info in chosen]
        iou = picked_iou(ctx, chosen)
        ctx.panel.state.keys = keys
        called, colour = called_after(chosen), evaluation_colours(ctx.dataset, infos)
        show_leaderboard(ctx, panel, found, called, self.on_worst)
        show_earlier_names(panel, chosen, self.on_rename)
        ways_back(ctx, panel, self.show_all, self.show_before)
        if ctx.panel.state.get("message"):
            panel.md(ctx.panel.state.message, name="message_shown")
        if chosen[0].fields.iou_adaptive is not None:
            pick(ctx, panel, "iou", IOU_CHOICES, "Curves, classes and points by", iou, self.on_pick)
        figures = side_by_side(panel, "figures")
        traces, layout = success_curves(found, called, colour, iou)
        _figure(_part(figures, "rates"), "curve", "Success rate", traces, layout, self.on_curve)
        self._classes(ctx, figures, samples, chosen, called, colour)
        self.remember(ctx)
        if len(keys) > 1:
            self._joint(ctx, _part(figures, "by_sample"), samples, chosen, called)

    def _drop_downs(
        self, ctx: Any, panel: types.Object, infos: list[EvaluationInfo], chosen: list[EvaluationInfo]
    ) -> None:
        """What is compared, whose numbers are shown, and beside which published ones."""
        groups = [info.group_label for info in infos]
        label = chosen[0].group_label
        if len(set(groups)) > 1:
            pick(ctx, panel, "group", names(groups), "Comparable evaluations", label, self.on_pick)
        keys = [info.key for info in infos if info.group_label == label]
        pick(
            ctx,
            panel,
            "chosen",
            names(keys),
            "Evaluations",
            [info.key for info in chosen],
            self.on_pick,
            multiple=True,
        )
        row = two_columns(panel, "samples_and_published")
        scopes = {ALL: "all evaluated samples", SHOWN: "the samples shown"}
        pick(ctx, row, "samples_and_published.scope", scopes, "Numbers of", picked_scope(ctx), self.on_pick)
        published = {NONE: "none", **PUBLISHED_DATASETS}
        pick(
            ctx,
            row,
            "samples_and_published.published",
            published,
            "Published numbers",
            picked_published(ctx),
            self.on_pick,
        )

    def on_rename(self, ctx: Any) -> None:
        """Rename the fields of earlier evaluations."""
        done = rename_scores(ctx.dataset)
        ctx.ops.notify("; ".join(map(str, done)) or "nothing to rename", variant="success")
        ctx.ops.reload_dataset()

    def _classes(
        self,
        ctx: Any,
        figures: types.Object,
        samples: Any,
        chosen: Sequence[EvaluationInfo],
        called: dict[str, str],
        colour: dict[str, str],
    ) -> None:
        """Bars of the mean IoU per class."""
        fields = sample_class_fields(ctx.dataset)
        if not fields:
            return
        panel, field = _part(figures, "by_class"), picked_class_field(ctx, fields)
        pick(ctx, panel, CLASS_FIELD, names(fields), "Classes", field, self.on_pick)
        iou = picked_iou(ctx, chosen)
        found = class_standings(samples, chosen, field, iou=iou)
        if len(found) > MOST_CLASSES:
            panel.md(f"The {MOST_CLASSES} largest of {len(found)} classes are shown.", name="many_classes")
        traces, layout = class_bars(found, [info.key for info in chosen], called, colour, iou)
        _figure(panel, "classes", f"Mean {IOU_LABELS[iou]} by class", traces, layout, self.on_class)

    def _joint(
        self,
        ctx: Any,
        panel: types.Object,
        samples: Any,
        chosen: Sequence[EvaluationInfo],
        called: dict[str, str],
    ) -> None:
        """Two evaluations sample by sample."""
        keys = [info.key for info in chosen]
        x, y = picked_axes(ctx)
        row = two_columns(panel, "axes")
        pick(ctx, row, f"{AXES}.x", {key: called[key] for key in keys}, "Across", x, self.on_pick)
        pick(ctx, row, f"{AXES}.y", {key: called[key] for key in keys}, "Up", y, self.on_pick)
        scores = joint_scores(samples, x, y, bins=CELLS, iou=picked_iou(ctx, chosen))
        panel.md(
            f"{called[x]} is better on **{scores.x_better}** samples, {called[y]} on **{scores.y_better}**, equal"
            f" on {scores.equal}.",
            name="verdict",
        )
        traces, layout = joint(scores, called)
        _figure(panel, "scatter", "Sample by sample", traces, layout, self.on_joint)

    def on_worst(self, ctx: Any) -> None:
        """Show the worst samples of a row."""
        ranked = ctx.panel.state.get("ranked") or []
        row = ctx.params.get("row", 0)
        if row < len(ranked):
            view = browse_by_iou(ctx.dataset, ranked[row], limit=WORST, iou=self._iou(ctx))
            show(ctx, view, f"the worst of {ranked[row]}")

    def on_curve(self, ctx: Any) -> None:
        """Show the samples that miss a threshold."""
        keys, curve = ctx.panel.state.get("keys") or [], ctx.params.get("trace_idx", 0)
        threshold = float(ctx.params.get("x") or 0)
        if curve < len(keys) and threshold > 0:
            key = keys[curve]
            iou = self._iou(ctx)
            view = view_of_range(ctx.dataset, key, 0.0, threshold, iou=iou)
            show(ctx, view, f"{IOU_LABELS[iou]} below {threshold:.2f} under {key}")

    def on_class(self, ctx: Any) -> None:
        """Show the samples of a class."""
        label = ctx.params.get("x")
        field = picked_class_field(ctx, sample_class_fields(ctx.dataset))
        show(ctx, view_of_class(ctx.dataset, field, label), f"{field} {label!r}")

    def on_joint(self, ctx: Any) -> None:
        """Open the sample of a point, or show the samples of a cell."""
        sample_id, x, y = (ctx.params.get(name) for name in ("id", "x", "y"))
        if sample_id:
            ctx.ops.open_sample(id=sample_id)
        elif x is not None and y is not None:
            x_key, y_key = picked_axes(ctx)
            iou = self._iou(ctx)
            view = view_of_cell(ctx.dataset, x_key, y_key, _cell(x), _cell(y), iou=iou)
            show(ctx, view, f"{IOU_LABELS[iou]} near {x:.2f} and {y:.2f}")

    def _iou(self, ctx: Any) -> str:
        """Which IoU the figures are of."""
        return picked_iou(ctx, picked_evaluations(ctx, list_evaluations(ctx.dataset)))

    def show_all(self, ctx: Any) -> None:
        """All samples."""
        show_all(ctx)

    def show_before(self, ctx: Any) -> None:
        """The view and the filters that were there before the first click."""
        show_before(ctx)


def _figure(
    panel: types.Object, name: str, title: str, traces: list[Any], layout: dict[str, Any], on_click: Any
) -> None:
    panel.md(f"**{title}**", name=f"{name}_title")
    panel.plot(
        name, data=traces, layout=layout, on_click=on_click, height="380px", config={"scrollZoom": False}
    )


def _part(figures: types.Object, name: str) -> types.Object:
    """The place of a figure and what is chosen for it, one below the other."""
    narrow = {"display": "grid", "gridTemplateColumns": "minmax(0, 1fr)"}
    return figures.v_stack(name, gap=1, componentsProps={"grid": {"sx": narrow}})


def _cell(centre: float) -> tuple[float, float]:
    """The edges of a cell of ``joint_scores`` by its centre."""
    low = int(centre * CELLS)
    return low / CELLS, (low + 1) / CELLS
