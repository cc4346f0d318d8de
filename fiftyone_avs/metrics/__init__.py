"""Scores of sound-source segmentation: pure functions, arrays in, numbers out.

`score_sample` and `summarize` are what most callers need. The functions below them follow the official
evaluators: BAaV (the paper), SSLalignment and AVSBench. Numbers of different protocols must not be compared.
"""

from __future__ import annotations

from fiftyone_avs.metrics.aggregate import AUC_THRESHOLDS, auc, ciou, group_minimum, mean, success_rate
from fiftyone_avs.metrics.avsbench import (
    avsbench_f,
    avsbench_f_curve,
    avsbench_f_of_groups,
    avsbench_iou,
    avsbench_thresholds,
    baav_torch_iou,
)
from fiftyone_avs.metrics.inputs import (
    as_mask,
    as_soft_map,
    ground_truth_grey,
    ground_truth_mask,
    has_few_levels,
    resize_ground_truth,
    resize_soft_map,
)
from fiftyone_avs.metrics.protocols import (
    MetricWarning,
    Protocol,
    SampleScores,
    Summary,
    score_sample,
    summarize,
)
from fiftyone_avs.metrics.scores import (
    AdaptiveRule,
    BatchScores,
    Scores,
    adaptive_scores,
    adaptive_scores_batch,
    adaptive_threshold,
    threshold_scores,
    threshold_scores_batch,
)

__all__ = [
    "AUC_THRESHOLDS",
    "AdaptiveRule",
    "BatchScores",
    "MetricWarning",
    "Protocol",
    "SampleScores",
    "Scores",
    "Summary",
    "adaptive_scores",
    "adaptive_scores_batch",
    "adaptive_threshold",
    "as_mask",
    "as_soft_map",
    "auc",
    "avsbench_f",
    "avsbench_f_curve",
    "avsbench_f_of_groups",
    "avsbench_iou",
    "avsbench_thresholds",
    "baav_torch_iou",
    "ciou",
    "ground_truth_grey",
    "ground_truth_mask",
    "group_minimum",
    "has_few_levels",
    "mean",
    "resize_ground_truth",
    "resize_soft_map",
    "score_sample",
    "success_rate",
    "summarize",
    "threshold_scores",
    "threshold_scores_batch",
]
