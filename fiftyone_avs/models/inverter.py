"""Text inversion: token embeddings whose text encoding is close to a sound's embedding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import cosine_similarity

from fiftyone_avs.errors import ModelError
from fiftyone_avs.models import Models
from fiftyone_avs.models.cards import Card
from fiftyone_avs.models.hearing import Ear
from fiftyone_avs.models.loading import load_network, load_pretrained
from fiftyone_avs.models.roles import Inversion
from fiftyone_avs.models.text_tower import ClipTextTower
from fiftyone_avs.types import Sound, TokenEmbeddings


class ClapTextInverter:
    """Optimises token embeddings against a CLAP audio tower aligned to a segmenter's text encoder.

    Follows the paper's equation (1), with the cosine similarity maximised (the equation as printed
    minimises it): Adam, a fixed number of steps. Every sound starts from the same seeded embeddings,
    so that the result for a sound does not depend on the batch it comes in.

    Args:
        tokens: how many token embeddings to look for.
        steps: steps of the optimiser.
        learning_rate: Adam's learning rate.
        seed: of the starting embeddings.
    """

    def __init__(
        self,
        network: Any,
        ear: Ear,
        text_tower: ClipTextTower,
        *,
        tokens: int = 3,
        steps: int = 40,
        learning_rate: float = 0.05,
        seed: int = 0,
    ) -> None:
        self.network = network
        self.ear = ear
        self.text_tower = text_tower
        self.tokens = tokens
        self.steps = steps
        self.learning_rate = learning_rate
        self.seed = seed

    @classmethod
    def load(cls, card: Card, models: Models) -> ClapTextInverter:
        """Load the aligned audio tower; the text encoder is the segmenter's own.

        Raises:
            ModelError: if the segmenter has no CLIP text encoder, or one of another width.
        """
        from transformers import AutoFeatureExtractor, ClapAudioModelWithProjection

        text_tower = getattr(models.segmenter, "text_tower", None)
        if not isinstance(text_tower, ClipTextTower):
            raise ModelError(
                f"segmenter {models.cards['segmenter'].name!r} has no CLIP text encoder to invert;"
                " use a CLIP-based segmenter such as CLIPSeg, or another strategy"
            )
        extractor = load_pretrained(AutoFeatureExtractor, card)
        network = load_network(ClapAudioModelWithProjection, card, models.device)
        return cls(network, Ear(extractor, extractor.max_length_s), text_tower, **card.settings)

    def invert(self, sounds: Sequence[Sound]) -> list[Inversion]:
        """One inversion per sound: (tokens, width) embeddings and the cosine similarity reached."""
        target = self._embed(sounds)
        vectors = self._optimise(target)
        with torch.no_grad():
            reached = cosine_similarity(self.text_tower.encode_tokens(vectors), target).tolist()
        found = vectors.cpu().numpy()
        return [
            Inversion(TokenEmbeddings(row, self.text_tower.nearest_words(row)), similarity)
            for row, similarity in zip(found, reached, strict=True)
        ]

    def _optimise(self, target: torch.Tensor) -> torch.Tensor:
        """Token vectors, shape (B, tokens, width), after all steps. Gradients are needed whatever the caller set."""
        with torch.inference_mode(False), torch.enable_grad():
            target = target.clone()
            vectors = self._start().expand(len(target), -1, -1).clone().requires_grad_(True)
            optimizer = torch.optim.Adam([vectors], lr=self.learning_rate)
            for _ in range(self.steps):
                optimizer.zero_grad()
                similarity = cosine_similarity(self.text_tower.encode_tokens(vectors), target)
                (-similarity.sum()).backward()
                optimizer.step()
        return vectors.detach()

    @torch.no_grad()
    def _embed(self, sounds: Sequence[Sound]) -> torch.Tensor:
        features = {name: value.to(self.network.device) for name, value in self.ear(sounds).items()}
        embeddings: torch.Tensor = self.network(input_features=features["input_features"]).audio_embeds
        return embeddings

    def _start(self) -> torch.Tensor:
        """Random embeddings with the mean and spread of the vocabulary's, shape (1, tokens, width)."""
        table = self.text_tower.table.detach()
        noise = torch.randn(
            (1, self.tokens, table.shape[1]), generator=torch.Generator().manual_seed(self.seed)
        )
        return table.mean(0) + table.std(0) * noise.to(table.device)
