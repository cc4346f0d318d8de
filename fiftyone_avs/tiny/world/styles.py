"""Drawing styles: how wide the outlines are and what is done to the finished drawing.

`sketch` and `gloss` are kept for testing. They look unlike every training style but keep the shapes.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

_LINE_WIDTHS: dict[str, tuple[int, int]] = {
    "flat": (0, 0),
    "outline": (4, 7),
    "shade": (0, 4),
    "texture": (0, 4),
    "pastel": (0, 4),
    "ink": (6, 9),
    "sketch": (4, 7),
    "gloss": (0, 0),
}


def line_width(style: str, rng: np.random.Generator) -> int:
    """Width of the outlines of a drawing in canvas pixels; raises ValueError for an unknown style."""
    if style not in _LINE_WIDTHS:
        raise ValueError(f"unknown style {style!r}; the styles are {', '.join(_LINE_WIDTHS)}")
    low, high = _LINE_WIDTHS[style]
    return int(rng.integers(low, high + 1))


def render(drawing: Image.Image, style: str, rng: np.random.Generator) -> Image.Image:
    """The drawing (RGBA) in a style. Only `gloss` changes the alpha channel: it blurs a little."""
    pixels = np.asarray(drawing, dtype=np.float32)
    effect = _EFFECTS.get(style)
    if effect is not None:
        colours = np.clip(effect(pixels[..., :3], rng), 0, 255)
        pixels = np.concatenate([colours, pixels[..., 3:]], axis=-1)
    image = Image.fromarray(pixels.astype(np.uint8))
    if style == "gloss":
        # Blur with premultiplied colours: transparent black must not darken the edges.
        return image.convert("RGBa").filter(ImageFilter.GaussianBlur(1.8)).convert("RGBA")
    return image


def smooth_noise(rng: np.random.Generator, size: int, cells: int) -> np.ndarray:
    """Noise float32 (size, size) with about unit deviation and `cells` lumps along each side."""
    coarse = Image.fromarray(rng.normal(0, 1, (cells, cells)).astype(np.float32))
    return np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC))


def _grid(colours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Column and row position of each pixel, 0 to 1."""
    height, width = colours.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width]
    return columns / width, rows / height


def _gray(colours: np.ndarray) -> np.ndarray:
    return np.asarray(colours.mean(axis=-1, keepdims=True))


def _shade(colours: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Light from one side."""
    x, y = _grid(colours)
    turn = rng.uniform(0, 2 * math.pi)
    slope = (x - 0.5) * math.cos(turn) + (y - 0.5) * math.sin(turn)
    return np.asarray(colours * (1 + rng.uniform(0.5, 0.9) * slope[..., None]))


def _texture(colours: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Grain of random fineness."""
    cells = int(rng.integers(24, 90))
    return np.asarray(colours + rng.uniform(10, 24) * smooth_noise(rng, len(colours), cells)[..., None])


def _pastel(colours: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Light and little saturated."""
    pale = 0.55 * colours + 0.45 * _gray(colours)
    white = rng.uniform(0.38, 0.55)
    return np.asarray((1 - white) * pale + white * 248)


def _ink(colours: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Dark, in few steps of brightness."""
    gray = np.maximum(_gray(colours), 1)
    step = rng.uniform(50, 75)
    level = (np.floor(gray / step) + 0.5) * step
    return np.asarray(colours * (level / gray) * rng.uniform(0.65, 0.8))


def _sketch(colours: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Nearly gray, light, with slanted hatching."""
    x, y = _grid(colours)
    faded = 0.78 * (0.35 * colours + 0.65 * _gray(colours)) + 55
    turn = rng.uniform(0.5, 1.1)
    lines = ((x * math.cos(turn) + y * math.sin(turn)) * rng.uniform(22, 36)) % 1 < 0.3
    return np.asarray(faded - 34 * lines[..., None])


def _gloss(colours: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Bright, with one broad soft highlight, like a plastic toy."""
    x, y = _grid(colours)
    centre_x, centre_y = rng.uniform(0.3, 0.6), rng.uniform(0.25, 0.45)
    highlight = np.exp(-((x - centre_x) ** 2 + (y - centre_y) ** 2) / 0.07)
    return np.asarray(colours * 0.78 + 28 + 95 * highlight[..., None])


_EFFECTS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "shade": _shade,
    "texture": _texture,
    "pastel": _pastel,
    "ink": _ink,
    "sketch": _sketch,
    "gloss": _gloss,
}
