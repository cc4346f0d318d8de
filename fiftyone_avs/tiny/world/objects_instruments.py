"""How musical instruments are drawn: one function per class."""

from __future__ import annotations

import numpy as np

from fiftyone_avs.tiny.world.pen import BLACK, Pen


def drum(pen: Pen) -> None:
    """A wide drum with a zigzag cord, a light skin and two sticks."""
    shell = pen.colour("red", "blue", "green", "purple", "orange", "teal")
    rim = pen.colour("gold", "silver", "white")
    cord = pen.colour("white", "gold", "cream")
    top, bottom = pen.between(0.42, 0.46), pen.between(0.80, 0.84)
    rx, ry = pen.between(0.36, 0.40), pen.between(0.09, 0.115)
    pen.ellipse(0.5, bottom, rx, ry, rim)
    pen.polygon(
        [(0.5 - rx, top), (0.5 + rx, top), (0.5 + rx, bottom - 0.05), (0.5 - rx, bottom - 0.05)], shell
    )
    pen.ellipse(0.5, bottom - 0.05, rx, ry, shell, outlined=False)
    turns = 2 * pen.count(2, 3) + 1
    xs = np.linspace(0.5 - rx + 0.02, 0.5 + rx - 0.02, turns)
    ends = [(float(x), top + 0.10 if index % 2 else bottom - 0.03) for index, x in enumerate(xs)]
    pen.stroke(ends, 0.028, cord, outlined=False)
    pen.ellipse(0.5, top, rx + 0.02, ry + 0.015, rim)
    pen.ellipse(0.5, top, rx - 0.03, ry - 0.02, pen.colour("white", "cream", spread=6))
    wood = pen.colour("wood", "tan", "dark wood")
    for side in (-1, 1):
        x = 0.5 + side * pen.between(0.04, 0.10)
        pen.stroke(
            [(x, top - 0.01), (0.5 + side * pen.between(0.30, 0.40), pen.between(0.10, 0.17))], 0.042, wood
        )
        pen.ellipse(x, top - 0.01, 0.042, 0.038, wood)


def guitar(pen: Pen) -> None:
    """A guitar: body like an eight with a dark hole, long neck, head with pegs."""
    body = pen.colour("wood", "orange", "gold", "red", "tan", "blue")
    neck = pen.colour("dark wood", "black", "wood")
    for side in (-1, 1):
        for y in (0.045, 0.115):
            pen.ellipse(0.5 + side * 0.085, y, 0.026, 0.022, pen.colour("silver", "white"))
    pen.ellipse(0.5, 0.58, pen.between(0.165, 0.19), 0.125, body)
    pen.ellipse(0.5, 0.79, pen.between(0.225, 0.255), pen.between(0.165, 0.185), body)
    pen.box(0.40, 0.55, 0.60, 0.75, body, radius=0.05, outlined=False)
    pen.box(0.455, 0.10, 0.545, 0.60, neck, radius=0.005)
    pen.polygon([(0.43, 0.03), (0.57, 0.03), (0.55, 0.16), (0.45, 0.16)], neck)
    pen.ellipse(0.5, 0.68, 0.085, 0.085, BLACK, outlined=False)
    pen.box(0.40, 0.84, 0.60, 0.885, neck, radius=0.005, outlined=False)
    strings = pen.colour("silver", "white")
    for x in (0.475, 0.525):
        pen.stroke([(x, 0.10), (x, 0.85)], 0.009, strings, outlined=False)


def trumpet(pen: Pen) -> None:
    """A trumpet: flared bell on the right, long tube with a loop, three valves, mouthpiece."""
    brass = pen.colour("gold", "gold", "yellow", "orange", "silver")
    dark = pen.colour("wood", "brown", "gray")
    y = pen.between(0.42, 0.46)
    loop = [(0.22, y), (0.14, y + 0.11), (0.22, y + 0.22), (0.62, y + 0.22), (0.70, y + 0.11), (0.62, y)]
    pen.stroke(loop, 0.058, brass)
    pen.stroke([(0.05, y), (0.70, y)], 0.062, brass)
    pen.box(0.025, y - 0.055, 0.075, y + 0.055, brass, radius=0.01)
    along = np.linspace(0, 1, 9)
    flare = 0.032 + pen.between(0.19, 0.23) * along**2.2
    xs = 0.62 + 0.33 * along
    upper = [(float(x), float(y - half)) for x, half in zip(xs, flare, strict=True)]
    lower = [(float(x), float(y + half)) for x, half in zip(xs, flare, strict=True)]
    pen.polygon(upper + lower[::-1], brass)
    pen.ellipse(0.95, y, 0.042, float(flare[-1]), dark)
    cap = pen.colour("white", "silver", "red")
    for x in (0.32, 0.42, 0.52):
        pen.stroke([(x, y - 0.10), (x, y - 0.18)], 0.03, dark, outlined=False)
        pen.box(x - 0.036, y - 0.10, x + 0.036, y + 0.25, brass, radius=0.015)
        pen.box(x - 0.04, y - 0.22, x + 0.04, y - 0.17, cap, radius=0.01)
