"""The results of an evaluation that FiftyOne stores.

``AVSResults`` is found by its name when an evaluation is loaded, so it must not move or be renamed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fiftyone.utils.eval.segmentation import SegmentationResults

from fiftyone_avs.integrations.fields import BACKGROUND, MASK_TARGETS, SOUNDING
from fiftyone_avs.integrations.scoring import STATUSES, Scored
from fiftyone_avs.metrics import SampleScores, Summary, summarize

CLASSES = [MASK_TARGETS[BACKGROUND], MASK_TARGETS[SOUNDING]]

METRICS = {
    "ciou": "cIoU",
    "auc": "AUC",
    "miou": "mIoU",
    "f": "F",
    "j": "J (threshold)",
    "f_threshold": "F (threshold)",
}
"""The six numbers of a run: attributes of ``Summary`` and how tables call them."""

ORACLE_NOTE = (
    "cIoU, AUC, mIoU and F are adaptive: they use the ground truth's area, so they compare localisers and do"
    " not judge masks. The threshold scores judge masks."
)


class AVSResults(SegmentationResults):
    """The results of an evaluation; ``dataset.load_evaluation_results(eval_key)`` gives them back.

    Attributes:
        rows: one list per scored sample or frame: its id, its status and its four scores in the order of
            ``SampleScores``, None where undefined.
        excluded: why samples or frames were left out of the scores, by id.
    """

    def __init__(
        self,
        *args: Any,
        rows: Sequence[Sequence[Any]] = (),
        excluded: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.rows = [list(row) for row in rows]
        self.excluded = dict(excluded or {})

    @classmethod
    def _from_dict(
        cls, d: dict[str, Any], samples: Any, config: Any, eval_key: str, **kwargs: Any
    ) -> AVSResults:
        results: AVSResults = super()._from_dict(
            d, samples, config, eval_key, rows=d["rows"], excluded=d["excluded"], **kwargs
        )
        return results

    @property
    def scores(self) -> list[SampleScores]:
        """The scores of every sample or frame that counts, in the collection's order."""
        return [_to_scores(row) for row in self.rows]

    @property
    def summary(self) -> Summary:
        """The numbers of the run; failed, abstained and missing predictions count as empty masks."""
        return summarize(self.scores)

    @property
    def ok_summary(self) -> Summary:
        """The same over the predictions with status "ok" only."""
        return summarize(_to_scores(row) for row in self.rows if row[1] == "ok")

    @property
    def counts(self) -> dict[str, int]:
        """How many scored samples or frames are "ok", "abstained", "failed" and "missing"."""
        counts = Counter(row[1] for row in self.rows)
        return {status: counts[status] for status in STATUSES}

    def to_text(self) -> str:
        """The numbers times 100, how they were made, and what they leave out."""
        config, summary, counts = self.config, self.summary, self.counts
        lines = [
            f"{config.pred_field} against {config.gt_field}: protocol {config.protocol}, threshold"
            f" {config.threshold:g}, adaptive rule {config.adaptive_rule}",
            *(f"  {label:<14}{_percent(getattr(summary, name)):>7}" for name, label in METRICS.items()),
            f"  over {summary.n}: " + ", ".join(f"{counts[status]} {status}" for status in STATUSES),
        ]
        if summary.n_undefined:
            lines.append(
                f"  {summary.n_undefined} without an adaptive IoU: ground truth and prediction are empty"
            )
        if self.excluded:
            lines.append(f"  {len(self.excluded)} left out:")
            lines += [f"    {name}: {reason}" for name, reason in self.excluded.items()]
        return "\n".join([*lines, ORACLE_NOTE])

    def print_report(self, classes: Any = None, digits: int = 2) -> None:
        """Print ``to_text()``; the arguments are FiftyOne's and play no part here."""
        print(self.to_text())


def build_results(
    samples: Any, config: Any, eval_key: str | None, scored: Iterable[Scored], backend: Any
) -> AVSResults:
    """Gather the outcomes of all samples or frames into results that FiftyOne can store."""
    rows: list[list[Any]] = []
    excluded: dict[str, str] = {}
    matches: list[tuple[str, str, int, str | None, str | None]] = []
    confusion = [[0, 0], [0, 0]]
    for one in scored:
        if one.scores is None or one.pixels is None:
            excluded[one.id] = one.excluded
            continue
        rows.append([one.id, one.status, *map(_number, _in_order(one.scores))])
        for (truth, found), pixels in one.pixels.items():
            confusion[truth][found] += pixels
            if pixels:
                matches.append((CLASSES[truth], CLASSES[found], pixels, *one.label_ids))
    summary = summarize(_to_scores(row) for row in rows)
    return AVSResults(
        samples,
        config,
        eval_key,
        confusion,
        CLASSES,
        matches=matches,
        missing=CLASSES[0],
        custom_metrics=_panel_metrics(summary),
        backend=backend,
        rows=rows,
        excluded=excluded,
    )


def _panel_metrics(summary: Summary) -> dict[str, dict[str, Any]]:
    """The metrics in the form that the Model Evaluation panel shows, best first when higher."""
    return {
        f"avs/{name}": {
            "key": name,
            "value": _number(getattr(summary, name)),
            "label": label,
            "lower_is_better": False,
        }
        for name, label in METRICS.items()
    }


def _in_order(scores: SampleScores) -> tuple[float, float, float, float]:
    return scores.iou_adaptive, scores.f_adaptive, scores.iou, scores.f


def _to_scores(row: Sequence[Any]) -> SampleScores:
    return SampleScores(*(math.nan if value is None else value for value in row[2:]))


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _percent(value: float) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.1f}"
