"""Counting an evaluation's scores inside the database: the stages that tally them, and what the tallies come to.

Each evaluation has a facet that adds up its scores by bin of the IoU and by status, and where samples belong to
pairs or videos, a second one that counts those.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from fiftyone.core.collections import SampleCollection

from fiftyone_avs.fo.evaluate.scoring import STATUSES
from fiftyone_avs.fo.schema.aggregation import bin_of
from fiftyone_avs.fo.schema.fields import FRAMES
from fiftyone_avs.metrics import AVSBenchSummary, BoxSummary, EvaluationSummary, Summary
from fiftyone_avs.metrics.aggregate import AUC_THRESHOLDS, SUCCESS

if TYPE_CHECKING:
    from fiftyone_avs.fo.evaluate.listing import EvaluationInfo

Groups = Sequence[Mapping[str, Any]]


def score_paths(info: EvaluationInfo) -> list[str]:
    """The fields of the scores."""
    return list(_paths(info).values())


def _paths(info: EvaluationInfo) -> dict[str, str]:
    """Attribute of ``SampleScores`` -> path of its field, for the scores that the protocol has."""
    prefix = FRAMES if info.on_frames else ""
    known = ("iou", "f") if info.fields.iou_adaptive is None else ("iou", "f", "iou_adaptive", "f_adaptive")
    return {name: prefix + info.fields.by_score[name] for name in known}


def tallies(samples: SampleCollection, info: EvaluationInfo) -> dict[str, list[dict[str, Any]]]:
    """The facets of an evaluation by name; they meet one document per sample, or per frame of a video."""
    found = {info.key: _by_bin_and_status(samples, info), _truths(info): _with_truth(samples, info)}
    if info.protocol == "avsbench" and (group := _group(samples, info, info.video_field)) is not None:
        found[_second(info)] = _by_video(info, group)
    if info.pair_field is not None and (group := _group(samples, info, info.pair_field)) is not None:
        found[_second(info)] = _by_pair(info, group)
    return found


class Tallied:
    """What the tallies of an evaluation come to.

    Args:
        samples: the dataset or view that was counted.
        info: the evaluation.
        facets: facet -> the groups that the database found.
    """

    def __init__(self, samples: SampleCollection, info: EvaluationInfo, facets: Mapping[str, Groups]) -> None:
        self._info = info
        self._all = facets[info.key]
        self._second = facets.get(_second(info))
        self._truths = facets[_truths(info)]
        self._statuses_known = _status_path(samples, info) is not None

    @property
    def counts(self) -> dict[str, int]:
        """How many are "ok", "abstained", "failed" and "missing" now; empty if that cannot be told."""
        counts: Counter[str] = Counter()
        for group in self._all:
            counts[group["_id"]["status"]] += group["n"]
        return {status: counts[status] for status in STATUSES} if self._statuses_known else {}

    @cached_property
    def success(self) -> tuple[float, ...]:
        """Share of samples whose mask has an IoU of at least t, for each t of ``AUC_THRESHOLDS``."""
        return _success([{"bin": group["_id"]["mask_bin"], "n": group["n"]} for group in self._all])

    @cached_property
    def success_adaptive(self) -> tuple[float, ...]:
        """The same of the adaptive IoU; empty if the protocol has none."""
        if self._info.fields.iou_adaptive is None:
            return ()
        return _success([{"bin": group["_id"]["bin"], "n": group["n"]} for group in self._all])

    @property
    def n_with_truth(self) -> int:
        """How many samples or frames have a ground truth."""
        return int(_total(self._truths, "n"))

    @property
    def summary(self) -> EvaluationSummary:
        """The numbers of the evaluation's protocol, as far as they follow from the scores of samples."""
        if self._info.protocol == "avsbench":
            return self._of_frames()
        summary = self._of_samples()
        return BoxSummary(**vars(summary)) if self._info.protocol == "boxes" else summary

    def _of_frames(self) -> AVSBenchSummary:
        n = _total(self._all, "n")
        videos = self._second or ()
        n_videos = _total(videos, "n")
        return AVSBenchSummary(
            n=int(n),
            n_videos=int(n_videos),
            j=_share(_total(self._all, "j"), n),
            f_videos=_share(_total(videos, "f"), n_videos),
            f_whole=math.nan,
        )

    def _of_samples(self) -> Summary:
        defined = [group for group in self._all if group["_id"]["bin"] >= 0]
        n, n_defined = _total(self._all, "n"), _total(defined, "n")
        pairs = self._second or ()
        paired = _success([{"bin": pair["_id"], "n": pair["n"]} for pair in pairs])
        return Summary(
            n=int(n),
            n_undefined=int(n - n_defined),
            ciou=_ciou(self.success_adaptive),
            auc=_auc(self.success_adaptive),
            miou=_share(_total(defined, "miou"), n_defined),
            f=_share(_total(defined, "f"), n_defined),
            j=_share(_total(self._all, "j"), n),
            f_threshold=_share(_total(self._all, "f_threshold"), n),
            iiou=_ciou(paired),
            iauc=_auc(paired),
            n_pairs=int(_total(pairs, "n")),
            n_incomplete=int(_total(pairs, "alone")),
        )


def _second(info: EvaluationInfo) -> str:
    """The name of the facet that counts pairs or videos; no eval key has a dash."""
    return f"{info.key}-groups"


