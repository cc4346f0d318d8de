"""Colours that tell runs apart, however many there are, and every one of them from the ground truth."""

from __future__ import annotations

import colorsys

TRUTH = "#00c85a"
"""Of ground truth: green, as in all pictures that we draw."""

_FIRST = ("#eb3c32", "#2ca9e1", "#e8c02e", "#d95fd0", "#ff7f0e", "#8f7ff7", "#8c9aa8", "#b97a56", "#ff9ecb")
"""Of the first runs, chosen by eye to be readable in the App's dark and light themes."""

_GOLDEN = 0.618034
_GREEN, _AFTER_GREEN = 70 / 360, 185 / 360
_SHADES = ((0.50, 0.85), (0.68, 0.75), (0.38, 0.80))
"""Lightness and saturation, one after the other."""


def run_colour(index: int) -> str:
    """The colour of a run, or of an evaluation: as "#rrggbb", never a green.

    Args:
        index: 0 for the first run; there is no last one.

    Example:
        >>> run_colour(0)
        '#eb3c32'
        >>> len({run_colour(index) for index in range(60)})
        60
    """
    if index < len(_FIRST):
        return _FIRST[index]
    number = index - len(_FIRST)
    hue = (0.02 + number * _GOLDEN) % 1 * (1 - (_AFTER_GREEN - _GREEN))
    if hue > _GREEN:
        hue += _AFTER_GREEN - _GREEN
    light, full = _SHADES[number % len(_SHADES)]
    return "#" + "".join(f"{round(255 * part):02x}" for part in colorsys.hls_to_rgb(hue, light, full))
