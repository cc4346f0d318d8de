"""One frame of a clip: the picture with the run's mask, the ground truth beside it, texts beneath."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image as PILImage, ImageDraw

from fiftyone_avs.drawing.text import paint, paint_lines, wrap
from fiftyone_avs.drawing.tints import Colour, overlay
from fiftyone_avs.types import Image, Mask

LARGEST = (1280, 720)
"""Width and height, in pixels, that the pictures of a frame take at most, all together."""

SMALLEST = 480
"""Smaller pictures are enlarged until their longer side has so many pixels."""

NARROWEST = 640
"""The least width of a frame, in pixels, so that the texts can be read."""

GAP = 8
TITLE = 30  # height of the line above a picture
STRIP = 140  # height of the texts beneath the pictures
GROUND, WHITE, GREY = (22, 24, 28), (245, 245, 245), (165, 170, 178)
GOOD, BAD = (90, 210, 130), (255, 170, 60)


@dataclass(frozen=True, eq=False)
class FrameView:
    """One view of the picture.

    Attributes:
        title: a few words above it.
        colour: of the title's mark and the mask's tint.
        mask: bool, of the picture's shape or another; None shows the picture as it is.
    """

    title: str
    colour: Colour
    mask: Mask | None


@dataclass(frozen=True)
class Strip:
    """The texts beneath the pictures.

    Attributes:
        expression: the referring expression, in large letters.
        status: how the prediction ended.
        good: whether that is good news.
        scores: in small letters, or "".
        origin: what is shown: run, file, time.
    """

    expression: str
    status: str
    good: bool
    scores: str
    origin: str


def compose_frame(picture: Image, views: Sequence[FrameView], strip: Strip) -> Image:
    """Draw a frame. Its size follows from the picture's shape and the number of views alone.

    Args:
        picture: uint8 RGB, shape (H, W, 3).
        views: of the picture, from left to right.
        strip: the texts beneath; what does not fit is cut and marked with three dots.

    Returns:
        uint8 RGB, shape (H, W, 3), both even.
    """
    size = _view_size(picture.shape[1], picture.shape[0], len(views))
    inside = len(views) * size[0] + (len(views) - 1) * GAP
    width = _even(max(NARROWEST, inside + 2 * GAP))
    frame = PILImage.new("RGB", (width, _even(TITLE + size[1] + STRIP)), GROUND)
    scaled = PILImage.fromarray(picture).resize(size, PILImage.Resampling.BILINEAR)
    left = (width - inside) // 2
    for view in views:
        _write_title(frame, view, left, size[0])
        frame.paste(_tinted(scaled, view), (left, TITLE))
        left += size[0] + GAP
    _write_strip(frame, strip, TITLE + size[1] + GAP)
    return np.asarray(frame)


def _view_size(width: int, height: int, views: int) -> tuple[int, int]:
    """Width and height of a picture as it is shown."""
    most = (LARGEST[0] - (views + 1) * GAP) / views
    scale = min(most / width, LARGEST[1] / height, max(1, SMALLEST / max(width, height)))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _tinted(picture: PILImage.Image, view: FrameView) -> PILImage.Image:
    if view.mask is None:
        return picture
    mask = PILImage.fromarray(view.mask).resize(picture.size, PILImage.Resampling.NEAREST)
    return PILImage.fromarray(overlay(np.asarray(picture), np.asarray(mask), view.colour))


def _write_title(frame: PILImage.Image, view: FrameView, left: int, room: int) -> None:
    ImageDraw.Draw(frame).rectangle((left, 9, left + 12, 21), fill=view.colour)
    paint(frame, view.title, (left + 20, 6), 15, WHITE, room=room - 20)


def _write_strip(frame: PILImage.Image, strip: Strip, top: int) -> None:
    """Write the texts: expression and status from the top on, scores and origin along the bottom."""
    left, room, bottom = 2 * GAP, frame.width - 4 * GAP, frame.height - GAP
    for text, size, colour in (
        (strip.expression, 22, WHITE),
        (strip.status, 16, GOOD if strip.good else BAD),
    ):
        lines, leading = wrap(text, size, room, 2), round(1.3 * size)
        paint_lines(frame, lines, (left, top), size, colour, room=room, leading=leading)
        top += leading * len(lines)
    half = room // 2 - GAP
    paint(frame, strip.scores, (left, bottom), 16, WHITE, room=half, anchor="ls")
    paint(frame, strip.origin, (left + room, bottom), 14, GREY, room=half, anchor="rs")


def _even(pixels: int) -> int:
    return pixels + pixels % 2
