"""How animals and the baby are drawn: one function per class."""

from __future__ import annotations

import math

from fiftyone_avs.tiny.world.pen import BLACK, Colour, Pen

WHITE: Colour = (250, 250, 250, 255)


def bee(pen: Pen) -> None:
    """A bee from the side: striped oval body, dark head, two big light wings."""
    body = pen.colour("yellow", "gold", "orange")
    wing: Colour = (208, 228, 246, 255)
    for x, angle in ((pen.between(0.32, 0.36), -0.5), (pen.between(0.50, 0.54), 0.3)):
        pen.ellipse(x, 0.34, pen.between(0.10, 0.12), pen.between(0.19, 0.22), wing, angle=angle)
    pen.polygon([(0.20, 0.54), (0.05, 0.61), (0.20, 0.68)], BLACK)
    x, y, rx, ry = 0.45, 0.61, pen.between(0.27, 0.30), pen.between(0.17, 0.20)
    pen.ellipse(x, y, rx, ry, body)
    for offset in (-0.15, -0.02, 0.11):
        height = ry * math.sqrt(1 - (offset / rx) ** 2) * 0.97
        pen.box(
            x + offset - 0.03, y - height, x + offset + 0.03, y + height, BLACK, radius=0.02, outlined=False
        )
    pen.ellipse(0.75, 0.58, 0.12, 0.12, pen.colour("black", "dark wood"))
    pen.ellipse(0.79, 0.55, 0.045, 0.05, WHITE, outlined=False)
    pen.ellipse(0.80, 0.55, 0.02, 0.024, BLACK, outlined=False)
    for shift in (0.0, 0.08):
        pen.curve(
            (0.74 + shift, 0.48), (0.77 + shift, 0.37), (0.84 + shift, 0.35), 0.02, BLACK, outlined=False
        )


def cat(pen: Pen) -> None:
    """A sitting cat from the front: pointed ears, narrow body, raised tail, whiskers."""
    fur = pen.colour("gray", "orange", "black", "white", "tan")
    belly = pen.colour("white", "cream", "silver")
    tip = pen.between(0.30, 0.42)
    pen.curve((0.58, 0.86), (1.00, 0.90), (pen.between(0.80, 0.88), tip), 0.07, fur)
    pen.ellipse(0.48, 0.70, pen.between(0.17, 0.20), pen.between(0.21, 0.24), fur)
    pen.ellipse(0.48, 0.74, 0.09, 0.15, belly, outlined=False)
    x, y, r = pen.between(0.45, 0.50), pen.between(0.36, 0.39), pen.between(0.17, 0.19)
    ear = r * pen.between(1.65, 1.95)
    for side in (-1, 1):
        pen.polygon(
            [(x + side * r * 1.05, y), (x + side * r * 0.95, y - ear), (x + side * r * 0.1, y - r * 0.75)],
            fur,
        )
        inner = [(x + side * r * s, y - h) for s, h in ((0.88, r * 0.6), (0.85, ear * 0.8), (0.42, r * 0.8))]
        pen.polygon(inner, pen.colour("pink"), outlined=False)
    pen.ellipse(x, y, r * 1.12, r, fur)
    iris = pen.colour("green", "yellow", "gold")
    for side in (-1, 1):
        pen.ellipse(x + side * 0.075, y - 0.02, 0.042, 0.045, iris, outlined=False)
        pen.ellipse(x + side * 0.075, y - 0.02, 0.014, 0.04, BLACK, outlined=False)
        for drop in (0.03, 0.09):
            far = (x + side * 0.27, y + drop)
            pen.stroke([(x + side * 0.09, y + 0.07), far], 0.02, pen.line_colour, outlined=False)
    pen.polygon(
        [(x - 0.035, y + 0.045), (x + 0.035, y + 0.045), (x, y + 0.085)], pen.colour("pink"), outlined=False
    )
    for foot in (0.40, 0.56):
        pen.ellipse(foot, 0.91, 0.065, 0.04, fur)


