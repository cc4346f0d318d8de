"""Scores of one sample or frame: reads a stored prediction and its ground truth and compares them."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from fiftyone_avs.errors import MediaError
from fiftyone_avs.integrations.storage import read_map
from fiftyone_avs.media import read_grey_mask, read_mask
from fiftyone_avs.metrics import AdaptiveRule, Protocol, SampleScores, score_sample
from fiftyone_avs.types import Mask, SoftMap

STATUSES = ("ok", "abstained", "failed", "missing")
"""How a prediction ended; "missing" is a sample that the run never came to."""

_TURNED = range(5, 9)  # values of EXIF's orientation that swap width and height


@dataclass(frozen=True)
class Rules:
    """What is compared, and how.

    Attributes:
        pred_field: the mask, without the prefix ``frames.``.
        gt_field: the ground truth, likewise.
        is_run: whether the mask was made by a run of ours, so that soft maps and statuses are there.
        protocol: "baav" or "native".
        threshold: soft-map values above this are the mask.
        adaptive_rule: see ``fiftyone_avs.metrics.adaptive_scores``.
    """

    pred_field: str
    gt_field: str
    is_run: bool
    protocol: Protocol
    threshold: float
    adaptive_rule: AdaptiveRule


@dataclass(frozen=True)
class Scored:
    """The outcome for one sample or frame.

    Attributes:
        id: the sample's id; for frames "<sample id>/<frame number>".
        status: one of ``STATUSES``.
        scores: None if it is left out of the scores.
        excluded: why it is left out, or "".
        pixels: (ground truth, prediction) -> number of pixels, at the ground truth's size; a bool is True on
            the object.
        label_ids: ids of the ground truth's and the prediction's label, for FiftyOne's panel.
    """

    id: str
    status: str
    scores: SampleScores | None = None
    excluded: str = ""
    pixels: Counter[tuple[bool, bool]] | None = None
    label_ids: tuple[str | None, str | None] = (None, None)


def score_document(name: str, document: Any, rules: Rules, status: str, picture: str | None) -> Scored:
    """Score a sample or frame.

    Args:
        name: its id in reports.
        document: the sample or frame, with the fields of the prediction and the ground truth.
        rules: what is compared, and how.
        status: how the prediction ended.
        picture: the path of the sample's picture, to check the ground truth's size against where there is
            no prediction; None for frames.
    """
    truth, label = document[rules.gt_field], document[rules.pred_field]
    if truth is None or (truth.mask is None and truth.mask_path is None):
        return Scored(name, status, excluded="no ground truth")
    try:
        grey = _read_grey(truth)
        target = read_mask(grey)
    except (MediaError, ValueError) as error:
        return Scored(name, status, excluded=f"the ground truth cannot be read: {error}")
    try:
        soft_map = _soft_map(document, label, rules) if status == "ok" else None
    except (MediaError, ValueError) as error:
        return Scored(name, status, excluded=f"the prediction cannot be read: {error}")
    size = _picture_size(picture) if soft_map is None else soft_map.shape
    if size is not None and size != target.shape:
        return Scored(
            name,
            status,
            excluded=f"the ground truth is {_size(target.shape)} pixels, the picture {_size(size)}",
        )
    try:
        scores = score_sample(
            soft_map,
            grey,
            protocol=rules.protocol,
            threshold=rules.threshold,
            adaptive_rule=rules.adaptive_rule,
        )
    except ValueError as error:
        return Scored(name, status, excluded=str(error))
    predicted = np.zeros_like(target) if soft_map is None else soft_map > rules.threshold
    ids = (truth.id, None if label is None else label.id)
    return Scored(name, status, scores, pixels=_count_pixels(target, predicted), label_ids=ids)


def status_of(document: Any, rules: Rules) -> str:
    """How the prediction on a sample or frame ended: one of ``STATUSES``."""
    if not rules.is_run:
        return "missing" if document[rules.pred_field] is None else "ok"
    status = document[f"{rules.pred_field}_status"]
    return "missing" if status is None else str(status).partition(":")[0]


def mean_scores(frames: Sequence[Scored]) -> SampleScores | None:
    """The mean of each score over a video's frames, undefined adaptive IoUs left out; None without any."""
    scores = [frame.scores for frame in frames if frame.scores is not None]
    if not scores:
        return None
    adaptive = [score.iou_adaptive for score in scores if not math.isnan(score.iou_adaptive)]
    return SampleScores(
        iou_adaptive=float(np.mean(adaptive)) if adaptive else math.nan,
        f_adaptive=float(np.mean([score.f_adaptive for score in scores])),
        iou=float(np.mean([score.iou for score in scores])),
        f=float(np.mean([score.f for score in scores])),
    )


def warn_of_masks(pred_field: str) -> None:
    """Say what it means that only masks are there to be scored."""
    warnings.warn(
        f"{pred_field!r} has no soft maps, so its masks are scored; the official adaptive rule gives masks 0"
        " or nearly 0. Pass adaptive_rule='topk' for adaptive scores that mean something",
        UserWarning,
        stacklevel=4,
    )


def _soft_map(document: Any, label: Any, rules: Rules) -> SoftMap:
    """The 16-bit soft map of a run, or the mask where there is none."""
    heatmap = document[f"{rules.pred_field}_map"] if rules.is_run else None
    if heatmap is not None and heatmap.map_path is not None:
        return read_map(heatmap.map_path)
    if label is None:
        raise MediaError("there is neither a soft map nor a mask")
    return read_mask(_read_grey(label)).astype(np.float32)


def _read_grey(label: Any) -> npt.NDArray[np.uint8]:
    """The mask of a ``fo.Segmentation``, in the database or in a file: uint8 grey, shape (H, W)."""
    return read_grey_mask(label.mask_path if label.mask is None else label.mask)


def _picture_size(path: str | None) -> tuple[int, ...] | None:
    """Height and width of a picture as it is shown, or None if it cannot be told."""
    if path is None:
        return None
    try:
        with Image.open(path) as picture:
            width, height = picture.size
            turned = picture.getexif().get(0x0112) in _TURNED
    except (OSError, SyntaxError, ValueError):
        return None
    return (width, height) if turned else (height, width)


def _count_pixels(target: Mask, predicted: Mask) -> Counter[tuple[bool, bool]]:
    hits = int(np.count_nonzero(target & predicted))
    present, found = int(np.count_nonzero(target)), int(np.count_nonzero(predicted))
    return Counter(
        {
            (True, True): hits,
            (True, False): present - hits,
            (False, True): found - hits,
            (False, False): target.size - present - found + hits,
        }
    )


def _size(shape: Sequence[int]) -> str:
    return f"{shape[1]} x {shape[0]}"
