"""The image captioner: BLIP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from fiftyone_avs.models import Models
from fiftyone_avs.models.cards import Card
from fiftyone_avs.models.decoding import captions
from fiftyone_avs.models.loading import load_network, load_pretrained, load_tokenizer
from fiftyone_avs.models.looking import pixels_of
from fiftyone_avs.types import Caption, Image


class BlipCaptioner:
    """BLIP without a prompt, as in the paper's released code.

    Args:
        beams: how many beams search for a caption; all of them are returned, best first.
        max_tokens: the longest caption, in tokens.
    """

    def __init__(
        self, network: Any, processor: Any, tokenizer: Any, *, beams: int = 1, max_tokens: int = 20
    ) -> None:
        self.network = network
        self.processor = processor
        self.tokenizer = tokenizer
        self.beams = beams
        self.max_tokens = max_tokens

    @classmethod
    def load(cls, card: Card, models: Models) -> BlipCaptioner:
        """Load the network, its image processor and its tokenizer."""
        from transformers import AutoImageProcessor, BlipForConditionalGeneration

        network = load_network(BlipForConditionalGeneration, card, models.device)
        return cls(network, load_pretrained(AutoImageProcessor, card), load_tokenizer(card), **card.options)

    @torch.inference_mode()
    def caption_images(self, images: Sequence[Image]) -> list[Caption]:
        """One caption per picture, with the other beams as alternatives."""
        pixels = pixels_of(self.processor, images)
        tokens = self.network.generate(
            pixel_values=pixels.to(self.network.device),
            num_beams=self.beams,
            num_return_sequences=self.beams,
            max_new_tokens=self.max_tokens,
        )
        return captions(self.tokenizer, tokens, self.beams)
