"""AVSBench's own scores: IoU with a rule for empty frames, and F as the maximum over 255 thresholds.

Source: ``mask_iou`` and ``Eval_Fmeasure`` of AVSBench. They work in float32, and so do these, so that
the numbers agree to the last digit. They are not comparable with the paper's scores: the same
model has been published as 78.8/88.9 and as 89.4/94.5 on the same data.

The F of a set depends on how frames are grouped, because the mean curve over a group comes before the
maximum. AVSBench's S4 script groups the five frames of a video and averages the maxima.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from fiftyone_avs.metrics.inputs import BoolMask, FloatMap, as_mask, as_soft_map
from fiftyone_avs.metrics.scores import BETA_SQUARED

N_THRESHOLDS = 255
_EPSILON = 1e-7
_TINY = np.float32(1e-20)

Curve = npt.NDArray[np.float32]


def avsbench_thresholds() -> Curve:
    """Return the 255 thresholds of F, float32, from 0 to 1."""
    thresholds: Curve = torch.linspace(0, 1 - 1e-10, N_THRESHOLDS).numpy()
    return thresholds


def avsbench_iou(preds: npt.ArrayLike, gts: npt.ArrayLike) -> float:
    """Return the mean IoU of frames at map > 0.5.

    A frame with an empty ground truth scores its share of correctly empty pixels instead.

    Args:
        preds: soft maps in [0, 1] (after the sigmoid), shape (H, W) or (N, H, W).
        gts: bool, 0/1 or 0/255, same shape.

    Raises:
        ValueError: wrong input; the message names the problem.
    """
    return float(_iou_sum(preds, gts) / len(_frames(preds)))


def baav_torch_iou(preds: npt.ArrayLike, gts: npt.ArrayLike) -> float:
    """Return what the copy of AVSBench's IoU inside BAaV's evaluator returns.

    It divides by N + 1e-7 where `avsbench_iou` divides by N. BAaV's script does not call it; it is here to
    compare with numbers made by that function.
    """
    return float(_iou_sum(preds, gts) / (len(_frames(preds)) + _EPSILON))


def avsbench_f_curve(
    pred: npt.ArrayLike, gt: npt.ArrayLike, thresholds: npt.ArrayLike | None = None
) -> Curve | None:
    """Return F of ``pred >= threshold`` at every threshold, float32, or None if the ground truth is empty.

    Args:
        pred: soft map in [0, 1] (after the sigmoid), shape (H, W).
        gt: bool, 0/1 or 0/255, shape (H, W).
        thresholds: ascending; by default the 255 of AVSBench.

    Raises:
        ValueError: wrong input; the message names the problem.
    """
    soft_map = as_soft_map(pred)
    mask = as_mask(gt)
    _check_same_shape(soft_map, mask)
    present = np.float32(np.count_nonzero(mask))
    if present == 0:
        return None
    levels = avsbench_thresholds() if thresholds is None else np.asarray(thresholds, np.float32)
    hits = _count_at_least(soft_map[mask], levels)
    predicted = _count_at_least(soft_map.ravel(), levels)
    precision = hits / (predicted + _TINY)
    recall = hits / (present + _TINY)
    numerator = np.float32(1 + BETA_SQUARED) * precision * recall
    denominator = np.float32(BETA_SQUARED) * precision + recall
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator != 0)


def avsbench_f(preds: npt.ArrayLike, gts: npt.ArrayLike, thresholds: npt.ArrayLike | None = None) -> float:
    """Return F of one group of frames: the maximum over thresholds of the mean curve.

    Frames with an empty ground truth are left out; F is 0 if none remains.

    Args:
        preds: soft maps in [0, 1] (after the sigmoid), shape (H, W) or (N, H, W).
        gts: bool, 0/1 or 0/255, same shape.
        thresholds: ascending; by default the 255 of AVSBench.
    """
    maps = _frames(preds)
    masks = _frames(gts)
    if len(maps) != len(masks):
        raise ValueError(f"{len(maps)} soft maps but {len(masks)} ground truths")
    curves = GroupCurves()
    for soft_map, mask in zip(maps, masks, strict=True):
        curves.add("", avsbench_f_curve(soft_map, mask, thresholds))
    return curves.f("")


class GroupCurves:
    """Curves of F, added up group by group as frames come, so that no map has to be kept.

    The sums are float32 in the order of the frames, as AVSBench's script makes them, so that F equals
    `avsbench_f` of a group's frames to the last digit. For 255 thresholds a group takes 1 kB.
    """

    def __init__(self) -> None:
        self._sums: dict[str, Curve] = {}
        self._counts: dict[str, int] = {}

    def add(self, group: str, curve: Curve | None) -> None:
        """Add a frame's curve; None, for an empty ground truth, only says that the group is there."""
        self._counts.setdefault(group, 0)
        if curve is None:
            return
        self._counts[group] += 1
        if group in self._sums:
            self._sums[group] += curve
        else:
            self._sums[group] = curve.copy()

    def f(self, group: str) -> float:
        """F of one group: the maximum of its mean curve, or 0 if all its frames were left out."""
        if group not in self._sums:
            return 0.0
        return float((self._sums[group] / np.float32(self._counts[group])).max())

    def mean_f(self) -> float:
        """The mean of F over groups, those without any object counting as 0; NaN without groups."""
        if not self._counts:
            return float("nan")
        return float(np.mean([self.f(group) for group in self._counts]))

    def __len__(self) -> int:
        return len(self._counts)


def avsbench_f_of_groups(groups: Sequence[tuple[npt.ArrayLike, npt.ArrayLike]]) -> float:
    """Return the mean of `avsbench_f` over groups such as videos, each (preds, gts); NaN without groups."""
    if not groups:
        return float("nan")
    return float(np.mean([avsbench_f(preds, gts) for preds, gts in groups]))


def _iou_sum(preds: npt.ArrayLike, gts: npt.ArrayLike) -> torch.Tensor:
    """Return the float32 sum of the frames' IoUs. Summed by torch: the order of a sum shows in float32."""
    maps = as_soft_map(_frames(preds), ndim=3)
    masks = as_mask(_frames(gts), ndim=3)
    _check_same_shape(maps, masks)
    predicted = maps > np.float32(0.5)
    axes = (1, 2)
    hits = np.count_nonzero(predicted & masks, axis=axes)
    union = np.count_nonzero(predicted | masks, axis=axes)
    empty = ~masks.any(axis=axes)
    pixels = masks.shape[1] * masks.shape[2]
    hits = np.where(empty, pixels - np.count_nonzero(predicted, axis=axes), hits)
    union = np.where(empty, pixels, union)
    # An empty union cannot occur: it needs an empty ground truth.
    ratio = hits.astype(np.float32) / (union.astype(np.float32) + np.float32(_EPSILON))
    return torch.from_numpy(ratio).sum()


def _count_at_least(values: FloatMap, levels: Curve) -> Curve:
    """Return how many values reach each level, as float32."""
    ordered = np.sort(values, axis=None)
    return (ordered.size - np.searchsorted(ordered, levels, side="left")).astype(np.float32)


def _frames(values: npt.ArrayLike) -> npt.NDArray[np.generic]:
    """Return (N, H, W), giving a single picture a first axis."""
    array: npt.NDArray[np.generic] = np.asarray(values)
    return array[None] if array.ndim == 2 else array


def _check_same_shape(maps: FloatMap, masks: BoolMask) -> None:
    if maps.shape != masks.shape:
        raise ValueError(f"the soft maps {maps.shape} and the ground truths {masks.shape} differ in shape")