def baby(pen: Pen) -> None:
    """A sitting baby with a big round head, outstretched arms and legs, and a coloured romper."""
    skin = pen.colour("skin light", "skin middle", "skin dark", spread=8)
    cloth = pen.colour("blue", "pink", "yellow", "green", "white", "purple", "teal")
    hair = pen.colour("dark wood", "black", "gold")
    lift = pen.between(-0.10, 0.04)
    for side in (-1, 1):
        pen.stroke([(0.5 + side * 0.10, 0.66), (0.5 + side * 0.31, 0.64 + lift)], 0.10, cloth)
        pen.ellipse(0.5 + side * 0.39, 0.63 + lift * 1.3, 0.062, 0.058, skin)
        pen.stroke([(0.5 + side * 0.10, 0.86), (0.5 + side * 0.27, 0.90)], 0.10, cloth)
        pen.ellipse(0.5 + side * 0.36, 0.90, 0.065, 0.058, skin)
    pen.ellipse(0.5, 0.76, pen.between(0.17, 0.20), 0.19, cloth)
    pen.polygon([(0.40, 0.60), (0.60, 0.60), (0.50, 0.76)], pen.colour("white", "cream"), outlined=False)
    x, y, r = 0.5, pen.between(0.34, 0.37), pen.between(0.235, 0.26)
    for side in (-1, 1):
        pen.ellipse(x + side * r * 1.02, y + 0.03, 0.05, 0.06, skin)
    pen.ellipse(x, y, r, r * 0.97, skin)
    pen.curve(
        (x - 0.07, y - r * 0.93),
        (x + 0.02, y - r * 1.35),
        (x + 0.10, y - r * 0.88),
        0.055,
        hair,
        outlined=False,
    )
    for side in (-1, 1):
        pen.eye(x + side * 0.095, y, 0.034)
        pen.ellipse(x + side * 0.15, y + 0.085, 0.045, 0.032, (238, 140, 140, 255), outlined=False)
    if pen.chance(0.5):
        pen.ellipse(x, y + 0.125, 0.06, pen.between(0.035, 0.055), (150, 40, 50, 255), outlined=False)
    else:
        pen.ellipse(x, y + 0.12, 0.075, 0.048, pen.colour("blue", "red", "yellow"))
        pen.ellipse(x, y + 0.12, 0.03, 0.03, pen.colour("white"), outlined=False)


def dog(pen: Pen) -> None:
    """A standing dog from the side: raised tail, floppy ear, long snout."""
    fur = pen.colour("brown", "tan", "gold", "white", "black", "gray")
    dark = pen.colour("brown", "dark wood", "black")
    y, rx = pen.between(0.56, 0.60), pen.between(0.23, 0.26)
    tail = (0.44 - rx - pen.between(0.08, 0.14), y - pen.between(0.24, 0.32))
    pen.curve((0.44 - rx + 0.05, y - 0.03), (0.44 - rx - 0.10, y - 0.04), tail, 0.065, fur)
    for x in (0.24, 0.34, 0.55, 0.64):
        pen.box(x - 0.038, y + 0.04, x + 0.038, pen.between(0.89, 0.92), fur, radius=0.03)
    pen.ellipse(0.44, y, rx, pen.between(0.125, 0.15), fur)
    if pen.chance(0.5):
        pen.ellipse(pen.between(0.32, 0.48), y - 0.03, 0.10, 0.075, dark, outlined=False)
    x, top = pen.between(0.70, 0.73), pen.between(0.31, 0.36)
    pen.polygon(
        [(0.53, y - 0.08), (x - 0.10, top), (x + 0.07, top + 0.12), (0.68, y + 0.06)], fur, outlined=False
    )
    pen.ellipse(x + 0.14, top + 0.06, pen.between(0.12, 0.14), 0.075, fur)
    pen.ellipse(x, top, 0.145, 0.135, fur)
    pen.ellipse(x + 0.25, top + 0.03, 0.036, 0.034, BLACK, outlined=False)
    pen.ellipse(x - 0.09, top + 0.06, 0.065, pen.between(0.13, 0.16), dark, angle=0.2)
    pen.eye(x + 0.045, top - 0.03, 0.03)
    if pen.chance(0.5):
        pen.stroke(
            [(x - 0.11, top + 0.19), (x + 0.04, top + 0.21)], 0.045, pen.colour("red", "blue", "green")
        )


def bird(pen: Pen) -> None:
    """A perched bird from the side: fan tail, raised wing, pointed beak, two legs."""
    feathers = pen.colour("blue", "red", "yellow", "green", "teal", "purple")
    wing = pen.colour("navy", "brown", "gray", "blue", "red")
    beak = pen.colour("orange", "gold", "yellow")
    pen.polygon(
        [(0.30, 0.52), (0.05, pen.between(0.40, 0.50)), (0.07, pen.between(0.62, 0.72)), (0.30, 0.66)], wing
    )
    for x in (0.42, 0.55):
        pen.stroke([(x, 0.70), (x + 0.01, 0.88), (x + 0.09, 0.88)], 0.036, beak, outlined=False)
    pen.ellipse(0.47, 0.57, pen.between(0.24, 0.27), pen.between(0.16, 0.19), feathers, angle=-0.25)
    pen.ellipse(0.55, 0.64, 0.13, 0.08, pen.colour("white", "cream", "orange"), angle=-0.3, outlined=False)
    x, y = pen.between(0.68, 0.71), pen.between(0.36, 0.40)
    if pen.chance(0.35):
        pen.polygon([(x - 0.08, y - 0.08), (x - 0.12, y - 0.24), (x + 0.06, y - 0.11)], feathers)
    pen.polygon([(x + 0.08, y - 0.06), (x + pen.between(0.23, 0.26), y + 0.03), (x + 0.08, y + 0.08)], beak)
    pen.ellipse(x, y, 0.135, 0.13, feathers)
    root = pen.between(0.42, 0.46)
    pen.polygon(
        [(root + 0.12, 0.56), (root - 0.08, pen.between(0.18, 0.28)), (root - 0.17, 0.58), (root, 0.66)], wing
    )
    pen.eye(x + 0.04, y - 0.02, 0.03)


