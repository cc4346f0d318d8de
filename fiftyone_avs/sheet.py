"""Contact sheets: picture, ground truth and every run's mask and text side by side, in one PNG."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage
from PIL import ImageDraw, ImageFont

from fiftyone_avs.types import Image, Mask

CELL = 176
MARGIN = 6
TEXT_HEIGHT = 62
HEADER = 26
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


def contact_sheet(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> PILImage.Image:
    """Lay out cells under column titles.

    Args:
        columns: the title of each column.
        rows: one cell per column in each row.

    Raises:
        ValueError: if a row has another number of cells than there are columns.
    """
    width = MARGIN + len(columns) * (CELL + MARGIN)
    height = HEADER + len(rows) * (CELL + TEXT_HEIGHT) + MARGIN
    sheet = PILImage.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(sheet)
    title, small = ImageFont.load_default(size=13), ImageFont.load_default(size=11)
    for column, name in enumerate(columns):
        draw.text((MARGIN + column * (CELL + MARGIN), MARGIN), name, fill="black", font=title)
    for row, cells in enumerate(rows):
        if len(cells) != len(columns):
            raise ValueError(f"row {row} has {len(cells)} cells for {len(columns)} columns")
        top = HEADER + row * (CELL + TEXT_HEIGHT)
        for column, cell in enumerate(cells):
            left = MARGIN + column * (CELL + MARGIN)
            sheet.paste(_picture(cell), (left, top))
            lines = textwrap.wrap(cell.text, width=30)[:4]
            draw.multiline_text((left, top + CELL + 3), "\n".join(lines), fill="black", font=small, spacing=1)
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


def _picture(cell: Cell) -> PILImage.Image:
    """The cell's picture, fitted into a square of CELL pixels."""
    image = cell.image
    if cell.mask is not None:
        image = overlay(image, cell.mask, TRUTH_COLOUR if cell.truth else MASK_COLOUR)
    picture = PILImage.fromarray(image)
    picture.thumbnail((CELL, CELL), PILImage.Resampling.BILINEAR)
    square = PILImage.new("RGB", (CELL, CELL), (245, 245, 245))
    square.paste(picture, ((CELL - picture.width) // 2, (CELL - picture.height) // 2))
    return square
