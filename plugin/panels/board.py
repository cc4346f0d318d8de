"""The leaderboard of the panel AVS Compare: its columns and rows from what the package computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fiftyone_avs.fo import PROTOCOLS, EvaluationInfo, PublishedRow, Standing

SHORT = {
    "J (threshold)": "J",
    "F (threshold)": "F thr.",
    "F (per video)": "F / video",
    "F (whole set)": "F whole",
}
"""Headings that are too long for a narrow panel."""

OTHER_PROTOCOL = "Published numbers have another protocol"
"""Said where published rows would mislead."""


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
    return f"{counts or one.summary.n}{f'; {one.coverage}' if one.coverage else ''}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"
