"""How much of a score the sound earns: a strategy's scores beside those of controls that cannot hear."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fiftyone_avs.metrics import AUC_THRESHOLDS, SampleScores
from fiftyone_avs.metrics.aggregate import SUCCESS

RESAMPLES = 2000
LEVEL = (2.5, 97.5)
"""Percentiles of the intervals: 95 % of the resamples lie between."""

CONTROL_METRICS: Mapping[str, tuple[str, Callable[[SampleScores], float]]] = {
    "ciou": ("cIoU", lambda scores: _if_defined(scores.iou_adaptive, scores.iou_adaptive >= SUCCESS)),
    "auc": ("AUC", lambda scores: _if_defined(scores.iou_adaptive, _area(scores.iou_adaptive))),
    "miou": ("mIoU", lambda scores: scores.iou_adaptive),
    "f": ("F", lambda scores: _if_defined(scores.iou_adaptive, scores.f_adaptive)),
    "j": ("J (threshold)", lambda scores: scores.iou),
    "f_threshold": ("F (threshold)", lambda scores: scores.f),
}
"""The six numbers of a run as means: how tables call them, and what each sample adds (NaN if it does not count)."""


@dataclass(frozen=True)
class ControlScores:
    """A run of the comparison.

    Attributes:
        name: the strategy's or the control's.
        run: its run key.
        eval_key: its evaluation.
        scores: metric -> mean in [0, 1]; NaN if no sample counts.
        counts: how many samples are "ok", "abstained", "failed" and "missing".
    """

    name: str
    run: str
    eval_key: str
    scores: Mapping[str, float]
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Earned:
    """What the sound earns of one metric. All in [-1, 1]; NaN where undefined.

    Attributes:
        metric: a key of ``CONTROL_METRICS``.
        score: the strategy's.
        deaf: the best control's.
        control: which control that is.
        difference: ``score - deaf``.
        low: lower end of the difference's 95 % interval, from samples drawn again and again.
        high: upper end.
        share: ``difference / score``: the part of the score that no control reaches.
    """

    metric: str
    score: float
    deaf: float
    control: str
    difference: float
    low: float
    high: float
    share: float


@dataclass(frozen=True)
class ControlReport:
    """A strategy beside its controls, all scored on the same samples under the same protocol.

    Attributes:
        strategy: the strategy's run.
        controls: the controls' runs, in the order that was asked for.
        earned: what the sound earns, metric by metric.
        n: how many samples were scored in every run.
        title: names the strategy, the protocol and the ground truth.
    """

    strategy: ControlScores
    controls: tuple[ControlScores, ...]
    earned: tuple[Earned, ...]
    n: int
    title: str

    def to_text(self) -> str:
        """An aligned table, a line per metric, scores times 100."""
        header = ["", *(one.name for one in self._all), "best deaf", "earned by the sound", "95 %", "share"]
        lines = [header]
        for earned in self.earned:
            scores = [_percent(one.scores[earned.metric]) for one in self._all]
            interval = f"{_percent(earned.low)} .. {_percent(earned.high)}"
            share = "-" if math.isnan(earned.share) else f"{100 * earned.share:.0f} %"
            label = CONTROL_METRICS[earned.metric][0]
            lines.append([label, *scores, earned.control, _percent(earned.difference), interval, share])
        widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
        table = [
            "  ".join(
                cell.ljust(width) if column == 0 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        ]
        counts = [f"  {one.name}: {_counted(one.counts)}" for one in self._all]
        return "\n".join([f"{self.title}; {self.n} samples, scores x 100", *table, "counts:", *counts, NOTE])

    def to_csv(self, path: str | Path) -> None:
        """Write a line per metric: scores as fractions in full precision; empty where undefined."""
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            names = [one.name for one in self._all]
            writer.writerow(["metric", *names, "best_deaf", "difference", "low", "high", "share", "n"])
            for earned in self.earned:
                scores = [one.scores[earned.metric] for one in self._all]
                tail = [earned.difference, earned.low, earned.high, earned.share]
                cells = [*map(_plain, scores), earned.control, *map(_plain, tail), self.n]
                writer.writerow([earned.metric, *cells])

    def plot(self, path: str | Path) -> None:
        """Draw bars of every run's scores into a file, the strategy's in front."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(11, 4.5), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        width = 0.85 / len(self._all)
        for index, one in enumerate(self._all):
            places = [
                place + (index - (len(self._all) - 1) / 2) * width for place in range(len(CONTROL_METRICS))
            ]
            heights = [
                0.0 if math.isnan(one.scores[name]) else 100 * one.scores[name] for name in CONTROL_METRICS
            ]
            colour = "#eb3c32" if index == 0 else str(0.3 + 0.5 * index / len(self._all))
            axes.bar(places, heights, width, label=one.name, color=colour)
        axes.set_xticks(range(len(CONTROL_METRICS)), [label for label, _ in CONTROL_METRICS.values()])
        axes.set(ylabel="score (x 100)", ylim=(0, 102))
        axes.grid(axis="y", alpha=0.3)
        axes.legend(fontsize="small")
        axes.set_title(f"{self.title}; {self.n} samples")
        figure.savefig(path, dpi=120)

    def __str__(self) -> str:
        return self.to_text()

    @property
    def _all(self) -> tuple[ControlScores, ...]:
        return (self.strategy, *self.controls)


