"""How vehicles and household machines are drawn: one function per class."""

from __future__ import annotations

import math

from fiftyone_avs.tiny.world.pen import BLACK, GLASS, Colour, Pen

LAMP: Colour = (255, 244, 175, 255)


def electric_shaver(pen: Pen) -> None:
    """An upright shaver: narrow handle with a button, wide head with round or slatted blades."""
    body = pen.colour("navy", "gray", "teal", "black", "red", "blue")
    metal = pen.colour("silver", "gray")
    half = pen.between(0.15, 0.18)
    pen.polygon(
        [(0.5 - half, 0.38), (0.5 + half, 0.38), (0.5 + half * 0.75, 0.94), (0.5 - half * 0.75, 0.94)], body
    )
    wide = half * 1.55
    if pen.chance(0.65):
        pen.polygon([(0.5 - wide, 0.16), (0.5 + wide, 0.16), (0.5 + half, 0.44), (0.5 - half, 0.44)], metal)
        for x, y in ((0.5 - wide * 0.62, 0.17), (0.5 + wide * 0.62, 0.17), (0.5, 0.31)):
            pen.ellipse(x, y, half * 0.78, half * 0.72, pen.colour("black", spread=6))
            pen.ellipse(x, y, half * 0.38, half * 0.35, pen.colour("silver"), outlined=False)
    else:
        pen.box(0.5 - wide, 0.10, 0.5 + wide, 0.40, metal, radius=0.05)
        for y in (0.17, 0.245, 0.32):
            pen.stroke([(0.5 - wide * 0.75, y), (0.5 + wide * 0.75, y)], 0.028, BLACK, outlined=False)
    button = pen.between(0.53, 0.58)
    pen.ellipse(0.5, button, 0.06, 0.06, pen.colour("green", "red", "silver", "yellow"))
    pen.box(0.455, 0.68, 0.545, 0.86, pen.colour("silver", "black"), radius=0.03, outlined=False)


def car(pen: Pen) -> None:
    """A low car from the side: rounded cabin with two windows over a long body."""
    paint = pen.colour("red", "blue", "green", "yellow", "silver", "orange", "teal")
    roof = pen.between(0.30, 0.35)
    back, front = pen.between(0.28, 0.33), pen.between(0.60, 0.66)
    pen.polygon([(back - 0.10, 0.54), (back, roof), (front, roof), (front + 0.15, 0.54)], paint)
    pen.polygon(
        [(back - 0.04, 0.52), (back + 0.035, roof + 0.05), (0.455, roof + 0.05), (0.455, 0.52)], GLASS
    )
    pen.polygon(
        [(0.51, 0.52), (0.51, roof + 0.05), (front - 0.02, roof + 0.05), (front + 0.085, 0.52)], GLASS
    )
    pen.box(0.03, pen.between(0.49, 0.53), 0.97, 0.72, paint, radius=0.09)
    pen.ellipse(0.93, 0.585, 0.035, 0.04, LAMP, outlined=False)
    pen.box(0.03, 0.56, 0.075, 0.63, (195, 30, 30, 255), radius=0.01, outlined=False)
    radius = pen.between(0.115, 0.13)
    for x in (0.25, 0.75):
        pen.wheel(x, 0.72, radius, 0.48)
    pen.stroke([(0.46, 0.575), (0.54, 0.575)], 0.02, BLACK, outlined=False)


def motorcycle(pen: Pen) -> None:
    """A motorcycle from the side: two big open wheels, tank, seat and handlebar."""
    paint = pen.colour("red", "blue", "green", "orange", "yellow", "purple")
    metal = pen.colour("gray", "silver")
    radius = pen.between(0.19, 0.21)
    for x in (0.22, 0.78):
        pen.wheel(x, 0.68, radius, 0.62)
        pen.ellipse(x, 0.68, radius * 0.2, radius * 0.2, BLACK, outlined=False)
    pen.stroke([(0.78, 0.68), (0.66, 0.32)], 0.05, metal)
    pen.stroke([(0.22, 0.68), (0.46, 0.60)], 0.05, metal)
    pen.box(0.36, 0.52, 0.63, 0.74, pen.colour("gray", "black"), radius=0.05)
    pen.polygon([(0.39, 0.52), (0.43, 0.37), (0.66, 0.34), (0.72, 0.45), (0.62, 0.54)], paint)
    tail = pen.between(0.30, 0.36)
    pen.polygon(
        [(0.10, tail), (0.18, tail), (0.44, 0.41), (0.43, 0.52), (0.22, 0.49)],
        pen.colour("black", "dark wood"),
    )
    pen.stroke([(0.67, 0.34), (0.60, pen.between(0.20, 0.24)), (0.50, 0.23)], 0.042, BLACK, outlined=False)
    pen.ellipse(0.755, 0.38, 0.062, 0.065, LAMP)
    pen.stroke([(0.10, 0.78), (0.42, 0.74)], 0.05, pen.colour("silver", "gray"))


