"""Evaluate masks against a ground truth, as a FiftyOne evaluation run."""

from __future__ import annotations

import keyword
from dataclasses import asdict
from typing import Any

import fiftyone as fo
from fiftyone.core.collections import SampleCollection

from fiftyone_avs.errors import ConfigurationError, DatasetError, RunConflictError
from fiftyone_avs.fo.evaluate.backend import AVSEvaluationConfig
from fiftyone_avs.fo.evaluate.choices import Coverage, check_coverage, choose
from fiftyone_avs.fo.evaluate.results import AVSResults
from fiftyone_avs.fo.evaluate.scoring import warn_of_masks
from fiftyone_avs.fo.runs.appearance import show_runs
from fiftyone_avs.fo.runs.class_fields import class_path
from fiftyone_avs.fo.runs.records import find_record
from fiftyone_avs.fo.schema.checks import media_of, root_dataset
from fiftyone_avs.fo.schema.eval_fields import MASK_NAMING, EvalFields
from fiftyone_avs.fo.schema.fields import FRAMES, GROUND_TRUTH
from fiftyone_avs.metrics import PROTOCOLS, AdaptiveRule, Protocol
from fiftyone_avs.progress import Progress

DEFAULT_THRESHOLD = 0.5


def evaluate(
    samples: SampleCollection,
    pred: str,
    gt: str | None = "ground_truth",
    *,
    eval_key: str | None = None,
    protocol: Protocol = "baav",
    threshold: float | None = None,
    adaptive_rule: AdaptiveRule = "official",
    class_field: str | None = None,
    pair_field: str | None = None,
    video_field: str | None = None,
    boxes_field: str | None = None,
    coverage: Coverage = "run",
    progress: Progress = True,
) -> AVSResults:
    """Score a run, or any masks, against a ground truth.

    Every sample gets the fields ``<eval_key>_iou`` and ``_f``, of its mask at the threshold, and
    ``_iou_adaptive`` and ``_f_adaptive``, the paper's, which know how large the answer is. Under the protocol
    "avsbench" there are the first two only: the frame's IoU and the F of its video. Videos get them on frames,
    and their means on the sample. Failed and abstained predictions count as empty masks, and so do those whose
    files are lost or damaged, which are listed in ``unread``; what the run never came to is left out and counted
    (see ``coverage``). Samples whose ground truth is missing, unreadable or of the wrong size are left out of
    the scores and listed in ``excluded``. Evaluating again under the same key replaces the old evaluation.

    Args:
        samples: a dataset or view.
        pred: a run key, or another field of masks; with or without ``frames.`` for videos.
        gt: the field of the ground truth, ``fo.Segmentation``; None takes ``ground_truth``.
        eval_key: names the evaluation and its fields; by default ``<pred>_eval``.
        protocol: "baav" (224 x 224, as in the paper), "native" (at the ground truth's size), "avsbench" (J and F
            of AVSBench) or "boxes" (against boxes, with AP); see ``fiftyone_avs.metrics.PROTOCOLS``. Numbers of
            different protocols are not comparable.
        threshold: soft-map values above this are the mask; None takes the run's own (0.5 without a run). The
            protocol "avsbench" has its own, 0.5.
        adaptive_rule: "official", "topk" or "half"; see ``fiftyone_avs.metrics.adaptive_scores``. The protocol
            "avsbench" has none.
        class_field: the samples' field of the class by which the scores are to be broken down later:
            ``fo.Classification`` or text, on the sample for videos, too. It changes no score.
        pair_field: the field that names the pair of each image, for IIoU and IAUC: a pair counts as its worst
            image. None takes ``dataset.info["fiftyone_avs_pair_field"]``; without that there are no pairs.
        video_field: the field that names the video of each image, over which F of the protocol "avsbench" is
            taken. None takes ``dataset.info["fiftyone_avs_video_field"]``; without that every image is a video of
            its own. The frames of a video need none.
        boxes_field: the field of the ground truth's boxes (``fo.Detections``) for the protocol "boxes"; by default
            ``<gt>_boxes``. An empty list says that nothing sounds. If several people drew, the attribute
            ``annotator`` of each box tells them apart.
        coverage: "run" scores the samples that the run came to, and the results say how many of all these are;
            "all" counts the others as empty masks, as tables over a whole benchmark must. For masks that no run
            made, those without one are what it never came to.
        progress: show a progress bar, or a function called with (samples done, samples to do).

    Returns:
        The results, which ``dataset.load_evaluation_results(eval_key)`` gives back later.

    Raises:
        ConfigurationError: if an argument cannot work.
        RunConflictError: if the eval key is taken by an evaluation of other fields.
        DatasetError: if a field is missing or does not hold what it must.
    """
    dataset = root_dataset(samples)
    on_frames = media_of(samples) == "video"
    pred_field = mask_field(dataset, pred, on_frames)
    gt_field = mask_field(dataset, gt or GROUND_TRUTH, on_frames)
    run = pred.removeprefix(FRAMES)
    if class_field is not None:
        class_path(dataset, class_field)  # raises, naming the fields that would do
    check_coverage(coverage)
    choices = choose(
        dataset,
        gt_field,
        protocol=protocol,
        threshold=threshold,
        adaptive_rule=adaptive_rule,
        pair_field=pair_field,
        video_field=video_field,
        boxes_field=boxes_field,
    )
    record = find_record(dataset, run)
    if record is None and PROTOCOLS[protocol].adaptive:
        warn_of_masks(pred_field)
    threshold = choices.threshold
    if threshold is None:
        threshold = DEFAULT_THRESHOLD if record is None else float(record.settings["threshold"])
    eval_key = eval_key or f"{run}_eval"
    check_eval_key(dataset, eval_key, pred_field, gt_field)
    try:
        results: AVSResults = samples.evaluate_segmentations(
            pred_field,
            gt_field=gt_field,
            eval_key=eval_key,
            method=AVSEvaluationConfig,
            is_run=record is not None,
            class_field=class_field,
            **{**asdict(choices), "threshold": threshold},
            naming=MASK_NAMING,
            coverage=coverage,
            progress=_for_fiftyone(progress),
        )
    except BaseException:
        if eval_key in dataset.list_evaluations():
            dataset.delete_evaluation(eval_key)  # no half evaluation stays behind, even after Ctrl-C
        raise
    show_runs(dataset, [run], gt_field, stay=True)
    return results


