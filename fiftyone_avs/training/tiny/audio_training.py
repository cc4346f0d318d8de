"""What the trainings of all hearing models do with a model and a loss: train, export, measure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fiftyone_avs.training.tiny.audio_data import AudioSet, load_audio, make_feature_extractors
from fiftyone_avs.training.tiny.audio_figures import write_audio_figures
from fiftyone_avs.training.tiny.common import LossFunction, save_model, train_loop

AVERAGE_DECAY = 0.99
"""These trainings are short, so the running average of the weights follows fast."""


@dataclass(frozen=True)
class TrainingPlan:
    """How long and how fast a hearing model is trained.

    Attributes:
        name: the folder of the model, in the work folder and among the trained models.
        family: whose features it hears: a key of `make_feature_extractors`.
        steps: steps of a release.
        lr: learning rate.
        warmup: steps until it is reached.
        evaluations: how often the model is measured under way.
    """

    name: str
    family: str
    steps: int
    lr: float
    warmup: int
    evaluations: int


def train_hearing(
    plan: TrainingPlan,
    model: Any,
    loss: LossFunction,
    measure: Callable[[Any, AudioSet], dict[str, float]],
    *,
    work: Path,
    out: Path,
    seed: int,
    scale: float,
    tokenizer: Any | None = None,
) -> dict[str, Any]:
    """Train a model, save it to `out / plan.name` and measure it on both held-out splits.

    Args:
        plan: how long and how fast.
        model: trained in place.
        loss: draws a batch and gives its loss terms; see `train_loop`.
        measure: the figures of a model on a set of clips.
        work: work folder with the clips of `prepare_audio`; keeps checkpoints and the report.
        out: folder of the trained models.
        seed: seed of the batches.
        scale: multiplies the number of steps.
        tokenizer: saved with the model, if it has one.

    Returns:
        Held-out figures by split.
    """
    held_out = load_audio(work, plan.family, "validation")
    steps = max(2, round(plan.steps * scale))
    train_loop(
        plan.name,
        model,
        loss,
        lambda averaged: measure(averaged, held_out),
        steps=steps,
        lr=plan.lr,
        work_dir=work,
        warmup=plan.warmup,
        eval_every=max(1, steps // plan.evaluations),
        average_decay=AVERAGE_DECAY,
        seed=seed,
    )
    save_model(model, tokenizer, make_feature_extractors()[plan.family], out / plan.name)
    return write_audio_figures(work, plan.name, plan.family, lambda split: measure(model, split))
