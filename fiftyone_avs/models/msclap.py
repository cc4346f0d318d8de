"""The audio-text scorer of the paper's released code: MS-CLAP 2023."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from fiftyone_avs.models import Models
from fiftyone_avs.models.cards import Card
from fiftyone_avs.models.hearing import window_of
from fiftyone_avs.models.loading import load_checkpoint, load_tokenizer, to_device
from fiftyone_avs.models.similarity import TextFeatures, score_pairs
from fiftyone_avs.types import Sound


class MsClapScorer:
    """Cosine similarities of MS-CLAP's audio and text embeddings.

    The released package lays the channels of a stereo sound one behind the other and hears a random part of
    a long one; here sounds are mono, and a long one's middle is heard.
    """

    def __init__(self, network: Any, tokenizer: Any) -> None:
        self.network = network
        self.tokenizer = tokenizer
        self.text_features = TextFeatures(self._encode)

    @classmethod
    def load(cls, card: Card, models: Models) -> MsClapScorer:
        """Load the official checkpoint and GPT-2's tokenizer."""
        network, _ = load_checkpoint(card, models.device)
        return cls(network, load_tokenizer(card, part="tokenizer"), **card.options)

    @torch.inference_mode()
    def embed_sounds(self, sounds: Sequence[Sound]) -> torch.Tensor:
        """Audio embeddings, float32, shape (B, 1024)."""
        waves = window_of(sounds, self.network.sample_rate, self.network.seconds, "repeat")
        embeddings: torch.Tensor = self.network.embed_audio(to_device(waves, self._device))
        return embeddings

    @torch.inference_mode()
    def score_sounds(self, sounds: Sequence[Sound], texts: Sequence[Sequence[str]]) -> list[list[float]]:
        """Cosine similarities in [-1, 1] of each sound with each of its own texts."""
        return score_pairs(self.embed_sounds(sounds), texts, self.text_features)

    def _encode(self, texts: list[str]) -> torch.Tensor:
        ids, mask = self.tokens(texts)
        # GPT-2 looks back only and its last real token is read, so that what follows changes nothing. The
        # network finds that token by counting ids other than 0, of which the part cut off has none.
        longest = int(mask.sum(-1).max())
        ids, mask = ids[:, :longest], mask[:, :longest]
        embeddings: torch.Tensor = self.network.embed_text(ids.to(self._device), mask.to(self._device))
        return embeddings

    def tokens(self, texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """GPT-2 ids and attention mask, int64, both (B, 77): the text, the end mark, then id 0 ("!").

        A text that is too long is cut before the end mark; the released package would fail on it.
        """
        from fiftyone_avs.nets.msclap import TEXT_END, TEXT_PAD, TEXT_TOKENS

        end = self.tokenizer(TEXT_END)["input_ids"]
        ids = torch.full((len(texts), TEXT_TOKENS), TEXT_PAD)
        mask = torch.zeros_like(ids)
        for row, text in enumerate(texts):
            words = self.tokenizer(text)["input_ids"][: TEXT_TOKENS - len(end)]
            found = torch.tensor([*words, *end])
            ids[row, : len(found)], mask[row, : len(found)] = found, 1
        return ids, mask

    @property
    def _device(self) -> torch.device:
        device: torch.device = self.network.logit_scale.device
        return device
