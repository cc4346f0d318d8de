"""Trains the audio classifier of the world: a small Audio Spectrogram Transformer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import ASTConfig, ASTForAudioClassification

from fiftyone_avs.tiny.world.vocabulary import CLASSES
from fiftyone_avs.training.tiny.audio_data import (
    MEL_BINS,
    SOUNDS,
    AudioSet,
    load_audio,
)
from fiftyone_avs.training.tiny.audio_figures import recognition
from fiftyone_avs.training.tiny.audio_training import TrainingPlan, train_hearing

NAME = "ast"
STEPS = 700
BATCH = 64
LEARNING_RATE = 1e-3
LABEL_SMOOTHING = 0.03


def make_model() -> ASTForAudioClassification:
    """An untrained classifier with one output per class, in the order of `CLASSES`."""
    config = ASTConfig(
        hidden_size=96,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=192,
        patch_size=16,
        frequency_stride=12,
        time_stride=10,
        max_length=200,
        num_mel_bins=MEL_BINS,
        hidden_dropout_prob=0.05,
        attention_probs_dropout_prob=0.0,
        id2label=dict(enumerate(CLASSES)),
        label2id={name: index for index, name in enumerate(CLASSES)},
    )
    return ASTForAudioClassification(config)


def class_targets() -> Tensor:
    """Target distribution over `CLASSES` for each of `SOUNDS`: equal shares for the classes of a sound.

    A clip of a sound-alike holds nothing that tells its class. One-hot targets could only be learnt by heart.
    """
    members = torch.tensor([[float(name in names) for name in CLASSES] for names in SOUNDS])
    return members / members.sum(1, keepdim=True)


def train_audio_classifier(work: Path, out: Path, seed: int, scale: float = 1.0) -> dict[str, Any]:
    """Train the classifier on the clips under `work` and save it to `out / "ast"`.

    Args:
        work: work folder with the clips of `prepare_audio`; keeps checkpoints and the report.
        out: folder of the trained models.
        seed: seed of weights and batches.
        scale: multiplies the number of steps.

    Returns:
        Held-out figures by split.
    """
    torch.manual_seed(seed)
    clips = load_audio(work, NAME, "train")
    sounds = torch.from_numpy(clips.sounds)
    targets = class_targets()
    model = make_model()

    def loss(rng: np.random.Generator) -> dict[str, Tensor]:
        batch = clips.draw(BATCH, rng)
        logits = model(input_values=clips.augmented(batch, rng)).logits
        return {"loss": F.cross_entropy(logits, targets[sounds[batch]], label_smoothing=LABEL_SMOOTHING)}

    plan = TrainingPlan(NAME, NAME, STEPS, LEARNING_RATE, warmup=60, evaluations=7)
    return train_hearing(plan, model, loss, held_out_figures, work=work, out=out, seed=seed, scale=scale)


@torch.no_grad()
def held_out_figures(model: nn.Module, clips: AudioSet) -> dict[str, float]:
    """Shares of right answers and the mean probability of the classes of the sound."""
    probabilities = model(input_values=clips.inputs()).logits.softmax(-1)
    answers = [CLASSES[index] for index in probabilities.argmax(-1).tolist()]
    of_sound = (class_targets()[clips.sounds] > 0) * probabilities
    return {**recognition(answers, clips), "probability": float(of_sound.sum(1).mean())}
