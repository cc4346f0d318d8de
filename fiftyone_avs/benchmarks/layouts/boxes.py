"""Boxes as annotation files have them: four numbers, at times out of the picture, at times without an area."""

from __future__ import annotations

import math
from reprlib import repr  # cuts what is long or deep

from fiftyone_avs.benchmarks.layouts.rows import BadRow
from fiftyone_avs.benchmarks.records import Box


def read_box(corners: object, *, size: float, annotator: int = 0) -> tuple[Box | None, str | None]:
    """A box in relative coordinates, clipped to the picture.

    Args:
        corners: what the annotation says; it should be ``[x0, y0, x1, y1]``.
        size: the width and the height of the picture in the annotation's units.
        annotator: who drew it.

    Returns:
        The box, or None if it is none or has no area; and what is wrong with it, or None.
    """
    numbers = _four_numbers(corners)
    if numbers is None:
        return None, f"box {repr(corners)} is not four numbers; it is dropped"
    x0, y0, x1, y1 = clipped = [min(max(number / size, 0.0), 1.0) for number in numbers]
    if x0 >= x1 or y0 >= y1:
        return None, f"box {repr(corners)} has no area in the picture; it is dropped"
    box = Box(x0, y0, x1, y1, annotator)
    if clipped != [number / size for number in numbers]:
        return box, f"box {repr(corners)} reaches out of the picture; it is clipped"
    return box, None


def kept_boxes(boxes: list[tuple[Box | None, str | None]]) -> tuple[tuple[Box, ...], list[str]]:
    """The boxes of a row that can be used, and what is wrong with the others and with them.

    Raises:
        BadRow: if none can be used.
    """
    kept = tuple(box for box, _ in boxes if box is not None)
    notes = [note for _, note in boxes if note is not None]
    if not kept:
        raise BadRow("; ".join(["the row has no box that can be used", *notes]))
    return kept, notes


def _four_numbers(corners: object) -> list[float] | None:
    if not isinstance(corners, list) or len(corners) != 4:
        return None
    if any(isinstance(value, bool) or not isinstance(value, (int, float)) for value in corners):
        return None
    try:
        numbers = [float(value) for value in corners]
    except OverflowError:
        return None
    return numbers if all(math.isfinite(number) for number in numbers) else None
