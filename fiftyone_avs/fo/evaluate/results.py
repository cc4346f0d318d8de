"""The results of an evaluation that FiftyOne stores.

``AVSResults`` is found by its name when an evaluation is loaded, so it must not move or be renamed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fiftyone.utils.eval.segmentation import SegmentationResults

from fiftyone_avs.fo.evaluate.scoring import STATUSES, Scored
from fiftyone_avs.fo.runs.changes import stale_reason
from fiftyone_avs.fo.schema.fields import FRAMES, MASK_TARGETS
from fiftyone_avs.fo.schema.private import root_of
from fiftyone_avs.metrics import (
    PROTOCOLS,
    AVSBenchSummary,
    EvaluationSummary,
    SampleScores,
    summarize,
    summarize_boxes,
)

CLASSES = list(MASK_TARGETS.values())


def metrics_of(evaluation: Any) -> dict[str, str]:
    """The numbers that an evaluation gives: attributes of its summary and how tables call them.

    Args:
        evaluation: anything with a ``protocol`` and a ``pair_field``: a config, or an ``EvaluationInfo``.
    """
    return PROTOCOLS[evaluation.protocol].metrics_of(pairs=evaluation.pair_field is not None)


def metrics_of_all(evaluations: Sequence[Any]) -> dict[str, str]:
    """The numbers that evaluations of one protocol can be compared by.

    Those of pairs are among them if an evaluation has pairs, and all that have agree on the field.
    """
    pair_fields = {one.pair_field for one in evaluations} - {None}
    return PROTOCOLS[evaluations[0].protocol].metrics_of(pairs=len(pair_fields) == 1)


def truth_of(evaluation: Any) -> str:
    """The field of the ground truth that an evaluation's scores follow from."""
    return str(evaluation.boxes_field or evaluation.gt_field)


def describe_rules(evaluation: Any) -> str:
    """The protocol and, where it has one, the adaptive rule, in words."""
    rule = f", adaptive rule {evaluation.adaptive_rule}" if PROTOCOLS[evaluation.protocol].adaptive else ""
    return f"protocol {evaluation.protocol}{rule}"


