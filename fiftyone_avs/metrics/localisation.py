"""The protocols ``baav`` (the paper's) and ``native``: one sample's scores and a run's summary.

Rules of this package where the official evaluators leave a case open:

* A missing map (the sample failed, abstained or was never predicted) is an empty prediction. It scores
  0, never "missing".
* Empty ground truth: the threshold scores are 0 whatever the prediction, as in the official evaluator.
  The adaptive IoU is 0 if something is selected and NaN if nothing is; with the rule ``topk`` NaN, too, if the
  mask at the threshold is empty.
* A summary leaves samples whose adaptive IoU is NaN out of all its adaptive numbers and counts
  them in ``n_undefined``. The threshold numbers include them.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fiftyone_avs.metrics.aggregate import NO_PAIRS, auc, ciou, mean, pair_scores
from fiftyone_avs.metrics.inputs import (
    PROTOCOL_SIZE,
    ground_truth_mask,
    has_few_levels,
    resize_ground_truth,
    resize_soft_map,
)
from fiftyone_avs.metrics.samples import Protocol, SampleScores, join, no_prediction
from fiftyone_avs.metrics.scores import AdaptiveRule, both_scores, check_rule

SIX = {
    "ciou": "cIoU",
    "auc": "AUC",
    "miou": "mIoU",
    "f": "F",
    "j": "J (threshold)",
    "f_threshold": "F (threshold)",
}
"""The paper's six numbers: attributes of ``Summary`` and how tables call them."""

PAIRS = {"iiou": "IIoU", "iauc": "IAUC"}
"""Two more where samples come in pairs."""


class MetricWarning(UserWarning):
    """A score that was computed as asked but is easily misread."""


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
        iiou: share of pairs whose samples all have an adaptive IoU of 0.5 or more; NaN without pairs.
        iauc: area under that share over the IoU thresholds; NaN without pairs.
        n_pairs: number of pairs.
        n_incomplete: how many of them have one sample only, which then counts as the pair.
    """

    n: int
    n_undefined: int
    ciou: float
    auc: float
    miou: float
    f: float
    j: float
    f_threshold: float
    iiou: float = math.nan
    iauc: float = math.nan
    n_pairs: int = 0
    n_incomplete: int = 0

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the numbers leave out, in words."""
        found = []
        if self.n_undefined:
            found.append(f"{self.n_undefined} without an adaptive IoU: ground truth and prediction are empty")
        if self.n_pairs:
            found.append(f"IIoU and IAUC over {self.n_pairs} pairs, {self.n_incomplete} of them incomplete")
        return tuple(found)


def score_sample(
    soft_map: npt.ArrayLike | None,
    gt: npt.ArrayLike,
    *,
    protocol: Protocol = "baav",
    threshold: float = 0.5,
    adaptive_rule: AdaptiveRule = "official",
) -> SampleScores:
    """Score one prediction under the protocol ``baav`` or ``native``.

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
    if protocol not in ("baav", "native"):
        raise ValueError(f"unknown protocol {protocol!r} here; score_sample knows baav and native")
    check_rule(adaptive_rule)
    mask = resize_ground_truth(gt) if protocol == "baav" else ground_truth_mask(gt)
    if soft_map is None:
        return no_prediction(bool(np.any(mask)))
    size = PROTOCOL_SIZE if protocol == "baav" else (mask.shape[0], mask.shape[1])
    prediction = resize_soft_map(soft_map, size)
    warn_of_few_levels(soft_map, adaptive_rule)
    return join(*both_scores(prediction, mask, threshold, adaptive_rule))


def warn_of_few_levels(soft_map: npt.ArrayLike, adaptive_rule: AdaptiveRule) -> None:
    """Warn if ties will decide the scores of the official rule."""
    if adaptive_rule == "official" and has_few_levels(soft_map):
        warnings.warn(
            "the official adaptive rule drops pixels of equal value, and this map has fewer than 256 "
            "distinct values; compare with adaptive_rule='topk'",
            MetricWarning,
            stacklevel=3,
        )


def summarize(scores: Iterable[SampleScores], pairs: Sequence[str] | None = None) -> Summary:
    """Aggregate the scores of a run; see `Summary` for which samples count where.

    Args:
        scores: of every sample.
        pairs: the name of each sample's pair, for IIoU and IAUC.

    Raises:
        ValueError: as many names as samples are needed.
    """
    samples = list(scores)
    if pairs is not None and len(pairs) != len(samples):
        raise ValueError(f"{len(samples)} samples but {len(pairs)} names of pairs")
    kept = [index for index, sample in enumerate(samples) if not math.isnan(sample.iou_adaptive)]
    ious = [samples[index].iou_adaptive for index in kept]
    paired = pair_scores(ious, [pairs[index] for index in kept]) if pairs is not None else NO_PAIRS
    return Summary(
        n=len(samples),
        n_undefined=len(samples) - len(kept),
        ciou=ciou(ious),
        auc=auc(ious),
        miou=mean(ious),
        f=mean([samples[index].f_adaptive for index in kept]),
        j=mean([sample.iou for sample in samples]),
        f_threshold=mean([sample.f for sample in samples]),
        iiou=paired.iiou,
        iauc=paired.iauc,
        n_pairs=paired.n,
        n_incomplete=paired.n_incomplete,
    )
