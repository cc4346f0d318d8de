"""Panes: one picture several times with masks, scores and reasons."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from fiftyone_avs.drawing.panes import MAX_BYTES, Pane, draw_panes
from fiftyone_avs.errors import ConfigurationError

GREY = np.full((90, 160, 3), 128, np.uint8)
LEFT = np.zeros((90, 160), bool)
LEFT[:, :80] = True
LONG = "failed: /a/rather/long/path/without/any/space/to/break/at/" + "x" * 200 + ".jpg: it is damaged " * 20


def pixels(jpeg: bytes) -> np.ndarray:
    image = Image.open(io.BytesIO(jpeg))
    assert image.format == "JPEG"
    return np.asarray(image.convert("RGB")).astype(int)


def reddish(grid):
    return (grid[..., 0] > grid[..., 1] + 40) & (grid[..., 0] > grid[..., 2] + 40)


def greenish(grid):
    return (grid[..., 1] > grid[..., 0] + 40) & (grid[..., 1] > grid[..., 2] + 40)


def test_truth_is_green_and_predictions_are_red_in_their_own_panes():
    panes = [Pane("picture"), Pane("truth", mask=LEFT, truth=True), Pane("run", mask=LEFT)]
    grid = pixels(draw_panes(GREY[:, :60], panes, width=900))  # three upright panes side by side
    third = grid.shape[1] // 3
    parts = [grid[:, start : start + third] for start in (0, third, 2 * third)]
    assert [bool(reddish(part).any()) for part in parts] == [False, False, True]
    assert [bool(greenish(part).any()) for part in parts] == [False, True, False]
    rows, columns = np.nonzero(reddish(parts[2]))
    assert columns.max() < third * 0.6 and np.ptp(rows) > 300  # the left half only, from top to bottom


def test_the_outline_shows_what_a_mask_misses():
    right = ~LEFT
    plain = pixels(draw_panes(GREY, [Pane("run", mask=LEFT)], width=400))
    lined = pixels(draw_panes(GREY, [Pane("run", mask=LEFT)], outline=right, width=400))
    assert not greenish(plain).any()
    columns = np.nonzero(greenish(lined))[1]
    assert abs(columns.mean() - 200) < 4 and np.ptp(columns) < 6  # a thin line where the truth begins
    assert not greenish(pixels(draw_panes(GREY, [Pane("picture")], outline=right, width=400))).any()


def test_a_mask_of_another_size_is_stretched_over_the_picture():
    small = LEFT[::3, ::4]
    same = draw_panes(GREY, [Pane("run", mask=LEFT)], width=300)
    stretched = draw_panes(GREY, [Pane("run", mask=small)], width=300)
    assert np.abs(pixels(same) - pixels(stretched)).mean() < 1


def test_a_speck_of_a_large_mask_is_not_lost():
    speck = np.zeros((2000, 2000), bool)
    speck[1000:1002, 1000:1002] = True
    picture = np.full((2000, 2000, 3), 128, np.uint8)
    assert reddish(pixels(draw_panes(picture, [Pane("run", mask=speck)], width=200))).any()


@pytest.mark.parametrize("shape", [(720, 1280), (1280, 720), (100, 2000), (2000, 100), (3, 2)])
@pytest.mark.parametrize("count", [1, 2, 6, 12])
@pytest.mark.parametrize("width", [600, 900])
def test_grids_have_the_asked_width_and_fit_a_panel(shape, count, width):
    panes = [Pane(f"run {index}", "IoU 0.50", mask=np.ones(shape, bool)) for index in range(count)]
    grid = pixels(draw_panes(np.zeros((*shape, 3), np.uint8), panes, width=width))
    assert grid.shape[1] == width
    narrow = shape[0] > shape[1]
    if count == 6 and not narrow:
        assert grid.shape[0] <= width  # upright pictures need more room where titles must stay readable
    assert reddish(grid).mean() > (0.02 if shape in ((100, 2000), (2000, 100)) else 0.25)


def test_missing_pictures_and_messages_of_any_length():
    for picture in (None, GREY, GREY[:2, :2]):
        plain = pixels(draw_panes(picture, [Pane("picture")], width=300))
        told = pixels(draw_panes(picture, [Pane("picture", message=LONG)], width=300))
        assert plain.shape == told.shape and np.abs(plain - told).max() > 60
        draw_panes(picture, [Pane("x" * 500, "y" * 500, message="y"), Pane("", mask=LEFT)], width=160)


def test_a_detailed_picture_is_compressed_until_it_is_small():
    noise = np.random.default_rng(0).normal(128, 30, (720, 1280, 3)).clip(0, 255).astype(np.uint8)
    smooth = np.asarray(Image.fromarray(noise).resize((640, 360)).resize((1280, 720)))
    assert len(draw_panes(smooth, [Pane(str(index)) for index in range(6)])) <= MAX_BYTES


def test_impossible_grids_are_refused():
    with pytest.raises(ConfigurationError, match="159"):
        draw_panes(GREY, [Pane("a")], width=159)
    with pytest.raises(ValueError, match="no panes"):
        draw_panes(GREY, [])
