"""One sample's scores and a run's summary under a named protocol.

Rules of this package where the official evaluators leave a case open:

* A missing map (the sample failed, abstained or was never predicted) is an empty prediction. It scores
  0, never "missing".
* Empty ground truth: the threshold scores are 0 whatever the prediction, as in the official evaluator.
  The adaptive IoU is 0 if something is selected and NaN if nothing is.
* A summary leaves samples whose adaptive IoU is NaN out of all its adaptive numbers and counts
  them in ``n_undefined``. The threshold numbers include them.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from fiftyone_avs.metrics.aggregate import auc, ciou, mean
from fiftyone_avs.metrics.inputs import (
    PROTOCOL_SIZE,
    BoolMask,
    ground_truth_mask,
    has_few_levels,
    resize_ground_truth,
    resize_soft_map,
)
from fiftyone_avs.metrics.scores import AdaptiveRule, Scores, adaptive_scores, threshold_scores

Protocol: TypeAlias = Literal["baav", "native"]
"""``"baav"``: both at 224 x 224, as in the paper. ``"native"``: at the size of the ground truth."""


class MetricWarning(UserWarning):
    """A score that was computed as asked but is easily misread."""


@dataclass(frozen=True)
class SampleScores:
    """The scores of one sample.

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


@dataclass(frozen=True)
class Summary:
    """The scores of a run, named as in the paper; each in [0, 1], or NaN if no sample counts.

    Attributes:
        n: number of samples.
        n_undefined: how many of them have no adaptive IoU and are left out of the next four.
        ciou: share of samples with an adaptive IoU of 0.5 or more.
        auc: area under that share over the IoU thresholds 0, 0.05, ..., 1.
        miou: mean adaptive IoU.
        f: mean adaptive F.
        j: mean IoU at the threshold.
        f_threshold: mean F at the threshold.
    """

    n: int
    n_undefined: int
    ciou: float
    auc: float
    miou: float
    f: float
    j: float
    f_threshold: float


def score_sample(
    soft_map: npt.ArrayLike | None,
    gt: npt.ArrayLike,
    *,
    protocol: Protocol = "baav",
    threshold: float = 0.5,
    adaptive_rule: AdaptiveRule = "official",
) -> SampleScores:
    """Score one prediction.

    Args:
        soft_map: in [0, 1], shape (H, W), any size; None if there is no prediction.
        gt: ground truth, shape (H, W), any size: bool, 0/1, 0/255 or 8-bit grey.
        protocol: at which size to compare. The map is resized with bilinear interpolation
            (align_corners False). Under ``"baav"`` the ground truth is resized by PIL's default filter.
        threshold: of the threshold scores. Use the segmenter's own, and show it beside the scores.
        adaptive_rule: see `adaptive_scores`. Use ``"topk"`` for predictions that are hard masks.

    Raises:
        ValueError: wrong input; the message names the problem.

    Warns:
        MetricWarning: the official rule meets a map with fewer than 256 distinct values.
    """
    if protocol not in get_args(Protocol):
        raise ValueError(f"unknown protocol {protocol!r}; the protocols are {', '.join(get_args(Protocol))}")
    if adaptive_rule not in get_args(AdaptiveRule):
        raise ValueError(f"unknown rule {adaptive_rule!r}; the rules are {', '.join(get_args(AdaptiveRule))}")
    mask = resize_ground_truth(gt) if protocol == "baav" else ground_truth_mask(gt)
    if soft_map is None:
        return _no_prediction(mask)
    size = PROTOCOL_SIZE if protocol == "baav" else (mask.shape[0], mask.shape[1])
    prediction = resize_soft_map(soft_map, size)
    if adaptive_rule == "official" and has_few_levels(soft_map):
        warnings.warn(
            "the official adaptive rule drops pixels of equal value, and this map has fewer than 256 "
            "distinct values; compare with adaptive_rule='topk'",
            MetricWarning,
            stacklevel=2,
        )
    fixed = threshold_scores(prediction, mask, threshold)
    adaptive = adaptive_scores(prediction, mask, adaptive_rule)
    return _join(adaptive, fixed)


def summarize(scores: Iterable[SampleScores]) -> Summary:
    """Aggregate the scores of a run; see `Summary` for which samples count where."""
    samples = list(scores)
    defined = [sample for sample in samples if not math.isnan(sample.iou_adaptive)]
    ious = [sample.iou_adaptive for sample in defined]
    return Summary(
        n=len(samples),
        n_undefined=len(samples) - len(defined),
        ciou=ciou(ious),
        auc=auc(ious),
        miou=mean(ious),
        f=mean([sample.f_adaptive for sample in defined]),
        j=mean([sample.iou for sample in samples]),
        f_threshold=mean([sample.f for sample in samples]),
    )


def _no_prediction(mask: BoolMask) -> SampleScores:
    """Return the scores of an empty prediction. No adaptive rule may hand it pixels it never named."""
    undefined = 0.0 if np.any(mask) else math.nan
    return SampleScores(iou_adaptive=undefined, f_adaptive=0.0, iou=0.0, f=0.0)


def _join(adaptive: Scores, fixed: Scores) -> SampleScores:
    return SampleScores(iou_adaptive=adaptive.iou, f_adaptive=adaptive.f, iou=fixed.iou, f=fixed.f)
