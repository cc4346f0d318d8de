"""Referring image segmentation: CLIPSeg."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch.nn.functional import interpolate

from fiftyone_avs.models import Models
from fiftyone_avs.models.cards import Card
from fiftyone_avs.models.loading import load_network, load_tokenizer, to_device
from fiftyone_avs.models.looking import load_image_processor, pixels_of
from fiftyone_avs.models.similarity import TextFeatures
from fiftyone_avs.models.square import distinct
from fiftyone_avs.models.text_tower import ClipTextTower
from fiftyone_avs.types import Image, SoftMap, TokenEmbeddings


class ClipSegSegmenter:
    """CLIPSeg: pictures are stretched to the network's square, maps are stretched back.

    Args:
        threshold: pixels of the soft map above this belong to the object.
    """

    compiled: ClassVar[tuple[str, ...]] = ("network.clip.vision_model",)

    def __init__(self, network: Any, processor: Any, tokenizer: Any, *, threshold: float = 0.5) -> None:
        self.network = network
        self.processor = processor
        self.text_tower = ClipTextTower(network.clip.text_model, network.clip.text_projection, tokenizer)
        self.text_features = TextFeatures(self.text_tower.encode)
        self.threshold = threshold

    @classmethod
    def load(cls, card: Card, models: Models) -> ClipSegSegmenter:
        """Load the network, its image processor and its tokenizer."""
        from transformers import CLIPSegForImageSegmentation

        network = load_network(CLIPSegForImageSegmentation, card, models.device)
        return cls(network, load_image_processor(card), load_tokenizer(card), **card.options)

    @torch.inference_mode()
    def segment(self, images: Sequence[Image], expressions: Sequence[str | TokenEmbeddings]) -> list[SoftMap]:
        """Soft maps: sigmoid of the network's logits, resized bilinearly to each picture's size."""
        pictures, places = distinct(images)
        seen = self._look(to_device(pixels_of(self.processor, pictures), self.network.device))
        states = [state[places] for state in seen]
        logits = self.network.decoder(states, self._encode(expressions)).logits
        maps = logits.reshape(len(images), 1, *logits.shape[-2:]).float().sigmoid()
        return [self._resize(soft_map, image) for soft_map, image in zip(maps, images, strict=True)]

    def _look(self, pixels: torch.Tensor) -> list[torch.Tensor]:
        """What the decoder reads of pictures (B, 3, H, W): states of some layers, (B, 1 + N, width) each."""
        output = self.network.clip.vision_model(
            pixel_values=pixels, output_hidden_states=True, interpolate_pos_encoding=True
        )
        # The first of the states is what enters the first layer.
        return [output.hidden_states[layer + 1] for layer in self.network.extract_layers]

    @staticmethod
    def _resize(soft_map: torch.Tensor, image: Image) -> SoftMap:
        resized = interpolate(soft_map[None], size=image.shape[:2], mode="bilinear", align_corners=False)
        return resized[0, 0].clamp(0, 1).cpu().numpy()

    def _encode(self, expressions: Sequence[str | TokenEmbeddings]) -> torch.Tensor:
        """Texts go through the whole text encoder, token embeddings past its embedding layer."""
        rows: dict[int, torch.Tensor] = {}
        texts = {i: e for i, e in enumerate(expressions) if isinstance(e, str)}
        if texts:
            rows.update(zip(texts, self.text_features(list(texts.values())), strict=True))
        for index, expression in enumerate(expressions):
            if isinstance(expression, TokenEmbeddings):
                vectors = torch.as_tensor(expression.vectors, device=self.network.device)
                rows[index] = self.text_tower.encode_tokens(vectors[None])[0]
        return torch.stack([rows[index] for index in range(len(expressions))])
