"""What is behind the objects: one function per background.

`stripes` and `blobs` have random colours and directions, so that a model cannot lean on a few known grounds.
`snow`, `tiles` and `night` are kept for testing.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from fiftyone_avs.tiny.world.pen import PALETTE
from fiftyone_avs.tiny.world.styles import smooth_noise


def draw_background(kind: str, rng: np.random.Generator, size: int) -> np.ndarray:
    """A background of one kind.

    Args:
        kind: One of the background names of the vocabulary.
        rng: Source of all randomness.
        size: Side of the square picture in pixels.

    Returns:
        uint8 (size, size, 3), red, green, blue.

    Raises:
        ValueError: For an unknown kind.
    """
    if kind not in _PAINTERS:
        raise ValueError(f"unknown background {kind!r}; the backgrounds are {', '.join(_PAINTERS)}")
    scene = _Scene(rng, size)
    _PAINTERS[kind](scene)
    grain = rng.normal(0, rng.uniform(0, 5), scene.image.shape)
    return np.clip(scene.image + grain, 0, 255).astype(np.uint8)


class _Scene:
    """An empty picture with the positions of its pixels, a horizon and a sky colour."""

    def __init__(self, rng: np.random.Generator, size: int) -> None:
        self.rng = rng
        self.size = size
        self.image = np.zeros((size, size, 3), np.float32)
        rows, columns = np.mgrid[0:size, 0:size].astype(np.float32) / size
        self.x, self.y = columns, rows
        self.horizon = float(rng.uniform(0.40, 0.65))
        self.sky = np.array([150, 195, 235]) + rng.normal(0, 18, 3)

    def colour(self, *names: str) -> np.ndarray:
        """One of the named colours, varied a little."""
        name = names[int(self.rng.integers(len(names)))]
        return np.asarray(np.array(PALETTE[name]) + self.rng.normal(0, 16, 3))

    def ramp(self) -> np.ndarray:
        """Position along a random direction, about -0.7 to 0.7 around the middle of the picture."""
        turn = self.rng.uniform(0, 2 * math.pi)
        return np.asarray((self.x - 0.5) * math.cos(turn) + (self.y - 0.5) * math.sin(turn))


def _grass(scene: _Scene) -> None:
    rng = scene.rng
    scene.image[:] = scene.sky + 40 * scene.y[..., None]
    wave = 0.04 * np.sin(scene.x * rng.uniform(3, 9) + rng.uniform(0, 6))
    ground = scene.y > scene.horizon + wave
    scene.image[ground] = scene.colour("green", "olive") + 30
    scene.image += 10 * (ground * smooth_noise(rng, scene.size, max(4, scene.size // 3)))[..., None]


def _room(scene: _Scene) -> None:
    scene.image[:] = scene.colour("cream", "tan", "pink", "teal", "silver", "yellow") + 10
    floor = scene.y > scene.horizon + 0.12
    scene.image[floor] = scene.colour("wood", "tan", "gray")
    boards = (scene.x * scene.rng.uniform(5, 12)) % 1 < 0.06
    scene.image[floor & boards] -= 25


def _street(scene: _Scene) -> None:
    rng = scene.rng
    scene.image[:] = scene.sky
    window = ((scene.x * 14) % 1 < 0.4) & ((scene.y * 14) % 1 < 0.4)
    for _ in range(int(rng.integers(3, 6))):
        left, width = rng.uniform(-0.1, 0.9), rng.uniform(0.15, 0.3)
        top = rng.uniform(0.05, scene.horizon - 0.1)
        building = (scene.x > left) & (scene.x < left + width) & (scene.y > top)
        scene.image[building] = scene.colour("gray", "tan", "brown", "silver", "cream")
        scene.image[building & window] = scene.colour("navy", "yellow", "silver")
    scene.image[scene.y > scene.horizon] = scene.colour("gray") - 20
    lane = (abs(scene.y - scene.horizon - 0.2) < 0.012) & ((scene.x * 6) % 1 < 0.6)
    scene.image[lane] = 235


def _beach(scene: _Scene) -> None:
    scene.image[:] = scene.sky + 20
    scene.image[scene.y > scene.horizon - 0.12] = scene.colour("blue", "teal") + 15
    shore = scene.horizon + 0.05 * np.sin(scene.x * 5 + scene.rng.uniform(0, 6))
    scene.image[scene.y > shore] = scene.colour("cream", "tan")


def _plain(scene: _Scene) -> None:
    rng = scene.rng
    scene.image[:] = rng.uniform(50, 240, 3)
    lumps = smooth_noise(rng, scene.size, int(rng.integers(3, 12)))
    scene.image += lumps[..., None] * (rng.uniform(5, 28) * rng.uniform(0.4, 1, 3))


def _stripes(scene: _Scene) -> None:
    rng = scene.rng
    first, second = rng.uniform(30, 245, 3), rng.uniform(30, 245, 3)
    phase = (scene.ramp() * rng.uniform(2, 11) + rng.uniform(0, 1)) % 1
    band = phase < rng.uniform(0.25, 0.6)
    scene.image[:] = np.where(band[..., None], first, 0.4 * first + 0.6 * second)


def _blobs(scene: _Scene) -> None:
    rng = scene.rng
    base = rng.uniform(30, 245, 3)
    scene.image[:] = base + 60 * rng.uniform(-1, 1) * scene.ramp()[..., None]
    for _ in range(int(rng.integers(2, 5))):
        lumps = smooth_noise(rng, scene.size, int(rng.integers(3, 9)))
        blob = lumps > rng.uniform(0.3, 1.1)
        scene.image[blob] = 0.35 * base + 0.65 * rng.uniform(30, 245, 3)


def _snow(scene: _Scene) -> None:
    rng = scene.rng
    scene.image[:] = scene.sky - 10
    peak = rng.uniform(0.3, 0.7)
    slope = 0.35 * np.clip(1 - abs(scene.x - peak) / 0.4, 0, 1)
    scene.image[scene.y > scene.horizon - slope] = scene.colour("gray") + 25
    scene.image[scene.y > scene.horizon] = (232, 236, 246)
    scene.image += 6 * smooth_noise(rng, scene.size, max(4, scene.size // 4))[..., None]


def _tiles(scene: _Scene) -> None:
    count = int(scene.rng.integers(4, 8))
    across, down = scene.x * count, scene.y * count
    odd = (across.astype(int) + down.astype(int)) % 2
    light, dark = scene.colour("white", "cream", "silver"), scene.colour("teal", "gray", "pink", "olive")
    scene.image[:] = np.where(odd[..., None], light, 0.6 * dark + 0.4 * light)
    scene.image[(across % 1 < 0.05) | (down % 1 < 0.05)] = scene.colour("gray")


def _night(scene: _Scene) -> None:
    rng = scene.rng
    scene.image[:] = np.array([32, 38, 88]) + 38 * scene.y[..., None]
    # A fixed number of stars: their density must not depend on the size of the picture.
    for x, y in rng.uniform(0, 1, (24, 2)):
        scene.image[(abs(scene.x - x) < 0.006) & (abs(scene.y - y) < 0.006)] = 225
    scene.image[scene.y > scene.horizon] = np.array([52, 70, 66]) + rng.normal(0, 8, 3)


_PAINTERS: dict[str, Callable[[_Scene], None]] = {
    "grass": _grass,
    "room": _room,
    "street": _street,
    "beach": _beach,
    "plain": _plain,
    "stripes": _stripes,
    "blobs": _blobs,
    "snow": _snow,
    "tiles": _tiles,
    "night": _night,
}