def ambulance(pen: Pen) -> None:
    """A tall white van from the side with a big red cross, a stripe and a siren lamp."""
    paint = pen.colour("white", "white", "cream", spread=8)
    stripe = pen.colour("red", "orange", "blue")
    top = pen.between(0.18, 0.23)
    siren = pen.colour("blue", "red")
    pen.box(0.46, top - 0.09, 0.62, top + 0.03, siren, radius=0.03)
    pen.polygon(
        [(0.60, 0.75), (0.60, top + 0.07), (0.76, top + 0.09), (0.88, 0.50), (0.97, 0.55), (0.97, 0.75)],
        paint,
    )
    pen.box(0.03, top, 0.65, 0.76, paint, radius=0.03)
    pen.polygon([(0.69, top + 0.14), (0.75, top + 0.14), (0.84, 0.49), (0.69, 0.49)], GLASS)
    pen.box(0.035, 0.62, 0.965, 0.69, stripe, outlined=False)
    x, y = pen.between(0.28, 0.38), top + 0.20
    red: Colour = (208, 32, 36, 255)
    for half_width, half_height in ((0.14, 0.05), (0.05, 0.14)):
        pen.box(x - half_width, y - half_height, x + half_width, y + half_height, red, outlined=False)
    radius = pen.between(0.10, 0.115)
    for wheel in (0.23, 0.77):
        pen.wheel(wheel, 0.76, radius, 0.45)


def alarm_clock(pen: Pen) -> None:
    """A round alarm clock: white face with hands, two bells on top, two feet."""
    case = pen.colour("red", "blue", "green", "black", "teal", "pink", "orange")
    bell = pen.colour("gold", "silver", "gray")
    radius = pen.between(0.28, 0.31)
    pen.stroke([(0.5, 0.32), (0.5, 0.14)], 0.04, bell)
    pen.ellipse(0.5, 0.14, 0.05, 0.04, bell)
    for side in (-1, 1):
        pen.stroke([(0.5 + side * 0.17, 0.76), (0.5 + side * 0.27, 0.94)], 0.07, case)
        pen.ellipse(0.5 + side * 0.24, 0.26, 0.15, 0.10, bell, angle=side * 0.7)
    pen.ellipse(0.5, 0.58, radius, radius, case)
    face = radius * 0.76
    pen.ellipse(0.5, 0.58, face, face, pen.colour("white", "cream", spread=6))
    for hour in range(0, 12, 3):
        x, y = math.cos(hour * math.pi / 6), math.sin(hour * math.pi / 6)
        pen.ellipse(0.5 + face * 0.82 * x, 0.58 + face * 0.82 * y, 0.022, 0.022, BLACK, outlined=False)
    for length, width in ((0.45, 0.04), (0.68, 0.028)):
        turn = pen.between(0, 2 * math.pi)
        end = (0.5 + face * length * math.cos(turn), 0.58 + face * length * math.sin(turn))
        pen.stroke([(0.5, 0.58), end], width, BLACK, outlined=False)


def phone(pen: Pen) -> None:
    """An old desk telephone: wide receiver on a trapezoid body with a round dial."""
    shell = pen.colour("black", "red", "green", "cream", "blue", "teal")
    top = pen.between(0.42, 0.46)
    pen.polygon([(0.33, top), (0.67, top), (0.90, 0.86), (0.10, 0.86)], shell)
    pen.box(0.08, 0.82, 0.92, 0.90, shell, radius=0.03)
    for x in (0.37, 0.63):
        pen.box(x - 0.035, top - 0.10, x + 0.035, top + 0.04, shell, radius=0.01)
    pen.ellipse(0.5, 0.65, 0.165, 0.15, pen.colour("white", "cream", "silver"))
    holes = pen.count(6, 8)
    for hole in range(holes):
        turn = hole * 2 * math.pi / holes
        pen.ellipse(
            0.5 + 0.11 * math.cos(turn), 0.65 + 0.10 * math.sin(turn), 0.028, 0.026, BLACK, outlined=False
        )
    y = pen.between(0.27, 0.31)
    pen.curve((0.12, y + 0.06), (0.5, y - pen.between(0.11, 0.17)), (0.88, y + 0.06), 0.12, shell)
    for x in (0.13, 0.87):
        pen.ellipse(x, y + 0.10, 0.12, 0.095, shell)
