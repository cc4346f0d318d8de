"""Masks as tints on their pictures: green is ground truth, red a prediction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage

from fiftyone_avs.types import Image, Mask

Colour = tuple[int, int, int]
"""Red, green and blue, 0..255."""

TRUTH_COLOUR = (0, 200, 90)
MASK_COLOUR = (235, 60, 50)


def overlay(image: Image, mask: Mask | npt.NDArray[np.float32], colour: Colour) -> Image:
    """Tint the pixels of a mask and darken the others a little.

    Args:
        image: uint8 RGB, shape (H, W, 3).
        mask: bool, or float32 in [0, 1] where a pixel belongs to the mask in part; shape (H, W).
        colour: of the tint.

    Returns:
        uint8 RGB, shape (H, W, 3).
    """
    values = np.arange(256, dtype=np.float64)
    picture = PILImage.fromarray(image)
    mixed = _looked_up(picture, [0.75 * values] * 3)
    tinted = _looked_up(picture, [0.45 * values + 0.55 * part for part in colour])
    mixed.paste(tinted, mask=PILImage.fromarray(mask > 0))
    drawn = np.array(mixed)
    partly = (mask > 0) & (mask < 1)  # pixels at the mask's border: too many shades for a table
    share, pixels = mask[partly, None], image[partly]
    drawn[partly] = share * (0.45 * pixels + 0.55 * np.asarray(colour)) + (1 - share) * (0.75 * pixels)
    return drawn


def _looked_up(picture: PILImage.Image, tables: Sequence[npt.NDArray[np.float64]]) -> PILImage.Image:
    """The picture with each value replaced by that in its channel's table of 256, fractions cut off."""
    return picture.point(np.concatenate(tables).astype(np.uint8).tolist())
