"""Fakes for every role, without weights: for testing strategies and pipelines, yours included.

They are deterministic and look at their input only as far as a test needs. They are never part of a
preset, so that no run on real data can use them by accident.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from fiftyone_avs.models import Models
from fiftyone_avs.models.roles import Inverted
from fiftyone_avs.types import Candidate, Caption, Image, SoftMap, Sound, TokenEmbeddings


@dataclass
class FakeAudioClassifier:
    """Always answers the given classes; ``calls`` counts the sounds it was asked about."""

    classes: tuple[tuple[str, float], ...] = (("dog", 0.9), ("cat", 0.1))
    calls: int = 0

    def classify(self, sounds: Sequence[Sound]) -> list[tuple[Candidate, ...]]:
        """The given classes for every sound."""
        self.calls += len(sounds)
        return [tuple(Candidate(text, score) for text, score in self.classes) for _ in sounds]


@dataclass
class FakeAudioCaptioner:
    """Always says the given texts; ``calls`` counts the sounds it was asked about."""

    texts: tuple[str, ...] = ("a dog is barking",)
    calls: int = 0

    def caption_sounds(self, sounds: Sequence[Sound]) -> list[Caption]:
        """The given texts for every sound."""
        self.calls += len(sounds)
        return [Caption(self.texts) for _ in sounds]


@dataclass
class FakeImageCaptioner:
    """Always says the given texts; ``calls`` counts the pictures it was asked about."""

    texts: tuple[str, ...] = ("a dog next to a tree",)
    calls: int = 0

    def caption_images(self, images: Sequence[Image]) -> list[Caption]:
        """The given texts for every picture."""
        self.calls += len(images)
        return [Caption(self.texts) for _ in images]


@dataclass
class FakeScorer:
    """Plays both scorers: the similarity of a text is looked up, ``default`` if it is not there."""

    similarities: dict[str, float] = field(default_factory=lambda: {"dog": 0.8})
    default: float = 0.1
    calls: int = 0

    def score_sounds(self, sounds: Sequence[Sound], texts: Sequence[Sequence[str]]) -> list[list[float]]:
        """The given similarities, whatever the sound."""
        return self._score(len(sounds), texts)

    def score_images(self, images: Sequence[Image], texts: Sequence[Sequence[str]]) -> list[list[float]]:
        """The given similarities, whatever the picture."""
        return self._score(len(images), texts)

    def _score(self, items: int, texts: Sequence[Sequence[str]]) -> list[list[float]]:
        self.calls += items
        return [[self.similarities.get(text, self.default) for text in row] for row in texts]


@dataclass(frozen=True)
class FakeNounExtractor:
    """Takes the word after each article for a noun: "a dog near the tree" -> ("dog", "tree")."""

    def extract(self, texts: Sequence[str]) -> list[tuple[str, ...]]:
        """The words that follow an article."""
        found = []
        for text in texts:
            words = text.lower().rstrip(".").split()
            nouns = [after for word, after in pairwise(words) if word in ("a", "an", "the")]
            found.append(tuple(dict.fromkeys(nouns)))
        return found


@dataclass
class FakeSegmenter:
    """Marks the bright half of a picture: the soft map is its brightness, whatever the expression.

    ``expressions`` keeps what it was asked for.
    """

    threshold: float = 0.5
    expressions: list[str | TokenEmbeddings] = field(default_factory=list)

    def segment(self, images: Sequence[Image], expressions: Sequence[str | TokenEmbeddings]) -> list[SoftMap]:
        """The brightness of each picture, in [0, 1]."""
        self.expressions.extend(expressions)
        return [(image.mean(axis=-1) / 255).astype(np.float32) for image in images]


@dataclass(frozen=True)
class FakeTextInverter:
    """Finds the same two token embeddings for every sound."""

    similarity: float = 0.7

    def invert(
        self, sounds: Sequence[Sound], *, tokens: int | None = None, steps: int | None = None
    ) -> list[Inverted]:
        """Constant token embeddings of width 4, two unless another number is asked for."""
        count = 2 if tokens is None else tokens
        found = TokenEmbeddings(np.ones((count, 4), np.float32), ("dog", "barking")[:count])
        return [Inverted(found, self.similarity) for _ in sounds]


def fake_models(**roles: object) -> Models:
    """Models with a fake in every role, or your own object in the roles you name."""
    players: dict[str, object] = {
        "audio_classifier": FakeAudioClassifier(),
        "audio_captioner": FakeAudioCaptioner(),
        "image_captioner": FakeImageCaptioner(),
        "audio_text_scorer": FakeScorer(),
        "image_text_scorer": FakeScorer({"a photo of dog.": 0.8}),
        "noun_extractor": FakeNounExtractor(),
        "segmenter": FakeSegmenter(),
        "text_inverter": FakeTextInverter(),
    }
    models = Models({}, preset="fake")
    for role, model in {**players, **roles}.items():
        models.use(role, model)
    return models
