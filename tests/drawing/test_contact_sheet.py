"""Contact sheets."""

from __future__ import annotations

import numpy as np
import pytest

from fiftyone_avs.drawing.contact_sheet import CELL, HEADER, MARGIN, Cell, contact_sheet
from fiftyone_avs.drawing.tints import MASK_COLOUR, TRUTH_COLOUR, overlay

IMAGE = np.full((50, 100, 3), 100, np.uint8)
MASK = np.zeros((50, 100), bool)
MASK[:, :50] = True


def test_a_sheet_has_one_cell_per_column_and_row():
    rows = [[Cell(IMAGE, None, "a dog"), Cell(IMAGE, MASK, "truth", truth=True)]] * 3
    sheet = contact_sheet(["image", "ground truth"], rows)
    assert sheet.width == MARGIN + 2 * (CELL + MARGIN)
    assert sheet.height > 3 * CELL


def test_truth_is_green_and_predictions_are_red():
    rows = [[Cell(IMAGE, MASK, "", truth=True), Cell(IMAGE, MASK, "")]]
    sheet = np.asarray(contact_sheet(["t", "p"], rows))
    row, left = HEADER + CELL // 2, MARGIN + CELL // 4
    green, red = sheet[row, left], sheet[row, left + CELL + MARGIN]
    assert green.argmax() == 1
    assert red.argmax() == 0


def test_the_overlay_tints_the_mask_and_darkens_the_rest():
    mixed = overlay(IMAGE, MASK, MASK_COLOUR)
    assert np.array_equal(mixed[0, 0], (0.45 * 100 + 0.55 * np.array(MASK_COLOUR)).astype(np.uint8))
    assert (mixed[0, 99] == 75).all()
    assert not np.array_equal(overlay(IMAGE, MASK, TRUTH_COLOUR)[0, 0], mixed[0, 0])


def test_a_short_row_is_refused():
    with pytest.raises(ValueError, match="row 0"):
        contact_sheet(["a", "b"], [[Cell(IMAGE, None, "")]])


def test_the_overlay_mixes_where_a_mask_covers_a_pixel_in_part():
    share = np.full(MASK.shape, 0.5, np.float32)
    mixed = overlay(IMAGE, share, MASK_COLOUR)
    tinted, dark = overlay(IMAGE, MASK, MASK_COLOUR)[0, 0].astype(int), 75
    assert np.abs(mixed[0, 0] - (tinted + dark) / 2).max() <= 1


def test_the_overlay_of_any_colours_is_its_formula_with_fractions_cut_off():
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (40, 50, 3), np.uint8)
    share = random.integers(0, 256, (40, 50)).astype(np.float32) / np.float32(255)
    share[:10], share[10:20] = 0, 1
    for mask in (share, share > 0.5):
        part = mask[..., None].astype(np.float32)
        mixed = part * (0.45 * image + 0.55 * np.array(MASK_COLOUR)) + (1 - part) * (0.75 * image)
        np.testing.assert_array_equal(overlay(image, mask, MASK_COLOUR), mixed.astype(np.uint8))
