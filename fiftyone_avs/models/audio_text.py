"""The audio-text scorer: CLAP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from fiftyone_avs.models import Models
from fiftyone_avs.models.cards import Card
from fiftyone_avs.models.hearing import Ear
from fiftyone_avs.models.loading import load_network, load_pretrained, load_tokenizer
from fiftyone_avs.models.similarity import score_texts
from fiftyone_avs.types import Sound


class ClapScorer:
    """Cosine similarities of CLAP's audio and text embeddings."""

    def __init__(self, network: Any, ear: Ear, tokenizer: Any) -> None:
        self.network = network
        self.ear = ear
        self.tokenizer = tokenizer

    @classmethod
    def load(cls, card: Card, models: Models) -> ClapScorer:
        """Load the network, its feature extractor and its tokenizer."""
        from transformers import AutoFeatureExtractor, ClapModel

        extractor = load_pretrained(AutoFeatureExtractor, card)
        network = load_network(ClapModel, card, models.device)
        return cls(network, Ear(extractor, extractor.max_length_s), load_tokenizer(card), **card.settings)

    @torch.inference_mode()
    def score_sounds(self, sounds: Sequence[Sound], texts: Sequence[Sequence[str]]) -> list[list[float]]:
        """Cosine similarities in [-1, 1] of each sound with each of its own texts."""
        features = {name: value.to(self.network.device) for name, value in self.ear(sounds).items()}
        heard = self.network.get_audio_features(**features).pooler_output
        return score_texts(self.network, self.tokenizer, heard, texts)
