"""Datasets with evaluations, for tests of what is counted and shown of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import fiftyone as fo
import numpy as np

from fiftyone_avs import evaluate, segment
from fiftyone_avs.fo.evaluate.backend import AVSEvaluationConfig
from fiftyone_avs.fo.evaluate.listing import EvaluationInfo, find_evaluation
from fiftyone_avs.models import fake
from tests.fo.samples import SIZE, write_picture, write_tone, write_truth

CLASSES = ("dog", "cat", "dog", "bell", None, "dog", "cat", "dog")


class Striped(fake.FakeSegmenter):
    """Other soft maps than the plain fake's: brightness, darkened in every other column."""

    def segment(self, images, expressions):
        maps = super().segment(images, expressions)
        for found in maps:
            found[:, ::2] *= 0.5
        return maps


def judge_images(folder: Path) -> fo.Dataset:
    """Two runs, ``plain`` and ``striped``, with evaluations on eight samples that end in every way there is.

    In order: abstained; failed; ok, but with an empty ground truth; abstained on an empty ground truth, so
    without an adaptive IoU; without a ground truth, so left out; three ok with different IoUs.
    """
    dataset = fo.Dataset()
    dataset.add_samples([_sample(folder, index) for index in range(len(CLASSES))], progress=False)
    players = {"plain": fake.fake_models(), "striped": fake.fake_models(segmenter=Striped())}
    for run, models in players.items():
        segment(dataset, run=run, models=models, output_dir=folder / "out", progress=False)
        evaluate(dataset, run, class_field="label", progress=False)
    return dataset


def write_scores(
    dataset: fo.Dataset, key: str, scores: Sequence[Sequence[float | None]], **options: str
) -> EvaluationInfo:
    """Register an evaluation of masks and write its scores: adaptive IoU and F, IoU and F of each sample."""
    method = AVSEvaluationConfig("masks", "ground_truth", **{"naming": "mask", **options}).build()
    method.register_run(dataset, key)
    method.register_samples(dataset, key)
    fields = method.config.fields(key).by_score
    order = ("iou_adaptive", "f_adaptive", "iou", "f")
    for score, values in zip(order, zip(*scores, strict=True), strict=True):
        if score in fields:
            dataset.set_values(fields[score], list(values))
    return find_evaluation(dataset, key)


def _sample(folder: Path, index: int) -> fo.Sample:
    picture, sound, truth = (folder / f"{index}{end}" for end in (".png", ".wav", "_gt.png"))
    write_picture(picture, shift=9 * index)
    write_tone(sound, level=0 if index in (0, 3) else 0.5)
    if index == 1:
        sound.write_bytes(b"")
    write_truth(truth)
    ground_truth = fo.Segmentation(mask_path=str(truth))
    if index in (2, 3):
        ground_truth = fo.Segmentation(mask=np.zeros(SIZE, np.uint8))
    label = CLASSES[index]
    return fo.Sample(
        filepath=str(picture),
        audio_path=str(sound),
        ground_truth=None if index == 4 else ground_truth,
        label=None if label is None else fo.Classification(label=label),
        kind=label,
    )
