"""Trains the audio captioner of the world: a small Whisper that writes "a dog is barking in the rain"."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import (
    GenerationConfig,
    PreTrainedTokenizerBase,
    WhisperConfig,
    WhisperForConditionalGeneration,
)

from fiftyone_avs.tiny.world.language import WEATHER, audio_caption
from fiftyone_avs.training.tiny.audio_data import MEL_BINS, AudioSet, load_audio
from fiftyone_avs.training.tiny.audio_figures import first_class, recognition
from fiftyone_avs.training.tiny.audio_training import TrainingPlan, train_hearing
from fiftyone_avs.training.tiny.tokenizers import make_tokenizer

NAME = "whisper"
STEPS = 1200
BATCH = 48
LEARNING_RATE = 1.5e-3
LONGEST_CAPTION = 24
IGNORED_LABEL = -100


def make_model(tokenizer: PreTrainedTokenizerBase) -> WhisperForConditionalGeneration:
    """An untrained captioner for the vocabulary of `tokenizer`, with a plain generation config."""
    special = {
        "decoder_start_token_id": tokenizer.bos_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "suppress_tokens": None,
        "begin_suppress_tokens": None,
    }
    config = WhisperConfig(
        vocab_size=len(tokenizer),
        num_mel_bins=MEL_BINS,
        d_model=96,
        encoder_layers=3,
        encoder_attention_heads=4,
        encoder_ffn_dim=192,
        decoder_layers=2,
        decoder_attention_heads=4,
        decoder_ffn_dim=192,
        max_source_positions=100,
        max_target_positions=40,
        dropout=0.05,
        is_encoder_decoder=True,
        **special,
    )
    model = WhisperForConditionalGeneration(config)
    model.generation_config = GenerationConfig(
        max_length=LONGEST_CAPTION + 6, is_multilingual=False, return_timestamps=False, **special
    )
    return model


def make_labels(tokenizer: PreTrainedTokenizerBase, captions: list[str]) -> Tensor:
    """Token ids (captions, length) without the start token; padding is ignored by the loss."""
    tokens = tokenizer(captions, padding=True, return_tensors="pt").input_ids[:, 1:]
    labels: Tensor = tokens.masked_fill(tokens == tokenizer.pad_token_id, IGNORED_LABEL)
    return labels


def train_audio_captioner(work: Path, out: Path, seed: int, scale: float = 1.0) -> dict[str, Any]:
    """Train the captioner on the clips under `work` and save it to `out / "whisper"`.

    Arguments and result are those of `train_audio_classifier`.
    """
    torch.manual_seed(seed)
    clips = load_audio(work, NAME, "train")
    tokenizer = make_tokenizer("seq2seq")
    model = make_model(tokenizer)

    def loss(rng: np.random.Generator) -> dict[str, Tensor]:
        batch = clips.draw(BATCH, rng)
        captions = [audio_caption(clips.names[clip], rng, clips.infos[clip]) for clip in batch]
        labels = make_labels(tokenizer, captions)
        return {"loss": model(input_features=clips.augmented(batch, rng), labels=labels).loss}

    plan = TrainingPlan(NAME, NAME, STEPS, LEARNING_RATE, warmup=60, evaluations=6)
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
def write_captions(model: Any, tokenizer: PreTrainedTokenizerBase, clips: AudioSet) -> list[str]:
    """Greedy captions of all clips."""
    tokens = model.generate(input_features=clips.inputs(), max_new_tokens=LONGEST_CAPTION)
    captions: list[str] = tokenizer.batch_decode(tokens, skip_special_tokens=True)
    return captions


def held_out_figures(model: Any, tokenizer: PreTrainedTokenizerBase, clips: AudioSet) -> dict[str, float]:
    """How often the first class a caption names is right, and the weather it tells.

    `weather_told` is the share of clips with audible weather whose caption tells it, `weather_invented` the
    share of the others whose caption tells any.
    """
    captions = write_captions(model, tokenizer, clips)
    told = [
        next((weather for weather in WEATHER if weather in caption.split()), None) for caption in captions
    ]
    audible = [info.ambience if info.ambience in WEATHER else None for info in clips.infos]
    pairs = list(zip(told, audible, strict=True))
    with_weather = [said == heard for said, heard in pairs if heard is not None]
    without_weather = [said is not None for said, heard in pairs if heard is None]
    return {
        **recognition([first_class(caption) for caption in captions], clips),
        "both_named": sum(" or " in caption for caption in captions) / len(captions),
        "weather_told": sum(with_weather) / max(1, len(with_weather)),
        "weather_invented": sum(without_weather) / max(1, len(without_weather)),
    }
