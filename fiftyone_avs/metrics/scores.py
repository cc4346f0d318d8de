"""IoU and F of a soft map against a binary ground truth: threshold and adaptive scores.

Sources: the evaluator of BAaV (the paper's protocol) and of SSLalignment. Both compute
IoU = TP / (GT + FP) and F = 1.3 P R / (0.3 P + R), beta squared being 0.3 (the paper prints
beta = 0.3).

The adaptive scores know how large the ground truth is. They compare localisers; they do not say how
good a mask is.
"""

from __future__ import annotations

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


class BatchScores(NamedTuple):
    """IoU and F of N maps, float64, each of shape (N,)."""

    iou: FloatArray
    f: FloatArray


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
    return _first(threshold_scores_batch(_one(as_soft_map(pred)), _one(as_mask(gt)), threshold))


def threshold_scores_batch(pred: npt.ArrayLike, gt: npt.ArrayLike, threshold: float) -> BatchScores:
    """Do the same as `threshold_scores` for arrays of shape (N, H, W)."""
    maps, masks = _flat_pair(pred, gt)
    if not 0 <= threshold <= 1:
        raise ValueError(f"the threshold must lie in [0, 1], not {threshold}")
    return _score(maps > np.float32(threshold), masks, undefined_iou=0.0)


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
            * ``"topk"``: exactly k pixels; ties go to the pixels that come first, row by row.
            * ``"half"``: SSLalignment's older rule, values above the one at [N // 2].

    Returns:
        IoU and F. The IoU is NaN where nothing is selected and nothing is there (an empty ground
        truth and a constant map); F is 0 where undefined.

    Raises:
        ValueError: wrong input or unknown rule.
    """
    return _first(adaptive_scores_batch(_one(as_soft_map(pred)), _one(as_mask(gt)), rule))


def adaptive_scores_batch(
    pred: npt.ArrayLike, gt: npt.ArrayLike, rule: AdaptiveRule = "official"
) -> BatchScores:
    """Do the same as `adaptive_scores` for arrays of shape (N, H, W)."""
    maps, masks = _flat_pair(pred, gt)
    if rule == "topk":
        selected = np.stack([_top_pixels(row, _wanted(mask)) for row, mask in zip(maps, masks, strict=True)])
    else:
        thresholds = [_threshold(row, mask, rule) for row, mask in zip(maps, masks, strict=True)]
        selected = maps > np.array(thresholds, np.float32)[:, None]
    return _score(selected, masks, undefined_iou=np.nan)


def adaptive_threshold(pred: npt.ArrayLike, gt: npt.ArrayLike, rule: AdaptiveRule = "official") -> float:
    """Return the value that pixels must exceed under the rule ``"official"`` or ``"half"``.

    Args and errors as in `adaptive_scores`; ``"topk"`` has no threshold and raises ValueError.
    """
    maps, masks = _flat_pair(_one(as_soft_map(pred)), _one(as_mask(gt)))
    return float(_threshold(maps[0], masks[0], rule))


def _threshold(row: FloatMap, mask: BoolMask, rule: AdaptiveRule) -> np.float32:
    """Return one flat map's value at the sorted position that the rule names."""
    if rule not in ("official", "half"):
        known = ", ".join(get_args(AdaptiveRule))
        raise ValueError(f"the rule {rule!r} has no threshold; the rules are {known}")
    pixels = row.size
    position = pixels // 2 if rule == "half" else pixels - _wanted(mask)
    position = min(position, pixels - 1)  # a map of one pixel with an empty ground truth
    value: np.float32 = np.partition(row, position)[position]
    return value


def _top_pixels(row: FloatMap, count: int) -> BoolMask:
    """Select exactly ``count`` pixels of a flat map: the highest, and among equals the first."""
    order = np.argsort(-row, kind="stable")
    selected = np.zeros(row.size, np.bool_)
    selected[order[:count]] = True
    return selected


def _wanted(mask: BoolMask) -> int:
    """Return how many pixels the adaptive rules ask for."""
    return int(np.count_nonzero(mask)) or mask.size // 2


def _score(selected: BoolMask, masks: BoolMask, *, undefined_iou: float) -> BatchScores:
    """Count pixels of (N, P) masks and return IoU and F per row."""
    hits = np.count_nonzero(selected & masks, axis=1).astype(np.float64)
    predicted = np.count_nonzero(selected, axis=1).astype(np.float64)
    present = np.count_nonzero(masks, axis=1).astype(np.float64)
    iou = _divide(hits, present + predicted - hits, undefined_iou)
    precision = _divide(hits, predicted, 0.0)
    recall = _divide(hits, present, 0.0)
    f = _divide((1 + BETA_SQUARED) * precision * recall, BETA_SQUARED * precision + recall, 0.0)
    return BatchScores(iou, f)


def _divide(numerator: FloatArray, denominator: FloatArray, undefined: float) -> FloatArray:
    result = np.full(numerator.shape, undefined, np.float64)
    return np.divide(numerator, denominator, out=result, where=denominator != 0)


def _flat_pair(pred: npt.ArrayLike, gt: npt.ArrayLike) -> tuple[FloatMap, BoolMask]:
    """Check a batch (N, H, W) of maps and masks and return both as (N, H * W)."""
    maps = as_soft_map(pred, ndim=3)
    masks = as_mask(gt, ndim=3)
    if maps.shape != masks.shape:
        raise ValueError(
            f"the soft map {maps.shape[1:]} and the ground truth {masks.shape[1:]} differ in "
            f"size, or the batches {len(maps)} and {len(masks)} in length"
        )
    return maps.reshape(len(maps), -1), masks.reshape(len(masks), -1)


def _one(array: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    return array[None]


def _first(scores: BatchScores) -> Scores:
    return Scores(float(scores.iou[0]), float(scores.f[0]))
