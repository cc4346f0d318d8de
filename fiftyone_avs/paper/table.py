"""A reproduced table: our rows beside the published ones, as text, Markdown and CSV."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from fiftyone_avs.metrics import METRICS, EvaluationSummary
from fiftyone_avs.paper.plan import BEST, STRATEGIES, TableEntry
from fiftyone_avs.paper.published import PublishedRow, published_rows


class ScoredRun(Protocol):
    """What a row takes from the results of an evaluation, such as ``fiftyone_avs.AVSResults``."""

    config: Any

    @property
    def summary(self) -> EvaluationSummary:
        """The numbers of the run."""
        ...

    @property
    def counts(self) -> Mapping[str, int]:
        """How its samples ended."""
        ...

    @property
    def metrics_shown(self) -> Mapping[str, str]:
        """The numbers that it gives: attributes of the summary and how tables call them."""
        ...


@dataclass(frozen=True)
class ReproducedRow:
    """One row of a table: what we got, and what is published.

    Attributes:
        name: as the paper calls it, or the user's name for what the paper has no row of.
        run: the key of our run; None if there is none.
        summary: our numbers; None if there is no run.
        counts: how our run's samples ended.
        threshold: of our masks.
        published: the paper's row, if it has one.
        reason: why there are no numbers of ours, or "".
        beyond: our metrics that the paper's tables lack: attribute of the summary -> how tables call it.
    """

    name: str
    run: str | None = None
    summary: EvaluationSummary | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    threshold: float | None = None
    published: PublishedRow | None = None
    reason: str = ""
    beyond: Mapping[str, str] = field(default_factory=dict)

    @property
    def incomplete(self) -> bool:
        """Whether a run was asked for and could not be made, or some of its samples failed."""
        return (self.run is not None and self.summary is None) or self.counts.get("failed", 0) > 0

    def ours(self) -> list[float | None]:
        """Our six numbers in the order of ``METRICS``, times 100; None where there is none."""
        if self.summary is None:
            return [None] * len(METRICS)
        values = [100 * float(getattr(self.summary, metric)) for metric in METRICS]
        return [None if math.isnan(value) else value for value in values]

    def printed(self) -> list[float | None]:
        """The paper's six numbers likewise."""
        if self.published is None:
            return [None] * len(METRICS)
        return [100 * float(getattr(self.published, metric)) for metric in METRICS]

    def differences(self) -> list[float | None]:
        """Ours minus the paper's, in points; None where one is missing."""
        pairs = zip(self.ours(), self.printed(), strict=True)
        return [None if ours is None or printed is None else ours - printed for ours, printed in pairs]


