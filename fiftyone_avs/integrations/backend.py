"""The evaluation run that FiftyOne stores: its config and its backend.

Classes here are found by their names when an evaluation is loaded, so they must not move or be renamed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import fiftyone as fo
from fiftyone.utils.eval.segmentation import SegmentationEvaluation, SegmentationEvaluationConfig

from fiftyone_avs.integrations.fields import FRAMES
from fiftyone_avs.integrations.results import AVSResults, build_results
from fiftyone_avs.integrations.scoring import Rules, Scored, mean_scores, score_document, status_of
from fiftyone_avs.metrics import SampleScores

SUFFIXES = {
    "iou": "iou_adaptive",
    "f": "f_adaptive",
    "iou_threshold": "iou",
    "f_threshold": "f",
}
"""What is written to ``<eval_key>_<suffix>``, as attributes of ``SampleScores``."""


class AVSEvaluationConfig(SegmentationEvaluationConfig):
    """What was evaluated, and how.

    Args:
        pred_field: the predicted masks.
        gt_field: the ground truth.
        protocol: "baav" or "native".
        threshold: soft-map values above this are the mask.
        adaptive_rule: see ``fiftyone_avs.metrics.adaptive_scores``.
        is_run: whether the masks were made by a run of ours.
        class_field: the samples' field of the class by which scores are to be broken down; None in records of
            versions that did not ask for it, too.
    """

    def __init__(
        self,
        pred_field: str,
        gt_field: str,
        protocol: str = "baav",
        threshold: float = 0.5,
        adaptive_rule: str = "official",
        is_run: bool = False,
        class_field: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pred_field, gt_field, **kwargs)
        self.protocol = protocol
        self.threshold = threshold
        self.adaptive_rule = adaptive_rule
        self.is_run = is_run
        self.class_field = class_field

    @property
    def method(self) -> str:
        """The name of this way to evaluate."""
        return "avs"

    @property
    def rules(self) -> Rules:
        """The same without FiftyOne."""
        return Rules(
            self.pred_field.removeprefix(FRAMES),
            self.gt_field.removeprefix(FRAMES),
            self.is_run,
            self.protocol,  # type: ignore[arg-type]  # checked by evaluate()
            self.threshold,
            self.adaptive_rule,  # type: ignore[arg-type]  # checked by evaluate()
        )


class AVSEvaluation(SegmentationEvaluation):
    """Computes the scores and keeps the fields of an evaluation."""

    def register_samples(self, samples: Any, eval_key: str | None) -> None:
        """Declare the fields of the scores."""
        if eval_key is None:
            return
        dataset = samples._dataset
        for suffix in SUFFIXES:
            dataset.add_sample_field(f"{eval_key}_{suffix}", fo.FloatField)
            if self._on_frames(samples):
                dataset.add_frame_field(f"{eval_key}_{suffix}", fo.FloatField)

    def evaluate_samples(
        self, samples: Any, eval_key: str | None = None, mask_targets: Any = None, progress: Any = None
    ) -> AVSResults:
        """Score every sample (or frame) and write the scores in bulk."""
        rules = self.config.rules
        view = samples.select_fields(self._read_fields(samples))
        by_id: dict[str, SampleScores | None] = {}
        by_frame: dict[str, SampleScores | None] = {}
        scored: list[Scored] = []
        for sample in view.iter_samples(progress=progress):
            if not self._on_frames(samples):
                one = score_document(sample.id, sample, rules, status_of(sample, rules), sample.filepath)
                scored.append(one)
                by_id[sample.id] = one.scores
                continue
            frames = dict(_score_frames(sample, rules))
            scored.extend(frames.values())
            by_frame.update({frame_id: frame.scores for frame_id, frame in frames.items()})
            by_id[sample.id] = mean_scores(list(frames.values()))
        if eval_key is not None:
            _write(samples, eval_key, by_id, "")
            if by_frame:
                _write(samples, eval_key, by_frame, FRAMES)
        return build_results(samples, self.config, eval_key, scored, self)

    def get_fields(self, samples: Any, eval_key: str, include_custom_metrics: bool = True) -> list[str]:
        """The fields of the scores, as FiftyOne paths."""
        fields = [f"{eval_key}_{suffix}" for suffix in SUFFIXES]
        return fields + ([FRAMES + name for name in fields] if self._on_frames(samples) else [])

    def cleanup(self, samples: Any, eval_key: str) -> None:
        """Delete the fields of the scores."""
        fields = [f"{eval_key}_{suffix}" for suffix in SUFFIXES]
        samples._dataset.delete_sample_fields(fields, error_level=2)
        if self._on_frames(samples):
            samples._dataset.delete_frame_fields(fields, error_level=2)
        samples._delete_empty_sidebar_group(eval_key)

    def _on_frames(self, samples: Any) -> bool:
        return bool(samples._is_frame_field(self.config.gt_field))

    def _read_fields(self, samples: Any) -> list[str]:
        """What must be loaded of each sample."""
        pred = self.config.pred_field
        fields = [pred, self.config.gt_field]
        if self.config.is_run:
            fields += [f"{pred}_map", f"{pred}_status"]
            if self._on_frames(samples):
                fields.append(f"{pred.removeprefix(FRAMES)}_status")
        return fields


def _score_frames(sample: Any, rules: Rules) -> Iterable[tuple[str, Scored]]:
    """Score the frames of a video that have a ground truth; yields frame id and outcome."""
    overall = status_of(sample, rules) if rules.is_run else ""
    for number, frame in sample.frames.items():
        if frame[rules.gt_field] is None:
            continue
        status = status_of(frame, rules)
        name = f"{sample.id}/{number}"
        if status == "missing" and overall in ("ok", "abstained"):
            yield frame.id, Scored(name, status, excluded="the run does not label this frame (see its fps)")
            continue
        if status == "missing" and overall == "failed":
            status = "failed"
        yield frame.id, score_document(name, frame, rules, status, None)


def _write(samples: Any, eval_key: str, scores: Mapping[str, SampleScores | None], prefix: str) -> None:
    """Write four fields in bulk; what is undefined or left out is None, never NaN."""
    for suffix, attribute in SUFFIXES.items():
        values = {
            key: None if score is None else _finite(getattr(score, attribute))
            for key, score in scores.items()
        }
        # through the dataset: a view may leave the new fields out
        samples._root_dataset.set_values(f"{prefix}{eval_key}_{suffix}", values, key_field=f"{prefix}id")


def _finite(value: float) -> float | None:
    return None if math.isnan(value) else value
