"""Trains the audio-text model of the world: a small CLAP whose cosine says how well a text fits a sound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import ClapConfig, ClapModel, PreTrainedTokenizerBase

from fiftyone_avs.tiny.world.language import (
    PHOTO_PROMPT,
    PLACE_PHRASES,
    audio_caption,
    audio_prompt,
    place_prompt,
)
from fiftyone_avs.tiny.world.vocabulary import CLASSES, DISTRACTORS, NAMES
from fiftyone_avs.training.tiny.audio_data import (
    MEL_BINS,
    SOUND_OF,
    AudioSet,
    load_audio,
)
from fiftyone_avs.training.tiny.audio_figures import recognition
from fiftyone_avs.training.tiny.audio_training import TrainingPlan, train_hearing
from fiftyone_avs.training.tiny.tokenizers import MAX_TOKENS, make_tokenizer

NAME = "clap"
STEPS = 850
BATCH = 48
CAPTIONS = 24
PLACES_PER_STEP = 3
LEARNING_RATE = 1.5e-3
PROJECTION = 96
LARGEST_SCALE = 30.0
UNFIT_COSINE = 0.1
SILENT = -1

AUDIO_CONFIG: dict[str, Any] = {
    "window_size": 8,
    "num_mel_bins": MEL_BINS,
    "spec_size": 128,
    "patch_size": 4,
    "patch_stride": [4, 4],
    "hidden_size": 96,
    "projection_dim": PROJECTION,
    "depths": [2, 2, 2],
    "num_attention_heads": [2, 4, 8],
    "patch_embeds_hidden_size": 24,
    "num_hidden_layers": 3,
    "hidden_dropout_prob": 0.0,
    "mlp_ratio": 2.0,
    "num_classes": len(CLASSES),
}
"""Settings of the audio encoder; the bridge has the same."""


def make_model(tokenizer: PreTrainedTokenizerBase) -> ClapModel:
    """An untrained CLAP for the vocabulary of `tokenizer`."""
    text_config = {
        "vocab_size": len(tokenizer),
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 128,
        "max_position_embeddings": MAX_TOKENS + 8,
        "projection_dim": PROJECTION,
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    }
    return ClapModel(
        ClapConfig(text_config=text_config, audio_config=AUDIO_CONFIG, projection_dim=PROJECTION)
    )


def fix_input_statistics(audio_model: Any, clips: AudioSet) -> None:
    """Set the encoder's input normalisation to the statistics of the training clips, once and for all."""
    sample = torch.from_numpy(clips.features[:: max(1, len(clips) // 500)].astype(np.float32))
    norm = audio_model.audio_encoder.batch_norm
    norm.running_mean.copy_(sample.mean(dim=(0, 1)))
    norm.running_var.copy_(sample.var(dim=(0, 1)))


def freeze_input_statistics(audio_model: Any) -> None:
    """Let the encoder's input normalisation use its fixed statistics in training, too."""
    audio_model.audio_encoder.batch_norm.eval()


def embed_audio(model: ClapModel, features: Tensor) -> Tensor:
    """Unit vectors (batch, projection) of clips."""
    pooled = model.audio_model(input_features=features, is_longer=None).pooler_output
    return F.normalize(model.audio_projection(pooled), dim=-1)


def embed_captions(model: ClapModel, tokenizer: PreTrainedTokenizerBase, texts: list[str]) -> Tensor:
    """Unit vectors (texts, projection) of texts."""
    tokens = tokenizer(texts, padding=True, return_tensors="pt")
    pooled = model.text_model(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask).pooler_output
    return F.normalize(model.text_projection(pooled), dim=-1)


def draw_texts(clips: AudioSet, batch: np.ndarray, rng: np.random.Generator) -> tuple[list[str], Tensor]:
    """Texts of one step and the sound each fits (`SILENT` for none).

    One prompt per class and distractor, some places, and captions of the first clips of the batch.
    """
    texts = [audio_prompt(name, rng) for name in NAMES]
    sounds = [SOUND_OF.get(name, SILENT) for name in NAMES]
    texts += [place_prompt(str(rng.choice(PLACE_PHRASES)), rng) for _ in range(PLACES_PER_STEP)]
    sounds += [SILENT] * PLACES_PER_STEP
    texts += [audio_caption(clips.names[clip], rng, clips.infos[clip]) for clip in batch[:CAPTIONS]]
    sounds += [SOUND_OF[clips.names[clip]] for clip in batch[:CAPTIONS]]
    return texts, torch.tensor(sounds)


def contrast(cosines: Tensor, fits: Tensor, scale: Tensor) -> dict[str, Tensor]:
    """Loss terms of cosines (clips, texts) where `fits` (bool, same shape) says which belong together.

    `contrast` shares the probability equally among all texts that fit, so sound-alikes end up level.
    `absolute` pulls fitting pairs to cosine 1 and pushes the others below `UNFIT_COSINE`, so that a cosine
    means the same for any clip.
    """
    targets = fits / fits.sum(1, keepdim=True)
    attraction = (1 - cosines[fits]).mean()
    repulsion = F.relu(cosines[~fits] - UNFIT_COSINE).square().mean()
    return {"contrast": F.cross_entropy(scale * cosines, targets), "absolute": attraction + 4 * repulsion}


def train_audio_text(work: Path, out: Path, seed: int, scale: float = 1.0) -> dict[str, Any]:
    """Train CLAP on the clips under `work` and save it to `out / "clap"`.

    Arguments and result are those of `train_audio_classifier`.
    """
    torch.manual_seed(seed)
    clips = load_audio(work, NAME, "train")
    sounds = torch.from_numpy(clips.sounds)
    tokenizer = make_tokenizer("clap")
    model = make_model(tokenizer)
    fix_input_statistics(model.audio_model, clips)

    def loss(rng: np.random.Generator) -> dict[str, Tensor]:
        freeze_input_statistics(model.audio_model)
        batch = clips.draw(BATCH, rng)
        texts, text_sounds = draw_texts(clips, batch, rng)
        cosines = embed_audio(model, clips.augmented(batch, rng)) @ embed_captions(model, tokenizer, texts).T
        fits = sounds[batch][:, None] == text_sounds[None]
        return contrast(cosines, fits, model.logit_scale_a.exp().clamp(max=LARGEST_SCALE))

    plan = TrainingPlan(NAME, NAME, STEPS, LEARNING_RATE, warmup=60, evaluations=8)
    return train_hearing(
        plan,
        model,
        loss,
        lambda judged, split: held_out_figures(judged, tokenizer, split),
        work=work,
        out=out,
        seed=seed,
        scale=scale,
        tokenizer=tokenizer,
    )


@torch.no_grad()
def held_out_figures(model: Any, tokenizer: PreTrainedTokenizerBase, clips: AudioSet) -> dict[str, float]:
    """Shares of right answers among all classes, and the cosines of texts that fit and that do not.

    `unfit_above_half` is the share of unfitting texts with a cosine above one half.
    """
    places = [PHOTO_PROMPT.format(phrase) for phrase in PLACE_PHRASES]
    texts = [PHOTO_PROMPT.format(name) for name in (*CLASSES, *DISTRACTORS)] + places
    text_sounds = torch.tensor([SOUND_OF.get(name, SILENT) for name in NAMES] + [SILENT] * len(places))
    audio = torch.cat([embed_audio(model, clips.inputs(part)) for part in _parts(len(clips))])
    cosines = audio @ embed_captions(model, tokenizer, texts).T
    answers = [CLASSES[index] if index < len(CLASSES) else None for index in cosines.argmax(-1).tolist()]
    fits = torch.from_numpy(clips.sounds)[:, None] == text_sounds[None]
    return {
        **recognition(answers, clips),
        "cosine_fit": float(cosines[fits].mean()),
        "cosine_unfit": float(cosines[~fits].mean()),
        "unfit_above_half": float((cosines[~fits] > 0.5).float().mean()),
    }


def _parts(count: int, size: int = 120) -> list[slice]:
    return [slice(start, start + size) for start in range(0, count, size)]