@dataclass(frozen=True)
class Reproduction:
    """A table of the paper, made again.

    Attributes:
        title: which table of which data set, and how it was evaluated.
        rows: in the order of the paper's table, rows that it does not have last.
        notes: what a reader must know.
        dataset: the name of the FiftyOne dataset with all runs.
        files: what was written: the table as CSV and Markdown, and the plot if there is one.
    """

    title: str
    rows: tuple[ReproducedRow, ...]
    notes: tuple[str, ...]
    dataset: str
    files: tuple[Path, ...] = ()

    def to_text(self) -> str:
        """An aligned table, three lines per row: ours, published, difference; scores times 100."""
        header = ["", "", *METRICS.values()]
        table = [header, *([*names, *values] for names, values in self._lines())]
        widths = [max(len(line[column]) for line in table) for column in range(len(header))]
        lines = [
            "  ".join(
                cell.ljust(width) if column < 2 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in table
        ]
        return "\n".join([f"{self.title}; scores x 100", *lines, *self.remarks()])

    def to_markdown(self) -> str:
        """The same as a Markdown table, for a report."""
        header = ["", "", *METRICS.values()]
        lines = [_pipes(header), _pipes(["---", "---", *("---:" for _ in METRICS)])]
        lines += [_pipes([*names, *values]) for names, values in self._lines()]
        remarks = [f"- {remark}" for remark in self.remarks()]
        return "\n".join([f"## {self.title}", "", "Scores x 100.", "", *lines, "", *remarks]) + "\n"

    def to_csv(self, path: str | Path) -> None:
        """Write one line per row and origin (ours, published): scores as fractions in full precision, counts."""
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            counts = ("ok", "abstained", "failed", "missing")
            writer.writerow(["name", "origin", "run", *METRICS, "n", "threshold", *counts, "note"])
            for row in self.rows:
                if row.summary is not None:
                    scores = [_exact(getattr(row.summary, metric)) for metric in METRICS]
                    ended = [row.counts.get(status, 0) for status in counts]
                    writer.writerow(
                        [row.name, "ours", row.run, *scores, row.summary.n, row.threshold, *ended, ""]
                    )
                elif row.reason:
                    blanks = [""] * (len(METRICS) + 2 + len(counts))
                    writer.writerow([row.name, "ours", "", *blanks, row.reason])
                if row.published is not None:
                    scores = [_exact(getattr(row.published, metric)) for metric in METRICS]
                    blanks = [""] * (2 + len(counts))
                    writer.writerow([row.name, "published", "", *scores, *blanks, row.published.note])

    def cells(self) -> list[dict[str, str]]:
        """The table's lines for a grid: "name", "origin" and the metrics, as they are shown."""
        return [
            {"name": name, "origin": origin, **dict(zip(METRICS, values, strict=True))}
            for (name, origin), values in self._lines()
        ]

    def __str__(self) -> str:
        return self.to_text()

    def _lines(self) -> Iterator[tuple[tuple[str, str], list[str]]]:
        """The table's lines: row and origin, and their numbers as they are shown."""
        for row in self.rows:
            yield (row.name, "ours"), [_shown(value) for value in row.ours()]
            if row.published is not None:
                yield ("", "published"), [_shown(value) for value in row.printed()]
            if row.published is not None and row.summary is not None:
                yield ("", "difference"), [_shown(value, sign="+") for value in row.differences()]

    def remarks(self) -> list[str]:
        """Counts and thresholds of our runs, reasons, footnotes of the paper's rows, and the notes."""
        remarks = []
        for row in self.rows:
            if row.summary is not None:
                ended = ", ".join(f"{number} {status}" for status, number in row.counts.items() if number)
                numbers = [
                    f"{title} {_shown(100 * float(getattr(row.summary, metric)))}"
                    for metric, title in row.beyond.items()
                ]
                beyond = f"; beyond the paper: {', '.join(numbers)}" if numbers else ""
                remarks.append(
                    f"{row.name}: run {row.run!r}, n = {row.summary.n} ({ended}), threshold {row.threshold:g}{beyond}"
                )
            if row.reason:
                remarks.append(f"{row.name}: {row.reason}")
            if row.published is not None and row.published.note:
                remarks.append(f"{row.name}, published: {row.published.note}")
        return [*remarks, *self.notes]


def gather_rows(
    table: int,
    benchmark: str,
    entries: Sequence[TableEntry],
    done: Mapping[str, ScoredRun],
    reasons: Mapping[str, str],
) -> tuple[ReproducedRow, ...]:
    """Our rows beside the paper's; the paper's alone where we have none; ours alone last."""
    published = [row for row in published_rows(benchmark) if row.table == table]
    if table == 2:  # the paper prints its own best in Table 1
        published += [
            row for row in published_rows(benchmark) if (row.table, row.name) == (1, STRATEGIES[BEST])
        ]
    names = list(dict.fromkeys([row.name for row in published] + [entry.name for entry in entries]))
    by_name = {row.name: row for row in published}
    runs = {entry.name: entry.run for entry in entries}
    return tuple(_row(name, runs.get(name), by_name.get(name), done, reasons) for name in names)


def _row(
    name: str,
    run: str | None,
    published: PublishedRow | None,
    done: Mapping[str, ScoredRun],
    reasons: Mapping[str, str],
) -> ReproducedRow:
    results = done.get(name)
    if results is None:
        return ReproducedRow(name, run, published=published, reason=reasons.get(name, ""))
    threshold = float(results.config.threshold)
    beyond = {metric: title for metric, title in results.metrics_shown.items() if metric not in METRICS}
    return ReproducedRow(name, run, results.summary, results.counts, threshold, published, beyond=beyond)


def _shown(value: float | None, sign: str = "") -> str:
    return "-" if value is None else f"{value:{sign}.1f}"


def _exact(value: float) -> str:
    return "" if math.isnan(value) else repr(float(value))


def _pipes(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
