from __future__ import annotations

import colorsys
from itertools import pairwise

from fiftyone_avs.drawing.palette import TRUTH, run_colour


def parts(colour):
    return tuple(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))


def test_no_two_runs_have_a_colour_in_common_and_none_is_green():
    colours = [run_colour(index) for index in range(60)]
    assert len(set(colours)) == 60 and TRUTH not in colours
    vivid = [colorsys.rgb_to_hls(*parts(colour)) for colour in colours]
    assert not [hue for hue, _, full in vivid if 80 < 360 * hue < 175 and full > 0.3]


def test_neighbours_are_told_apart():
    colours = [parts(run_colour(index)) for index in range(20)]
    for one, other in pairwise(colours):
        assert sum(abs(a - b) for a, b in zip(one, other, strict=True)) > 0.35
