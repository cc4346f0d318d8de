"""The image-text scorer: CLIP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch

from fiftyone_avs.models import Models
from fiftyone_avs.models.cards import Card
from fiftyone_avs.models.loading import load_network, load_tokenizer, to_device
from fiftyone_avs.models.looking import load_image_processor, pixels_of
from fiftyone_avs.models.similarity import score_pairs, text_features
from fiftyone_avs.models.square import distinct
from fiftyone_avs.types import Image


class ClipScorer:
    """Cosine similarities of CLIP's image and text embeddings."""

    compiled: ClassVar[tuple[str, ...]] = ("network.vision_model",)

    def __init__(self, network: Any, processor: Any, tokenizer: Any) -> None:
        self.network = network
        self.processor = processor
        self.tokenizer = tokenizer
        limit = network.config.text_config.max_position_embeddings
        self.text_features = text_features(network, tokenizer, limit)

    @classmethod
    def load(cls, card: Card, models: Models) -> ClipScorer:
        """Load the network, its image processor and its tokenizer."""
        from transformers import CLIPModel

        network = load_network(CLIPModel, card, models.device)
        return cls(network, load_image_processor(card), load_tokenizer(card), **card.options)

    @torch.inference_mode()
    def score_images(self, images: Sequence[Image], texts: Sequence[Sequence[str]]) -> list[list[float]]:
        """Cosine similarities in [-1, 1] of each picture with each of its own texts."""
        pictures, places = distinct(images)
        pixels = pixels_of(self.processor, pictures)
        seen = self.network.get_image_features(
            pixel_values=to_device(pixels, self.network.device)
        ).pooler_output
        return score_pairs(seen[places], texts, self.text_features)