def _for_fiftyone(progress: Progress) -> Any:
    """The progress argument as FiftyOne wants it: its callbacks get the progress bar."""
    if not callable(progress):
        return progress
    return lambda bar: progress(int(bar.iteration), int(bar.total or 0))


def mask_field(dataset: fo.Dataset, name: str, on_frames: bool) -> str:
    """The full path of a field of masks; raises DatasetError, naming the fields there are."""
    if not isinstance(name, str):
        raise ConfigurationError(f"a field of masks is needed by its name, not {name!r}")
    path = FRAMES + name.removeprefix(FRAMES) if on_frames else name
    found = dataset.get_field(path)
    if getattr(found, "document_type", None) is fo.Segmentation:
        return path
    schema = dataset.get_frame_field_schema if on_frames else dataset.get_field_schema
    masks = schema(ftype=fo.EmbeddedDocumentField, embedded_doc_type=fo.Segmentation)
    problem = "does not exist" if found is None else "does not hold masks (fo.Segmentation)"
    others = ", ".join(repr(other) for other in masks) or "none"
    raise DatasetError(f"field {path!r} {problem} on dataset {dataset.name!r}; fields with masks: {others}")


def check_eval_key(dataset: fo.Dataset, eval_key: str, pred_field: str, gt_field: str) -> None:
    """Make sure that an eval key can be used without destroying anything else."""
    usable = isinstance(eval_key, str) and eval_key.isidentifier() and not keyword.iskeyword(eval_key)
    if not usable or eval_key.startswith("_"):
        raise ConfigurationError(
            f"{eval_key!r} cannot be an eval key: use letters, digits and underscores, starting with a letter"
        )
    owned: set[str] = set()
    if eval_key in dataset.list_evaluations():
        config = dataset.get_evaluation_info(eval_key).config
        old = (getattr(config, "pred_field", None), getattr(config, "gt_field", None))
        if not isinstance(config, AVSEvaluationConfig) or old != (pred_field, gt_field):
            raise RunConflictError(
                f"eval key {eval_key!r} is taken by an evaluation of {old[0]!r} against {old[1]!r}; choose"
                " another eval_key, or delete that one with dataset.delete_evaluation()"
            )
        owned = set(config.fields(eval_key).by_score.values())
    schema = {*dataset.get_field_schema(), *(dataset.get_frame_field_schema() or ())}
    taken = (set(EvalFields(eval_key).by_score.values()) - owned) & schema
    if taken:
        raise ConfigurationError(
            f"the evaluation would write the field {min(taken)!r}, which dataset {dataset.name!r} has"
            " already; choose another eval_key"
        )
