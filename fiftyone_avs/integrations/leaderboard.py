"""Which evaluations a dataset has, and how they stand on any view of it, overall and by class.

Everything is counted inside the database, from the scores that evaluations wrote on samples and frames, so
that it follows the App's filters and takes no loading of results.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import fiftyone as fo
import numpy as np
from fiftyone.core.collections import SampleCollection

from fiftyone_avs.errors import DatasetError
from fiftyone_avs.integrations.aggregation import aggregate, bin_of, check_field
from fiftyone_avs.integrations.backend import SUFFIXES, AVSEvaluationConfig
from fiftyone_avs.integrations.classes import class_path
from fiftyone_avs.integrations.fields import FRAMES
from fiftyone_avs.integrations.results import METRICS
from fiftyone_avs.integrations.scoring import STATUSES
from fiftyone_avs.metrics import Summary
from fiftyone_avs.metrics.aggregate import AUC_THRESHOLDS, SUCCESS


@dataclass(frozen=True)
class EvaluationInfo:
    """What was evaluated, and how.

    Attributes:
        key: the eval key, which begins the names of the evaluation's fields.
        run: the run key, or the field of the masks where no run made them; without ``frames.``.
        gt_field: the ground truth.
        protocol: "baav" or "native".
        adaptive_rule: see ``fiftyone_avs.metrics.adaptive_scores``.
        threshold: soft-map values above this are the mask.
        class_field: the field of the samples' class, if one was named.
        on_frames: whether frames of videos were scored.
        is_run: whether the masks were made by a run of ours.
        created: when it was evaluated (UTC).
    """

    key: str
    run: str
    gt_field: str
    protocol: str
    adaptive_rule: str
    threshold: float
    class_field: str | None
    on_frames: bool
    is_run: bool
    created: datetime

    @property
    def group(self) -> tuple[str, str, str]:
        """Ground truth, protocol and adaptive rule: only evaluations that agree in them are comparable."""
        return self.gt_field, self.protocol, self.adaptive_rule

    @property
    def group_label(self) -> str:
        """The group in words."""
        return f"ground truth {self.gt_field}, protocol {self.protocol}, adaptive rule {self.adaptive_rule}"


@dataclass(frozen=True)
class Standing:
    """How an evaluation stands on a dataset or view.

    Attributes:
        evaluation: which one.
        summary: its numbers over the samples (or frames) that were evaluated; NaN where none counts.
        counts: how many of them are "ok", "abstained", "failed" and "missing" now; empty if that cannot be
            told, because the run was deleted or renamed, or the view leaves its fields out.
        success: share of samples with an adaptive IoU of at least t, for each t of
            ``metrics.aggregate.AUC_THRESHOLDS``; the area under it is the AUC. Empty if none has one.
    """

    evaluation: EvaluationInfo
    summary: Summary
    counts: Mapping[str, int]
    success: tuple[float, ...]

    @property
    def scores(self) -> dict[str, float | None]:
        """The six numbers by the names of ``METRICS``, in [0, 1]; None where no sample counts."""
        values = {name: float(getattr(self.summary, name)) for name in METRICS}
        return {name: None if math.isnan(value) else value for name, value in values.items()}


@dataclass(frozen=True)
class ClassStanding:
    """How evaluations stand on the samples of one class.

    Attributes:
        label: the class; None for samples without one.
        n_samples: how many samples of the collection are of this class.
        n: eval key -> how many of them have an adaptive IoU.
        miou: eval key -> the mean of these, in [0, 1]; None if there are none.
    """

    label: str | None
    n_samples: int
    n: Mapping[str, int]
    miou: Mapping[str, float | None]


def list_evaluations(dataset: fo.Dataset) -> list[EvaluationInfo]:
    """The evaluations that ``evaluate`` made on a dataset, oldest first; no results are loaded."""
    records = [dataset.get_evaluation_info(key) for key in dataset.list_evaluations(method="avs")]
    found = [_info(record) for record in records if isinstance(record.config, AVSEvaluationConfig)]
    return sorted(found, key=lambda info: (info.created, info.key))


def find_evaluation(dataset: fo.Dataset, eval_key: str) -> EvaluationInfo:
    """One evaluation of a dataset.

    Raises:
        DatasetError: if there is none of that key that ``evaluate`` made; the message names those there are.
    """
    found = {info.key: info for info in list_evaluations(dataset)}
    if eval_key not in found:
        known = ", ".join(found) or "none yet"
        raise DatasetError(
            f"dataset {dataset.name!r} has no evaluation {eval_key!r} of this package (evaluations: {known})"
        )
    return found[eval_key]


def standings(samples: SampleCollection, evaluations: Sequence[EvaluationInfo]) -> list[Standing]:
    """How evaluations stand on a dataset or view, in one pass over its samples.

    On all evaluated samples the numbers are those of ``AVSResults.summary``. Samples (or frames) that an
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
        for path in _score_paths(info):
            check_field(samples, path)
    on_frames = any(info.on_frames for info in evaluations)
    unwind = [{"$unwind": "$frames"}] if on_frames else []
    tallies = {info.key: _tally(samples, info) for info in evaluations}
    (found,) = aggregate(samples, [*unwind, {"$facet": tallies}], frames=on_frames)
    return [_standing(info, found[info.key], _status_path(samples, info) is not None) for info in evaluations]


