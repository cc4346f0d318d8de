"""Pictures of the procedural world: sprites, backgrounds and their composition with an exact label map.

All randomness comes from the generator given: the same seed with the same versions of numpy and Pillow gives
the same picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from fiftyone_avs.tiny.world.backgrounds import draw_background
from fiftyone_avs.tiny.world.objects import PAINTERS
from fiftyone_avs.tiny.world.pen import CANVAS, Pen
from fiftyone_avs.tiny.world.styles import line_width, render

__all__ = ["compose", "draw_background", "draw_sprite", "paste"]

MIN_AREA = 0.015
"""Least share of the picture that each object should cover."""

OPAQUE = 127
"""Pixels of a sprite with more alpha than this belong to the object."""

_LAYOUTS = 5
_PLACINGS_PER_LAYOUT = 12
_CROWD_SCALE = 0.75
_SHRINK = 0.93


def draw_sprite(name: str, rng: np.random.Generator, style: str, size: int = 192) -> Image.Image:
    """One object on a transparent ground.

    Args:
        name: A class name or distractor name of the vocabulary.
        rng: Source of all randomness.
        style: A style name of the vocabulary.
        size: Longest side of the result in pixels.

    Returns:
        RGBA picture, cropped to the object.

    Raises:
        ValueError: For an unknown name or style.
    """
    if name not in PAINTERS:
        raise ValueError(f"unknown object {name!r}; the objects are {', '.join(PAINTERS)}")
    pen = Pen(rng, line_width(style, rng))
    PAINTERS[name](pen)
    image = _crop(_stretch(render(pen.image, style, rng), rng))
    width, height = (max(1, round(side * size / max(image.size))) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def compose(
    rng: np.random.Generator,
    size: int,
    sprites: Sequence[Image.Image],
    background: np.ndarray,
    scale: tuple[float, float] = (0.40, 0.62),
    max_occlusion: float = 0.15,
) -> tuple[np.ndarray, np.ndarray]:
    """Places sprites on a background so that each stays mostly visible.

    Each sprite is mirrored or not, turned by up to 12 degrees and scaled. Later sprites hide earlier ones.
    A bounded number of places is tried. If none keeps every object visible enough, the best one is taken.

    Args:
        rng: Source of all randomness.
        size: Side of the picture in pixels.
        sprites: RGBA pictures, at most 255.
        background: uint8 (size, size, 3).
        scale: Range of the longest side of an object as a share of `size`. Three or more objects are drawn
            smaller; thin objects are drawn larger where they would cover too little.
        max_occlusion: Largest share of an object that may be hidden or cut off.

    Returns:
        The picture, uint8 (size, size, 3), and its label map, uint8 (size, size): 0 is background,
        i is `sprites[i - 1]`.

    Raises:
        ValueError: If the background has another shape than the picture.
    """
    if background.shape != (size, size, 3):
        raise ValueError(f"the background has shape {background.shape}, expected {(size, size, 3)}")
    best: _Layout | None = None
    crowd = _CROWD_SCALE if len(sprites) > 2 else 1.0
    for round_ in range(_LAYOUTS):
        share = crowd * _SHRINK**round_
        objects = [_transform(rng, sprite, size, rng.uniform(*scale) * share) for sprite in sprites]
        best = _best_placing(rng, size, objects, 1 - max_occlusion, best)
        if best.visible >= 1 - max_occlusion:
            break
    assert best is not None
    canvas = Image.fromarray(background)
    for image, corner in zip(best.objects, best.corners, strict=True):
        canvas.paste(image, corner, image)
    return np.asarray(canvas), best.labels


def paste(labels: np.ndarray, opaque: np.ndarray, corner: tuple[int, int], value: int) -> None:
    """Writes `value` into a label map (in place) where an object is opaque; parts outside are cut off.

    Args:
        labels: uint8 (height, width).
        opaque: bool (rows, columns) of the object.
        corner: Column and row of the top left corner of the object; may be negative.
        value: Label of the object.
    """
    column, row = corner
    height, width = labels.shape
    left, top = max(0, column), max(0, row)
    right, bottom = min(width, column + opaque.shape[1]), min(height, row + opaque.shape[0])
    if left < right and top < bottom:
        inside = opaque[top - row : bottom - row, left - column : right - column]
        labels[top:bottom, left:right][inside] = value


@dataclass(frozen=True)
class _Layout:
    """Objects at their places; `visible` is the least visible share, lowered for too small objects."""

    objects: list[Image.Image]
    corners: list[tuple[int, int]]
    labels: np.ndarray
    visible: float


def _stretch(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A little wider or narrower, and slanted, around the middle."""
    wide, slant = rng.uniform(0.9, 1.12), rng.uniform(-0.1, 0.1)
    centre = CANVAS / 2
    # The matrix maps places in the result to places in the drawing.
    a, b = 1 / wide, slant
    matrix = (a, b, centre * (1 - a - b), 0, 1, 0)
    return image.transform(image.size, Image.Transform.AFFINE, matrix, resample=Image.Resampling.BICUBIC)


def _crop(image: Image.Image) -> Image.Image:
    """The part of the picture that is not (nearly) transparent."""
    rows, columns = np.nonzero(np.asarray(image)[..., 3] > OPAQUE // 3)
    return image.crop((int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1))


def _transform(rng: np.random.Generator, sprite: Image.Image, size: int, share: float) -> Image.Image:
    """The sprite mirrored or not, scaled to `share` of the picture, and turned."""
    mirrored, angle = rng.random() < 0.5, rng.uniform(-12, 12)
    longest = max(sprite.size)
    filled = np.count_nonzero(np.asarray(sprite.getchannel("A")) > OPAQUE) / longest**2
    share = max(share, math.sqrt(1.25 * MIN_AREA / max(filled, 0.05)))
    width, height = (max(4, round(side * share * size / longest)) for side in sprite.size)
    image = sprite.resize((width, height), Image.Resampling.BILINEAR)
    if mirrored:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return image.rotate(angle, expand=True, resample=Image.Resampling.BILINEAR)


def _best_placing(
    rng: np.random.Generator, size: int, objects: list[Image.Image], enough: float, best: _Layout | None
) -> _Layout:
    """The most visible of some random placings and the best one so far; stops at the first that is enough."""
    shapes = [np.asarray(image)[..., 3] > OPAQUE for image in objects]
    areas = np.array([max(1, np.count_nonzero(shape)) for shape in shapes])
    for _ in range(_PLACINGS_PER_LAYOUT):
        corners = [
            (_position(rng, size, image.width), _position(rng, size, image.height)) for image in objects
        ]
        labels = np.zeros((size, size), np.uint8)
        for value, (shape, corner) in enumerate(zip(shapes, corners, strict=True), start=1):
            paste(labels, shape, corner, value)
        counts = np.bincount(labels.ravel(), minlength=len(objects) + 1)[1:]
        shown = np.minimum(1.0, counts / (MIN_AREA * size**2)) * counts / areas
        visible = float(shown.min(initial=1.0))
        if best is None or visible > best.visible:
            best = _Layout(objects, corners, labels, visible)
        if best.visible >= enough:
            break
    assert best is not None
    return best


def _position(rng: np.random.Generator, size: int, length: int) -> int:
    """Start of an object of some length along one side; a small part may lie outside."""
    margin = length // 16
    return int(rng.integers(-margin, max(1, size - length + margin)))
