"""What the scores accept: soft maps and ground truths, checked, and brought to one size.

Nothing is repaired silently. An input that a score cannot be trusted on raises ``ValueError`` with
the reason.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

PROTOCOL_SIZE = (224, 224)
"""Height and width at which the paper's evaluator compares maps."""

FOREGROUND = 128
"""Grey values from here on are foreground in an 8-bit ground truth."""

FEW_LEVELS = 256
"""Maps with fewer distinct values than this have ties that the official adaptive rule punishes."""

_RANGE_SLACK = 1e-6  # bilinear weights in float32 may sum to slightly more than one
_BITS_OF_ONE = np.float32(1).view(np.uint32)
_A_FEW_THOUSAND = 4096

FloatMap = npt.NDArray[np.float32]
BoolMask = npt.NDArray[np.bool_]


def as_soft_map(values: npt.ArrayLike, *, ndim: int = 2, name: str = "soft map") -> FloatMap:
    """Check a soft map and return it as float32.

    Args:
        values: bool or numbers in [0, 1], shape (H, W), or (N, H, W) with ``ndim=3``.
        ndim: the number of dimensions to insist on.
        name: what to call the array in messages.

    Raises:
        ValueError: not numeric, wrong number of dimensions, empty, NaN or infinite, outside [0, 1].
    """
    array = np.asarray(values)
    if array.dtype.kind not in "buif":
        raise ValueError(f"the {name} must hold numbers, not {array.dtype}")
    _check_shape(array, ndim, name)
    if _is_plain(array):
        return array
    if not np.isfinite(array).all():
        bad = int(array.size - np.isfinite(array).sum())
        raise ValueError(f"the {name} holds {bad} NaN or infinite values")
    low = float(array.min())
    high = float(array.max())
    if low < -_RANGE_SLACK or high > 1 + _RANGE_SLACK:
        raise ValueError(
            f"the {name} must lie in [0, 1] but spans [{low:g}, {high:g}]: "
            "apply the sigmoid to logits, divide 8-bit maps by 255"
        )
    return array.astype(np.float32, copy=False)


def as_mask(values: npt.ArrayLike, *, ndim: int = 2, name: str = "ground truth") -> BoolMask:
    """Check a binary mask and return it as bool.

    Args:
        values: bool, or numbers that are only 0 and 1, or only 0 and 255; shape (H, W), or
            (N, H, W) with ``ndim=3``.
        ndim: the number of dimensions to insist on.
        name: what to call the array in messages.

    Raises:
        ValueError: wrong number of dimensions, empty, or other values than those.
    """
    array = np.asarray(values)
    _check_shape(array, ndim, name)
    if array.dtype == np.bool_:
        return array
    if array.dtype == np.uint8 and np.count_nonzero(white := array == 255) == np.count_nonzero(array):
        return np.asarray(white)
    grey = _as_grey(array, name)
    between = (grey > 0) & (grey < 255)
    if between.any():
        raise ValueError(
            f"the {name} is not binary: it holds the value {int(grey[between][0])}; "
            "only 0 and 1, or 0 and 255, are allowed here"
        )
    return np.asarray(grey == 255)


def ground_truth_mask(gt: npt.ArrayLike) -> BoolMask:
    """Read a ground truth of its own size, shape (H, W).

    bool, 0/1 and 0/255 arrays are taken as they are. Other 8-bit grey values (masks stored as
    JPEG) are foreground from 128 on.

    Raises:
        ValueError: see `ground_truth_grey`.
    """
    return ground_truth_grey(gt) >= FOREGROUND


