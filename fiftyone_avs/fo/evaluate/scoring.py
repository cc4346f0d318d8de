"""Scores of one sample or frame: reads a stored prediction and its ground truth and compares them.

Nothing here touches the database, so that many samples can be scored side by side in threads.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fiftyone_avs.errors import MediaError
from fiftyone_avs.media import picture_size, read_grey_mask, read_mask
from fiftyone_avs.media.mask_files import read_map
from fiftyone_avs.metrics import (
    AdaptiveRule,
    FrameScores,
    Protocol,
    SampleScores,
    draw_boxes,
    resize_soft_map,
    score_boxes,
    score_frame,
    score_sample,
)
from fiftyone_avs.types import Mask, SoftMap

STATUSES = ("ok", "abstained", "failed", "missing")
"""How a prediction ended; "missing" is a sample that the run never came to."""

MaskSource: TypeAlias = str | npt.NDArray[np.generic] | None
"""A mask in the database or its path; None if there is none."""

Boxes: TypeAlias = tuple[tuple[float, float, float, float], ...]
"""Relative corners: left, top, right, bottom."""


@dataclass(frozen=True)
class Rules:
    """What is compared, and how.

    Attributes:
        pred_field: the mask, without the prefix ``frames.``.
        gt_field: the ground truth, likewise.
        is_run: whether the mask was made by a run of ours, so that soft maps and statuses are there.
        protocol: a key of ``metrics.PROTOCOLS``.
        threshold: soft-map values above this are the mask.
        adaptive_rule: see ``fiftyone_avs.metrics.adaptive_scores``.
        boxes_field: the boxes of the ground truth, likewise; of the protocol "boxes" only.
        consensus: whether several people drew the boxes.
        coverage: "run" leaves what the run never came to out, "all" counts it as empty masks.
    """

    pred_field: str
    gt_field: str
    is_run: bool
    protocol: Protocol
    threshold: float
    adaptive_rule: AdaptiveRule
    boxes_field: str | None = None
    consensus: bool = False
    coverage: str = "all"


@dataclass(frozen=True, eq=False)
class Case:
    """A prediction and its ground truth as the database has them.

    Attributes:
        id: the sample's id; for frames "<sample id>/<frame number>".
        sample_id: the sample's id.
        document_id: the id of the sample or frame that gets the scores.
        status: one of ``STATUSES``.
        group: the pair or video that it belongs to; its own id if it has none.
        picture: the path of the sample's picture, to check the ground truth's size against where there is no
            prediction; None for frames.
        truth: the ground truth.
        boxes: the boxes of the ground truth; empty where nothing sounds, None where nobody said.
        mask: the predicted mask.
        map_path: the run's soft map; None if there is none.
        label_ids: ids of the ground truth's and the prediction's label.
        excluded: why it is left out without being read, or "".
    """

    id: str
    sample_id: str
    document_id: str
    status: str
    group: str
    picture: str | None = None
    truth: MaskSource = None
    boxes: Boxes | None = None
    mask: MaskSource = None
    map_path: str | None = None
    label_ids: tuple[str | None, str | None] = (None, None)
    excluded: str = ""


@dataclass(frozen=True, eq=False)
class Scored:
    """The outcome for one sample or frame.

    Attributes:
        case: what was scored.
        scores: None if it is left out of the scores, or has no box to hit.
        excluded: why it is left out, or "".
        pixels: (ground truth, prediction) -> number of pixels, at the ground truth's size (boxes: 224 x 224); a
            bool is True on the object.
        frame: what it adds to the protocol "avsbench".
        confidence: of the prediction, under the protocol "boxes".
        covered: whether the run came to it, or whatever it did not come to counts as well.
        unread: why a prediction that says "ok" could not be read and counts as failed, or "".
    """

    case: Case
    scores: SampleScores | None = None
    excluded: str = ""
    pixels: Counter[tuple[bool, bool]] | None = None
    frame: FrameScores | None = None
    confidence: float | None = None
    covered: bool = True
    unread: str = ""


class _LeftOutError(Exception):
    """Why a sample is left out of the scores."""


class _UnreadError(Exception):
    """Why a prediction cannot be read."""


def score_case(case: Case, rules: Rules) -> Scored:
    """Read and score a sample or frame; what cannot be scored is left out with its reason."""
    try:
        if case.excluded:
            raise _LeftOutError(case.excluded)
        if case.status == "missing" and rules.coverage == "run":
            _check_truth(case, rules)
            return Scored(case, covered=False)
        return _score_read(case, rules)
    except (_LeftOutError, ValueError) as reason:
        return Scored(case, excluded=str(reason))


def _score_read(case: Case, rules: Rules) -> Scored:
    """Score a case; damage is a failure, as if the run had failed there, so that it never raises a mean."""
    score = _score_boxes if rules.protocol == "boxes" else _score_mask
    try:
        return score(case, rules)
    except _UnreadError as reason:
        failed = replace(case, status="failed", mask=None, map_path=None, label_ids=(case.label_ids[0], None))
        return replace(score(failed, rules), unread=str(reason))


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


def _check_truth(case: Case, rules: Rules) -> None:
    """Leave out what has no ground truth."""
    if rules.protocol == "boxes" and case.boxes is None:
        raise _LeftOutError("no boxes: the field is empty; a sample where nothing sounds has an empty list")
    if rules.protocol != "boxes" and case.truth is None:
        raise _LeftOutError("no ground truth")


def _score_mask(case: Case, rules: Rules) -> Scored:
    """Score against the mask of a ground truth."""
    _check_truth(case, rules)
    try:
        grey = read_grey_mask(case.truth)  # type: ignore[arg-type]  # checked
        target = read_mask(grey)
    except (MediaError, ValueError) as error:
        raise _LeftOutError(f"the ground truth cannot be read: {error}") from error
    soft_map = _soft_map(case)
    size = _shown_size(case, soft_map, target.shape)
    if size is not None and size != target.shape:
        raise _LeftOutError(f"the ground truth is {_size(target.shape)} pixels, the picture {_size(size)}")
    pixels = _count_pixels(target, soft_map, rules)
    if rules.protocol == "avsbench":
        return Scored(case, pixels=pixels, frame=score_frame(soft_map, grey))
    scores = score_sample(
        soft_map,
        grey,
        protocol=rules.protocol,
        threshold=rules.threshold,
        adaptive_rule=rules.adaptive_rule,
    )
    return Scored(case, _of_failure(case, scores), pixels=pixels)


def _of_failure(case: Case, scores: SampleScores | None) -> SampleScores | None:
    """The scores, but 0 for a failure where nothing is to be found: undefined, it would be better than a map that is
    0 there by the adaptive rule. Abstaining is right there.
    """
    if scores is None or case.status not in ("failed", "missing") or not math.isnan(scores.iou_adaptive):
        return scores
    return replace(scores, iou_adaptive=0.0)


def _score_boxes(case: Case, rules: Rules) -> Scored:
    """Score against the boxes of a ground truth."""
    _check_truth(case, rules)
    boxes = case.boxes or ()
    weights = draw_boxes(boxes, consensus=rules.consensus)
    soft_map = _soft_map(case)
    found = score_boxes(
        soft_map,
        weights if boxes else None,
        threshold=rules.threshold,
        adaptive_rule=rules.adaptive_rule,
    )
    resized = None if soft_map is None else resize_soft_map(soft_map)
    pixels = _count_pixels(np.asarray(weights > 0), resized, rules)
    return Scored(case, _of_failure(case, found.scores), pixels=pixels, confidence=found.confidence)


def _soft_map(case: Case) -> SoftMap | None:
    """The 16-bit soft map of a run, or the mask where there is none; None for a prediction that is not ok."""
    if case.status != "ok":
        return None
    try:
        if case.map_path is not None:
            return read_map(case.map_path)
        if case.mask is None:
            raise MediaError("there is neither a soft map nor a mask")
        return read_mask(case.mask).astype(np.float32)
    except (MediaError, ValueError) as error:
        raise _UnreadError(f"the prediction cannot be read: {error}") from error


def _shown_size(case: Case, soft_map: SoftMap | None, wanted: tuple[int, ...]) -> tuple[int, ...] | None:
    """Height and width of what the ground truth must fit, or None if it cannot be told.

    A map has its picture's size, except that imported maps keep their own; their masks have the picture's.
    """
    if soft_map is not None and soft_map.shape == wanted:
        return wanted
    if soft_map is not None and case.map_path is None:
        return soft_map.shape
    if isinstance(case.mask, np.ndarray):
        return tuple(case.mask.shape[:2])
    path = case.picture if soft_map is None else case.mask
    try:
        return None if path is None else picture_size(path)
    except MediaError:
        return None


def _count_pixels(target: Mask, soft_map: SoftMap | None, rules: Rules) -> Counter[tuple[bool, bool]]:
    if soft_map is None:
        predicted = np.zeros_like(target)
    else:
        height, width = target.shape
        predicted = resize_soft_map(soft_map, (height, width)) > np.float32(rules.threshold)
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
