"""The protocol ``boxes``: ground truths that are boxes, one or several people's (VGG-SS, Flickr-SoundNet).

Source: ``bbox2gtmap`` and ``cal_CIOU`` of EZ-VSL, SLAVC and SSLalignment. A ground truth is a map of weights in
[0, 1]. IoU and F are those of BAaV's evaluator with weights in place of pixels: what is hit counts its
weight, what is predicted where the weight is 0 counts 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fiftyone_avs.metrics.detection import average_precision, best_f1, map_confidence
from fiftyone_avs.metrics.inputs import PROTOCOL_SIZE, BoolMask, FloatMap, resize_soft_map
from fiftyone_avs.metrics.localisation import SIX, Summary, summarize, warn_of_few_levels
from fiftyone_avs.metrics.samples import SampleScores, join, no_prediction
from fiftyone_avs.metrics.scores import (
    AdaptiveRule,
    Scores,
    above,
    check_rule,
    f_measure,
    highest,
    without_ranking,
)

BOXES = {**SIX, "ap": "AP@0.5", "max_f1": "max F1"}
"""The numbers over boxes: attributes of ``BoxSummary`` and how tables call them."""

Corners = tuple[float, float, float, float]
"""Left, top, right and bottom edge of a box, relative to the picture: 0..1."""

_SLACK = 1e-9  # left + width may miss a right edge such as 0.75 by a rounding error, and int() cuts


@dataclass(frozen=True)
class BoxScores:
    """What a sample adds to a run's scores.

    Attributes:
        scores: the four scores; None where nothing sounds, so that there is no box to hit.
        confidence: of the prediction, in [0, 1]; see `map_confidence`.
    """

    scores: SampleScores | None
    confidence: float


@dataclass(frozen=True)
class BoxSummary(Summary):
    """The scores of a run over boxes: those of `Summary` over the samples that have boxes, and two more.

    Attributes:
        ap: average precision at an IoU of 0.5, over samples with boxes and without; NaN if not known.
        max_f1: the best F1 of the same over confidence thresholds; NaN if not known.
        n_negative: number of samples where nothing sounds; None if not known.
    """

    ap: float = math.nan
    max_f1: float = math.nan
    n_negative: int | None = None

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the numbers leave out, in words."""
        negatives = f"{self.n_negative} without boxes count in {BOXES['ap']} and {BOXES['max_f1']} only"
        return (*super().remarks, negatives) if self.n_negative is not None else super().remarks


def draw_boxes(
    boxes: Sequence[Corners], *, consensus: bool = False, size: tuple[int, int] = PROTOCOL_SIZE
) -> FloatMap:
    """Draw boxes as a map of weights: float32 in [0, 1], shape ``size``.

    Edges are clipped to the picture, multiplied by the size and cut to whole pixels; the right and the lower
    one are left out, as in the official code.

    Args:
        boxes: relative corners. A box that is narrower than a pixel draws nothing.
        consensus: the boxes are of several people: each adds a half, up to 1 (Flickr-SoundNet). Otherwise their
            union is 1 (VGG-SS).
        size: height and width of the result.
    """
    height, width = size
    weights = np.zeros(size, np.float32)
    for box in boxes:
        left, top, right, bottom = (
            int(min(max(edge, 0.0), 1.0) * length + _SLACK)
            for edge, length in zip(box, (width, height, width, height), strict=True)
        )
        weights[top:bottom, left:right] += 0.5 if consensus else 1.0
    return np.minimum(weights, np.float32(1))


def score_boxes(
    soft_map: npt.ArrayLike | None,
    weights: FloatMap | None,
    *,
    threshold: float = 0.5,
    adaptive_rule: AdaptiveRule = "official",
) -> BoxScores:
    """Score one prediction.

    The adaptive rules count as many pixels as the ground truth has with a weight above 0.

    Args:
        soft_map: in [0, 1], shape (H, W), any size, resized with bilinear interpolation (align_corners False)
            to the ground truth's; None if there is no prediction, which has a confidence of 0.
        weights: from `draw_boxes`; None where nothing sounds.
        threshold: of the threshold scores.
        adaptive_rule: see `adaptive_scores`.

    Raises:
        ValueError: wrong input; the message names the problem.

    Warns:
        MetricWarning: the official rule meets a map with fewer than 256 distinct values.
    """
    check_rule(adaptive_rule)
    if soft_map is None:
        return BoxScores(None if weights is None else no_prediction(bool(weights.any())), 0.0)
    size = PROTOCOL_SIZE if weights is None else (weights.shape[0], weights.shape[1])
    prediction = resize_soft_map(soft_map, size).reshape(-1)
    confidence = map_confidence(prediction)
    if weights is None:
        return BoxScores(None, confidence)
    warn_of_few_levels(soft_map, adaptive_rule)
    flat = weights.reshape(-1)
    present = int(np.count_nonzero(flat))
    adaptive = _weigh(highest(prediction, present, adaptive_rule), flat, math.nan)
    fixed = _weigh(above(prediction, threshold), flat, math.nan)
    return BoxScores(join(*without_ranking(adaptive, fixed, adaptive_rule)), confidence)


def summarize_boxes(
    scores: Sequence[SampleScores],
    confidences: Sequence[float],
    negatives: Sequence[float] = (),
    pairs: Sequence[str] | None = None,
) -> BoxSummary:
    """Aggregate the scores of a run; see `BoxSummary` for which samples count where.

    Args:
        scores: of the samples that have boxes.
        confidences: of the same samples.
        negatives: the confidences of the samples where nothing sounds.
        pairs: the name of each pair of the samples that have boxes, for IIoU and IAUC.

    Raises:
        ValueError: as many confidences, and names of pairs, as scores are needed.
    """
    ious = [*(one.iou_adaptive for one in scores), *(None for _ in negatives)]
    every = [*confidences, *negatives]
    return BoxSummary(
        **vars(summarize(scores, pairs)),
        ap=average_precision(ious, every),
        max_f1=best_f1(ious, every),
        n_negative=len(negatives),
    )


def _weigh(selected: BoolMask, weights: FloatMap, undefined_iou: float) -> Scores:
    """IoU and F of a flat selection against a flat map of weights."""
    hits = float(weights[selected].sum(dtype=np.float64))
    present = float(weights.sum(dtype=np.float64))
    wrong = int(np.count_nonzero(selected & (weights == 0)))
    iou = hits / (present + wrong) if present + wrong else undefined_iou
    return Scores(iou, float(f_measure(hits, hits + wrong, present)))
