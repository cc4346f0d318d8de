"""What an evaluation is told, and what the dataset says where it is not: protocol, rule, fields of groups and boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import fiftyone as fo

from fiftyone_avs.errors import ConfigurationError, DatasetError, check_share
from fiftyone_avs.fo.schema.fields import FRAMES, string_fields
from fiftyone_avs.metrics import AVSBENCH_THRESHOLD, PROTOCOLS, AdaptiveRule

PAIR_KEY = "fiftyone_avs_pair_field"
"""The key in ``dataset.info`` that names the field of the samples' pairs."""

VIDEO_KEY = "fiftyone_avs_video_field"
"""The key in ``dataset.info`` that names the field of the videos that the images are frames of."""

NO_RULE = "none"
"""What stands for the adaptive rule where the protocol has none."""


Coverage: TypeAlias = Literal["run", "all"]
"""Which samples are scored: those that the run came to, or all, the rest as empty masks."""


def check_coverage(coverage: str) -> None:
    """Raise ConfigurationError for a coverage that does not exist."""
    if coverage not in get_args(Coverage):
        raise ConfigurationError(f"coverage must be one of {', '.join(get_args(Coverage))}, not {coverage!r}")


@dataclass(frozen=True)
class Choices:
    """The choices of an evaluation, checked and completed.

    Attributes:
        protocol: a key of ``metrics.PROTOCOLS``.
        adaptive_rule: "official", "topk" or "half"; ``NO_RULE`` where the protocol has no adaptive scores.
        threshold: what was given, or the protocol's own; None takes the run's.
        pair_field: names each sample's pair; None without IIoU and IAUC.
        video_field: names each image's video; None where it plays no part or is not known.
        boxes_field: the boxes of the ground truth, with ``frames.`` for videos; None but for the protocol "boxes".
    """

    protocol: str
    adaptive_rule: str
    threshold: float | None
    pair_field: str | None
    video_field: str | None
    boxes_field: str | None


def choose(
    dataset: fo.Dataset,
    gt_field: str,
    *,
    protocol: str = "baav",
    threshold: float | None = None,
    adaptive_rule: str = "official",
    pair_field: str | None = None,
    video_field: str | None = None,
    boxes_field: str | None = None,
) -> Choices:
    """Check the choices of an evaluation and complete them from the dataset.

    Args:
        dataset: the dataset.
        gt_field: the ground truth, with ``frames.`` for videos.
        protocol: as for ``evaluate``, like the rest.
        threshold: likewise.
        adaptive_rule: likewise.
        pair_field: likewise.
        video_field: likewise.
        boxes_field: likewise.

    Raises:
        ConfigurationError: if they do not fit the protocol or the media.
        DatasetError: if a field is missing or of another kind.
    """
    if not isinstance(protocol, str) or protocol not in PROTOCOLS:
        raise ConfigurationError(f"protocol must be one of {', '.join(PROTOCOLS)}, not {protocol!r}")
    if adaptive_rule not in get_args(AdaptiveRule):
        known = ", ".join(get_args(AdaptiveRule))
        raise ConfigurationError(f"adaptive_rule must be one of {known}, not {adaptive_rule!r}")
    if threshold is not None:
        check_share("threshold", threshold)
    _check_protocol_s_own(protocol, threshold, adaptive_rule, pair_field, video_field, boxes_field)
    on_frames = gt_field.startswith(FRAMES)
    adaptive = PROTOCOLS[protocol].adaptive
    return Choices(
        protocol=protocol,
        adaptive_rule=adaptive_rule if adaptive else NO_RULE,
        threshold=threshold if adaptive else AVSBENCH_THRESHOLD,
        pair_field=_group_field(dataset, pair_field, PAIR_KEY, on_frames) if adaptive else None,
        video_field=None if adaptive else _group_field(dataset, video_field, VIDEO_KEY, on_frames),
        boxes_field=_boxes_field(dataset, gt_field, boxes_field) if protocol == "boxes" else None,
    )


def offered_protocols(dataset: fo.Dataset, gt_field: str) -> dict[str, str]:
    """The protocols that a dataset's ground truth offers and what they are: all, but boxes only where there are any."""
    offered = {name: info.about for name, info in PROTOCOLS.items()}
    if not boxes_fields(dataset, gt_field):
        del offered["boxes"]
    return offered


def group_fields(dataset: fo.Dataset) -> list[str]:
    """The fields that can name a sample's pair or video: text and whole numbers."""
    return [*string_fields(dataset), *dataset.get_field_schema(ftype=fo.IntField)]


def boxes_fields(dataset: fo.Dataset, gt_field: str) -> list[str]:
    """The fields with boxes beside a ground truth, with ``frames.`` for videos."""
    kind = {"ftype": fo.EmbeddedDocumentField, "embedded_doc_type": fo.Detections}
    if gt_field.startswith(FRAMES):
        return [FRAMES + name for name in dataset.get_frame_field_schema(**kind) or ()]
    return list(dataset.get_field_schema(**kind))


def _check_protocol_s_own(
    protocol: str,
    threshold: float | None,
    adaptive_rule: str,
    pair_field: str | None,
    video_field: str | None,
    boxes_field: str | None,
) -> None:
    """Refuse what was given but plays no part in the protocol, so that nobody believes it did."""
    if protocol == "avsbench":
        if threshold not in (None, AVSBENCH_THRESHOLD):
            raise ConfigurationError(
                f"protocol avsbench has a threshold of its own, {AVSBENCH_THRESHOLD}; leave threshold out, or use"
                f" another protocol for {threshold!r}"
            )
        if adaptive_rule != "official":
            raise ConfigurationError("protocol avsbench has no adaptive scores; leave adaptive_rule out")
        if pair_field is not None:
            raise ConfigurationError("protocol avsbench has no IIoU and IAUC of pairs; leave pair_field out")
    elif video_field is not None:
        raise ConfigurationError(f"video_field is for the protocol avsbench, not {protocol}; leave it out")
    if protocol != "boxes" and boxes_field is not None:
        raise ConfigurationError(f"boxes_field is for the protocol boxes, not {protocol}; leave it out")


def _group_field(dataset: fo.Dataset, given: str | None, key: str, on_frames: bool) -> str | None:
    """The field of the samples' groups: the one given, else the one that ``dataset.info`` names."""
    if on_frames:
        if given is not None:
            raise ConfigurationError(f"{given!r} can group images only; the frames of a video are one group")
        return None
    name = given or dataset.info.get(key)
    if name is None:
        return None
    found = dataset.get_field(name)
    if isinstance(found, fo.StringField | fo.IntField):
        return str(name)
    problem = "does not exist" if found is None else "holds neither text nor whole numbers"
    source = "" if given else f", which dataset.info[{key!r}] names,"
    raise DatasetError(
        f"field {name!r}{source} {problem} on dataset {dataset.name!r}; it must name each sample's group"
    )


def _boxes_field(dataset: fo.Dataset, gt_field: str, given: str | None) -> str:
    """The full path of the field of boxes."""
    prefix = FRAMES if gt_field.startswith(FRAMES) else ""
    path = prefix + given.removeprefix(FRAMES) if given else f"{gt_field}_boxes"
    found = dataset.get_field(path)
    if getattr(found, "document_type", None) is fo.Detections:
        return path
    problem = "does not exist" if found is None else "does not hold boxes (fo.Detections)"
    others = ", ".join(repr(name) for name in boxes_fields(dataset, gt_field)) or "none"
    raise DatasetError(
        f"field {path!r}, the boxes of the ground truth, {problem} on dataset {dataset.name!r}; fields with boxes:"
        f" {others}. Name yours with boxes_field"
    )
