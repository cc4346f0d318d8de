"""LAION's own CLAP checkpoints, on the networks of this package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from fiftyone_avs.models import Models
from fiftyone_avs.models.cards import Card
from fiftyone_avs.models.hearing import waves_of
from fiftyone_avs.models.loading import load_checkpoint, load_tokenizer, to_device
from fiftyone_avs.models.similarity import TextFeatures, score_pairs
from fiftyone_avs.types import Sound


class LaionScorer:
    """Cosine similarities of LAION-CLAP's audio and text embeddings.

    Sounds pass through 16-bit samples, as in LAION's functions for files and arrays.
    """

    def __init__(self, network: Any, tokenizer: Any) -> None:
        self.network = network
        self.tokenizer = tokenizer
        self.text_features = TextFeatures(self._encode)

    @classmethod
    def load(cls, card: Card, models: Models) -> LaionScorer:
        """Load the official checkpoint and RoBERTa's tokenizer."""
        network, _ = load_checkpoint(card, models.device)
        return cls(network, load_tokenizer(card, part="tokenizer"), **card.options)

    @torch.inference_mode()
    def embed_sounds(self, sounds: Sequence[Sound]) -> torch.Tensor:
        """Audio embeddings, float32, shape (B, 512)."""
        from fiftyone_avs.nets.spectrogram import repeat_pad, through_int16

        rate, seconds = self.network.sample_rate, self.network.seconds
        samples = round(rate * seconds)
        waves = torch.stack([repeat_pad(wave, samples) for wave in waves_of(sounds, rate, seconds)])
        embeddings: torch.Tensor = self.network.embed_audio(to_device(through_int16(waves), self._device))
        return embeddings

    @torch.inference_mode()
    def score_sounds(self, sounds: Sequence[Sound], texts: Sequence[Sequence[str]]) -> list[list[float]]:
        """Cosine similarities in [-1, 1] of each sound with each of its own texts."""
        return score_pairs(self.embed_sounds(sounds), texts, self.text_features)

    def _encode(self, texts: list[str]) -> torch.Tensor:
        from fiftyone_avs.nets.laion import TEXT_TOKENS

        tokens = self.tokenizer(
            texts, padding=True, truncation=True, max_length=TEXT_TOKENS, return_tensors="pt"
        ).to(self._device)
        embeddings: torch.Tensor = self.network.embed_text(tokens.input_ids, tokens.attention_mask)
        return embeddings

    @property
    def _device(self) -> torch.device:
        device: torch.device = next(self.network.parameters()).device
        return device
