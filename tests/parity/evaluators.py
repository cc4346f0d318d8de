"""Compare the metrics with numbers made by the official evaluators of the paper, AVSBench and SSLalignment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from comparison import Comparison

from fiftyone_avs import metrics

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]

METRIC_TOLERANCE = 1e-9
FRAMES_PER_VIDEO = 5


class Pairs(NamedTuple):
    """Soft maps (N, H, W) in [0, 1] and ground truths (N, H, W)."""

    pred: npt.NDArray[np.float32]
    gt: npt.NDArray[np.bool_]


def read_pairs(data: Arrays) -> Pairs:
    """Unpack the predictions and ground truths of a metrics file."""
    count = len(data["gt_packed"])
    pred = np.full((count, 224, 224), np.nan, np.float32)
    for kind, largest in (("u8", 255), ("u16", 65535)):
        if f"index_{kind}" in data:
            pred[data[f"index_{kind}"]] = data[f"pred_{kind}"].astype(np.float32) / np.float32(largest)
    gt = np.unpackbits(data["gt_packed"], axis=1).reshape(count, 224, 224).astype(np.bool_)
    return Pairs(pred, gt)


def baav_scores(pairs: Pairs) -> dict[str, Floats]:
    """Compute the per-sample scores of BAaV's and SSLalignment's evaluators."""
    fixed50 = metrics.threshold_scores_batch(pairs.pred, pairs.gt, 0.5)
    fixed35 = metrics.threshold_scores_batch(pairs.pred, pairs.gt, 0.35)
    adaptive = metrics.adaptive_scores_batch(pairs.pred, pairs.gt)
    half = metrics.adaptive_scores_batch(pairs.pred, pairs.gt, "half")
    thresholds = [metrics.adaptive_threshold(pred, gt) for pred, gt in zip(*pairs, strict=True)]
    torch_iou = [metrics.baav_torch_iou(pred, gt) for pred, gt in zip(*pairs, strict=True)]
    torch_f = [metrics.avsbench_f(pred, gt, thresholds=[0.5]) for pred, gt in zip(*pairs, strict=True)]
    return {
        "fix50_iou": fixed50.iou,
        "fix50_f": fixed50.f,
        "fix35_iou": fixed35.iou,
        "fix35_f": fixed35.f,
        "adap_threshold": np.array(thresholds),
        "adap_iou": adaptive.iou,
        "adap_f": adaptive.f,
        "ssl_half_iou": half.iou,
        "ssl_adap_iou": adaptive.iou,
        "baav_torch_iou_50": np.array(torch_iou),
        "baav_torch_f_50": np.array(torch_f),
    }


def avsbench_scores(pairs: Pairs, videos: int) -> dict[str, Floats]:
    """Compute AVSBench's scores of single pictures and of the first ``videos`` groups of five.

    The official functions apply a sigmoid, so the file's numbers come from maps that went through the
    logit (clamped at 1e-6) and back.
    """
    logits = torch.logit(torch.from_numpy(pairs.pred), eps=1e-6)
    pred = torch.sigmoid(logits).numpy()
    pictures = list(zip(pred, pairs.gt, strict=True))
    starts = range(0, videos * FRAMES_PER_VIDEO, FRAMES_PER_VIDEO)
    frames = [slice(start, start + FRAMES_PER_VIDEO) for start in starts]
    groups = [(pred[part], pairs.gt[part]) for part in frames]
    return {
        "avs_iou": np.array([metrics.avsbench_iou(*picture) for picture in pictures]),
        "avs_f": np.array([metrics.avsbench_f(*picture) for picture in pictures]),
        "avs_group_iou": np.array([metrics.avsbench_iou(*group) for group in groups]),
        "avs_group_f": np.array([metrics.avsbench_f(*group) for group in groups]),
    }


def aggregates(scores: Mapping[str, Floats], fixed: str, kept: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Compute BAaV's aggregates over the kept samples. ``fixed`` names the threshold: "fix50" or "fix35"."""
    result: dict[str, float] = {}
    for suffix, source in (("adap", "adap"), ("fixed", fixed)):
        ious = scores[f"{source}_iou"][kept]
        result[f"auc_{suffix}"] = metrics.auc(ious)
        result[f"ciou_{suffix}"] = metrics.ciou(ious)
        result[f"miou_{suffix}"] = metrics.mean(ious)
        result[f"f_{suffix}"] = metrics.mean(scores[f"{source}_f"][kept])
    return result


def compare_metrics(data: Arrays) -> list[Comparison]:
    """Compute every quantity of a metrics file."""
    pairs = read_pairs(data)
    videos = len(data["avs_group_iou"]) if "avs_group_iou" in data else 0
    actual = baav_scores(pairs) | avsbench_scores(pairs, videos)
    everything = np.ones(len(pairs.pred), np.bool_)
    finite = np.isfinite(actual["adap_iou"])
    names = [str(name) for name in data["agg_names"]]
    for threshold in ("50", "35"):
        for which, kept in (("all", everything), ("finite", finite)):
            values = aggregates(actual, f"fix{threshold}", kept)
            actual[f"agg_{which}_{threshold}"] = np.array([values[name] for name in names])
    actual["finite"] = finite.astype(np.float64)
    return [
        Comparison(name, np.asarray(data[name], np.float64), values, METRIC_TOLERANCE)
        for name, values in actual.items()
        if name in data
    ]
