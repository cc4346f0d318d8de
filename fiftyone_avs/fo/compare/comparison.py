"""Evaluations side by side: a table, a CSV file and a figure."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.fo.evaluate.results import AVSResults, describe_rules, metrics_of_all, truth_of
from fiftyone_avs.fo.evaluate.scoring import STATUSES
from fiftyone_avs.fo.runs.changes import UNFINISHED
from fiftyone_avs.fo.schema.eval_fields import IOU_LABELS, IoUKind
from fiftyone_avs.metrics import METRICS, PROTOCOLS, EvaluationSummary, success_rate

BEST = "*"

CURVE_THRESHOLDS = tuple(step / 100 for step in range(101))


@dataclass(frozen=True)
class ComparisonRow:
    """One evaluation of a comparison.

    Attributes:
        name: how it is called.
        summary: its numbers.
        counts: how its predictions ended.
        threshold: of its masks.
        ious: the IoU of the mask of every sample that counts.
        ids: the samples or frames that were scored.
        ious_adaptive: the adaptive IoU of every sample that has one; empty under the protocol "avsbench".
        coverage: how much of the ground truth it covers, in words; "" for all of it.
    """

    name: str
    summary: EvaluationSummary
    counts: dict[str, int]
    threshold: float
    ious: tuple[float, ...]
    ids: frozenset[str]
    ious_adaptive: tuple[float, ...] = ()
    coverage: str = ""


@dataclass(frozen=True)
class Comparison:
    """Evaluations under the same protocol, rule and ground truth.

    Attributes:
        rows: one per evaluation, in the order they were given.
        title: names the protocol, the adaptive rule and the ground truth.
        notes: what a reader must know.
        protocol: of all rows.
        metrics: the numbers shown: attributes of the rows' summaries and how tables call them.
    """

    rows: tuple[ComparisonRow, ...]
    title: str
    notes: tuple[str, ...]
    protocol: str = "baav"
    metrics: Mapping[str, str] = field(default_factory=lambda: dict(METRICS))

    def to_text(self) -> str:
        """An aligned table: scores times 100, the best of each column marked, and the counts."""
        header = ["", *self.metrics.values(), "threshold", *STATUSES]
        best = {metric: self._best(metric) for metric in self.metrics}
        table = [header]
        for row in self.rows:
            cells = [row.name]
            for metric in self.metrics:
                value = _score(row, metric)
                mark = BEST if value == best[metric] else " "
                cells.append("- " if math.isnan(value) else f"{value:.1f}{mark}")
            cells += [f"{row.threshold:g}", *(str(row.counts[status]) for status in STATUSES)]
            table.append(cells)
        widths = [max(len(line[column]) for line in table) for column in range(len(header))]
        lines = [
            "  ".join(
                cell.ljust(width) if column == 0 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in table
        ]
        return "\n".join([f"{self.title}; scores x 100, {BEST} best", *lines, *self.notes])

    def to_csv(self, path: str | Path) -> None:
        """Write one line per evaluation: scores as fractions in full precision, and the counts."""
        numbers = [one.name for one in fields(self.rows[0].summary) if one.name.partition("_")[0] == "n"]
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["name", "protocol", *self.metrics, *numbers, "threshold", *STATUSES])
            for row in self.rows:
                scores = [getattr(row.summary, metric) for metric in self.metrics]
                plain = ["" if math.isnan(value) else repr(value) for value in scores]
                counts = [row.counts[status] for status in STATUSES]
                of = [getattr(row.summary, name) for name in numbers]
                writer.writerow([row.name, self.protocol, *plain, *of, row.threshold, *counts])

    def plot(self, path: str | Path, *, iou: IoUKind = "mask") -> None:
        """Draw the share of samples over the IoU threshold, and bars of the scores, into a file.

        Args:
            path: of the file; its ending says in which format.
            iou: "mask" for the IoU of the masks, "adaptive" for the paper's.

        Raises:
            ConfigurationError: if the protocol has no such IoU.
        """
        if iou == "adaptive" and not PROTOCOLS[self.protocol].adaptive:
            raise ConfigurationError(f"protocol {self.protocol} has no adaptive IoU; take iou='mask'")
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(12, 4.5), layout="constrained")
        FigureCanvasAgg(figure)
        curve, bars = figure.subplots(1, 2)
        width = 0.8 / len(self.rows)
        for index, row in enumerate(self.rows):
            ious = row.ious if iou == "mask" else row.ious_adaptive
            shares = [100 * success_rate(ious, threshold) for threshold in CURVE_THRESHOLDS]
            curve.plot(CURVE_THRESHOLDS, shares, label=row.name)
            places = [
                place + (index - (len(self.rows) - 1) / 2) * width for place in range(len(self.metrics))
            ]
            bars.bar(places, [_score(row, metric) for metric in self.metrics], width, label=row.name)
        curve.set(xlabel=f"{IOU_LABELS[iou]} of at least", ylabel="samples (%)", xlim=(0, 1), ylim=(0, 102))
        curve.legend()
        curve.grid(alpha=0.3)
        bars.set_xticks(
            range(len(self.metrics)),
            [label.replace(" ", "\n") for label in self.metrics.values()],
            fontsize="small",
        )
        bars.set(ylabel="score (x 100)", ylim=(0, 102))
        bars.grid(axis="y", alpha=0.3)
        figure.suptitle(self.title)
        figure.savefig(path, dpi=120)

    def __str__(self) -> str:
        return self.to_text()

    def _best(self, metric: str) -> float | None:
        """The highest value of a column, or None if there is nothing to choose from."""
        values = [value for row in self.rows if not math.isnan(value := _score(row, metric))]
        return max(values) if len(values) > 1 else None


def compare(
    evaluations: Sequence[AVSResults], *, names: Sequence[str] | None = None, ok_only: bool = False
) -> Comparison:
    """Put evaluations side by side.

    Args:
        evaluations: what ``evaluate`` or ``dataset.load_evaluation_results`` returned.
        names: how to call them; by default the evaluated fields.
        ok_only: score only predictions with the status "ok", each run on its own ones.

    Raises:
        ConfigurationError: if there are none, one was interrupted (None), or they differ in protocol, adaptive rule
            or ground truth, so that their numbers cannot be compared.
    """
    if not evaluations:
        raise ConfigurationError("there is nothing to compare: pass one evaluation or more")
    unfinished = [number for number, one in enumerate(evaluations, start=1) if one is None]
    if unfinished:
        raise ConfigurationError(
            f"evaluation {unfinished[0]} of {len(evaluations)} is unfinished: {UNFINISHED}; evaluate again"
        )
    configs = [evaluation.config for evaluation in evaluations]
    _check_alike(configs)
    if names is None:
        names = [evaluation.config.pred_field for evaluation in evaluations]
        if len(set(names)) < len(names):
            names = [str(evaluation.key) for evaluation in evaluations]
    if len(names) != len(evaluations):
        raise ConfigurationError(f"{len(names)} names for {len(evaluations)} evaluations")
    rows = tuple(_row(evaluation, name, ok_only) for evaluation, name in zip(evaluations, names, strict=True))
    config = configs[0]
    title = describe_rules(config)
    return Comparison(
        rows,
        f"{title[:1].upper()}{title[1:]}, ground truth {truth_of(config)}",
        (*_notes(rows, ok_only, config.protocol), *_stale(names, evaluations)),
        config.protocol,
        metrics_of_all(configs),
    )


def _check_alike(configs: Sequence[Any]) -> None:
    """Refuse evaluations whose numbers do not mean the same."""
    for what, values in {
        "protocol": [config.protocol for config in configs],
        "adaptive_rule": [config.adaptive_rule for config in configs],
        "ground truth": [truth_of(config) for config in configs],
        "video_field": [config.video_field for config in configs],
    }.items():
        different = sorted({str(value) for value in values})
        if len(different) > 1:
            raise ConfigurationError(
                f"these evaluations differ in {what} ({', '.join(different)}), so their numbers cannot be"
                " compared; evaluate again with the same"
            )


def _row(evaluation: AVSResults, name: str, ok_only: bool) -> ComparisonRow:
    rows = [row for row in evaluation.rows if not ok_only or row[1] == "ok"]
    adaptive = PROTOCOLS[evaluation.config.protocol].adaptive
    return ComparisonRow(
        name=name,
        summary=evaluation.ok_summary if ok_only else evaluation.summary,
        counts=evaluation.counts,
        threshold=float(evaluation.config.threshold),
        ious=tuple(row[4] for row in rows),
        ids=frozenset(row[0] for row in rows),
        ious_adaptive=tuple(row[2] for row in rows if row[2] is not None) if adaptive else (),
        coverage=evaluation.coverage,
    )


def _notes(rows: Sequence[ComparisonRow], ok_only: bool, protocol: str) -> tuple[str, ...]:
    notes = [PROTOCOLS[protocol].note]
    if ok_only:
        notes.append("Only predictions with the status ok are scored.")
    else:
        notes.append("Failed and abstained predictions count as empty masks.")
    notes += [f"{row.name} {row.coverage}" for row in rows if row.coverage]
    if len({row.ids for row in rows}) > 1:
        notes.append("CAUTION: the evaluations cover different samples.")
    return tuple(notes)


def _stale(names: Sequence[str], evaluations: Sequence[AVSResults]) -> list[str]:
    """A note on each evaluation whose run has changed since."""
    found = [(name, one.stale) for name, one in zip(names, evaluations, strict=True)]
    return [f"STALE: {name}: {reason}; evaluate again." for name, reason in found if reason]


def _score(row: ComparisonRow, metric: str) -> float:
    """A number of a row times 100, rounded as it is shown, so that ties are marked alike."""
    value: float = getattr(row.summary, metric)
    return value if math.isnan(value) else round(100 * value, 1)
