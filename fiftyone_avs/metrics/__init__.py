"""Scores of sound-source segmentation: pure functions, arrays in, numbers out.

`score_sample` and `summarize` are what most callers need (protocols ``baav`` and ``native``); `score_frame` and
`FrameTally` do the same for AVSBench's protocol, `score_boxes` and `summarize_boxes` for boxes. The functions below
them follow the official evaluators: BAaV (the paper), SSLalignment, AVSBench and SLAVC. Numbers of different
protocols must not be compared.
"""

from __future__ import annotations

from fiftyone_avs.metrics.aggregate import (
    AUC_THRESHOLDS,
    PairScores,
    auc,
    ciou,
    group_minimum,
    mean,
    pair_scores,
    success_rate,
)
from fiftyone_avs.metrics.avsbench import (
    GroupCurves,
    avsbench_f,
    avsbench_f_curve,
    avsbench_f_of_groups,
    avsbench_iou,
    avsbench_thresholds,
    baav_torch_iou,
)
from fiftyone_avs.metrics.batches import (
    BatchSampleScores,
    BatchScores,
    adaptive_scores_batch,
    score_batch,
    threshold_scores_batch,
)
from fiftyone_avs.metrics.boxes import BoxScores, BoxSummary, draw_boxes, score_boxes, summarize_boxes
from fiftyone_avs.metrics.detection import average_precision, best_f1, map_confidence, precision_recall
from fiftyone_avs.metrics.frames import (
    AVSBENCH_THRESHOLD,
    AVSBenchSummary,
    FrameScores,
    FrameTally,
    score_frame,
)
from fiftyone_avs.metrics.inputs import (
    as_mask,
    as_soft_map,
    dithered_ground_truth,
    ground_truth_grey,
    ground_truth_mask,
    has_few_levels,
    resize_ground_truth,
    resize_soft_map,
)
from fiftyone_avs.metrics.localisation import MetricWarning, Summary, score_sample, summarize
from fiftyone_avs.metrics.protocols import METRICS, PROTOCOLS, EvaluationSummary, ProtocolInfo
from fiftyone_avs.metrics.samples import Protocol, SampleScores
from fiftyone_avs.metrics.scores import (
    AdaptiveRule,
    Scores,
    adaptive_scores,
    adaptive_threshold,
    threshold_scores,
)

__all__ = [
    "AUC_THRESHOLDS",
    "AVSBENCH_THRESHOLD",
    "PROTOCOLS",
    "METRICS",
    "EvaluationSummary",
    "AVSBenchSummary",
    "AdaptiveRule",
    "BatchSampleScores",
    "BatchScores",
    "BoxScores",
    "BoxSummary",
    "FrameScores",
    "FrameTally",
    "GroupCurves",
    "MetricWarning",
    "PairScores",
    "Protocol",
    "ProtocolInfo",
    "SampleScores",
    "Scores",
    "Summary",
    "adaptive_scores",
    "adaptive_scores_batch",
    "adaptive_threshold",
    "as_mask",
    "as_soft_map",
    "auc",
    "average_precision",
    "avsbench_f",
    "avsbench_f_curve",
    "avsbench_f_of_groups",
    "avsbench_iou",
    "avsbench_thresholds",
    "baav_torch_iou",
    "best_f1",
    "ciou",
    "dithered_ground_truth",
    "draw_boxes",
    "ground_truth_grey",
    "ground_truth_mask",
    "group_minimum",
    "has_few_levels",
    "map_confidence",
    "mean",
    "pair_scores",
    "precision_recall",
    "resize_ground_truth",
    "resize_soft_map",
    "score_batch",
    "score_boxes",
    "score_frame",
    "score_sample",
    "success_rate",
    "summarize",
    "summarize_boxes",
    "threshold_scores",
    "threshold_scores_batch",
]
