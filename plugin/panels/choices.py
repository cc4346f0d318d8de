"""What is picked in the panel AVS Compare: drop-downs, and what their values mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fiftyone.operators import types

from fiftyone_avs.fo import EvaluationInfo, benchmark_of, list_evaluations

from ..forms import dropdown

ALL, SHOWN = "all", "shown"
NONE = "none"

CLASS_FIELD = "figures.by_class.class_field"
AXES = "figures.by_sample.axes"
"""Where in the panel these drop-downs are."""


def pick(
    ctx: Any,
    panel: types.Object,
    path: str,
    choices: dict[str, str],
    label: str,
    value: Any,
    then: Any,
    **options: Any,
) -> None:
    """A drop-down that renders the panel again.

    Its value is put into the panel's state rather than given as a default: the App reports a default that it
    fills in like a choice that somebody made.
    """
    if ctx.panel.state.get(path) != value:
        ctx.panel.state.set(path, value)
    chosen = dropdown(panel, path.rpartition(".")[2], choices, label=label, **options)
    chosen.on_change = then


def two_columns(panel: types.Object, name: str) -> types.Object:
    """A row of two parts of the same width, however narrow the panel is."""
    columns = {"display": "grid", "gridTemplateColumns": "minmax(0, 1fr) minmax(0, 1fr)"}
    return panel.h_stack(name, gap=2, componentsProps={"grid": {"sx": columns}})


def side_by_side(panel: types.Object, name: str) -> types.Object:
    """Parts below one another in a narrow panel, and beside one another as far as there is room."""
    columns = {
        "display": "grid",
        "gridTemplateColumns": "repeat(auto-fit, minmax(min(100%, 520px), 1fr))",
        "gridAutoFlow": "row",
    }
    return panel.h_stack(name, gap=2, componentsProps={"grid": {"sx": columns | {"alignItems": "start"}}})


def picked_evaluations(ctx: Any, infos: Sequence[EvaluationInfo]) -> list[EvaluationInfo]:
    """The evaluations that were picked, as far as they can be compared; else all of the group, else the newest's."""
    if not infos:
        return []
    state = ctx.panel.state
    wanted = set(state.get("chosen") or ())
    first = next((info for info in infos if info.key in wanted), infos[-1])
    group = (
        state.get("group")
        if state.get("group") in {info.group_label for info in infos}
        else first.group_label
    )
    members = [info for info in infos if info.group_label == group]
    return [info for info in members if info.key in wanted] or members


def picked_published(ctx: Any) -> str:
    """The benchmark that was picked, else the one that the dataset is known to be, else "none"."""
    return ctx.panel.state.get("samples_and_published.published") or benchmark_of(ctx.dataset) or NONE


def picked_class_field(ctx: Any, fields: Sequence[str]) -> str:
    """The class field that was picked, else that of the newest evaluation that names one, else the first."""
    named = [info.class_field for info in reversed(list_evaluations(ctx.dataset)) if info.class_field]
    return next(name for name in (ctx.panel.state.get(CLASS_FIELD), *named, *fields) if name in fields)


def picked_axes(ctx: Any) -> tuple[str, str]:
    """The two evaluations that were picked, else the best two."""
    state = ctx.panel.state
    ranked = list(state.get("ranked"))
    x, y = state.get(f"{AXES}.x"), state.get(f"{AXES}.y")
    return x if x in ranked else ranked[1], y if y in ranked else ranked[0]


def picked_scope(ctx: Any) -> str:
    """Whose numbers: ``ALL`` evaluated samples', or those of the samples ``SHOWN`` in the grid."""
    return ctx.panel.state.get("samples_and_published.scope") or ALL


def picked_iou(ctx: Any, chosen: Sequence[EvaluationInfo]) -> str:
    """Which IoU curves, classes and points are of: the mask's, unless the adaptive one was picked and is there."""
    adaptive = bool(chosen) and chosen[0].fields.iou_adaptive is not None
    return "adaptive" if adaptive and ctx.panel.state.get("iou") == "adaptive" else "mask"
