"""Referring image segmentation by the paper's networks: ASDA, CRIS and ETRIS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch

from fiftyone_avs.models import Models
from fiftyone_avs.models.cards import Card
from fiftyone_avs.models.geometry import Geometry, geometry_by_name, normalise
from fiftyone_avs.models.loading import load_checkpoint, load_tokenizer, to_device
from fiftyone_avs.models.square import distinct
from fiftyone_avs.models.text_tower import RisTextTower
from fiftyone_avs.types import Image, SoftMap, TokenEmbeddings


class RisSegmenter:
    """One of the networks with its official preprocessing and its way back to the picture.

    Args:
        network: ASDA, CRIS or ETRIS.
        tokenizer: CLIP's tokenizer.
        geometry: how pictures are brought into the network's square: "letterbox" (ASDA), "warp" (CRIS and
            ETRIS), "stretch" or "baav_letterbox" (the paper's released script).
        mean: of each channel, for pictures in [0, 1].
        std: of each channel.
        threshold: pixels of the soft map above this belong to the object.
    """

    compiled: ClassVar[tuple[str, ...]] = ("network",)

    def __init__(
        self,
        network: Any,
        tokenizer: Any,
        *,
        geometry: str,
        mean: Sequence[float],
        std: Sequence[float],
        threshold: float = 0.35,
    ) -> None:
        self.network = network
        self.text_tower = RisTextTower(network, tokenizer)
        self.geometry: Geometry = geometry_by_name(geometry, network.input_size)
        self.mean, self.std = tuple(mean), tuple(std)
        self.threshold = threshold

    @classmethod
    def load(cls, card: Card, models: Models) -> RisSegmenter:
        """Load the official checkpoint and CLIP's tokenizer."""
        network, _ = load_checkpoint(card, models.device)
        return cls(network, load_tokenizer(card, part="tokenizer"), **card.options)

    @torch.inference_mode()
    def segment(self, images: Sequence[Image], expressions: Sequence[str | TokenEmbeddings]) -> list[SoftMap]:
        """Soft maps: sigmoid of the network's logits, mapped back to each picture's size."""
        pictures, places = distinct(images)
        squares, placements = zip(*(self.geometry.into(picture) for picture in pictures), strict=True)
        pixels = np.stack([normalise(square, self.mean, self.std) for square in squares])
        ids, embeddings = self._words(expressions)
        device = self.text_tower.device
        repeated = torch.tensor(places, device=device) if len(pictures) < len(images) else None
        logits = self.network(to_device(torch.from_numpy(pixels), device), ids, embeddings, repeated)
        maps = logits.float().sigmoid()[:, 0].cpu().numpy()
        return [
            self.geometry.back(found, placements[place]) for found, place in zip(maps, places, strict=True)
        ]

    def _words(self, expressions: Sequence[str | TokenEmbeddings]) -> tuple[torch.Tensor, torch.Tensor]:
        """Token ids (B, L) and embeddings (B, L, D): of texts, and of vectors found by inversion."""
        all_ids, all_embeddings = [], []
        for expression in expressions:
            if isinstance(expression, TokenEmbeddings):
                vectors = torch.as_tensor(expression.vectors, device=self.text_tower.device)
                ids, embeddings = self.text_tower.injected(vectors[None])
            else:
                ids = self.text_tower.tokens([expression])
                embeddings = self.network.token_embedding(ids)
            all_ids.append(ids)
            all_embeddings.append(embeddings)
        return torch.cat(all_ids), torch.cat(all_embeddings)
