"""One frame of a clip: the picture with the run's mask, the ground truth beside it, texts beneath."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image as PILImage, ImageDraw, ImageFont

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
    draw = ImageDraw.Draw(frame)
    scaled = PILImage.fromarray(picture).resize(size, PILImage.Resampling.BILINEAR)
    left = (width - inside) // 2
    for view in views:
        _draw_title(draw, view, left, size[0])
        frame.paste(_tinted(scaled, view), (left, TITLE))
        left += size[0] + GAP
    _draw_strip(draw, strip, TITLE + size[1] + GAP, *frame.size)
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


def _draw_title(draw: ImageDraw.ImageDraw, view: FrameView, left: int, room: int) -> None:
    draw.rectangle((left, 9, left + 12, 21), fill=view.colour)
    [title] = wrap(view.title, 15, room - 20, 1)
    draw.text((left + 20, 6), title, fill=WHITE, font=_font(15))


def _draw_strip(draw: ImageDraw.ImageDraw, strip: Strip, top: int, width: int, height: int) -> None:
    """Draw the texts: expression and status from the top on, scores and origin along the bottom."""
    left, room, bottom = 2 * GAP, width - 4 * GAP, height - GAP
    for text, size, colour in (
        (strip.expression, 22, WHITE),
        (strip.status, 16, GOOD if strip.good else BAD),
    ):
        for line in wrap(text, size, room, 2):
            draw.text((left, top), line, fill=colour, font=_font(size))
            top += round(1.3 * size)
    [scores] = wrap(strip.scores, 16, room // 2 - GAP, 1)
    draw.text((left, bottom), scores, fill=WHITE, font=_font(16), anchor="ls")
    [origin] = wrap(strip.origin, 14, room // 2 - GAP, 1)
    draw.text((left + room, bottom), origin, fill=GREY, font=_font(14), anchor="rs")


def wrap(text: str, size: int, room: int, most: int) -> list[str]:
    """Break a text into lines that fit.

    Args:
        text: any text; line breaks count as spaces.
        size: of the letters, in pixels.
        room: the width of a line, in pixels.
        most: how many lines there may be; what is beyond is cut, marked with three dots.

    Returns:
        One line or more; an empty one for an empty text.
    """
    font = _font(size)
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= room:
            lines[-1] = longer
            continue
        if font.getlength(word) <= room:
            lines.append(word)
            continue
        lines[-1] += " " if lines[-1] else ""  # a path that is longer than a line fills the rest of this one
        for letter in word:
            if font.getlength(lines[-1] + letter) > room:
                lines.append("")
            lines[-1] += letter
    if len(lines) > most:
        last = lines[most - 1]
        while last and font.getlength(f"{last}...") > room:
            last = last[:-1]
        lines = [*lines[: most - 1], f"{last}..."]
    return lines


def _even(pixels: int) -> int:
    return pixels + pixels % 2


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which matplotlib brings: Pillow's own font lacks accents, Greek and Cyrillic."""
    from matplotlib import get_data_path

    return ImageFont.truetype(Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), size)
