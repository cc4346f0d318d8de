"""Which evaluations a dataset has, and how they stand on any view of it, overall and by class.

Everything is counted inside the database, from the scores that evaluations wrote on samples and frames, so
that it follows the App's filters and takes no loading of results.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fiftyone.core.collections import SampleCollection

from fiftyone_avs.fo.compare.tallies import Tallied, score_paths, tallies
from fiftyone_avs.fo.evaluate.listing import EvaluationInfo
from fiftyone_avs.fo.runs.class_fields import class_path
from fiftyone_avs.fo.schema.aggregation import aggregate, check_field
from fiftyone_avs.fo.schema.eval_fields import IoUKind
from fiftyone_avs.metrics import EvaluationSummary


@dataclass(frozen=True)
class Standing:
    """How an evaluation stands on a dataset or view.

    Attributes:
        evaluation: which one.
        summary: its numbers over the samples (or frames) that were evaluated; NaN where none counts, and for
            those that do not follow from the scores of samples (``ProtocolInfo.not_on_views``).
            The F of a video is that of all its evaluated frames, also where a view shows some of them.
        counts: how many of them are "ok", "abstained", "failed" and "missing" now; empty if that cannot be
            told, because the run was deleted or renamed, or the view leaves its fields out.
        success: share of samples whose mask has an IoU of at least t, for each t of
            ``metrics.aggregate.AUC_THRESHOLDS``. Empty if none has one.
        success_adaptive: the same of the adaptive IoU; the area under it is the AUC. Empty if none has one, and
            under the protocol "avsbench", which has no adaptive scores.
        n_with_truth: how many samples (or frames) have a ground truth; the evaluation covers ``summary.n`` of them,
            and where nothing sounds those with boxes only.
    """

    evaluation: EvaluationInfo
    summary: EvaluationSummary
    counts: Mapping[str, int]
    success: tuple[float, ...]
    success_adaptive: tuple[float, ...] = ()
    n_with_truth: int = 0

    def success_by(self, iou: IoUKind) -> tuple[float, ...]:
        """``success`` or ``success_adaptive``."""
        return self.success if iou == "mask" else self.success_adaptive

    @property
    def coverage(self) -> str:
        """How much of what has a ground truth was scored, in words; "" if nothing is missing."""
        if self.summary.n >= self.n_with_truth:
            return ""
        what = "frames" if self.evaluation.on_frames else "samples"
        return f"covers {self.summary.n} of {self.n_with_truth} {what}"

    @property
    def scores(self) -> dict[str, float | None]:
        """The numbers by the names of the evaluation's ``metrics``, in [0, 1]; None where there is none."""
        values = {name: float(getattr(self.summary, name)) for name in self.evaluation.metrics}
        return {name: None if math.isnan(value) else value for name, value in values.items()}


@dataclass(frozen=True)
class ClassStanding:
    """How evaluations stand on the samples of one class.

    Attributes:
        label: the class; None for samples without one.
        n_samples: how many samples of the collection are of this class.
        n: eval key -> how many of them have an IoU.
        mean_iou: eval key -> the mean of these, in [0, 1]; None if there are none.
    """

    label: str | None
    n_samples: int
    n: Mapping[str, int]
    mean_iou: Mapping[str, float | None]


def standings(samples: SampleCollection, evaluations: Sequence[EvaluationInfo]) -> list[Standing]:
    """How evaluations stand on a dataset or view, in one pass over its samples.

    On all evaluated samples the numbers are those of ``AVSResults.summary``, but for those that follow from
    more than the scores of samples: AP, F1 and F over the whole set are not there. Samples (or frames) that an
    evaluation does not cover, or left out, do not count for it.

    Args:
        samples: a dataset or view.
        evaluations: of that dataset, from ``list_evaluations``.

    Returns:
        One per evaluation, in their order.

    Raises:
        DatasetError: if an evaluation's fields are gone or left out of the view, or the samples are not
            those of a plain dataset.
    """
    if not evaluations:
        return []
    for info in evaluations:
        for path in score_paths(info):
            check_field(samples, path)
    on_frames = any(info.on_frames for info in evaluations)
    unwind = [{"$unwind": "$frames"}] if on_frames else []
    facets = {name: stages for info in evaluations for name, stages in tallies(samples, info).items()}
    (found,) = aggregate(samples, [*unwind, {"$facet": facets}], frames=on_frames)
    return [_standing(info, Tallied(samples, info, found)) for info in evaluations]


def _standing(info: EvaluationInfo, tallied: Tallied) -> Standing:
    return Standing(
        info,
        tallied.summary,
        tallied.counts,
        tallied.success,
        tallied.success_adaptive,
        tallied.n_with_truth,
    )


def class_standings(
    samples: SampleCollection,
    evaluations: Sequence[EvaluationInfo],
    class_field: str,
    *,
    order: Literal["n", "name"] = "n",
    iou: IoUKind = "mask",
) -> list[ClassStanding]:
    """The mean IoU of each class under each evaluation, in one pass over the samples.

    Args:
        samples: a dataset or view.
        evaluations: of that dataset, from ``list_evaluations``.
        class_field: a field of the samples: ``fo.Classification`` or text.
        order: "n" for the classes with the most samples first, "name" for the alphabet.
        iou: "mask" for the IoU of the masks, "adaptive" for the paper's.

    Returns:
        One per class; samples without a class come last. Videos count once, by the mean of their frames.

    Raises:
        DatasetError: if the class field cannot be one, or an evaluation's fields are gone.
        ConfigurationError: if an evaluation has no such IoU.
    """
    group: dict[str, Any] = {"_id": f"${class_path(samples, class_field)}", "n_samples": {"$sum": 1}}
    for info in evaluations:
        field = info.fields.iou_of(iou)
        check_field(samples, field)
        group[f"{info.key}_n"] = {"$sum": {"$cond": [{"$gt": [f"${field}", None]}, 1, 0]}}
        group[f"{info.key}_mean"] = {"$avg": f"${field}"}  # over numbers only
    rows = [
        ClassStanding(
            label=found["_id"],
            n_samples=found["n_samples"],
            n={info.key: found[f"{info.key}_n"] for info in evaluations},
            mean_iou={info.key: found[f"{info.key}_mean"] for info in evaluations},
        )
        for found in aggregate(samples, [{"$group": group}])
    ]
    return sorted(
        rows, key=lambda row: (row.label is None, -row.n_samples if order == "n" else 0, row.label or "")
    )
