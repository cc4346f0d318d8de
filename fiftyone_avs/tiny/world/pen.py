"""A pen that draws coloured shapes on a transparent canvas.

Coordinates and lengths are fractions of the side of a square in the middle of the canvas: (0, 0) is its top
left corner, (1, 1) the bottom right one. The canvas is larger, so that thick lines and later stretching fit.
All randomness (colours, jitter) comes from the generator the pen was made with.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

CANVAS = 340
"""Side of the canvas in pixels."""

UNIT = 256
"""Side of the square in pixels."""

Point = tuple[float, float]
Colour = tuple[int, int, int, int]

BLACK: Colour = (22, 22, 26, 255)
GLASS: Colour = (178, 214, 236, 255)

PALETTE: dict[str, tuple[int, int, int]] = {
    "black": (48, 48, 54),
    "blue": (60, 105, 200),
    "brown": (140, 90, 50),
    "cream": (245, 228, 195),
    "dark wood": (98, 60, 40),
    "gold": (222, 178, 70),
    "gray": (140, 140, 145),
    "green": (80, 160, 70),
    "navy": (46, 58, 115),
    "olive": (120, 135, 60),
    "orange": (230, 135, 45),
    "pink": (240, 165, 175),
    "purple": (140, 80, 170),
    "red": (205, 50, 45),
    "silver": (190, 195, 205),
    "skin dark": (135, 88, 62),
    "skin light": (250, 213, 183),
    "skin middle": (208, 152, 112),
    "tan": (205, 165, 110),
    "teal": (50, 150, 155),
    "white": (240, 240, 238),
    "wood": (155, 100, 52),
    "yellow": (240, 210, 60),
}
"""Named colours in red, green, blue of 0 to 255."""


class Pen:
    """Draws filled and outlined shapes on its own canvas.

    Args:
        rng: Source of all jitter.
        line_width: Width of outlines in canvas pixels. With 0 no outline is drawn.
    """

    def __init__(self, rng: np.random.Generator, line_width: int) -> None:
        self.rng = rng
        self.line_width = line_width
        self.line_colour: Colour = _opaque(rng.integers(10, 55, 3))
        self.image = Image.new("RGBA", (CANVAS, CANVAS), (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self.image)
        # One shift for all colours of a drawing: its parts stay in harmony.
        self._tint = rng.normal(0, 12, 3)

    def between(self, low: float, high: float) -> float:
        """A number drawn evenly from `low` to `high`."""
        return float(self.rng.uniform(low, high))

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return bool(self.rng.random() < probability)

    def count(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return int(self.rng.integers(low, high + 1))

    def colour(self, *names: str, spread: float = 14) -> Colour:
        """One of the named colours, varied by the tint of the drawing and a deviation of `spread`."""
        name = names[int(self.rng.integers(len(names)))]
        return _opaque(np.array(PALETTE[name]) + self.rng.normal(0, spread, 3) + self._tint)

    def polygon(self, points: Sequence[Point], fill: Colour, *, outlined: bool = True) -> None:
        """A filled polygon."""
        corners = _pixels(points)
        self._draw.polygon(corners, fill=fill)
        if outlined and self.line_width:
            self._draw.line(
                [*corners, corners[0]], fill=self.line_colour, width=self.line_width, joint="curve"
            )

    def ellipse(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float,
        fill: Colour,
        *,
        angle: float = 0,
        outlined: bool = True,
    ) -> None:
        """A filled ellipse around (x, y), turned clockwise by `angle` in radians."""
        turn = np.linspace(0, 2 * math.pi, 37)[:-1]
        across, down = rx * np.cos(turn), ry * np.sin(turn)
        xs = x + across * math.cos(angle) - down * math.sin(angle)
        ys = y + across * math.sin(angle) + down * math.cos(angle)
        self.polygon(list(zip(xs.tolist(), ys.tolist(), strict=True)), fill, outlined=outlined)

    def box(
        self,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        fill: Colour,
        *,
        radius: float = 0,
        outlined: bool = True,
    ) -> None:
        """A filled rectangle with rounded corners."""
        line = self.line_width if outlined else 0
        self._draw.rounded_rectangle(
            _pixels([(x0, y0), (x1, y1)]),
            radius=radius * UNIT,
            fill=fill,
            outline=self.line_colour if line else None,
            width=max(1, line),
        )

    def stroke(self, points: Sequence[Point], width: float, fill: Colour, *, outlined: bool = True) -> None:
        """A thick line with round ends through `points`."""
        if outlined and self.line_width:
            self._rounded(points, width * UNIT + 2 * self.line_width, self.line_colour)
        self._rounded(points, width * UNIT, fill)

    def curve(
        self, start: Point, pull: Point, end: Point, width: float, fill: Colour, *, outlined: bool = True
    ) -> None:
        """A thick quadratic Bezier curve from `start` to `end`, drawn towards `pull`."""
        t = np.linspace(0, 1, 14)[:, None]
        path = (1 - t) ** 2 * np.array(start) + 2 * t * (1 - t) * np.array(pull) + t**2 * np.array(end)
        self.stroke([(float(x), float(y)) for x, y in path], width, fill, outlined=outlined)

    def eye(self, x: float, y: float, radius: float = 0.026) -> None:
        """A round black eye with a light spot."""
        self.ellipse(x, y, radius, radius, BLACK, outlined=False)
        spot = radius * 0.35
        self.ellipse(x + spot, y - spot, spot, spot, (250, 250, 250, 255), outlined=False)

    def wheel(self, x: float, y: float, radius: float, hub: float) -> None:
        """A tyre with a light hub of the given share of its radius."""
        self.ellipse(x, y, radius, radius, self.colour("black", spread=6))
        self.ellipse(x, y, radius * hub, radius * hub, self.colour("silver", "gray"), outlined=False)

    def _rounded(self, points: Sequence[Point], width: float, fill: Colour) -> None:
        corners = _pixels(points)
        self._draw.line(corners, fill=fill, width=max(1, round(width)), joint="curve")
        radius = width / 2
        for x, y in (corners[0], corners[-1]):
            self._draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=fill)


def _pixels(points: Sequence[Point]) -> list[Point]:
    margin = (CANVAS - UNIT) / 2
    return [(margin + x * UNIT, margin + y * UNIT) for x, y in points]


def _opaque(values: np.ndarray) -> Colour:
    red, green, blue = (int(value) for value in np.clip(values, 5, 250))
    return red, green, blue, 255