def class_standings(
    samples: SampleCollection,
    evaluations: Sequence[EvaluationInfo],
    class_field: str,
    *,
    order: Literal["n", "name"] = "n",
) -> list[ClassStanding]:
    """The mean adaptive IoU of each class under each evaluation, in one pass over the samples.

    Args:
        samples: a dataset or view.
        evaluations: of that dataset, from ``list_evaluations``.
        class_field: a field of the samples: ``fo.Classification`` or text.
        order: "n" for the classes with the most samples first, "name" for the alphabet.

    Returns:
        One per class; samples without a class come last. Videos count once, by the mean of their frames.

    Raises:
        DatasetError: if the class field cannot be one, or an evaluation's fields are gone.
    """
    group: dict[str, Any] = {"_id": f"${class_path(samples, class_field)}", "n_samples": {"$sum": 1}}
    for info in evaluations:
        check_field(samples, f"{info.key}_iou")
        iou = f"${info.key}_iou"
        group[f"{info.key}_n"] = {"$sum": {"$cond": [{"$gt": [iou, None]}, 1, 0]}}
        group[f"{info.key}_miou"] = {"$avg": iou}  # over numbers only
    rows = [
        ClassStanding(
            label=found["_id"],
            n_samples=found["n_samples"],
            n={info.key: found[f"{info.key}_n"] for info in evaluations},
            miou={info.key: found[f"{info.key}_miou"] for info in evaluations},
        )
        for found in aggregate(samples, [{"$group": group}])
    ]
    return sorted(
        rows, key=lambda row: (row.label is None, -row.n_samples if order == "n" else 0, row.label or "")
    )


def _info(record: Any) -> EvaluationInfo:
    config = record.config
    return EvaluationInfo(
        key=record.key,
        run=config.pred_field.removeprefix(FRAMES),
        gt_field=config.gt_field,
        protocol=config.protocol,
        adaptive_rule=config.adaptive_rule,
        threshold=float(config.threshold),
        class_field=config.class_field,
        on_frames=config.gt_field.startswith(FRAMES),
        is_run=config.is_run,
        created=record.timestamp.replace(tzinfo=UTC),
    )


def _score_paths(info: EvaluationInfo) -> list[str]:
    """The fields of the scores, in the order of ``SUFFIXES``."""
    prefix = FRAMES if info.on_frames else ""
    return [f"{prefix}{info.key}_{suffix}" for suffix in SUFFIXES]


def _tally(samples: SampleCollection, info: EvaluationInfo) -> list[dict[str, Any]]:
    """Stages that count and add up the scores of an evaluation by bin of the adaptive IoU and by status."""
    iou, f, j, f_threshold = _score_paths(info)
    return [
        {"$match": {j: {"$ne": None}}},  # every sample that counts has this score
        {
            "$group": {
                "_id": {"bin": bin_of(f"${iou}", AUC_THRESHOLDS), "status": _status(samples, info)},
                "n": {"$sum": 1},
                "miou": {"$sum": f"${iou}"},
                "f": {"$sum": f"${f}"},
                "j": {"$sum": f"${j}"},
                "f_threshold": {"$sum": f"${f_threshold}"},
            }
        },
    ]


def _status_path(samples: SampleCollection, info: EvaluationInfo) -> str | None:
    """The field that says how a prediction ended; None if it is not there."""
    prefix = FRAMES if info.on_frames else ""
    path = f"{prefix}{info.run}_status" if info.is_run else f"{prefix}{info.run}"
    return path if samples.get_field(path) is not None else None


def _status(samples: SampleCollection, info: EvaluationInfo) -> Any:
    """An expression for how a prediction ended, as the evaluation itself sees it."""
    path = _status_path(samples, info)
    if path is None:
        return "unknown"
    if not info.is_run:
        return {"$cond": [{"$gt": [f"${path}", None]}, "ok", "missing"]}
    own = _before_colon(f"${path}")
    if not info.on_frames:
        return {"$ifNull": [own, "missing"]}
    failed = {"$eq": [_before_colon(f"${info.run}_status"), "failed"]}  # the whole video
    return {"$ifNull": [own, {"$cond": [failed, "failed", "missing"]}]}


def _before_colon(path: str) -> dict[str, Any]:
    """An expression for "failed" of "failed: why"; None for None."""
    return {"$arrayElemAt": [{"$split": [path, ":"]}, 0]}


def _standing(info: EvaluationInfo, groups: Sequence[Mapping[str, Any]], statuses_known: bool) -> Standing:
    """Join the groups of a tally."""
    defined = [group for group in groups if group["_id"]["bin"] >= 0]
    n, n_defined = _total(groups, "n"), _total(defined, "n")
    success: tuple[float, ...] = ()
    if n_defined:
        by_bin = [
            _total([group for group in defined if group["_id"]["bin"] >= index], "n")
            for index in range(len(AUC_THRESHOLDS))
        ]
        success = tuple(number / n_defined for number in by_bin)
    counts: Counter[str] = Counter()
    for group in groups:
        counts[group["_id"]["status"]] += group["n"]
    summary = Summary(
        n=int(n),
        n_undefined=int(n - n_defined),
        ciou=success[AUC_THRESHOLDS.index(SUCCESS)] if success else math.nan,
        auc=float(np.trapezoid(success, AUC_THRESHOLDS)) if success else math.nan,
        miou=_total(defined, "miou") / n_defined if n_defined else math.nan,
        f=_total(defined, "f") / n_defined if n_defined else math.nan,
        j=_total(groups, "j") / n if n else math.nan,
        f_threshold=_total(groups, "f_threshold") / n if n else math.nan,
    )
    known = {status: counts[status] for status in STATUSES} if statuses_known else {}
    return Standing(info, summary, known, success)


def _total(groups: Sequence[Mapping[str, Any]], name: str) -> float:
    return math.fsum(group[name] for group in groups)
