"""How the silent distractors are drawn: one function per class."""

from __future__ import annotations

import math

import numpy as np

from fiftyone_avs.tiny.world.pen import GLASS, Pen


def tree(pen: Pen) -> None:
    """A tree: brown trunk under three green triangles or a round cloud of leaves."""
    leaves = pen.colour("green", "olive", "green", "teal")
    pen.box(0.44, 0.60, 0.56, 0.97, pen.colour("wood", "dark wood", "brown"), radius=0.01)
    if pen.chance(0.5):
        half = pen.between(0.26, 0.32)
        for level in range(3):
            low, share = 0.76 - 0.18 * level, 1 - 0.22 * level
            pen.polygon([(0.5 - half * share, low), (0.5 + half * share, low), (0.5, low - 0.32)], leaves)
        return
    for x, y in ((0.34, 0.46), (0.66, 0.46), (0.5, 0.30), (0.5, 0.50)):
        radius = pen.between(0.18, 0.22)
        pen.ellipse(x, y, radius, radius, leaves)


def house(pen: Pen) -> None:
    """A house from the front: pointed roof, door, two windows."""
    wall = pen.colour("cream", "white", "yellow", "pink", "tan", "teal")
    top = pen.between(0.42, 0.47)
    pen.box(0.66, 0.14, 0.76, 0.40, pen.colour("brown", "gray"))
    pen.box(0.14, top, 0.86, 0.94, wall)
    roof = pen.between(0.06, 0.14)
    pen.polygon(
        [(0.04, top + 0.02), (0.5, roof), (0.96, top + 0.02)], pen.colour("red", "brown", "navy", "gray")
    )
    pen.box(0.42, 0.66, 0.58, 0.94, pen.colour("wood", "blue", "green", "dark wood"))
    for x in (0.28, 0.72):
        pen.box(x - 0.075, 0.55, x + 0.075, 0.69, GLASS)


def ball(pen: Pen) -> None:
    """A ball with three parallel bands, the middle one wider."""
    skin = pen.colour("orange", "red", "blue", "green", "yellow", "purple")
    band = pen.colour("white", "black", "yellow", "navy")
    radius = pen.between(0.42, 0.46)
    pen.ellipse(0.5, 0.5, radius, radius, skin)
    turn = pen.between(0, math.pi)
    along, across = (math.cos(turn), math.sin(turn)), (-math.sin(turn), math.cos(turn))
    for offset, width in ((-0.55, 0.05), (0.0, 0.09), (0.55, 0.05)):
        half = 0.93 * radius * math.sqrt(1 - offset**2)
        x, y = (0.5 + radius * offset * part for part in across)
        ends = [(x + sign * half * along[0], y + sign * half * along[1]) for sign in (-1, 1)]
        pen.stroke(ends, width, band, outlined=False)


def umbrella(pen: Pen) -> None:
    """An open umbrella: half-round canopy with a scalloped rim over a hooked stick."""
    cloth = pen.colour("red", "blue", "purple", "yellow", "green", "pink")
    other = pen.colour("white", "navy", "cream") if pen.chance(0.5) else cloth
    stick = pen.colour("wood", "dark wood", "black")
    pen.curve((0.5, 0.80), (0.5, 0.97), (0.64, 0.86), 0.05, stick)
    pen.stroke([(0.5, 0.10), (0.5, 0.82)], 0.05, stick)
    radius, low = pen.between(0.44, 0.48), 0.54
    turn = np.linspace(math.pi, 2 * math.pi, 25)
    dome = [(float(0.5 + radius * math.cos(t)), float(low + radius * 0.95 * math.sin(t))) for t in turn]
    scallops: list[tuple[float, float]] = []
    for index in range(4):
        right = 0.5 + radius - index * radius / 2
        scallops += [
            (right - radius / 2 * s, low - 0.07 * math.sin(math.pi * s)) for s in (0.25, 0.5, 0.75, 1.0)
        ]
    pen.polygon(dome + scallops, cloth)
    top = (0.5, low - radius * 0.95)
    for x0, x1 in ((-0.5, 0.0), (0.0, 0.5)):
        wedge = [top, (0.5 + radius * x0, low - 0.01), (0.5 + radius * (x0 + x1) / 2, low - 0.07)]
        pen.polygon([*wedge, (0.5 + radius * x1, low - 0.01)], other if x0 < 0 else cloth)


def mug(pen: Pen) -> None:
    """A mug: upright cylinder with a ring handle on the right."""
    glaze = pen.colour("white", "blue", "red", "yellow", "green", "teal")
    low, high = pen.between(0.84, 0.90), pen.between(0.18, 0.24)
    middle = (low + high) / 2
    pen.curve((0.62, high + 0.12), (1.10, middle), (0.62, low - 0.12), 0.09, glaze)
    pen.box(0.14, high, 0.68, low, glaze, radius=0.06)
    pen.ellipse(0.41, high + 0.01, 0.27, 0.075, glaze)
    pen.ellipse(0.41, high + 0.01, 0.21, 0.045, pen.colour("dark wood", "brown"), outlined=False)
    if pen.chance(0.5):
        pen.box(0.15, middle, 0.67, middle + 0.10, pen.colour("white", "navy", "orange"), outlined=False)


def flower(pen: Pen) -> None:
    """A flower: ring of round petals on a green stem with two leaves."""
    petal = pen.colour("red", "yellow", "purple", "pink", "orange", "white")
    stem = pen.colour("green", "olive")
    pen.stroke([(0.5, 0.40), (pen.between(0.46, 0.54), 0.95)], 0.055, stem)
    for side in (-1, 1):
        pen.ellipse(0.5 + side * 0.14, pen.between(0.72, 0.82), 0.14, 0.06, stem, angle=side * -0.5)
    count = pen.count(5, 7)
    start = pen.between(0, 1)
    for index in range(count):
        turn = start + index * 2 * math.pi / count
        pen.ellipse(
            0.5 + 0.19 * math.cos(turn), 0.31 + 0.19 * math.sin(turn), 0.125, 0.095, petal, angle=turn
        )
    pen.ellipse(0.5, 0.31, 0.115, 0.115, pen.colour("yellow", "brown", "gold"))
