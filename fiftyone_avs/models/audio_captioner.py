"""Audio captioners of the Whisper architecture (a log-mel encoder and a text decoder)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from fiftyone_avs.models import Models
from fiftyone_avs.models.cards import Card
from fiftyone_avs.models.decoding import captions
from fiftyone_avs.models.hearing import Ear
from fiftyone_avs.models.loading import load_network, load_pretrained, load_tokenizer, to_device
from fiftyone_avs.types import Caption, Sound


class WhisperCaptioner:
    """A Whisper network trained to describe sounds.

    Args:
        beams: how many beams search for a caption. Whisper's own generation returns only the best one.

    The longest caption is what the checkpoint's generation settings say.
    """

    def __init__(self, network: Any, ear: Ear, tokenizer: Any, *, beams: int = 1) -> None:
        self.network = network
        self.ear = ear
        self.tokenizer = tokenizer
        self.beams = beams

    @classmethod
    def load(cls, card: Card, models: Models) -> WhisperCaptioner:
        """Load the network, its feature extractor and its tokenizer."""
        from transformers import AutoFeatureExtractor, WhisperForConditionalGeneration

        network = load_network(WhisperForConditionalGeneration, card, models.device)
        extractor = load_pretrained(AutoFeatureExtractor, card)
        return cls(network, Ear(extractor, extractor.chunk_length), load_tokenizer(card), **card.options)

    @torch.inference_mode()
    def caption_sounds(self, sounds: Sequence[Sound]) -> list[Caption]:
        """One caption per sound."""
        features = to_device(self.ear(sounds)["input_features"], self.network.device)
        tokens = self.network.generate(input_features=features, num_beams=self.beams)
        return captions(self.tokenizer, tokens, 1)