def frog(pen: Pen) -> None:
    """A squatting frog from the front: two eyes on top, wide mouth, bent hind legs."""
    skin = pen.colour("green", "olive", "green", "teal")
    belly = pen.colour("yellow", "cream")
    for side in (-1, 1):
        spread = pen.between(0.27, 0.30)
        pen.ellipse(0.5 + side * spread, 0.68, 0.19, 0.10, skin, angle=side * -0.55)
        pen.ellipse(0.5 + side * 0.38, 0.84, 0.115, 0.045, skin)
    pen.ellipse(0.5, 0.67, pen.between(0.25, 0.28), pen.between(0.18, 0.21), skin)
    pen.ellipse(0.5, 0.74, 0.15, 0.11, belly, outlined=False)
    for side in (-1, 1):
        pen.ellipse(0.5 + side * 0.17, 0.34, 0.105, 0.105, skin)
    pen.ellipse(0.5, 0.49, pen.between(0.28, 0.31), pen.between(0.15, 0.17), skin)
    for side in (-1, 1):
        pen.ellipse(0.5 + side * 0.17, 0.33, 0.072, 0.072, WHITE, outlined=False)
        pen.ellipse(0.5 + side * 0.17, 0.33, 0.034, 0.048, BLACK, outlined=False)
        pen.box(0.5 + side * 0.13 - 0.04, 0.72, 0.5 + side * 0.13 + 0.04, 0.89, skin, radius=0.03)
    smile = pen.between(0.60, 0.66)
    pen.curve((0.28, 0.49), (0.5, smile), (0.72, 0.49), 0.026, pen.line_colour, outlined=False)
    for _ in range(pen.count(0, 4)):
        pen.ellipse(
            pen.between(0.34, 0.66), pen.between(0.43, 0.47), 0.024, 0.02, pen.colour("olive"), outlined=False
        )


def cow(pen: Pen) -> None:
    """A standing cow from the side: heavy square body with patches, horns, big pink muzzle, udder."""
    hide = pen.colour("white", "white", "cream", "brown", "tan")
    patch = pen.colour("black", "dark wood", "brown")
    for x in (0.16, 0.27, 0.54, 0.64):
        pen.box(x - 0.045, 0.60, x + 0.045, pen.between(0.87, 0.90), hide, radius=0.01)
        pen.box(x - 0.045, 0.84, x + 0.045, 0.90, BLACK, outlined=False)
    pen.stroke([(0.10, 0.40), (0.045, 0.55), (0.06, 0.70)], 0.03, patch)
    pen.ellipse(0.42, 0.71, 0.085, 0.065, pen.colour("pink"))
    pen.box(0.08, pen.between(0.31, 0.35), 0.73, 0.70, hide, radius=0.09)
    for x, y in ((0.20, 0.44), (0.41, 0.57), (0.57, 0.43))[: pen.count(2, 3)]:
        shift = pen.between(-0.03, 0.03)
        rx, ry = pen.between(0.08, 0.11), pen.between(0.065, 0.09)
        pen.ellipse(x + shift, y + shift, rx, ry, patch, angle=pen.between(0, 3), outlined=False)
    x, y = 0.79, pen.between(0.36, 0.42)
    horn = pen.colour("cream", "gray", "tan")
    for side in (-1, 1):
        pen.curve(
            (x + side * 0.06, y - 0.12), (x + side * 0.17, y - 0.15), (x + side * 0.14, y - 0.27), 0.05, horn
        )
        pen.ellipse(x + side * 0.155, y - 0.06, 0.075, 0.042, patch, angle=side * 0.4)
    pen.ellipse(x, y, 0.125, 0.165, hide)
    pen.ellipse(x, y + 0.14, 0.125, 0.088, pen.colour("pink"))
    for side in (-1, 1):
        pen.eye(x + side * 0.055, y - 0.04, 0.026)
        pen.ellipse(x + side * 0.045, y + 0.14, 0.022, 0.026, BLACK, outlined=False)
