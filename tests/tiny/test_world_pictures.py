"""The pictures of the procedural world: sprites, backgrounds, composition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image

from fiftyone_avs.tiny.world.objects import PAINTERS
from fiftyone_avs.tiny.world.pen import Pen
from fiftyone_avs.tiny.world.pictures import (
    MIN_AREA,
    OPAQUE,
    _stretch,
    compose,
    draw_background,
    draw_sprite,
    paste,
)
from fiftyone_avs.tiny.world.vocabulary import (
    CLASSES,
    DISTRACTORS,
    INDEX,
    NAMES,
    PAIRS,
    PARTNER,
    TRAIN_BACKGROUNDS,
    TRAIN_STYLES,
    UNSEEN_BACKGROUNDS,
    UNSEEN_STYLES,
    article,
)

STYLES = TRAIN_STYLES + UNSEEN_STYLES
BACKGROUNDS = TRAIN_BACKGROUNDS + UNSEEN_BACKGROUNDS


def test_vocabulary_is_consistent() -> None:
    assert len(CLASSES) == 16
    assert not set(CLASSES) & set(DISTRACTORS)
    assert [INDEX[name] for name in NAMES] == list(range(22))
    assert {name for pair in PAIRS for name in pair} == set(PARTNER) <= set(CLASSES)
    assert all(PARTNER[PARTNER[name]] == name != PARTNER[name] for name in PARTNER)
    assert set(PAINTERS) == set(NAMES)


def test_nothing_unseen_is_used_in_training() -> None:
    assert not set(TRAIN_STYLES) & set(UNSEEN_STYLES)
    assert not set(TRAIN_BACKGROUNDS) & set(UNSEEN_BACKGROUNDS)


@pytest.mark.parametrize(("name", "expected"), [("bee", "a bee"), ("electric shaver", "an electric shaver")])
def test_article(name: str, expected: str) -> None:
    assert article(name) == expected


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("style", STYLES)
def test_every_object_can_be_drawn_in_every_style(name: str, style: str) -> None:
    sprite = draw_sprite(name, np.random.default_rng(7), style, size=64)
    alpha = np.asarray(sprite)[..., 3] > OPAQUE
    assert sprite.mode == "RGBA"
    assert max(sprite.size) == 64
    # At least a fifth of its own box: no object is made of thin lines only.
    assert alpha.mean() > 0.2
    # Cropped: the object reaches (nearly) all four sides.
    rows, columns = np.nonzero(alpha)
    assert max(rows.min(), columns.min()) <= 2
    assert min(rows.max() - alpha.shape[0], columns.max() - alpha.shape[1]) >= -3


@pytest.mark.parametrize("name", NAMES)
def test_drawings_vary_with_the_seed_and_only_with_it(name: str) -> None:
    first, again, other = (
        np.asarray(draw_sprite(name, np.random.default_rng(seed), "outline", size=64)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert first.shape != other.shape or (first != other).any()


@pytest.mark.parametrize("name", NAMES)
def test_no_drawing_is_cut_off_by_its_canvas(name: str) -> None:
    for seed in range(8):
        pen = Pen(np.random.default_rng(seed), line_width=9)
        PAINTERS[name](pen)
        alpha = np.asarray(pen.image)[..., 3]
        assert not alpha[[0, -1]].any()
        assert not alpha[:, [0, -1]].any()
        stretched = np.asarray(_stretch(pen.image, np.random.default_rng(seed)))[..., 3]
        assert not stretched[[0, -1]].any()
        assert not stretched[:, [0, -1]].any()


def test_unknown_names_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="unknown object 'whale'"):
        draw_sprite("whale", rng, "flat")
    with pytest.raises(ValueError, match="unknown style 'cubist'"):
        draw_sprite("bee", rng, "cubist")
    with pytest.raises(ValueError, match="unknown background 'moon'"):
        draw_background("moon", rng, 80)


@pytest.mark.parametrize("kind", BACKGROUNDS)
@pytest.mark.parametrize("size", [80, 320])
def test_backgrounds(kind: str, size: int) -> None:
    first, again = (draw_background(kind, np.random.default_rng(5), size) for _ in range(2))
    assert first.shape == (size, size, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("kind", UNSEEN_BACKGROUNDS)
@pytest.mark.parametrize("style", UNSEEN_STYLES)
def test_objects_stand_out_from_unseen_backgrounds(kind: str, style: str) -> None:
    """Where an object is put, the picture changes clearly."""
    contrasts = []
    for name in CLASSES:
        rng = np.random.default_rng([11, INDEX[name]])
        ground = draw_background(kind, rng, 160)
        image, labels = compose(rng, 160, [draw_sprite(name, rng, style, size=90)], ground)
        difference = np.abs(image.astype(float) - ground).mean(axis=-1)
        contrasts.append(difference[labels == 1].mean())
    assert np.median(contrasts) > 40
    assert min(contrasts) > 12


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("size", [80, 320])
def test_objects_stay_visible(count: int, size: int) -> None:
    small = 0
    for seed in range(20):
        rng = np.random.default_rng([seed, count])
        names = rng.choice(NAMES, count, replace=False)
        sprites = [draw_sprite(str(name), rng, "flat", size=size) for name in names]
        _, labels = compose(rng, size, sprites, draw_background("plain", rng, size))
        assert labels.shape == (size, size)
        assert labels.dtype == np.uint8
        assert set(np.unique(labels)) == set(range(count + 1))
        areas = np.bincount(labels.ravel())[1:]
        small += int((areas < MIN_AREA * size**2).any())
    assert small == 0


def test_label_map_is_exact() -> None:
    """An object in one colour on black: the label map is where the colour is at least half present."""
    rng = np.random.default_rng(2)
    sprite = draw_sprite("mug", rng, "flat", size=80)
    painted = np.asarray(sprite).copy()
    painted[..., :3] = (255, 0, 255)
    ground = np.zeros((80, 80, 3), np.uint8)
    image, labels = compose(rng, 80, [Image.fromarray(painted)], ground)
    np.testing.assert_array_equal(labels == 1, image[..., 0] > OPAQUE)
    assert not image[..., 1].any()


def test_composition_is_deterministic_and_leaves_its_inputs_alone() -> None:
    rng = np.random.default_rng(0)
    sprites = [draw_sprite(name, rng, "shade", size=80) for name in ("cow", "drum")]
    ground = draw_background("stripes", rng, 80)
    before = [np.asarray(sprite).copy() for sprite in sprites], ground.copy()
    first, second = (compose(np.random.default_rng(9), 80, sprites, ground) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])
    for sprite, copy in zip(sprites, before[0], strict=True):
        np.testing.assert_array_equal(np.asarray(sprite), copy)
    np.testing.assert_array_equal(ground, before[1])


def test_impossible_wishes_end_with_the_best_attempt() -> None:
    """Eight objects as large as the picture cannot all be visible; composing still ends."""
    rng = np.random.default_rng(0)
    sprites = [draw_sprite("house", rng, "flat", size=80) for _ in range(8)]
    image, labels = compose(rng, 80, sprites, np.zeros((80, 80, 3), np.uint8), scale=(1.0, 1.0))
    assert image.shape == (80, 80, 3)
    assert labels.max() <= 8


def test_no_sprites_give_the_background() -> None:
    ground = draw_background("beach", np.random.default_rng(0), 80)
    image, labels = compose(np.random.default_rng(0), 80, [], ground)
    np.testing.assert_array_equal(image, ground)
    assert not labels.any()


def test_wrong_background_size_is_refused() -> None:
    with pytest.raises(ValueError, match="expected \\(80, 80, 3\\)"):
        compose(np.random.default_rng(0), 80, [], np.zeros((64, 80, 3), np.uint8))


@given(st.integers(-12, 14), st.integers(-12, 14), st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=80, deadline=None)
def test_paste_writes_exactly_the_part_inside(column: int, row: int, width: int, height: int) -> None:
    labels = np.zeros((8, 10), np.uint8)
    paste(labels, np.ones((height, width), bool), (column, row), 3)
    rows, columns = np.mgrid[0:8, 0:10]
    inside = (columns >= column) & (columns < column + width) & (rows >= row) & (rows < row + height)
    np.testing.assert_array_equal(labels, np.where(inside, 3, 0))
