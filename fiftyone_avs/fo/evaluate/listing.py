"""Which evaluations a dataset has, and what is known of them; no results are loaded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import fiftyone as fo

from fiftyone_avs.errors import DatasetError
from fiftyone_avs.fo.evaluate.backend import AVSEvaluationConfig
from fiftyone_avs.fo.evaluate.results import describe_rules, metrics_of, truth_of
from fiftyone_avs.fo.runs.changes import stale_reason
from fiftyone_avs.fo.schema.eval_fields import MASK_NAMING, EvalFields
from fiftyone_avs.fo.schema.fields import FRAMES
from fiftyone_avs.metrics import PROTOCOLS


@dataclass(frozen=True)
class EvaluationInfo:
    """What was evaluated, and how.

    Attributes:
        key: the eval key, which begins the names of the evaluation's fields.
        run: the run key, or the field of the masks where no run made them; without ``frames.``.
        gt_field: the ground truth.
        protocol: a key of ``metrics.PROTOCOLS``.
        adaptive_rule: see ``fiftyone_avs.metrics.adaptive_scores``; "none" where the protocol has none.
        threshold: soft-map values above this are the mask.
        class_field: the field of the samples' class, if one was named.
        on_frames: whether frames of videos were scored.
        is_run: whether the masks were made by a run of ours.
        created: when it was evaluated (UTC).
        pair_field: the field of the samples' pairs, if IIoU and IAUC were asked for.
        video_field: the field of the images' videos, if one was named (protocol "avsbench").
        boxes_field: the boxes of the ground truth (protocol "boxes").
        naming: how the fields of the scores are called; see ``fields``.
        coverage: "run" or "all"; see ``evaluate``.
        stale: why the scores are not those of the run as it is now: some of it was overwritten, done again or done
            since, or it was deleted; or the evaluation was interrupted. "" if they are.
    """

    key: str
    run: str
    gt_field: str
    protocol: str
    adaptive_rule: str
    threshold: float
    class_field: str | None
    on_frames: bool
    is_run: bool
    created: datetime
    pair_field: str | None = None
    video_field: str | None = None
    boxes_field: str | None = None
    naming: str = MASK_NAMING
    coverage: str = "run"
    stale: str = ""

    @property
    def fields(self) -> EvalFields:
        """The fields of the scores, whatever version wrote them."""
        return EvalFields(self.key, self.naming, PROTOCOLS[self.protocol].adaptive)

    @property
    def metrics(self) -> dict[str, str]:
        """The numbers that it gives: attributes of its summary and how tables call them."""
        return metrics_of(self)

    @property
    def group(self) -> tuple[str | None, ...]:
        """Ground truth, protocol, adaptive rule, videos: only evaluations that agree in them are comparable."""
        return truth_of(self), self.protocol, self.adaptive_rule, self.video_field

    @property
    def group_label(self) -> str:
        """The group in words."""
        videos = f", videos {self.video_field}" if self.video_field else ""
        return f"ground truth {truth_of(self)}, {describe_rules(self)}{videos}"


def list_evaluations(dataset: fo.Dataset) -> list[EvaluationInfo]:
    """The evaluations that ``evaluate`` made on a dataset, oldest first; no results are loaded."""
    records = [dataset.get_evaluation_info(key) for key in dataset.list_evaluations(method="avs")]
    found = [_info(dataset, record) for record in records if isinstance(record.config, AVSEvaluationConfig)]
    return sorted(found, key=lambda info: (info.created, info.key))


def find_evaluation(dataset: fo.Dataset, eval_key: str) -> EvaluationInfo:
    """One evaluation of a dataset.

    Raises:
        DatasetError: if there is none of that key that ``evaluate`` made; the message names those there are.
    """
    found = {info.key: info for info in list_evaluations(dataset)}
    if eval_key not in found:
        known = ", ".join(found) or "none yet"
        raise DatasetError(
            f"dataset {dataset.name!r} has no evaluation {eval_key!r} of this package (evaluations: {known})"
        )
    return found[eval_key]


def _info(dataset: fo.Dataset, record: Any) -> EvaluationInfo:
    config = record.config
    return EvaluationInfo(
        key=record.key,
        run=config.pred_field.removeprefix(FRAMES),
        gt_field=config.gt_field,
        protocol=config.protocol,
        adaptive_rule=config.adaptive_rule,
        threshold=float(config.threshold),
        class_field=config.class_field,
        on_frames=config.gt_field.startswith(FRAMES),
        is_run=config.is_run,
        created=record.timestamp.replace(tzinfo=UTC),
        pair_field=config.pair_field,
        video_field=config.video_field,
        boxes_field=config.boxes_field,
        naming=config.naming,
        coverage=config.coverage,
        stale=stale_reason(dataset, record.key),
    )
