"""How the strategies do with trained models on held-out scenes, through the product's own pipeline.

Half of the scenes are drawn in styles and on backgrounds that training never uses. Nothing is chosen by
these figures: they are made once, when a training is finished, and land in the report.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fiftyone_avs.metrics import score_sample
from fiftyone_avs.models import load_models
from fiftyone_avs.models.store import TINY
from fiftyone_avs.pipeline import Pipeline
from fiftyone_avs.tiny.scenes import Scene, make_scenes
from fiftyone_avs.tiny.trial import plan_trial, score_rows
from fiftyone_avs.tiny.world.vocabulary import CLASSES
from fiftyone_avs.types import Clip, Prediction, Sound

SEED = 4_100
SAMPLES = 400
_BATCH = 40


def report_strategies(out: Path, scale: float = 1.0) -> dict[str, Any]:
    """Run every strategy and control with the models in a folder.

    Args:
        out: the folder of the trained models.
        scale: below 1, the share of the scenes that is used.

    Returns:
        Seed and number of the scenes, rows as in the demo's JSON, and for each strategy the share of
        scenes of each class in which its referring expression names the right class. After a training of
        some models only, the names of the missing ones.
    """
    models = load_models("tiny", device="cpu")
    folders = {role: Path(out) / card.source.removeprefix(TINY) for role, card in models.cards.items()}
    missing = sorted(folder.name for folder in folders.values() if not folder.is_dir())
    if missing:
        return {"missing": missing}
    models.cards = {role: replace(card, source=str(folders[role])) for role, card in models.cards.items()}
    scenes = list(make_scenes(SEED, max(8, round(min(1.0, scale) * SAMPLES))))
    metadata = [
        {"kind": scene.kind, "sound_alike": scene.sound_alike, "unseen": scene.unseen} for scene in scenes
    ]
    rows: list[dict[str, Any]] = []
    named: dict[str, dict[str, float]] = {}
    for name, (strategy, players) in plan_trial(models, {scene.id: scene.label for scene in scenes}).items():
        predictions = _predict(Pipeline(strategy, players), scenes)
        scores = [
            score_sample(prediction.soft_map, scene.mask, threshold=players.segmenter.threshold)
            for prediction, scene in zip(predictions, scenes, strict=True)
        ]
        statuses = [prediction.status for prediction in predictions]
        rows += score_rows(name, metadata, scores, statuses)
        if any(prediction.referral and prediction.referral.text for prediction in predictions):
            named[name] = _named_by_class(predictions, scenes)
    return {"seed": SEED, "samples": len(scenes), "protocol": "baav", "rows": rows, "named_by_class": named}


def _predict(pipeline: Pipeline, scenes: list[Scene]) -> list[Prediction]:
    clips = [Clip(scene.id, scene.image, Sound(scene.sound, scene.sample_rate)) for scene in scenes]
    return [
        prediction
        for start in range(0, len(clips), _BATCH)
        for prediction in pipeline(clips[start : start + _BATCH])
    ]


def _named_by_class(predictions: list[Prediction], scenes: list[Scene]) -> dict[str, float]:
    """For each class, the share of its scenes whose referring expression holds its name."""
    hits: dict[str, list[bool]] = {name: [] for name in CLASSES}
    for prediction, scene in zip(predictions, scenes, strict=True):
        text = prediction.referral.text if prediction.referral else ""
        hits[scene.label].append(scene.label in text)
    return {name: round(float(np.mean(values)), 4) for name, values in hits.items() if values}
