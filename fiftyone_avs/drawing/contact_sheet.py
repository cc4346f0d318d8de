"""Contact sheets: picture, ground truth and every run's mask and text side by side, in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image as PILImage, ImageOps

from fiftyone_avs.drawing.text import paint, paint_lines, wrap
from fiftyone_avs.drawing.tints import MASK_COLOUR, TRUTH_COLOUR, overlay
from fiftyone_avs.types import Image, Mask

CELL = 176
MARGIN = 6
TEXT_HEIGHT = 62
HEADER = 26

_TITLE, _SMALL = 12, 10  # sizes of letters: about 30 of the small ones stand in a line
_LEADING = 13
_LINES = 4
_BLACK = (0, 0, 0)


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
    for column, name in enumerate(columns):
        place = (margin + column * (size + margin), margin)
        paint(sheet, name, place, _TITLE * scale, _BLACK, room=size)
    for row, cells in enumerate(rows):
        if len(cells) != len(columns):
            raise ValueError(f"row {row} has {len(cells)} cells for {len(columns)} columns")
        top = header + row * (size + text_height)
        for column, cell in enumerate(cells):
            left = margin + column * (size + margin)
            sheet.paste(_picture(cell, size), (left, top))
            lines = wrap(cell.text, _SMALL * scale, size, _LINES)
            place = (left, top + size + round(3 * scale))
            paint_lines(sheet, lines, place, _SMALL * scale, _BLACK, room=size, leading=_LEADING * scale)
    return sheet


def _picture(cell: Cell, size: int) -> PILImage.Image:
    """The cell's picture, fitted into a square of so many pixels; small ones are enlarged."""
    image = cell.image
    if cell.mask is not None:
        image = overlay(image, cell.mask, TRUTH_COLOUR if cell.truth else MASK_COLOUR)
    picture = ImageOps.contain(PILImage.fromarray(image), (size, size), PILImage.Resampling.BILINEAR)
    square = PILImage.new("RGB", (size, size), (245, 245, 245))
    square.paste(picture, ((size - picture.width) // 2, (size - picture.height) // 2))
    return square
