"""From samples and frames to cases: what an evaluation has to read and compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fiftyone_avs.fo.evaluate.scoring import Boxes, Case, MaskSource, Rules
from fiftyone_avs.fo.schema.aggregation import aggregate
from fiftyone_avs.fo.schema.fields import FRAMES


def cases_of(
    view: Any, rules: Rules, *, groups: Mapping[str, str], on_frames: bool, progress: Any
) -> Iterator[Case]:
    """The cases of a collection, in its order; for videos, of every frame that has a ground truth.

    Args:
        view: a dataset or view with the fields of ``fields_of``.
        rules: what is compared, and how.
        groups: sample id -> the pair or video of an image. An image without one is a group of its own; the
            frames of a video are one.
        on_frames: whether the masks are on frames.
        progress: FiftyOne's.
    """
    for sample in view.iter_samples(progress=progress):
        if on_frames:
            yield from _frame_cases(sample, rules)
            continue
        group = groups.get(sample.id, sample.id)
        yield _case(sample, rules, sample.id, sample.id, _status(sample, rules), group, sample.filepath)


def groups_of(dataset: Any, group_field: str | None) -> dict[str, str]:
    """Sample id -> the pair or video that a field of the dataset names; samples without one are left out."""
    if group_field is None:
        return {}
    ids, names = dataset.values(["id", group_field])
    return {key: str(name) for key, name in zip(ids, names, strict=True) if name is not None}


def fields_of(rules: Rules, *, on_frames: bool) -> list[str]:
    """What must be loaded of each sample."""
    prefix = FRAMES if on_frames else ""
    fields = [prefix + rules.pred_field, prefix + rules.gt_field]
    if rules.boxes_field is not None:
        fields.append(prefix + rules.boxes_field)
    if rules.is_run:
        fields += [f"{prefix}{rules.pred_field}_map", f"{prefix}{rules.pred_field}_status"]
        if on_frames:
            fields.append(f"{rules.pred_field}_status")
    return fields


def several_annotators(dataset: Any, boxes_path: str) -> bool:
    """Whether the boxes of a dataset were drawn by several people, so that their consensus counts.

    It is asked of the whole dataset: a picture that one person drew on is still one of such a set.
    """
    on_frames = boxes_path.startswith(FRAMES)
    stages: list[dict[str, Any]] = [{"$unwind": "$frames"}] if on_frames else []
    stages += [
        {"$unwind": f"${boxes_path}.detections"},
        {"$group": {"_id": {"$ifNull": [f"${boxes_path}.detections.annotator", 0]}}},
        {"$limit": 2},
    ]
    return len(aggregate(dataset, stages, frames=on_frames)) > 1


def _frame_cases(sample: Any, rules: Rules) -> Iterator[Case]:
    """The frames of a video that have a ground truth."""
    overall = _status(sample, rules) if rules.is_run else ""
    truth_field = rules.gt_field if rules.boxes_field is None else rules.boxes_field
    for number, frame in sample.frames.items():
        if frame[truth_field] is None:
            continue
        status, excluded = _status(frame, rules), ""
        if status == "missing" and overall in ("ok", "abstained"):
            excluded = "the run does not label this frame (see its fps)"
        if status == "missing" and overall == "failed":
            status = "failed"
        name = f"{sample.id}/{number}"
        yield _case(frame, rules, name, sample.id, status, sample.id, None, excluded)


def _case(
    document: Any,
    rules: Rules,
    name: str,
    sample_id: str,
    status: str,
    group: str,
    picture: str | None,
    excluded: str = "",
) -> Case:
    truth, label = document[rules.gt_field], document[rules.pred_field]
    heatmap = document[f"{rules.pred_field}_map"] if rules.is_run else None
    return Case(
        id=name,
        sample_id=sample_id,
        document_id=document.id,
        status=status,
        group=group,
        picture=picture,
        truth=_source(truth),
        boxes=None if rules.boxes_field is None else _boxes(document[rules.boxes_field]),
        mask=_source(label),
        map_path=None if heatmap is None else heatmap.map_path,
        label_ids=(None if truth is None else truth.id, None if label is None else label.id),
        excluded=excluded,
    )


def _status(document: Any, rules: Rules) -> str:
    """How the prediction on a sample or frame ended: one of ``STATUSES``."""
    if not rules.is_run:
        return "missing" if document[rules.pred_field] is None else "ok"
    status = document[f"{rules.pred_field}_status"]
    return "missing" if status is None else str(status).partition(":")[0]


def _source(label: Any) -> MaskSource:
    """The mask of a ``fo.Segmentation``, or its path."""
    if label is None:
        return None
    mask: MaskSource = label.mask_path if label.mask is None else label.mask
    return mask


def _boxes(label: Any) -> Boxes | None:
    """The corners of a ``fo.Detections``."""
    if label is None:
        return None
    boxes = (found.bounding_box for found in label.detections)
    return tuple((left, top, left + width, top + height) for left, top, width, height in boxes)
