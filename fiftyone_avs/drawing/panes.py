"""Panes: one picture several times in a grid, each time with another mask, its scores and its reason.

The grid is made for a panel that shows it at its full width beside light or dark surroundings.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage

from fiftyone_avs.drawing.text import paint, paint_lines, wrap
from fiftyone_avs.drawing.tints import MASK_COLOUR, TRUTH_COLOUR, overlay
from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.types import Image, Mask

NARROWEST = 160
"""The least width of a pane, and of a grid, in pixels: enough to read a title."""

MAX_BYTES = 150_000
"""A grid is compressed more when it would need more than this."""

_GAP = 6
_CAPTION = 38  # the height of a title and the line below it
_ASPECTS = (0.4, 4.0)  # pictures more extreme than that get empty space beside them
_SMALL = 11  # the size of all letters but titles
_MESSAGE_LINES = 4  # at most
_LINE = 15  # the height of one of them

_SURROUND = (24, 24, 27)
_BLANK = (96, 96, 102)
_BRIGHT = (244, 244, 245)
_FAINT = (176, 176, 184)
_TRUTH_LINE = (40, 255, 130)
_MASK_LINE = (255, 96, 84)


@dataclass(frozen=True, eq=False)
class Pane:
    """One pane of the grid.

    Attributes:
        title: a few words above it.
        detail: a second, fainter line, such as scores.
        mask: bool, shown as a tint; None shows the picture as it is. A mask of another size than the
            picture is stretched over it.
        truth: whether the mask is ground truth (green) or a prediction (red).
        message: what to say on the pane itself, such as why there is no mask.
    """

    title: str
    detail: str = ""
    mask: Mask | None = None
    truth: bool = False
    message: str = ""


def draw_panes(
    picture: Image | None, panes: Sequence[Pane], *, outline: Mask | None = None, width: int = 900
) -> bytes:
    """Draw panes of one picture in a grid, as large as they can be in a grid that is not taller than wide.

    Args:
        picture: uint8 RGB, shape (H, W, 3); None draws grey panes.
        panes: one or more.
        outline: bool, the ground truth; its border is drawn as a green line on every prediction.
        width: of the grid in pixels, at least ``NARROWEST``.

    Returns:
        A JPEG file, exactly ``width`` pixels wide.

    Raises:
        ConfigurationError: if the grid would be too narrow.
        ValueError: if there are no panes.
    """
    if width < NARROWEST:
        raise ConfigurationError(f"width must be {NARROWEST} pixels or more, not {width!r}")
    if not panes:
        raise ValueError("there are no panes to draw")
    shape = _shape(picture, panes)
    columns, box = _layout(len(panes), shape[1] / shape[0], width)
    size = _fit(shape, box)
    base = np.full((size[1], size[0], 3), _BLANK, np.uint8) if picture is None else _shrink(picture, size)
    line = None if outline is None else _border(_coverage(outline, size))
    rows = math.ceil(len(panes) / columns)
    grid = PILImage.new("RGB", (width, rows * (_CAPTION + box[1]) + _GAP), _SURROUND)
    for index, pane in enumerate(panes):
        row, column = divmod(index, columns)
        left, top = _GAP + column * (box[0] + _GAP), row * (_CAPTION + box[1])
        _write_caption(grid, pane, (left, top), box[0])
        place = (left + (box[0] - size[0]) // 2, top + _CAPTION + (box[1] - size[1]) // 2)
        grid.paste(PILImage.fromarray(_tint(base, pane, line)), place)
        if pane.message:
            _write_message(grid, pane.message, (left, top + _CAPTION, left + box[0], top + _CAPTION + box[1]))
    return _to_jpeg(grid)


def _shape(picture: Image | None, panes: Sequence[Pane]) -> tuple[int, int]:
    """Height and width of what is shown: of the picture, else of a mask, else 3 to 4."""
    shown = [picture, *(pane.mask for pane in panes)]
    return next(((array.shape[0], array.shape[1]) for array in shown if array is not None), (3, 4))


def _layout(count: int, aspect: float, width: int) -> tuple[int, tuple[int, int]]:
    """The number of columns, and width and height of a pane.

    The fewest columns, and so the largest panes, that keep the grid from being taller than wide; more columns
    than fit with readable titles are never taken.
    """
    aspect = min(max(aspect, _ASPECTS[0]), _ASPECTS[1])
    most = max(1, min(count, (width - _GAP) // (NARROWEST + _GAP)))
    for columns in range(1, most + 1):
        across = (width - _GAP) // columns - _GAP
        down = round(across / aspect)
        if math.ceil(count / columns) * (_CAPTION + down) <= width:
            break
    return columns, (across, down)


def _fit(shape: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    """Width and height of the largest picture of a shape (H, W) in a box (width, height)."""
    scale = min(box[0] / shape[1], box[1] / shape[0])
    return max(1, round(shape[1] * scale)), max(1, round(shape[0] * scale))


def _shrink(picture: Image, size: tuple[int, int]) -> Image:
    resized = PILImage.fromarray(picture).resize(size, PILImage.Resampling.LANCZOS, reducing_gap=2.0)
    return np.asarray(resized)


def _coverage(mask: Mask, size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """How much of each pixel of a pane a mask covers: float32 in [0, 1]."""
    grey = PILImage.fromarray(mask.astype(np.uint8) * 255)
    shrunk = np.asarray(grey.resize(size, PILImage.Resampling.BOX), np.float32)
    return shrunk / np.float32(255)


def _tint(base: Image, pane: Pane, line: Mask | None) -> Image:
    """The picture with the pane's mask and its border, and on predictions the line around the ground truth."""
    if pane.mask is None:
        return base
    coverage = _coverage(pane.mask, (base.shape[1], base.shape[0]))
    drawn = overlay(base, coverage, TRUTH_COLOUR if pane.truth else MASK_COLOUR)
    drawn[_border(coverage)] = _TRUTH_LINE if pane.truth else _MASK_LINE
    if line is not None and not pane.truth:
        drawn[line] = _TRUTH_LINE
    return drawn


