"""Whether something sounds, and where: average precision and F1 over samples with boxes and without.

Source: ``EvaluatorFull`` of SLAVC, its evaluation on sets with negatives ("plus silent"). A sample is detected at a
confidence threshold if its confidence reaches it. A detected sample is right if its IoU is 0.5 or more, a
detected negative is always wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fiftyone_avs.metrics.aggregate import SUCCESS
from fiftyone_avs.metrics.inputs import FloatMap

AP_STEPS = 200
"""Average precision looks at about so many confidence thresholds."""

F1_STEPS = 10
"""F1 looks at about so many."""

FloatArray = npt.NDArray[np.float64]


class PrecisionRecall(NamedTuple):
    """Precision and recall at confidence thresholds; 1 where there is nothing to divide by."""

    precision: FloatArray
    recall: FloatArray


def map_confidence(soft_map: FloatMap) -> float:
    """Return the mean of the highest quarter of a map's values (rounded up)."""
    flat = soft_map.reshape(-1)
    count = -(-flat.size // 4)
    highest = np.partition(flat, flat.size - count)[flat.size - count :]
    return float(highest.mean(dtype=np.float64))


def precision_recall(
    ious: Sequence[float | None], confidences: Sequence[float], thresholds: npt.ArrayLike
) -> PrecisionRecall:
    """Return precision and recall of detection at confidence thresholds.

    Args:
        ious: of each sample; None for a sample where nothing sounds. NaN is a miss.
        confidences: of each sample.
        thresholds: a sample is detected from its confidence on.

    Raises:
        ValueError: as many IoUs as confidences are needed.
    """
    if len(ious) != len(confidences):
        raise ValueError(f"{len(ious)} IoUs but {len(confidences)} confidences")
    found = np.asarray(confidences, np.float64)
    positive = np.array([iou is not None for iou in ious], np.bool_)
    right = np.array([iou is not None and iou >= SUCCESS for iou in ious], np.bool_)
    levels = np.asarray(thresholds, np.float64)
    detected = _at_least(found, levels)
    hits = _at_least(found[right], levels)
    missed = np.count_nonzero(positive) - _at_least(found[positive], levels)
    return PrecisionRecall(_share(hits, detected), _share(hits, hits + missed))


def average_precision(ious: Sequence[float | None], confidences: Sequence[float]) -> float:
    """Return SLAVC's average precision at an IoU of 0.5; NaN without samples.

    The thresholds are the confidences from the second highest down, every max(1, n // 200)-th. The area is the sum
    of recall steps, each times the best precision from there on; the step up to the first recall is left out,
    as in SLAVC. Args and errors as in `precision_recall`.
    """
    if not len(ious):
        return float("nan")
    step = max(1, len(ious) // AP_STEPS)
    levels = np.sort(np.asarray(confidences, np.float64))[:-1][::-step]
    precision, recall = precision_recall(ious, confidences, levels)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(best[:-1] * np.diff(recall)))


def best_f1(ious: Sequence[float | None], confidences: Sequence[float]) -> float:
    """Return the highest F1 at every max(1, n // 10)-th confidence from the lowest up; NaN without samples.

    Args and errors as in `precision_recall`.
    """
    if not len(ious):
        return float("nan")
    step = max(1, len(ious) // F1_STEPS)
    levels = np.sort(np.asarray(confidences, np.float64))[::step]
    precision, recall = precision_recall(ious, confidences, levels)
    total = precision + recall
    f1 = np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)
    return float(f1.max())


def _at_least(values: FloatArray, levels: FloatArray) -> FloatArray:
    """Return how many values reach each level."""
    return (values.size - np.searchsorted(np.sort(values), levels, side="left")).astype(np.float64)


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.divide(part, whole, out=np.ones_like(part), where=whole > 0)