class AVSResults(SegmentationResults):
    """The results of an evaluation; ``dataset.load_evaluation_results(eval_key)`` gives them back.

    Attributes:
        rows: one list per scored sample or frame: its id, its status and its four scores in the order of
            ``SampleScores``, None where undefined.
        excluded: why samples or frames were left out of the scores, by id.
        pairs: the pair of each row; empty without pairs.
        confidences: the confidence of each row's prediction; empty but for the protocol "boxes".
        negatives: one list per sample where nothing sounds: its id, its status and its prediction's confidence.
        frames: the numbers of the protocol "avsbench" over "all" frames and over those that are "ok"; they
            follow from curves that are not kept.
        uncovered: how many samples or frames with a ground truth the run never came to, so that they do not
            count; 0 if they do (``coverage="all"``).
        unread: why predictions that say "ok" could not be read and count as failed, by id.
    """

    def __init__(
        self,
        *args: Any,
        rows: Sequence[Sequence[Any]] = (),
        excluded: Mapping[str, str] | None = None,
        pairs: Sequence[str] = (),
        confidences: Sequence[float] = (),
        negatives: Sequence[Sequence[Any]] = (),
        frames: Mapping[str, Any] | None = None,
        uncovered: int = 0,
        unread: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.unread = dict(unread or {})
        self.rows = [list(row) for row in rows]
        self.excluded = dict(excluded or {})
        self.pairs = list(pairs)
        self.confidences = list(confidences)
        self.negatives = [list(row) for row in negatives]
        self.frames = None if frames is None else dict(frames)
        self.uncovered = uncovered

    @classmethod
    def _from_dict(
        cls, d: dict[str, Any], samples: Any, config: Any, eval_key: str, **kwargs: Any
    ) -> AVSResults:
        # than the first versions' results
        newer = ("pairs", "confidences", "negatives", "frames", "uncovered", "unread")
        given = {name: d[name] for name in newer if name in d}
        results: AVSResults = super()._from_dict(
            d, samples, config, eval_key, rows=d["rows"], excluded=d["excluded"], **given, **kwargs
        )
        return results

    @property
    def scores(self) -> list[SampleScores]:
        """The scores of every sample or frame that counts, in the collection's order."""
        return [_to_scores(row) for row in self.rows]

    @property
    def metrics_shown(self) -> dict[str, str]:
        """The numbers that these results give: attributes of the summary and how tables call them."""
        return metrics_of(self.config)

    @property
    def summary(self) -> EvaluationSummary:
        """The numbers of the run; failed and abstained predictions count as empty masks, as do missing ones if
        they count at all (``coverage="all"``).
        """
        return self._summarize(STATUSES, "all")

    @property
    def ok_summary(self) -> EvaluationSummary:
        """The same over the predictions with status "ok" only."""
        return self._summarize(("ok",), "ok")

    @property
    def counts(self) -> dict[str, int]:
        """How many scored samples or frames are "ok", "abstained", "failed" and "missing"."""
        counts = Counter(row[1] for row in self.rows)
        return {status: counts[status] for status in STATUSES}

    @property
    def coverage(self) -> str:
        """How much of what has a ground truth the run came to, in words; "" if nothing is missing."""
        if not self.uncovered:
            return ""
        covered = len(self.rows) + len(self.negatives)
        what = "frames" if self.config.gt_field.startswith(FRAMES) else "samples"
        return (
            f"covers {covered} of {covered + self.uncovered} {what}: the run never came to the others, and they do"
            " not count (coverage 'all' counts them as empty masks)"
        )

    @property
    def stale(self) -> str:
        """Why these are not the scores of the run as it is now; "" if they are. See ``EvaluationInfo``."""
        return "" if self.key is None else stale_reason(root_of(self.samples), self.key)

    def to_text(self) -> str:
        """The numbers times 100, how they were made, and what they leave out."""
        config, summary, counts = self.config, self.summary, self.counts
        lines = [
            f"{config.pred_field} against {truth_of(config)}:"
            f" {describe_rules(config)}, threshold {config.threshold:g}",
            *(
                f"  {label:<14}{_percent(getattr(summary, name)):>7}"
                for name, label in self.metrics_shown.items()
            ),
            f"  over {summary.n}: " + ", ".join(f"{counts[status]} {status}" for status in STATUSES),
            *([f"  {self.coverage}"] if self.coverage else []),
            *(f"  {remark}" for remark in summary.remarks),
        ]
        if stale := self.stale:
            lines.append(f"  STALE: {stale}; evaluate again")
        if self.unread:
            lines.append(f"  {len(self.unread)} count as failed, because their masks or maps cannot be read:")
            lines += [f"    {name}: {reason}" for name, reason in self.unread.items()]
        if self.excluded:
            lines.append(f"  {len(self.excluded)} left out:")
            lines += [f"    {name}: {reason}" for name, reason in self.excluded.items()]
        return "\n".join([*lines, PROTOCOLS[config.protocol].note])

    def __str__(self) -> str:
        return self.to_text()

    def print_report(self, classes: Any = None, digits: int = 2) -> None:
        """Print ``to_text()``; the arguments are FiftyOne's and play no part here."""
        print(self.to_text())

    def _summarize(self, statuses: Sequence[str], part: str) -> EvaluationSummary:
        """The numbers over predictions that ended in one of these ways."""
        if self.frames is not None:
            numbers: dict[str, Any] = {name: _undefined(value) for name, value in self.frames[part].items()}
            return AVSBenchSummary(**numbers)
        kept = [index for index, row in enumerate(self.rows) if row[1] in statuses]
        scores = [_to_scores(self.rows[index]) for index in kept]
        pairs = [self.pairs[index] for index in kept] if self.config.pair_field is not None else None
        if self.config.protocol != "boxes":
            return summarize(scores, pairs)
        confidences = [self.confidences[index] for index in kept]
        negatives = [row[2] for row in self.negatives if row[1] in statuses]
        return summarize_boxes(scores, confidences, negatives, pairs)


def build_results(
    samples: Any,
    config: Any,
    eval_key: str | None,
    scored: Iterable[Scored],
    backend: Any,
    frames: Mapping[str, Any] | None = None,
) -> AVSResults:
    """Gather the outcomes of all samples or frames into results that FiftyOne can store."""
    rows: list[list[Any]] = []
    pairs: list[str] = []
    confidences: list[float] = []
    negatives: list[list[Any]] = []
    excluded: dict[str, str] = {}
    unread: dict[str, str] = {}
    matches: list[tuple[str, str, int, str | None, str | None]] = []
    confusion = [[0, 0], [0, 0]]
    uncovered = 0
    for one in scored:
        if not one.covered:
            uncovered += 1
            continue
        if one.pixels is None:
            excluded[one.case.id] = one.excluded
            continue
        if one.unread:
            unread[one.case.id] = one.unread
        for (truth, found), pixels in one.pixels.items():
            confusion[truth][found] += pixels
            if pixels:
                matches.append((CLASSES[truth], CLASSES[found], pixels, *one.case.label_ids))
        if one.scores is None:
            negatives.append([one.case.id, one.case.status, one.confidence])
            continue
        rows.append([one.case.id, one.case.status, *map(_number, _in_order(one.scores))])
        pairs.append(one.case.group)
        if one.confidence is not None:
            confidences.append(one.confidence)
    results = AVSResults(
        samples,
        config,
        eval_key,
        confusion,
        CLASSES,
        matches=matches,
        missing=CLASSES[0],
        backend=backend,
        rows=rows,
        excluded=excluded,
        pairs=pairs if config.pair_field is not None else (),
        confidences=confidences,
        negatives=negatives,
        frames=frames,
        uncovered=uncovered,
        unread=unread,
    )
    results.custom_metrics = _panel_metrics(results.summary, results.metrics_shown)
    return results


def _panel_metrics(summary: EvaluationSummary, shown: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The metrics in the form that the Model Evaluation panel shows, best first when higher."""
    return {
        f"avs/{name}": {
            "key": name,
            "value": _number(getattr(summary, name)),
            "label": label,
            "lower_is_better": False,
        }
        for name, label in shown.items()
    }


def _in_order(scores: SampleScores) -> tuple[float, float, float, float]:
    return scores.iou_adaptive, scores.f_adaptive, scores.iou, scores.f


def _to_scores(row: Sequence[Any]) -> SampleScores:
    return SampleScores(*(_undefined(value) for value in row[2:6]))


def _undefined(value: float | None) -> float:
    """NaN for the None that stands for it in the database."""
    return math.nan if value is None else value


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _percent(value: float) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.1f}"