def _border(coverage: npt.NDArray[np.float32]) -> Mask:
    """The pixels that a mask touches and that have a neighbour it does not; the picture's edge is no border."""
    inside = coverage > 0
    padded = np.pad(inside, 1, mode="edge")
    core = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return inside & ~core


def _write_caption(grid: PILImage.Image, pane: Pane, corner: tuple[int, int], across: int) -> None:
    left, top = corner
    paint(grid, pane.title, (left, top + 5), 13, _BRIGHT, room=across)
    paint(grid, pane.detail, (left, top + 22), _SMALL, _FAINT, room=across)


def _write_message(grid: PILImage.Image, message: str, box: tuple[int, int, int, int]) -> None:
    """Write a message on a dark strip along the bottom of a box (left, top, right, bottom)."""
    across = box[2] - box[0] - 12
    fitting = max(1, min(_MESSAGE_LINES, (box[3] - box[1] - 8) // _LINE))
    lines = wrap(message, _SMALL, across, fitting)
    strip = (box[0], max(box[1], box[3] - _LINE * len(lines) - 8), box[2], box[3])
    grid.paste(grid.crop(strip).point(lambda value: value // 4), strip)
    corner = (strip[0] + 6, strip[1] + 3)
    paint_lines(grid, lines, corner, _SMALL, _BRIGHT, room=across, leading=_LINE)


def _to_jpeg(grid: PILImage.Image) -> bytes:
    """A JPEG of high quality, or of a lower one if the picture is rich in detail."""
    for quality in (85, 70, 50):
        file = io.BytesIO()
        grid.save(file, format="JPEG", quality=quality, subsampling=0)
        if file.tell() <= MAX_BYTES:
            break
    return file.getvalue()
