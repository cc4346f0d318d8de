"""Scores of many maps of one size, in as many threads as wanted; the numbers are those of the single functions.

Maps are taken in blocks, so that each of numpy's calls works for long enough: between calls threads wait for one
another, and with a map at a time two of them were slower than one. Masks are counted as packed bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fiftyone_avs.metrics.inputs import BoolMask, FloatMap, as_mask, as_soft_map
from fiftyone_avs.metrics.scores import (
    AdaptiveRule,
    FloatArray,
    check_rule,
    check_threshold,
    level_at,
    position_of,
    score_counts,
    top_up,
    wanted_of,
)

BLOCK = 32
"""So many maps are compared by one call."""

_BITS_OF_ONE = np.float32(1).view(np.uint32)

Counts = npt.NDArray[np.int64]
Packed = npt.NDArray[np.uint8]
"""Masks as bits, shape (N, bytes)."""


class Room(NamedTuple):
    """Memory that a thread writes to again and again, because new memory costs as much time as a comparison.

    Attributes:
        selected: the pixels that were selected, shape (BLOCK, pixels).
        bits: of one map, shape (pixels,).
    """

    selected: BoolMask
    bits: npt.NDArray[np.int32]


Select = Callable[[FloatMap, Counts, Room], BoolMask]
"""Selects pixels of a block of flat maps, by the numbers of ground-truth pixels."""


class BatchScores(NamedTuple):
    """IoU and F of N maps, float64, each of shape (N,)."""

    iou: FloatArray
    f: FloatArray


class BatchSampleScores(NamedTuple):
    """The four scores of N maps, named as those of ``SampleScores``; float64, each of shape (N,)."""

    iou_adaptive: FloatArray
    f_adaptive: FloatArray
    iou: FloatArray
    f: FloatArray


def threshold_scores_batch(
    pred: npt.ArrayLike, gt: npt.ArrayLike, threshold: float, *, threads: int = 1
) -> BatchScores:
    """Do the same as `threshold_scores` for arrays of shape (N, H, W)."""
    return BatchScores(*_in_blocks(pred, gt, [(_above(threshold), 0.0)], threads))


def adaptive_scores_batch(
    pred: npt.ArrayLike, gt: npt.ArrayLike, rule: AdaptiveRule = "official", *, threads: int = 1
) -> BatchScores:
    """Do the same as `adaptive_scores` for arrays of shape (N, H, W)."""
    return BatchScores(*_in_blocks(pred, gt, [(_highest(rule), math.nan)], threads))


def score_batch(
    pred: npt.ArrayLike,
    gt: npt.ArrayLike,
    *,
    threshold: float = 0.5,
    rule: AdaptiveRule = "official",
    threads: int = 1,
) -> BatchSampleScores:
    """Compute the adaptive and the threshold scores of N maps.

    Args:
        pred: soft maps in [0, 1], shape (N, H, W); float32 is quickest.
        gt: bool, 0/1 or 0/255, same shape; bool and 8 bits are quickest.
        threshold: in [0, 1].
        rule: see `adaptive_scores`.
        threads: how many threads to use; numpy lets them run side by side.

    Raises:
        ValueError: wrong input; the message names the problem.
    """
    ways = [(_highest(rule), math.nan), (_above(threshold), math.nan)]
    found = BatchSampleScores(*_in_blocks(pred, gt, ways, threads))
    nothing = np.isnan(found.iou)  # neither in the ground truth nor in the mask; see `both_scores`
    found.iou[nothing] = 0.0
    if rule == "topk":
        found.iou_adaptive[nothing], found.f_adaptive[nothing] = math.nan, 0.0
    return found


def _above(threshold: float) -> Select:
    check_threshold(threshold)

    def select(maps: FloatMap, present: Counts, room: Room) -> BoolMask:
        return np.greater(maps, np.float32(threshold), out=room.selected[: len(maps)])

    return select


def _highest(rule: AdaptiveRule) -> Select:
    check_rule(rule)

    def select(maps: FloatMap, present: Counts, room: Room) -> BoolMask:
        pixels, levels = maps.shape[1], np.empty(len(maps), np.float32)
        for index, count in enumerate(present.tolist()):
            levels[index] = level_at(maps[index], position_of(pixels, count, rule), room.bits)
        selected = np.greater(maps, levels[:, None], out=room.selected[: len(maps)])
        if rule == "topk":
            for row, one, level, count in zip(selected, maps, levels, present.tolist(), strict=True):
                if count or level > 0:
                    top_up(row, one, level, wanted_of(pixels, count))
        return selected

    return select


def _in_blocks(
    pred: npt.ArrayLike, gt: npt.ArrayLike, ways: list[tuple[Select, float]], threads: int
) -> FloatArray:
    """Score every pair of a batch by each way to select pixels, with its IoU where that is undefined.

    Returns:
        IoU and F of the first way, then of the next; shape (2 * ways, N).
    """
    maps, masks = np.asarray(pred), np.asarray(gt)
    threads = max(1, threads)
    if maps.ndim != 3 or maps.shape != masks.shape:
        raise ValueError(
            f"the soft maps {maps.shape} and the ground truths {masks.shape} must have one shape (N, H, W);"
            " they differ in size"
        )
    result = np.empty((2 * len(ways), len(maps)))
    pixels = maps.shape[1] * maps.shape[2]

    def fill(first: int) -> None:
        """Fill in every so many-th block; one call per thread."""
        room = Room(np.empty((BLOCK, pixels), np.bool_), np.empty(pixels, np.int32))
        for start in range(first * BLOCK, len(maps), threads * BLOCK):
            part = slice(start, start + BLOCK)
            soft, truth = _flat_maps(maps[part]), _packed_truth(masks[part], room)
            present = _count(truth)
            for index, (select, undefined_iou) in enumerate(ways):
                selected = np.packbits(select(soft, present, room), axis=1)
                hits = _count(selected & truth)
                scores = score_counts(hits, _count(selected), present, undefined_iou)
                result[2 * index : 2 * index + 2, part] = scores

    if threads == 1:
        fill(0)
        return result
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fill, range(threads)))  # raises what a thread raised
    return result


def _flat_maps(maps: npt.NDArray[np.generic]) -> FloatMap:
    """Check a block of maps and return it as (N, pixels).

    The bits of floats from 0 on are ordered like the floats, and those of NaN, infinity and negative numbers come
    after those of 1, so that one look at the highest finds a block of float32 in [0, 1].
    """
    if (
        maps.dtype != np.float32
        or maps.size == 0
        or not maps.flags.c_contiguous
        or _highest_bits(maps) > _BITS_OF_ONE
    ):
        maps = np.ascontiguousarray(as_soft_map(maps, ndim=3))
    flat: FloatMap = maps.reshape(len(maps), -1)  # type: ignore[assignment]  # float32 now
    return flat


def _highest_bits(maps: npt.NDArray[np.generic]) -> np.uint32:
    found: np.uint32 = maps.view(np.uint32).max()
    return found


def _packed_truth(masks: npt.NDArray[np.generic], room: Room) -> Packed:
    """Check a block of ground truths and return it as bits.

    An 8-bit mask of 0 and 255 alone holds 1 and 0 after one is added.
    """
    flat = masks.reshape(len(masks), -1)
    if flat.dtype == np.uint8 and flat.size:
        more = np.add(flat.view(np.uint8), np.uint8(1), out=room.selected[: len(flat)].view(np.uint8))
        if more.max() <= 1:
            return np.packbits(flat.view(np.uint8), axis=1)
    return np.packbits(as_mask(masks, ndim=3).reshape(flat.shape), axis=1)


def _count(packed: Packed) -> Counts:
    """The number of bits that are set in each row."""
    words = packed.view(np.uint64) if packed.shape[1] % 8 == 0 else packed
    counts: Counts = np.bitwise_count(words).sum(axis=1, dtype=np.int64)
    return counts
