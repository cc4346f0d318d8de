"""The evaluation run that FiftyOne stores: its config and its backend.

Classes here are found by their names when an evaluation is loaded, so they must not move or be renamed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import fiftyone as fo
from fiftyone.utils.eval.segmentation import SegmentationEvaluation, SegmentationEvaluationConfig

from fiftyone_avs.engine.ordered import in_order
from fiftyone_avs.fo.evaluate.cases import cases_of, fields_of, groups_of, several_annotators
from fiftyone_avs.fo.evaluate.joining import join_videos
from fiftyone_avs.fo.evaluate.results import AVSResults, build_results
from fiftyone_avs.fo.evaluate.scoring import Rules, Scored, mean_scores, score_case
from fiftyone_avs.fo.schema.eval_fields import ADAPTIVE_NAMING, EvalFields
from fiftyone_avs.fo.schema.fields import FRAMES
from fiftyone_avs.fo.schema.private import drop_from_sidebar, is_of_frames, own_dataset, root_of
from fiftyone_avs.metrics import PROTOCOLS, SampleScores


class AVSEvaluationConfig(SegmentationEvaluationConfig):
    """What was evaluated, and how.

    Args:
        pred_field: the predicted masks.
        gt_field: the ground truth.
        protocol: a key of ``metrics.PROTOCOLS``.
        threshold: soft-map values above this are the mask.
        adaptive_rule: see ``fiftyone_avs.metrics.adaptive_scores``; "none" where the protocol has none.
        is_run: whether the masks were made by a run of ours.
        class_field: the samples' field of the class by which scores are to be broken down. Like the next three,
            None in records of versions that did not ask for it, too.
        pair_field: the field that names each sample's pair, for IIoU and IAUC.
        video_field: the field that names each image's video, for the protocol "avsbench".
        boxes_field: the boxes of the ground truth, for the protocol "boxes".
        naming: how the fields of the scores are called; see ``EvalFields``. Records of versions before 0.2 have
            none, and the earlier naming.
        coverage: "run" leaves samples that the run never came to out, "all" counts them as empty masks, as
            versions before 0.2 did, whose records do not say.
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
        pair_field: str | None = None,
        video_field: str | None = None,
        boxes_field: str | None = None,
        naming: str = ADAPTIVE_NAMING,
        coverage: str = "all",
        **kwargs: Any,
    ) -> None:
        super().__init__(pred_field, gt_field, **kwargs)
        self.protocol = protocol
        self.threshold = threshold
        self.adaptive_rule = adaptive_rule
        self.is_run = is_run
        self.class_field = class_field
        self.pair_field = pair_field
        self.video_field = video_field
        self.boxes_field = boxes_field
        self.naming = naming
        self.coverage = coverage

    @property
    def method(self) -> str:
        """The name of this way to evaluate."""
        return "avs"

    def rules(self, *, consensus: bool = False) -> Rules:
        """The same without FiftyOne; ``consensus`` says whether several people drew the boxes."""
        return Rules(
            self.pred_field.removeprefix(FRAMES),
            self.gt_field.removeprefix(FRAMES),
            self.is_run,
            self.protocol,  # type: ignore[arg-type]  # checked by evaluate()
            self.threshold,
            self.adaptive_rule,  # type: ignore[arg-type]  # checked by evaluate()
            None if self.boxes_field is None else self.boxes_field.removeprefix(FRAMES),
            consensus,
            self.coverage,
        )

    def fields(self, eval_key: str) -> EvalFields:
        """The fields of the scores under an eval key."""
        return EvalFields(eval_key, self.naming, PROTOCOLS[self.protocol].adaptive)


class AVSEvaluation(SegmentationEvaluation):
    """Computes the scores and keeps the fields of an evaluation."""

    def register_samples(self, samples: Any, eval_key: str | None) -> None:
        """Declare the fields of the scores."""
        if eval_key is None:
            return
        dataset = own_dataset(samples)
        for name, about in self.config.fields(eval_key).abouts.items():
            dataset.add_sample_field(name, fo.FloatField, description=about)
            if self._on_frames(samples):
                dataset.add_frame_field(name, fo.FloatField, description=about)

    def evaluate_samples(
        self, samples: Any, eval_key: str | None = None, mask_targets: Any = None, progress: Any = None
    ) -> AVSResults:
        """Score every sample (or frame) and write the scores in bulk."""
        dataset, on_frames, boxes = root_of(samples), self._on_frames(samples), self.config.boxes_field
        rules = self.config.rules(consensus=boxes is not None and several_annotators(dataset, boxes))
        cases = cases_of(
            samples.select_fields(fields_of(rules, on_frames=on_frames)),
            rules,
            groups=groups_of(dataset, self.config.pair_field or self.config.video_field),
            on_frames=on_frames,
            progress=progress,
        )
        outcomes = in_order(partial(score_case, rules=rules), cases)
        scored, frames = join_videos(outcomes) if rules.protocol == "avsbench" else (list(outcomes), None)
        if eval_key is not None:
            _write_all(samples, self.config.fields(eval_key), scored, on_frames)
        return build_results(samples, self.config, eval_key, scored, self, frames)

    def get_fields(self, samples: Any, eval_key: str, include_custom_metrics: bool = True) -> list[str]:
        """The fields of the scores, as FiftyOne paths."""
        fields = list(self.config.fields(eval_key).by_score.values())
        return fields + ([FRAMES + name for name in fields] if self._on_frames(samples) else [])

    def cleanup(self, samples: Any, eval_key: str) -> None:
        """Delete the fields of the scores."""
        fields = list(self.config.fields(eval_key).by_score.values())
        own_dataset(samples).delete_sample_fields(fields, error_level=2)
        if self._on_frames(samples):
            own_dataset(samples).delete_frame_fields(fields, error_level=2)
        drop_from_sidebar(samples, eval_key)

    def _on_frames(self, samples: Any) -> bool:
        return is_of_frames(samples, self.config.gt_field)


def _write_all(samples: Any, fields: EvalFields, scored: Sequence[Scored], on_frames: bool) -> None:
    """Write the scores of every sample; for videos, of every frame, and their means on the sample."""
    by_document = {one.case.document_id: one.scores for one in scored}
    if not on_frames:
        _write(samples, fields, by_document, "")
        return
    frames: dict[str, list[Scored]] = {sample_id: [] for sample_id in samples.values("id")}
    for one in scored:
        frames[one.case.sample_id].append(one)
    _write(samples, fields, {key: mean_scores(members) for key, members in frames.items()}, "")
    if by_document:
        _write(samples, fields, by_document, FRAMES)


def _write(samples: Any, fields: EvalFields, scores: Mapping[str, SampleScores | None], prefix: str) -> None:
    """Write the fields in bulk; what is undefined or left out is None, never NaN."""
    for attribute, name in fields.by_score.items():
        values = {
            key: None if score is None else _finite(getattr(score, attribute))
            for key, score in scores.items()
        }
        # through the dataset: a view may leave the new fields out
        root_of(samples).set_values(prefix + name, values, key_field=f"{prefix}id")


def _finite(value: float) -> float | None:
    return None if math.isnan(value) else value
