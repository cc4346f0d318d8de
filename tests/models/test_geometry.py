"""Pictures into a network's square and maps back."""

from __future__ import annotations

import numpy as np
import pytest

from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.models.geometry import AffineWarp, Letterbox, Stretch, geometry_by_name, normalise

SIZE = 416
NAMES = ["letterbox", "warp", "stretch", "baav_letterbox"]
SHAPES = [(480, 640), (640, 480), (224, 224), (416, 416), (427, 641), (333, 250), (1080, 1920), (90, 700)]
EXTREMES = [(1, 1), (1, 2), (3, 1), (1, 5000), (5000, 3), (3, 5000), (2, 417), (40000, 3), (4, 33000)]


@pytest.fixture(params=NAMES)
def geometry(request):
    return geometry_by_name(request.param, SIZE)


def boxed(height, width):
    """A white box of half the sides, off the middle, on black; and its mask."""
    mask = np.zeros((height, width), bool)
    mask[height // 5 : height // 5 + height // 2, width // 3 : width // 3 + width // 2] = True
    return np.repeat(mask[:, :, None], 3, axis=2).astype(np.uint8) * 255, mask


def iou(one, other):
    return np.count_nonzero(one & other) / np.count_nonzero(one | other)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_box_comes_back_where_it_was(geometry, shape):
    image, mask = boxed(*shape)
    square, placement = geometry.into(image)
    assert square.dtype == np.uint8
    assert square.shape == (SIZE, SIZE, 3)
    found = (square[:, :, 0] > 127).astype(np.float32)  # all borders are darker than that
    back = geometry.back(found, placement)
    assert back.dtype == np.float32
    assert back.shape == shape
    assert iou(back > 0.5, mask) > 0.95


@pytest.mark.parametrize("side", [104, 208])
@pytest.mark.parametrize("shape", SHAPES[:5], ids=str)
def test_maps_of_the_networks_sizes_come_back_too(geometry, shape, side):
    image, mask = boxed(*shape)
    square, placement = geometry.into(image)
    cell = SIZE // side
    blocks = (square[:, :, 0] > 127).reshape(side, cell, side, cell)
    back = geometry.back(blocks.mean((1, 3), dtype=np.float32), placement)
    assert iou(back > 0.5, mask) > 0.93


@pytest.mark.parametrize("shape", EXTREMES, ids=str)
def test_extreme_shapes(geometry, shape):
    image = np.full((*shape, 3), 255, np.uint8)
    square, placement = geometry.into(image)
    assert square.shape == (SIZE, SIZE, 3)
    assert square.max() > 180, "nothing of the picture is in the square"
    back = geometry.back(np.ones((104, 104), np.float32), placement)
    assert back.shape == shape
    assert back.mean() > 0.9
    assert not geometry.back(np.zeros((104, 104), np.float32), placement).any()


@pytest.mark.parametrize("shape", [(300, 480), (50, 20)], ids=str)
def test_maps_stay_between_0_and_1(geometry, shape):
    sharp = np.zeros((104, 104), np.float32)
    sharp[20:80, 20:80] = 1  # cubic interpolation overshoots at the edges
    back = geometry.back(sharp, shape)
    assert back.min() == 0
    assert 0.9 < back.max() <= 1


def test_views_are_read_like_copies(geometry):
    image = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)
    flipped = image[:, ::-1]
    frozen = flipped.copy()
    frozen.flags.writeable = False
    assert np.array_equal(geometry.into(flipped)[0], geometry.into(frozen)[0])
    soft_map = np.random.default_rng(1).random((104, 104), np.float32)
    turned = soft_map[::-1]
    assert np.array_equal(geometry.back(turned, (60, 90)), geometry.back(turned.copy(), (60, 90)))


def test_letterboxes_fill_up_with_their_colour():
    image = np.zeros((101, 231, 3), np.uint8)  # 181.9 rows when scaled
    square, _ = Letterbox(SIZE).into(image)
    filled = (square[:, 0] != 0).any(axis=1)
    assert np.count_nonzero(~filled) == 182
    assert np.flatnonzero(~filled)[0] == 117
    assert (square[filled] == (124, 116, 104)).all()
    square, _ = geometry_by_name("baav_letterbox", SIZE).into(image)
    filled = (square[:, 0] != 0).any(axis=1)
    assert np.count_nonzero(~filled) == 181
    assert np.flatnonzero(~filled)[0] == 117
    assert (square[filled] == 114).all()


@pytest.mark.parametrize("name", ["letterbox", "warp", "baav_letterbox"])
def test_what_the_network_finds_in_the_border_is_left_out(name):
    geometry = geometry_by_name(name, SIZE)
    _, placement = geometry.into(np.zeros((208, 416, 3), np.uint8))
    border = np.ones((SIZE, SIZE), np.float32)
    border[104:312] = 0
    back = geometry.back(border, placement)
    assert np.count_nonzero(back > 0.1) <= 2 * 416  # the outermost rows may take a share


def test_the_warp_and_its_inverse():
    warp = AffineWarp(SIZE)
    there, back = warp.matrix(300, 480), warp.matrix(300, 480, inverse=True)
    corners = np.array([[0, 0], [480, 0], [480, 300]], np.float64)
    placed = corners @ there[:, :2].T + there[:, 2]
    assert placed == pytest.approx(np.array([[0, 78], [416, 78], [416, 338]]))
    assert placed @ back[:, :2].T + back[:, 2] == pytest.approx(corners, abs=1e-4)


def test_the_warp_lays_the_maps_corners_on_the_squares_corners():
    ramp = np.tile(np.linspace(0, 1, 104, dtype=np.float32), (104, 1))
    back = AffineWarp(SIZE).back(ramp, (SIZE, SIZE))
    assert back[200] == pytest.approx(np.linspace(0, 1, SIZE), abs=1e-3)


def test_stretching_uses_the_whole_square():
    image, _ = boxed(40, 300)
    square, _ = Stretch(SIZE).into(image)
    rows, columns = np.flatnonzero(square[:, :, 0].any(1)), np.flatnonzero(square[:, :, 0].any(0))
    assert (rows[0], rows[-1]) == pytest.approx((SIZE / 5, SIZE * 0.7), abs=1.5)
    assert (columns[0], columns[-1]) == pytest.approx((SIZE / 3, SIZE * 5 / 6), abs=1.5)


def test_normalise():
    square = np.zeros((2, 3, 3), np.uint8)
    square[0, 1] = (255, 51, 102)
    pixels = normalise(square, (0.5, 0.2, 0.4), (0.5, 0.1, 0.2))
    assert pixels.dtype == np.float32
    assert pixels.shape == (3, 2, 3)
    assert pixels[:, 0, 1] == pytest.approx([1, 0, 0], abs=1e-6)
    assert pixels[:, 1, 2] == pytest.approx([-1, -2, -2])


def test_unknown_names_are_refused():
    with pytest.raises(ConfigurationError, match="letterbox, warp, stretch, baav_letterbox"):
        geometry_by_name("crop", SIZE)
