"""The colour of each evaluation: that of its run's masks in the App, or one that no other has."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

import fiftyone as fo

from fiftyone_avs.drawing.palette import TRUTH, run_colour
from fiftyone_avs.fo.evaluate.listing import EvaluationInfo
from fiftyone_avs.fo.schema.fields import FRAMES
from fiftyone_avs.fo.schema.shown import field_colours


def evaluation_colours(dataset: fo.Dataset, evaluations: Sequence[EvaluationInfo]) -> dict[str, str]:
    """A colour for each evaluation, different for all of them and from the ground truth, however many there are.

    Args:
        dataset: the dataset.
        evaluations: all of its evaluations, so that each keeps its colour whichever are shown.

    Returns:
        Eval key -> "#rrggbb".
    """
    fields = field_colours(dataset)
    found: dict[str, str] = {}
    for one in evaluations:
        colour = fields.get(f"{FRAMES if one.on_frames else ''}{one.run}")
        if colour and colour != TRUTH and colour not in found.values():
            found[one.key] = colour
    for one in evaluations:
        if one.key not in found:
            free = (run_colour(index) for index in count())
            found[one.key] = next(colour for colour in free if colour not in found.values())
    return {one.key: found[one.key] for one in evaluations}
