"""IoU and F of a soft map against a binary ground truth: threshold and adaptive scores.

Sources: the evaluator of BAaV (the paper's protocol) and of SSLalignment. Both compute
IoU = TP / (GT + FP) and F = 1.3 P R / (0.3 P + R), beta squared being 0.3 (the paper prints
beta = 0.3).

The adaptive scores know how large the ground truth is. They compare localisers; they do not say how
good a mask is.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from fiftyone_avs.metrics.inputs import BoolMask, FloatMap, as_mask, as_soft_map

BETA_SQUARED = 0.3
"""Weight of the precision in F."""

AdaptiveRule: TypeAlias = Literal["official", "topk", "half"]
"""How the adaptive scores select pixels; see `adaptive_scores`."""


FloatArray = npt.NDArray[np.float64]


class Scores(NamedTuple):
    """IoU and F of one map, each in [0, 1] or NaN where documented."""

    iou: float
    f: float


def threshold_scores(pred: npt.ArrayLike, gt: npt.ArrayLike, threshold: float) -> Scores:
    """Score the mask ``pred > threshold``.

    Args:
        pred: soft map in [0, 1], shape (H, W). It is compared in float32.
        gt: bool, 0/1 or 0/255, shape (H, W).
        threshold: in [0, 1].

    Returns:
        IoU and F. Both are 0 where undefined: nothing predicted and nothing there is IoU 0, as in
        the paper's evaluator.

    Raises:
        ValueError: wrong input; the message names the problem.
    """
    soft_map, mask = flat_pair(pred, gt)
    return _score(above(soft_map, threshold), mask, int(np.count_nonzero(mask)), undefined_iou=0.0)


def adaptive_scores(pred: npt.ArrayLike, gt: npt.ArrayLike, rule: AdaptiveRule = "official") -> Scores:
    """Score the mask of the highest values, as many as the ground truth has pixels.

    Args:
        pred: soft map in [0, 1], shape (H, W). It is compared in float32.
        gt: bool, 0/1 or 0/255, shape (H, W).
        rule: how pixels are selected, N being their number and k the number of ground-truth pixels
            (N // 2 if there are none):

            * ``"official"``: values above the sorted map's value at [N - k]. That is k - 1 pixels
              without ties and fewer with ties. A constant map, a saturated one, and even a hard mask
              equal to the ground truth score 0.
            * ``"topk"``: exactly k pixels; ties go to the pixels that come first, row by row. Where the
              ground truth is empty, pixels of value 0 are never among them.
            * ``"half"``: SSLalignment's older rule, values above the one at [N // 2].

    Returns:
        IoU and F. The IoU is NaN where nothing is selected and nothing is there (an empty ground
        truth and a constant map, with ``"topk"`` a map of zeros); F is 0 where undefined.

    Raises:
        ValueError: wrong input or unknown rule.
    """
    soft_map, mask = flat_pair(pred, gt)
    present = int(np.count_nonzero(mask))
    return _score(highest(soft_map, present, rule), mask, present, undefined_iou=math.nan)


def both_scores(
    pred: npt.ArrayLike, gt: npt.ArrayLike, threshold: float, rule: AdaptiveRule = "official"
) -> tuple[Scores, Scores]:
    """Do `adaptive_scores` and `threshold_scores` in one pass; returns the adaptive ones first.

    With ``"topk"`` the adaptive IoU is NaN, too, where the ground truth and the mask at the threshold are empty: an
    answer that is right has nothing to be ranked by.
    """
    soft_map, mask = flat_pair(pred, gt)
    present = int(np.count_nonzero(mask))
    adaptive = _score(highest(soft_map, present, rule), mask, present, undefined_iou=math.nan)
    fixed = _score(above(soft_map, threshold), mask, present, undefined_iou=math.nan)
    return without_ranking(adaptive, fixed, rule)


def without_ranking(adaptive: Scores, fixed: Scores, rule: AdaptiveRule) -> tuple[Scores, Scores]:
    """Give adaptive and threshold scores their values where ground truth and mask are empty.

    Args:
        adaptive: the adaptive scores.
        fixed: the threshold scores; the IoU is NaN where ground truth and mask are empty.
        rule: of the adaptive scores.
    """
    if not math.isnan(fixed.iou):
        return adaptive, fixed
    return (Scores(math.nan, 0.0) if rule == "topk" else adaptive), Scores(0.0, 0.0)


def adaptive_threshold(pred: npt.ArrayLike, gt: npt.ArrayLike, rule: AdaptiveRule = "official") -> float:
    """Return the value that pixels must exceed under the rule ``"official"`` or ``"half"``.

    Args and errors as in `adaptive_scores`; ``"topk"`` has no threshold and raises ValueError.
    """
    if rule not in ("official", "half"):
        raise ValueError(f"the rule {rule!r} has no threshold; official and half have")
    soft_map, mask = flat_pair(pred, gt)
    return float(level_at(soft_map, position_of(soft_map.size, int(np.count_nonzero(mask)), rule)))


def above(soft_map: FloatMap, threshold: float) -> BoolMask:
    """Select the pixels above a threshold in [0, 1], compared in float32; raises ValueError for another one."""
    check_threshold(threshold)
    return np.asarray(soft_map > np.float32(threshold))


def highest(soft_map: FloatMap, present: int, rule: AdaptiveRule) -> BoolMask:
    """Select the pixels of a flat map by an adaptive rule; ``present`` is the number of ground-truth pixels."""
    check_rule(rule)
    level = level_at(soft_map, position_of(soft_map.size, present, rule))
    selected = np.asarray(soft_map > level)
    if rule == "topk" and (present or level > 0):
        top_up(selected, soft_map, level, wanted_of(soft_map.size, present))
    return selected


def check_threshold(threshold: float) -> None:
    """Raise ValueError for a threshold outside [0, 1]."""
    if not 0 <= threshold <= 1:
        raise ValueError(f"the threshold must lie in [0, 1], not {threshold}")


def check_rule(rule: str) -> None:
    """Raise ValueError for an adaptive rule that does not exist."""
    if rule not in get_args(AdaptiveRule):
        raise ValueError(f"unknown rule {rule!r}; the rules are {', '.join(get_args(AdaptiveRule))}")


def position_of(pixels: int, present: int, rule: AdaptiveRule) -> int:
    """Return the position in the sorted map whose value pixels must exceed (``"topk"``: at least reach)."""
    position = pixels // 2 if rule == "half" else pixels - wanted_of(pixels, present)
    return min(position, pixels - 1)  # a map of one pixel with an empty ground truth


def level_at(soft_map: FloatMap, position: int, room: npt.NDArray[np.int32] | None = None) -> np.float32:
    """Return the value that a sorted flat map has at a position.

    Floats from 0 on are ordered like their bits, which are partitioned faster. Negative ones have bits below those,
    but in the wrong order.

    Args:
        soft_map: flat, float32.
        position: from 0.
        room: as long as the map, to be written to; None takes new memory, which costs time.
    """
    bits = np.empty(soft_map.size, np.int32) if room is None else room
    bits[:] = soft_map.view(np.int32)
    bits.partition(position)
    found = bits[position]
    if found < 0:
        return np.float32(np.partition(soft_map, position)[position])
    return np.float32(found.view(np.float32))


def top_up(selected: BoolMask, soft_map: FloatMap, level: np.float32, count: int) -> None:
    """Add pixels of a flat map that equal the level to those above it, the first ones, until there are ``count``."""
    missing = count - int(np.count_nonzero(selected))
    selected[np.flatnonzero(soft_map == level)[:missing]] = True


def wanted_of(pixels: int, present: int) -> int:
    """Return how many pixels the adaptive rules ask for."""
    return present or pixels // 2


def score_counts(
    hits: npt.ArrayLike, predicted: npt.ArrayLike, present: npt.ArrayLike, undefined_iou: float
) -> tuple[FloatArray, FloatArray]:
    """IoU and F of numbers of pixels, float64, each of the numbers' shape."""
    union = np.add(present, predicted, dtype=np.float64) - np.asarray(hits, np.float64)
    return _divide(hits, union, undefined_iou), f_measure(hits, predicted, present)


def f_measure(hits: npt.ArrayLike, predicted: npt.ArrayLike, present: npt.ArrayLike) -> FloatArray:
    """F of numbers of pixels, or of sums of weights, float64; 0 where undefined."""
    precision = _divide(hits, predicted, 0.0)
    recall = _divide(hits, present, 0.0)
    return _divide((1 + BETA_SQUARED) * precision * recall, BETA_SQUARED * precision + recall, 0.0)


def flat_pair(pred: npt.ArrayLike, gt: npt.ArrayLike) -> tuple[FloatMap, BoolMask]:
    """Check a map and a mask of shape (H, W) and return both flat."""
    soft_map, mask = as_soft_map(pred), as_mask(gt)
    if soft_map.shape != mask.shape:
        raise ValueError(f"the soft map {soft_map.shape} and the ground truth {mask.shape} differ in size")
    return soft_map.reshape(-1), mask.reshape(-1)


def _score(selected: BoolMask, mask: BoolMask, present: int, *, undefined_iou: float) -> Scores:
    """Count pixels of flat masks; ``present`` is how many the ground truth has."""
    hits = np.count_nonzero(selected & mask)
    iou, f = score_counts(hits, np.count_nonzero(selected), present, undefined_iou)
    return Scores(float(iou), float(f))


def _divide(numerator: npt.ArrayLike, denominator: npt.ArrayLike, undefined: float) -> FloatArray:
    below = np.asarray(denominator, np.float64)
    result: FloatArray = np.full(below.shape, undefined, np.float64)
    np.divide(numerator, below, out=result, where=below != 0)
    return result
