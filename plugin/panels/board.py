"""The leaderboard of the panel AVS Compare: a table from what the package computed, and what must be known of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fiftyone.operators import types

from fiftyone_avs.fo import (
    PROTOCOLS,
    PUBLISHED_DATASETS,
    EvaluationInfo,
    PublishedRow,
    Standing,
    metrics_of_all,
    published_rows,
)

from ..operators.base import table
from .choices import picked_published

SHORT = {
    "J (threshold)": "J",
    "F (threshold)": "F thr.",
    "F (per video)": "F / video",
    "F (whole set)": "F whole",
}
"""Headings that are too long for a narrow panel."""

OTHER_PROTOCOL = "Published numbers have another protocol"
"""Said where published rows would mislead."""

EARLIER = "The numbers here are right, but in the sidebar the fields have the names of version 0.1: "


def show_leaderboard(
    ctx: Any, panel: types.Object, found: Sequence[Standing], called: Mapping[str, str], on_click: Any
) -> None:
    """Own rows, best in the first column first, then the published ones; a click on a row calls ``on_click``."""
    info = found[0].evaluation
    panel.md(f"Scores x 100: {info.group_label}", name="title")
    metrics = metrics_of_all([one.evaluation for one in found])
    best_first = ranked(found, metrics)
    benchmark = picked_published(ctx)
    published = published_rows(benchmark) if benchmark in PUBLISHED_DATASETS else []
    if published and not comparable(info, published[0]):
        about = other_protocol(published[0])
        panel.view("other_protocol", types.Warning(label=OTHER_PROTOCOL, description=about))
        published = []
    board = table(columns(metrics), on_click_row=on_click)
    ctx.panel.state.ranked = [one.evaluation.key for one in best_first]
    rows = [*own_rows(best_first, called, metrics), *rows_of_published(published, metrics)]
    panel.list("leaderboard", types.Object(), view=board, default=rows)
    if stale := stale_scores(best_first, called):
        about = f"{stale}. Evaluate again"
        panel.view("stale_scores", types.Warning(label="Some scores are stale", description=about))
    if blank := never_on_views(info, metrics):
        panel.md(blank, name="not_on_views")
    panel.md("A row, a curve or a bar leads to the samples behind it; a point opens its sample.", name="hint")


def show_earlier_names(panel: types.Object, chosen: Sequence[EvaluationInfo], on_rename: Any) -> None:
    """Say which evaluations have fields of other names than today's, and offer to rename them."""
    earlier = [info for info in chosen if info.naming == "adaptive"]
    if earlier:
        about = ", ".join(f"{info.fields.iou_adaptive} is adaptive" for info in earlier)
        panel.view(
            "earlier", types.Warning(label="Scores of an earlier version", description=EARLIER + about)
        )
        panel.btn("rename", "Give their fields today's names", on_click=on_rename, variant="outlined")


def columns(metrics: Mapping[str, str]) -> dict[str, str]:
    """Field -> heading."""
    headings = {name: SHORT.get(label, label) for name, label in metrics.items()}
    return {"name": "Evaluation", **headings, "samples": "Samples"}


def called_after(infos: Sequence[EvaluationInfo]) -> dict[str, str]:
    """What evaluations are called: by their runs, or by their keys where these repeat."""
    runs = [info.run for info in infos]
    return {info.key: info.run if runs.count(info.run) == 1 else info.key for info in infos}


def ranked(found: Sequence[Standing], metrics: Mapping[str, str]) -> list[Standing]:
    """The best in the first column first."""
    first = next(iter(metrics))
    return sorted(found, key=lambda one: -(one.scores[first] or 0))


def own_rows(
    ranked: Sequence[Standing], called: Mapping[str, str], metrics: Mapping[str, str]
) -> list[dict[str, Any]]:
    """A row per evaluation."""
    return [
        {
            "name": called[one.evaluation.key],
            **{name: _percent(one.scores.get(name)) for name in metrics},
            "samples": _counts(one),
        }
        for one in ranked
    ]


def comparable(info: EvaluationInfo, row: PublishedRow) -> bool:
    """Whether a published row was made under the same protocol and rule."""
    return (info.protocol, info.adaptive_rule) == (row.protocol, row.adaptive_rule)


def other_protocol(row: PublishedRow) -> str:
    """Why published rows are not shown."""
    return (
        f"They are made with protocol {row.protocol} and adaptive rule {row.adaptive_rule}; evaluate with these to"
        " compare"
    )


def rows_of_published(published: Sequence[PublishedRow], metrics: Mapping[str, str]) -> list[dict[str, Any]]:
    """A row per published one; a number that the paper does not print is blank."""
    return [
        {
            "name": f"{row.name} (published)",
            **{name: _percent(getattr(row, name, None)) for name in metrics},
            "samples": f"{row.source}{'; ' + row.note if row.note else ''}",
        }
        for row in published
    ]


def stale_scores(found: Sequence[Standing], called: Mapping[str, str]) -> str:
    """Which rows are not of their runs as they are now, and why; "" if all are."""
    return "; ".join(
        f"{called[one.evaluation.key]}: {one.evaluation.stale}" for one in found if one.evaluation.stale
    )


def never_on_views(info: EvaluationInfo, metrics: Mapping[str, str]) -> str:
    """Why columns are blank; "" if none is."""
    blank = [label for name, label in metrics.items() if name in PROTOCOLS[info.protocol].not_on_views]
    if not blank:
        return ""
    return (
        f"{', '.join(blank)}: of whole evaluations only, in their reports and in FiftyOne's Model Evaluation."
    )


def _counts(one: Standing) -> str:
    counts = ", ".join(f"{number} {status}" for status, number in one.counts.items() if number)
    if one.evaluation.stale:
        return f"{one.summary.n}, stale"  # how the run's predictions ended is known of now only
    return f"{counts or one.summary.n}{f'; {one.coverage}' if one.coverage else ''}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"
