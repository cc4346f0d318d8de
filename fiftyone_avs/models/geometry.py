"""How pictures get into a segmentation network's square, and soft maps back into the picture.

These are the ways of the networks' own evaluation code, pixel for pixel, since a network knows no other
squares than those it was trained on:

* ASDA: `Letterbox`;
* CRIS and ETRIS: `AffineWarp`;
* BAaV, the code of the paper: `Stretch` (named "center_crop" there) or a `Letterbox` of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import interpolate

from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.types import Image, SoftMap

Placement: TypeAlias = tuple[int, int]
"""What the way back has to know of the picture: its height and width. All else follows from them."""

Floats: TypeAlias = npt.NDArray[np.float32]
Color: TypeAlias = tuple[float, float, float]

WARP_LIMIT = 32766
"""OpenCV does not warp pictures with a longer side."""


class Geometry(Protocol):
    """A way into a network's square and back."""

    def into(self, image: Image) -> tuple[Image, Placement]:
        """Bring a picture, uint8 (H, W, 3), into the square, uint8 (size, size, 3)."""
        ...

    def back(self, soft_map: Floats, placement: Placement) -> SoftMap:
        """Bring a map of the whole square, float32 (h, w) in [0, 1], to the picture's size (H, W)."""
        ...


@dataclass(frozen=True)
class Letterbox:
    """Keeps the proportions and fills two sides up.

    Attributes:
        size: of the square.
        border: RGB colour of what is filled up.
        floor: cut the scaled picture's sides down to whole pixels instead of rounding them.
    """

    size: int
    border: Color = (123.7, 116.3, 103.5)
    floor: bool = False

    def into(self, image: Image) -> tuple[Image, Placement]:
        """Scale the picture (area interpolation) and put it into the middle."""
        height, width = image.shape[:2]
        rows, columns = self.sides(height, width)
        inner = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA)
        top, left = (self.size - rows) // 2, (self.size - columns) // 2
        bottom, right = self.size - rows - top, self.size - columns - left
        square = cv2.copyMakeBorder(inner, top, bottom, left, right, cv2.BORDER_CONSTANT, value=self.border)
        return np.asarray(square, np.uint8), (height, width)

    def back(self, soft_map: Floats, placement: Placement) -> SoftMap:
        """Enlarge the map to the square, cut the picture out of it, scale it back; bilinear."""
        height, width = placement
        square = _bilinear(soft_map, self.size, self.size)
        rows, columns = self.sides(height, width)
        top, left = (self.size - rows) // 2, (self.size - columns) // 2
        # The official code rounds the cut down even where it rounded the picture up.
        cut_rows, cut_columns = (max(1, int(side)) for side in self._scaled(height, width))
        cut = square[top : top + cut_rows, left : left + cut_columns]
        return _unit(_bilinear(cut, height, width))

    def sides(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the scaled picture, at least one pixel each."""
        rows, columns = self._scaled(height, width)
        if self.floor:
            return max(1, int(rows)), max(1, int(columns))
        return max(1, round(rows)), max(1, round(columns))

    def _scaled(self, height: int, width: int) -> tuple[float, float]:
        ratio = min(self.size / height, self.size / width)
        return height * ratio, width * ratio


@dataclass(frozen=True)
class AffineWarp:
    """Keeps the proportions to a fraction of a pixel, fills two sides up; cubic.

    Attributes:
        size: of the square.
        border: RGB colour of what is filled up (CLIP's mean).
    """

    size: int
    border: Color = (0.48145466 * 255, 0.4578275 * 255, 0.40821073 * 255)

    def into(self, image: Image) -> tuple[Image, Placement]:
        """Warp the picture into the middle of the square."""
        height, width = image.shape[:2]
        rows, columns = _warpable(height, width)
        if (rows, columns) != (height, width):
            image = np.asarray(cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)
        square = cv2.warpAffine(
            image,
            self.matrix(rows, columns),
            (self.size, self.size),
            flags=cv2.INTER_CUBIC,
            borderValue=self.border,
        )
        return np.asarray(square, np.uint8), (height, width)

    def back(self, soft_map: Floats, placement: Placement) -> SoftMap:
        """Enlarge the map to the square, corners on corners, and warp it back."""
        height, width = placement
        given = torch.from_numpy(np.ascontiguousarray(soft_map, np.float32))[None, None]
        square = interpolate(given, (self.size, self.size), mode="bicubic", align_corners=True)[0, 0].numpy()
        rows, columns = _warpable(height, width)
        inverse = self.matrix(rows, columns, inverse=True)
        warped = cv2.warpAffine(square, inverse, (columns, rows), flags=cv2.INTER_CUBIC, borderValue=(0.0,))
        return _unit(_bilinear(np.asarray(warped, np.float32), height, width))

    def matrix(self, height: int, width: int, *, inverse: bool = False) -> npt.NDArray[np.float64]:
        """The affine map, shape (2, 3), from a picture of this size to the square, or its inverse.

        It is found from three corners in float32, as in the official code: its last digits decide how
        OpenCV rounds.
        """
        scale = min(self.size / height, self.size / width)
        left, top = (self.size - width * scale) / 2, (self.size - height * scale) / 2
        right, bottom = left + width * scale, top + height * scale
        picture = np.array([[0, 0], [width, 0], [0, height]], np.float32)
        square = np.array([[left, top], [right, top], [left, bottom]], np.float32)
        corners = (square, picture) if inverse else (picture, square)
        return np.asarray(cv2.getAffineTransform(*corners), np.float64)


@dataclass(frozen=True)
class Stretch:
    """Gives up the proportions.

    Attributes:
        size: of the square.
    """

    size: int

    def into(self, image: Image) -> tuple[Image, Placement]:
        """Stretch the picture to the square (area interpolation)."""
        height, width = image.shape[:2]
        square = cv2.resize(image, (self.size, self.size), interpolation=cv2.INTER_AREA)
        return np.asarray(square, np.uint8), (height, width)

    def back(self, soft_map: Floats, placement: Placement) -> SoftMap:
        """Stretch the map to the picture; bilinear."""
        return _unit(_bilinear(soft_map, *placement))


def geometry_by_name(name: str, size: int) -> Geometry:
    """The way that a model card names, for a square of this size.

    Args:
        name: "letterbox" (ASDA), "warp" (CRIS, ETRIS), "stretch" or "baav_letterbox" (BAaV).
        size: of the square.

    Raises:
        ConfigurationError: if there is no such way.
    """
    ways: dict[str, Geometry] = {
        "letterbox": Letterbox(size),
        "warp": AffineWarp(size),
        "stretch": Stretch(size),
        "baav_letterbox": Letterbox(size, border=(114.0, 114.0, 114.0), floor=True),
    }
    if name not in ways:
        raise ConfigurationError(f"unknown geometry {name!r}: use one of {', '.join(ways)}")
    return ways[name]


def normalise(square: Image, mean: Sequence[float], std: Sequence[float]) -> Floats:
    """A network's input from a picture.

    Args:
        square: uint8, shape (H, W, 3).
        mean: of each channel, for values in [0, 1].
        std: of each channel.

    Returns:
        float32, shape (3, H, W).
    """
    values = square.astype(np.float32) / np.float32(255)
    scaled = (values - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1))


def _warpable(height: int, width: int) -> tuple[int, int]:
    """The size itself, or one of the same proportions that OpenCV warps."""
    longest = max(height, width)
    if longest <= WARP_LIMIT:
        return height, width
    return max(1, height * WARP_LIMIT // longest), max(1, width * WARP_LIMIT // longest)


def _bilinear(values: Floats, height: int, width: int) -> Floats:
    resized = cv2.resize(values, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized, np.float32)


def _unit(values: Floats) -> SoftMap:
    """Cubic interpolation overshoots, and rounding may, too."""
    return np.clip(values, 0, 1)
