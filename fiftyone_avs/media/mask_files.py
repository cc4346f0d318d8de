"""Masks and soft maps on disk, as PNG of one channel.

Soft maps have 16 bits, enough for scores recomputed from the file to equal those of the float map; FiftyOne's App
renders them when the heatmap's range is [0, 65535].
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from fiftyone_avs.errors import MediaError
from fiftyone_avs.types import Mask, SoftMap

BACKGROUND = 0
SOUNDING = 255
"""The values of a stored mask."""

MAP_MAX = 65535
MAP_RANGE = [0.0, float(MAP_MAX)]
"""The range of a stored soft map, for ``fo.Heatmap``."""


def mask_pixels(mask: Mask) -> npt.NDArray[np.uint8]:
    """A mask as it is stored: 0 and 255, 8 bits."""
    return mask.astype(np.uint8) * np.uint8(SOUNDING)


def map_pixels(soft_map: SoftMap) -> npt.NDArray[np.uint16]:
    """A soft map in [0, 1] as it is stored: times 65535, 16 bits."""
    return np.rint(soft_map.astype(np.float64) * MAP_MAX).astype(np.uint16)


def read_map(path: str | Path) -> SoftMap:
    """Read a stored soft map: float32 in [0, 1], shape (H, W).

    8-bit and 16-bit maps are scaled by their full range.

    Raises:
        MediaError: if it is missing, damaged, or not a map of one channel.
    """
    try:
        with Image.open(path) as picture:
            values = np.asarray(picture)
    except (OSError, SyntaxError, ValueError) as error:
        raise MediaError(f"the soft map cannot be read ({error})", path=path) from error
    if values.ndim != 2:
        raise MediaError(f"a soft map has one channel, this has shape {values.shape}", path=path)
    full = 255 if values.dtype == np.uint8 else MAP_MAX
    return (values / np.float64(full)).astype(np.float32)