def ground_truth_grey(gt: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Return a ground truth as 8-bit grey, shape (H, W), with 0/1 scaled to 0/255.

    The scaling matters: the paper's evaluator keeps values of 128 and more, so a mask stored as 0/1
    would become empty.

    Raises:
        ValueError: not two-dimensional, empty, not 8-bit grey, or all values below 128 and some
            above 1 (class numbers rather than a mask).
    """
    array = np.asarray(gt)
    _check_shape(array, 2, "ground truth")
    return _as_grey(array, "ground truth")


def resize_soft_map(soft_map: npt.ArrayLike, size: tuple[int, int] = PROTOCOL_SIZE) -> FloatMap:
    """Resize a soft map (H, W) to ``size`` (height, width), bilinear, align_corners False.

    The numbers are those of ``torch.nn.functional.interpolate``.
    """
    array = as_soft_map(soft_map)
    if array.shape == size:
        return array
    tensor = torch.from_numpy(np.array(array))[None, None]
    resized = torch.nn.functional.interpolate(tensor, size=size, mode="bilinear", align_corners=False)
    return resized[0, 0].numpy()


def resize_ground_truth(gt: npt.ArrayLike, size: tuple[int, int] = PROTOCOL_SIZE) -> BoolMask:
    """Resize a ground truth (H, W) to ``size`` (height, width) as the paper's evaluator does.

    The grey values are resized with PIL's default filter (bicubic) and are foreground from 128 on.

    Args:
        gt: bool, 0/1, 0/255 or 8-bit grey.
        size: height and width of the result.
    """
    grey = ground_truth_grey(gt)
    height, width = size
    resized = Image.fromarray(grey).resize((width, height))
    return np.asarray(resized) >= FOREGROUND


def dithered_ground_truth(gt: npt.ArrayLike, size: tuple[int, int] = PROTOCOL_SIZE) -> BoolMask:
    """Read a ground truth (H, W) as AVSBench's S4 script does, which opens it in PIL's mode "1".

    That dithers grey values and leaves black and white as they are. Another size than ``size`` is then
    resized by `resize_ground_truth`; AVSBench's own files have 224 x 224 pixels.

    Args:
        gt: bool, 0/1, 0/255 or 8-bit grey.
        size: height and width of the result.
    """
    black_and_white = Image.fromarray(ground_truth_grey(gt)).convert("1")
    return resize_ground_truth(np.asarray(black_and_white), size)


def has_few_levels(soft_map: npt.ArrayLike) -> bool:
    """Whether a map has fewer than 256 distinct values, so that ties decide its adaptive scores."""
    values = np.asarray(soft_map).ravel()
    some = values[
        :: max(1, values.size // _A_FEW_THOUSAND)
    ]  # nearly always enough to tell, without sorting all
    return bool(np.unique(some).size < FEW_LEVELS and np.unique(values).size < FEW_LEVELS)


def _is_plain(array: npt.NDArray[np.generic]) -> bool:
    """Whether an array is float32 in [0, 1] beyond doubt, found in one pass.

    The bits of a float from 0 to 1, read as a whole number, end at those of 1. Negative numbers, infinity and
    NaN lie above them.
    """
    return array.dtype == np.float32 and bool(array.view(np.uint32).max() <= _BITS_OF_ONE)


def _as_grey(array: npt.NDArray[np.generic], name: str) -> npt.NDArray[np.uint8]:
    """Return 0..255 grey values; bool and 0/1 arrays are scaled to 0/255."""
    if array.dtype == np.bool_:
        return np.where(array, np.uint8(255), np.uint8(0))
    if array.dtype.kind not in "uif":
        raise ValueError(f"the {name} must hold numbers, not {array.dtype}")
    if array.dtype.kind == "f" and not np.isin(array, (0, 1, 255)).all():
        raise ValueError(f"the {name} is not binary: floating-point masks may hold 0, 1 and 255 only")
    low = int(np.min(array))
    high = int(np.max(array))
    if low < 0 or high > 255:
        raise ValueError(f"the {name} must be bool, 0/1 or 8-bit grey but spans [{low}, {high}]")
    if high <= 1:
        return np.where(array == 1, np.uint8(255), np.uint8(0))
    if high < FOREGROUND:
        raise ValueError(
            f"the {name} is not binary: its values end at {high}, which looks like class numbers; "
            "pass a mask of the wanted class, such as `mask == number`"
        )
    return array.astype(np.uint8)


def _check_shape(array: npt.NDArray[np.generic], ndim: int, name: str) -> None:
    wanted = "(H, W)" if ndim == 2 else "(N, H, W)"
    if array.ndim != ndim:
        raise ValueError(f"the {name} must have the shape {wanted}, not {array.shape}")
    if array.size == 0:
        raise ValueError(f"the {name} is empty: its shape is {array.shape}")
