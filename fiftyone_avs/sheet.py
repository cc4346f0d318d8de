"""Contact sheets: picture, ground truth and every run's mask and text side by side, in one picture."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage
from PIL import ImageDraw, ImageFont, ImageOps

from fiftyone_avs.types import Image, Mask

CELL = 176
MARGIN = 6
TEXT_HEIGHT = 62
HEADER = 26
LONGEST_TITLE = 24
TRUTH_COLOUR = (0, 200, 90)
MASK_COLOUR = (235, 60, 50)


@dataclass(frozen=True, eq=False)
class Cell:
    """One picture of the sheet.

    Attributes:
        image: uint8 RGB, shape (H, W, 3).
        mask: bool, shape (H, W), shown as a tint; None shows the picture as it is.
        text: a few words below it.
        truth: whether the mask is ground truth (green) or a prediction (red).
    """

    image: Image
    mask: Mask | None
    text: str
    truth: bool = False


def contact_sheet(
    columns: Sequence[str], rows: Sequence[Sequence[Cell]], *, size: int = CELL
) -> PILImage.Image:
    """Lay out cells under column titles.

    Args:
        columns: the title of each column.
        rows: one cell per column in each row.
        size: width and height of a picture on the sheet, in pixels; texts and margins grow with it.

    Raises:
        ValueError: if a row has another number of cells than there are columns.
    """
    scale = size / CELL
    margin, header, text_height = (round(scale * length) for length in (MARGIN, HEADER, TEXT_HEIGHT))
    width = margin + len(columns) * (size + margin)
    height = header + len(rows) * (size + text_height) + margin
    sheet = PILImage.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(sheet)
    title, small = ImageFont.load_default(size=13 * scale), ImageFont.load_default(size=11 * scale)
    for column, name in enumerate(columns):
        shown = name if len(name) <= LONGEST_TITLE else f"{name[: LONGEST_TITLE - 3]}..."
        draw.text((margin + column * (size + margin), margin), shown, fill="black", font=title)
    for row, cells in enumerate(rows):
        if len(cells) != len(columns):
            raise ValueError(f"row {row} has {len(cells)} cells for {len(columns)} columns")
        top = header + row * (size + text_height)
        for column, cell in enumerate(cells):
            left = margin + column * (size + margin)
            sheet.paste(_picture(cell, size), (left, top))
            lines = "\n".join(textwrap.wrap(cell.text, width=30)[:4])
            place = (left, top + size + round(3 * scale))
            draw.multiline_text(place, lines, fill="black", font=small, spacing=round(scale))
    return sheet


def overlay(image: Image, mask: Mask | npt.NDArray[np.float32], colour: tuple[int, int, int]) -> Image:
    """Tint the pixels of a mask and darken the others a little.

    Args:
        image: uint8 RGB, shape (H, W, 3).
        mask: bool, or float32 in [0, 1] where a pixel belongs to the mask in part; shape (H, W).
        colour: of the tint, 0..255.

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


def _picture(cell: Cell, size: int) -> PILImage.Image:
    """The cell's picture, fitted into a square of so many pixels; small ones are enlarged."""
    image = cell.image
    if cell.mask is not None:
        image = overlay(image, cell.mask, TRUTH_COLOUR if cell.truth else MASK_COLOUR)
    picture = ImageOps.contain(PILImage.fromarray(image), (size, size), PILImage.Resampling.BILINEAR)
    square = PILImage.new("RGB", (size, size), (245, 245, 245))
    square.paste(picture, ((size - picture.width) // 2, (size - picture.height) // 2))
    return square
