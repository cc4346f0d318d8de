"""The audio-text scorer: CLAP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from fiftyone_avs.models import Models
from fiftyone_avs.models.cards import Card
from fiftyone_avs.models.hearing import MelEar
from fiftyone_avs.models.loading import load_network, load_pretrained, load_tokenizer
from fiftyone_avs.models.similarity import score_pairs, text_features
from fiftyone_avs.types import Sound

TEXT_TOKENS = 77
"""How many tokens of a text LAION's code reads at most."""


class ClapScorer:
    """Cosine similarities of CLAP's audio and text embeddings.

    Args:
        network: a CLAP network of transformers.
        ear: its feature extractor.
        tokenizer: its tokenizer.
        lowest: the filter bank's lowest frequency in Hz; None takes the feature extractor's own. LAION trained
            with 50, and the hub's conversions of its checkpoints do not say so.
        text_norm_eps: what the text encoder's layer norms add to a variance; None takes the network's own.
            RoBERTa's, with which LAION trained, is 1e-5, and the hub's conversions do not say so either.
    """

    def __init__(
        self,
        network: Any,
        ear: MelEar,
        tokenizer: Any,
        *,
        lowest: float | None = None,
        text_norm_eps: float | None = None,
    ) -> None:
        self.network = network
        self.ear = ear if lowest is None else MelEar(_hearing_from(ear.extractor, lowest), ear.window)
        self.tokenizer = tokenizer
        if text_norm_eps is not None:
            _set_norm_eps(network, text_norm_eps)
        text = network.config.text_config
        # RoBERTa counts positions from behind the padding token's id.
        limit = min(TEXT_TOKENS, text.max_position_embeddings - text.pad_token_id - 1)
        self.text_features = text_features(network, tokenizer, limit)

    @classmethod
    def load(cls, card: Card, models: Models) -> ClapScorer:
        """Load the network, its feature extractor and its tokenizer."""
        from transformers import AutoFeatureExtractor, ClapModel

        network = load_network(ClapModel, card, models.device)
        extractor = load_pretrained(AutoFeatureExtractor, card)
        return cls(network, MelEar(extractor, extractor.max_length_s), load_tokenizer(card), **card.options)

    @torch.inference_mode()
    def embed_sounds(self, sounds: Sequence[Sound]) -> torch.Tensor:
        """Audio embeddings behind the projection, of any length, float32, shape (B, D)."""
        features = self.ear.features(sounds, self.network.device)
        # Sounds are cut before they come here, so none is longer than the window. For checkpoints that fuse
        # parts of long sounds, the extractor would declare one of the batch, drawn at random, to be long.
        is_longer = torch.zeros(len(sounds), 1, dtype=torch.bool, device=features.device)
        heard = self.network.audio_model(input_features=features, is_longer=is_longer).pooler_output
        embeddings: torch.Tensor = self.network.audio_projection(heard)
        return embeddings.float()

    @torch.inference_mode()
    def score_sounds(self, sounds: Sequence[Sound], texts: Sequence[Sequence[str]]) -> list[list[float]]:
        """Cosine similarities in [-1, 1] of each sound with each of its own texts."""
        return score_pairs(self.embed_sounds(sounds), texts, self.text_features)


def _hearing_from(extractor: Any, lowest: float) -> Any:
    """The same feature extractor with a filter bank that begins at another frequency."""
    if extractor.frequency_min == lowest:
        return extractor
    return type(extractor)(**{**extractor.to_dict(), "frequency_min": lowest})


def _set_norm_eps(network: Any, eps: float) -> None:
    network.config.text_config.layer_norm_eps = eps
    for module in network.text_model.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.eps = eps
