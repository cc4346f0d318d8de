"""Text inversion: token embeddings whose text encoding is close to a sound's embedding."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch.nn.functional import cosine_similarity

from fiftyone_avs.errors import ModelError
from fiftyone_avs.models import Models
from fiftyone_avs.models.bridge import Bridge, ClapEar, SoundEmbedder, is_bridge
from fiftyone_avs.models.cards import Card
from fiftyone_avs.models.roles import Inverted
from fiftyone_avs.models.store import source_of
from fiftyone_avs.models.text_tower import TextTower
from fiftyone_avs.types import Sound, TokenEmbeddings


class TextInversion:
    """Optimises token embeddings against sounds embedded in the space of a segmenter's text encoder.

    Follows the paper's equation (1), with the cosine similarity maximised (the equation as printed
    minimises it): Adam, a fixed number of steps. Every sound starts from the same seeded embeddings,
    so that the result for a sound does not depend on the batch it comes in.

    Args:
        embedder: embeds sounds in the text encoder's space.
        text_tower: the segmenter's text encoder.
        tokens: how many token embeddings to look for.
        steps: steps of the optimiser.
        learning_rate: Adam's learning rate.
        seed: of the starting embeddings.
    """

    def __init__(
        self,
        embedder: SoundEmbedder,
        text_tower: TextTower,
        *,
        tokens: int = 3,
        steps: int = 40,
        learning_rate: float = 0.05,
        seed: int = 0,
    ) -> None:
        self.embedder = embedder
        self.text_tower = text_tower
        self.tokens = tokens
        self.steps = steps
        self.learning_rate = learning_rate
        self.seed = seed

    @classmethod
    def load(cls, card: Card, models: Models) -> TextInversion:
        """Load a bridge from sounds to the text encoder of the segmenter.

        Raises:
            ModelError: if the segmenter has no CLIP text encoder, or the bridge leads to another one.
        """
        text_tower = getattr(models.segmenter, "text_tower", None)
        if not isinstance(text_tower, TextTower):
            raise ModelError(
                f"segmenter {models.cards['segmenter'].name!r} has no CLIP text encoder to invert;"
                " use a CLIP-based segmenter such as clipseg-rd64, or another strategy"
            )
        embedder: SoundEmbedder
        if is_bridge(card):
            embedder = Bridge.load(Path(source_of(card)), models, text_tower)
        else:
            embedder = ClapEar.load(card, models)
        return cls(embedder, text_tower, **card.options)

    def invert(
        self, sounds: Sequence[Sound], *, tokens: int | None = None, steps: int | None = None
    ) -> list[Inverted]:
        """One inversion per sound: (tokens, width) embeddings and the cosine similarity reached."""
        target = self.embedder.embed_sounds(sounds)
        with torch.autocast(target.device.type, enabled=False):  # small gradients need float32
            vectors = self._optimise(target, tokens or self.tokens, self.steps if steps is None else steps)
            with torch.no_grad():
                reached = cosine_similarity(self.text_tower.encode_tokens(vectors), target).tolist()
        found = vectors.cpu().numpy()
        return [
            Inverted(TokenEmbeddings(row, self.text_tower.nearest_words(row)), similarity)
            for row, similarity in zip(found, reached, strict=True)
        ]

    def _optimise(self, target: torch.Tensor, tokens: int, steps: int) -> torch.Tensor:
        """Token vectors, shape (B, tokens, width), after all steps. Gradients are needed whatever the caller set."""
        with torch.inference_mode(False), torch.enable_grad():
            target = target.clone()
            vectors = self._start(tokens).expand(len(target), -1, -1).clone().requires_grad_(True)
            optimizer = torch.optim.Adam([vectors], lr=self.learning_rate)
            for _ in range(steps):
                optimizer.zero_grad()
                similarity = cosine_similarity(self.text_tower.encode_tokens(vectors), target)
                (-similarity.sum()).backward()
                optimizer.step()
        return vectors.detach()

    def _start(self, tokens: int) -> torch.Tensor:
        """Random embeddings with the mean and spread of the vocabulary's, shape (1, tokens, width)."""
        table = self.text_tower.table.detach()
        noise = torch.randn((1, tokens, table.shape[1]), generator=torch.Generator().manual_seed(self.seed))
        return table.mean(0) + table.std(0) * noise.to(table.device)
