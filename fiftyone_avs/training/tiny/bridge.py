"""Trains the bridge from sound to the segmenter's text space, which text inversion starts from.

An audio encoder learns to put a sound where the segmenter's own, frozen text encoder puts the words for it.
A sound-alike is put midway between both of its classes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import (
    AutoTokenizer,
    ClapAudioConfig,
    ClapAudioModelWithProjection,
    ClapModel,
    CLIPSegForImageSegmentation,
    PreTrainedTokenizerBase,
)

from fiftyone_avs.tiny.world.language import PHOTO_PROMPT, referring_expression
from fiftyone_avs.tiny.world.vocabulary import CLASSES
from fiftyone_avs.training.tiny.audio_classifier import class_targets
from fiftyone_avs.training.tiny.audio_data import SOUNDS, AudioSet, load_audio
from fiftyone_avs.training.tiny.audio_figures import recognition
from fiftyone_avs.training.tiny.audio_text import AUDIO_CONFIG, freeze_input_statistics
from fiftyone_avs.training.tiny.audio_training import TrainingPlan, train_hearing

NAME = "bridge"
FAMILY = "clap"
STEPS = 350
BATCH = 48
LEARNING_RATE = 8e-4
CONTRAST_SCALE = 20.0


class SegmenterText:
    """The frozen text encoder of a trained segmenter."""

    def __init__(self, folder: Path) -> None:
        segmenter = CLIPSegForImageSegmentation.from_pretrained(folder, dtype=torch.float32)
        self.clip = segmenter.clip.eval().requires_grad_(False)
        self.tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
        if len(self.tokenizer) != self.clip.config.text_config.vocab_size:
            raise ValueError(f"the tokenizer in {folder} does not belong to the model there")

    @torch.no_grad()
    def sound_directions(self, texts: list[str]) -> Tensor:
        """Unit vectors (sounds, projection) of `SOUNDS` from one text per class: the mean over its classes."""
        tokens = self.tokenizer(texts, padding=True, return_tensors="pt")
        pooled = self.clip.text_model(
            input_ids=tokens.input_ids, attention_mask=tokens.attention_mask
        ).pooler_output
        by_class = F.normalize(self.clip.text_projection(pooled), dim=-1)
        return F.normalize(class_targets() @ by_class, dim=-1)


def make_model(projection_dim: int, audio_text: Path | None) -> ClapAudioModelWithProjection:
    """An audio encoder with a projection to `projection_dim`; it starts from the CLAP saved in `audio_text`."""
    model = ClapAudioModelWithProjection(
        ClapAudioConfig(**{**AUDIO_CONFIG, "projection_dim": projection_dim})
    )
    if audio_text is not None:
        source = ClapModel.from_pretrained(audio_text, dtype=torch.float32)
        model.audio_model.load_state_dict(source.audio_model.state_dict())
    return model


def train_tiny_bridge(work: Path, out: Path, seed: int, scale: float = 1.0) -> dict[str, Any]:
    """Train the bridge and save it to `out / "bridge"`; needs the finished clipseg and clap in `out`.

    Arguments and result are those of `train_audio_classifier`.
    """
    torch.manual_seed(seed)
    clips = load_audio(work, FAMILY, "train")
    sounds = torch.from_numpy(clips.sounds)
    text = SegmenterText(out / "clipseg")
    model = make_model(text.clip.config.projection_dim, out / "clap")

    def loss(rng: np.random.Generator) -> dict[str, Tensor]:
        freeze_input_statistics(model.audio_model)
        batch = clips.draw(BATCH, rng)
        directions = text.sound_directions([referring_expression(name, rng) for name in CLASSES])
        cosines = embed(model, clips.augmented(batch, rng)) @ directions.T
        target = sounds[batch]
        return {
            "contrast": F.cross_entropy(CONTRAST_SCALE * cosines, target),
            "direction": 2 * (1 - cosines.gather(1, target[:, None])).mean(),
        }

    plan = TrainingPlan(NAME, FAMILY, STEPS, LEARNING_RATE, warmup=30, evaluations=4)
    return train_hearing(
        plan,
        model,
        loss,
        lambda judged, split: held_out_figures(judged, text, split),
        work=work,
        out=out,
        seed=seed,
        scale=scale,
    )


def embed(model: Any, features: Tensor) -> Tensor:
    """Unit vectors (batch, projection) of clips in the segmenter's text space."""
    return F.normalize(model(input_features=features).audio_embeds, dim=-1)


@torch.no_grad()
def held_out_figures(model: Any, text: SegmenterText, clips: AudioSet) -> dict[str, float]:
    """Shares of right sounds by the nearest text direction, and the cosine to the right one."""
    directions = text.sound_directions([PHOTO_PROMPT.format(name) for name in CLASSES])
    starts = range(0, len(clips), 120)
    audio = torch.cat([embed(model, clips.inputs(slice(start, start + 120))) for start in starts])
    cosines = audio @ directions.T
    answers = [SOUNDS[index][0] for index in cosines.argmax(-1).tolist()]
    right = cosines[torch.arange(len(clips)), torch.from_numpy(clips.sounds)]
    return {**recognition(answers, clips), "cosine": float(right.mean())}
