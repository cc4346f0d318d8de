"""The four scores of a sample, whatever the protocol, and the protocols' names."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from fiftyone_avs.metrics.scores import Scores

Protocol: TypeAlias = Literal["baav", "native", "avsbench", "boxes"]
"""How maps are compared with ground truths; see ``fiftyone_avs.metrics.PROTOCOLS``."""


@dataclass(frozen=True)
class SampleScores:
    """The scores of one sample.

    Under the protocol ``avsbench``, which has no adaptive scores, ``iou_adaptive`` and ``iou`` are both the
    frame's IoU, and ``f_adaptive`` and ``f`` both the F of the frame's video.

    Attributes:
        iou_adaptive: adaptive IoU in [0, 1], or NaN if undefined (empty ground truth, nothing selected).
        f_adaptive: adaptive F in [0, 1].
        iou: IoU at the threshold, in [0, 1].
        f: F at the threshold, in [0, 1].
    """

    iou_adaptive: float
    f_adaptive: float
    iou: float
    f: float


def no_prediction(anything_there: bool) -> SampleScores:
    """Return the scores of an empty prediction. No adaptive rule may hand it pixels it never named."""
    return SampleScores(0.0 if anything_there else math.nan, 0.0, 0.0, 0.0)


def join(adaptive: Scores, fixed: Scores) -> SampleScores:
    """Put adaptive and threshold scores together."""
    return SampleScores(adaptive.iou, adaptive.f, fixed.iou, fixed.f)
