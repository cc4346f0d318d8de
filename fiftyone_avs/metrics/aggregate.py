"""Numbers over many samples: the mean, cIoU and AUC of a list of IoUs.

NaN (an undefined adaptive IoU) is treated here as the official evaluator treats it: it spoils the
mean, and it counts as a miss in cIoU and AUC. `fiftyone_avs.metrics.summarize` leaves such samples
out of the adaptive numbers and says how many there were.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

SUCCESS = 0.5
"""IoU from which a sample counts as a success in cIoU."""

AUC_THRESHOLDS = tuple(0.05 * step for step in range(21))
"""IoU thresholds 0, 0.05, ..., 1 of the AUC, with the rounding of the official evaluator."""


def mean(values: npt.ArrayLike) -> float:
    """Return the mean; NaN if there are no values or one of them is NaN."""
    array = _as_list(values)
    return float(array.mean()) if array.size else float("nan")


def success_rate(ious: npt.ArrayLike, threshold: float) -> float:
    """Return the share of IoUs that reach the threshold; NaN if there are none."""
    array = _as_list(ious)
    return float(np.mean(array >= threshold)) if array.size else float("nan")


def ciou(ious: npt.ArrayLike) -> float:
    """Return the share of samples with an IoU of 0.5 or more; NaN if there are none."""
    return success_rate(ious, SUCCESS)


def auc(ious: npt.ArrayLike) -> float:
    """Return the area under the share of successes over the thresholds 0, 0.05, ..., 1 (trapezoids)."""
    shares = [success_rate(ious, threshold) for threshold in AUC_THRESHOLDS]
    return float(np.trapezoid(shares, AUC_THRESHOLDS))


def group_minimum(ious: npt.ArrayLike, groups: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return the lowest IoU of each group, in the order in which the groups first appear.

    SSLalignment's IIoU and IAUC on IS3 are `ciou` and `auc` of this, one group being the sounds of one
    picture: a picture counts only if all its sounds are found.

    Raises:
        ValueError: as many groups as IoUs are needed.
    """
    array = _as_list(ious)
    if len(array) != len(groups):
        raise ValueError(f"{len(array)} IoUs but {len(groups)} group names")
    members: dict[str, list[float]] = {}
    for value, group in zip(array.tolist(), groups, strict=True):
        members.setdefault(group, []).append(value)
    return np.array([np.min(values) for values in members.values()], np.float64)


class PairScores(NamedTuple):
    """IIoU and IAUC over pairs, each in [0, 1] or NaN without pairs, and how many pairs there are."""

    iiou: float
    iauc: float
    n: int
    n_incomplete: int


NO_PAIRS = PairScores(math.nan, math.nan, 0, 0)
"""What there is to say where samples do not come in pairs."""


def pair_scores(ious: npt.ArrayLike, pairs: Sequence[str]) -> PairScores:
    """Return SSLalignment's IIoU and IAUC, a pair counting as its lowest IoU.

    A pair with one member only counts as that member, and is counted as incomplete.

    Raises:
        ValueError: as many names of pairs as IoUs are needed.
    """
    lowest = group_minimum(ious, pairs)
    alone = sum(count == 1 for count in Counter(pairs).values())
    return PairScores(ciou(lowest), auc(lowest), len(lowest), alone)


def _as_list(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    if array.ndim != 1:
        raise ValueError(f"a list of scores is needed, not an array of shape {array.shape}")
    return array