NOTE = (
    "A control cannot hear what its picture sounds like, so its score needs no ear. The sound earns what lies above the"
    " best control. Intervals draw samples one by one; frames of one video are alike, and theirs are wider in truth."
)


def measure(
    strategy: str,
    runs: Mapping[str, tuple[str, str]],
    scores: Mapping[str, Mapping[str, SampleScores]],
    counts: Mapping[str, Mapping[str, int]],
    title: str,
) -> ControlReport:
    """Compare a strategy with its controls, on the samples that were scored in all runs.

    Args:
        strategy: which name is the strategy's; all others are controls.
        runs: name -> run key and eval key.
        scores: name -> sample id -> scores.
        counts: name -> how the predictions ended.
        title: of the report.
    """
    ids = [found for found in scores[strategy] if all(found in other for other in scores.values())]
    parts = {name: _parts([found[sample_id] for sample_id in ids]) for name, found in scores.items()}
    means = {name: _means(part, np.ones((1, len(ids))))[0] for name, part in parts.items()}
    measured = {
        name: ControlScores(
            name, run, key, dict(zip(CONTROL_METRICS, means[name].tolist(), strict=True)), dict(counts[name])
        )
        for name, (run, key) in runs.items()
    }
    controls = [name for name in runs if name != strategy]
    draws = _draws(len(ids))
    resampled = {name: _means(part, draws) for name, part in parts.items()}
    earned = [
        _earned(metric, column, measured[strategy], [measured[name] for name in controls], resampled)
        for column, metric in enumerate(CONTROL_METRICS)
    ]
    return ControlReport(
        measured[strategy], tuple(measured[name] for name in controls), tuple(earned), len(ids), title
    )


def _earned(
    metric: str,
    column: int,
    strategy: ControlScores,
    controls: Sequence[ControlScores],
    resampled: Mapping[str, npt.NDArray[np.float64]],
) -> Earned:
    score = strategy.scores[metric]
    defined = [control for control in controls if not math.isnan(control.scores[metric])]
    if math.isnan(score) or not defined:
        return Earned(metric, score, math.nan, "-", math.nan, math.nan, math.nan, math.nan)
    best = max(defined, key=lambda control: control.scores[metric])
    difference = score - best.scores[metric]
    drawn = resampled[strategy.name][:, column] - resampled[best.name][:, column]
    low, high = np.nanpercentile(drawn, LEVEL).tolist()
    share = difference / score if score else math.nan
    return Earned(metric, score, best.scores[metric], best.name, difference, low, high, share)


def _parts(scores: Sequence[SampleScores]) -> npt.NDArray[np.float64]:
    """What each sample adds to each metric: shape (samples, metrics)."""
    rows = [[part(one) for _, part in CONTROL_METRICS.values()] for one in scores]
    return np.array(rows, np.float64).reshape(len(rows), len(CONTROL_METRICS))


def _draws(n: int) -> npt.NDArray[np.float64]:
    """How often each sample is drawn in each resample: shape (RESAMPLES, n)."""
    rng = np.random.default_rng(0)
    return rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES).astype(np.float64) if n else np.zeros((1, 0))


def _means(parts: npt.NDArray[np.float64], draws: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The mean of each metric in each resample, undefined parts left out: shape (resamples, metrics)."""
    defined = ~np.isnan(parts)
    numbers = draws @ defined
    with np.errstate(invalid="ignore"):
        means: npt.NDArray[np.float64] = (draws @ np.where(defined, parts, 0)) / np.where(
            numbers > 0, numbers, np.nan
        )
    return means


def _if_defined(iou: float, value: float) -> float:
    """A part of an adaptive mean, which leaves out samples without an adaptive IoU."""
    return math.nan if math.isnan(iou) else float(value)


def _area(iou: float) -> float:
    reached = [float(iou >= threshold) for threshold in AUC_THRESHOLDS]
    return float(np.trapezoid(reached, AUC_THRESHOLDS))


def _percent(value: float) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.1f}"


def _plain(value: float) -> str:
    return "" if math.isnan(value) else repr(value)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {status}" for status, number in counts.items() if number)