def _truths(info: EvaluationInfo) -> str:
    """The name of the facet that counts what has a ground truth."""
    return f"{info.key}-truths"


def _with_truth(samples: SampleCollection, info: EvaluationInfo) -> list[dict[str, Any]]:
    """Stages that count what has a ground truth; where the field is gone, nothing has."""
    path = info.boxes_field or info.gt_field
    if samples.get_field(path) is None:
        return [{"$limit": 1}, {"$project": {"n": {"$literal": 0}}}]
    there = {f"{path}.detections.0": {"$exists": True}} if info.boxes_field else {path: {"$ne": None}}
    return [{"$match": there}, {"$count": "n"}]


def _by_bin_and_status(samples: SampleCollection, info: EvaluationInfo) -> list[dict[str, Any]]:
    """Stages that count and add up the scores by bins of the IoUs and by status."""
    paths = _paths(info)
    # as ``Summary`` calls the means; a protocol without adaptive scores has zeros and one bin
    sums = {"j": "iou", "f_threshold": "f", "miou": "iou_adaptive", "f": "f_adaptive"}
    adaptive = paths.get("iou_adaptive")
    bins = {
        "bin": bin_of(f"${adaptive}", AUC_THRESHOLDS) if adaptive else {"$literal": 0},
        "mask_bin": bin_of(f"${paths['iou']}", AUC_THRESHOLDS),
    }
    return [
        {"$match": {paths["iou"]: {"$ne": None}}},  # every sample that counts has this score
        {
            "$group": {
                "_id": {**bins, "status": _status(samples, info)},
                "n": {"$sum": 1},
                **{name: {"$sum": f"${paths[score]}"} for name, score in sums.items() if score in paths},
            }
        },
    ]


def _by_pair(info: EvaluationInfo, group: Any) -> list[dict[str, Any]]:
    """Stages that count pairs by bin of their lowest adaptive IoU."""
    iou = _paths(info)["iou_adaptive"]
    alone = {"$sum": {"$cond": [{"$eq": ["$members", 1]}, 1, 0]}}
    return [
        {"$match": {iou: {"$ne": None}}},
        {"$group": {"_id": group, "iou": {"$min": f"${iou}"}, "members": {"$sum": 1}}},
        {"$group": {"_id": bin_of("$iou", AUC_THRESHOLDS), "n": {"$sum": 1}, "alone": alone}},
    ]


def _by_video(info: EvaluationInfo, group: Any) -> list[dict[str, Any]]:
    """Stages that count videos and add up their F, which each of their frames has."""
    paths = _paths(info)
    return [
        {"$match": {paths["iou"]: {"$ne": None}}},
        {"$group": {"_id": group, "f": {"$first": f"${paths['f']}"}}},
        {"$group": {"_id": None, "f": {"$sum": "$f"}, "n": {"$sum": 1}}},
    ]


def _group(samples: SampleCollection, info: EvaluationInfo, field: str | None) -> Any:
    """An expression for the pair or video of a document; None if its field is not there."""
    if info.on_frames or field is None:
        return "$_id"
    return {"$ifNull": [f"${field}", "$_id"]} if samples.get_field(field) is not None else None


def _status_path(samples: SampleCollection, info: EvaluationInfo) -> str | None:
    """The field that says how a prediction ended; None if it is not there."""
    prefix = FRAMES if info.on_frames else ""
    path = f"{prefix}{info.run}_status" if info.is_run else f"{prefix}{info.run}"
    return path if samples.get_field(path) is not None else None


def _status(samples: SampleCollection, info: EvaluationInfo) -> Any:
    """An expression for how a prediction ended, as the evaluation itself sees it."""
    path = _status_path(samples, info)
    if path is None:
        return "unknown"
    if not info.is_run:
        return {"$cond": [{"$gt": [f"${path}", None]}, "ok", "missing"]}
    own = _before_colon(f"${path}")
    if not info.on_frames:
        return {"$ifNull": [own, "missing"]}
    failed = {"$eq": [_before_colon(f"${info.run}_status"), "failed"]}  # the whole video
    return {"$ifNull": [own, {"$cond": [failed, "failed", "missing"]}]}


def _before_colon(path: str) -> dict[str, Any]:
    """An expression for "failed" of "failed: why"; None for None."""
    return {"$arrayElemAt": [{"$split": [path, ":"]}, 0]}


def _success(bins: Groups) -> tuple[float, ...]:
    """Share of what has an IoU that reaches each of ``AUC_THRESHOLDS``, from counts by bin."""
    defined = [one for one in bins if one["bin"] >= 0]
    n = _total(defined, "n")
    if not n:
        return ()
    return tuple(
        _total([one for one in defined if one["bin"] >= index], "n") / n
        for index in range(len(AUC_THRESHOLDS))
    )


def _ciou(success: Sequence[float]) -> float:
    return success[AUC_THRESHOLDS.index(SUCCESS)] if success else math.nan


def _auc(success: Sequence[float]) -> float:
    return float(np.trapezoid(success, AUC_THRESHOLDS)) if success else math.nan


def _share(total: float, n: float) -> float:
    return total / n if n else math.nan


def _total(groups: Groups, name: str) -> float:
    return math.fsum(group[name] for group in groups)
