"""The roles that strategies talk to. A concrete model plays a role; strategies never see which one.

Every method takes a batch and returns one result per item, in order. Methods raise on a batch that
contains an impossible item; the pipeline then tries the items one by one, so that only that item fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from fiftyone_avs.types import Candidate, Caption, Image, SoftMap, Sound, TokenEmbeddings


@runtime_checkable
class AudioClassifier(Protocol):
    """Names what sounds, out of the classes it was trained on."""

    def classify(self, sounds: Sequence[Sound]) -> list[tuple[Candidate, ...]]:
        """All or the best classes of each sound with their probabilities in [0, 1], best first."""
        ...


@runtime_checkable
class AudioCaptioner(Protocol):
    """Describes a sound in words."""

    def caption_sounds(self, sounds: Sequence[Sound]) -> list[Caption]:
        """One caption (with alternatives, best first) per sound."""
        ...


@runtime_checkable
class ImageCaptioner(Protocol):
    """Describes a picture in words."""

    def caption_images(self, images: Sequence[Image]) -> list[Caption]:
        """One caption (with alternatives, best first) per picture."""
        ...


@runtime_checkable
class AudioTextScorer(Protocol):
    """Tells how well texts fit a sound (CLAP)."""

    def score_sounds(self, sounds: Sequence[Sound], texts: Sequence[Sequence[str]]) -> list[list[float]]:
        """Cosine similarities in [-1, 1] of each sound with each of its own texts."""
        ...


@runtime_checkable
class ImageTextScorer(Protocol):
    """Tells how well texts fit a picture (CLIP)."""

    def score_images(self, images: Sequence[Image], texts: Sequence[Sequence[str]]) -> list[list[float]]:
        """Cosine similarities in [-1, 1] of each picture with each of its own texts."""
        ...


@runtime_checkable
class NounExtractor(Protocol):
    """Finds the noun phrases of a text."""

    def extract(self, texts: Sequence[str]) -> list[tuple[str, ...]]:
        """The noun phrases of each text, in order, without leading articles and pronouns."""
        ...


@runtime_checkable
class Segmenter(Protocol):
    """A referring image segmentation (RIS) model: picture + referring expression -> soft map."""

    @property
    def threshold(self) -> float:
        """The model's own threshold: pixels with a value above it belong to the object."""
        ...

    def segment(self, images: Sequence[Image], expressions: Sequence[str | TokenEmbeddings]) -> list[SoftMap]:
        """One soft map in [0, 1] of the picture's own size per (picture, expression)."""
        ...


class Inverted(NamedTuple):
    """Token embeddings found for a sound, and the cosine similarity they reached, in [-1, 1]."""

    tokens: TokenEmbeddings
    similarity: float


@runtime_checkable
class TextInverter(Protocol):
    """Finds token embeddings whose text encoding is close to a sound's embedding."""

    def invert(
        self, sounds: Sequence[Sound], *, tokens: int | None = None, steps: int | None = None
    ) -> list[Inverted]:
        """One inversion per sound, of so many token embeddings found in so many steps (None: the model's own)."""
        ...


ROLES: dict[str, type] = {
    "audio_classifier": AudioClassifier,
    "audio_captioner": AudioCaptioner,
    "image_captioner": ImageCaptioner,
    "audio_text_scorer": AudioTextScorer,
    "image_text_scorer": ImageTextScorer,
    "noun_extractor": NounExtractor,
    "segmenter": Segmenter,
    "text_inverter": TextInverter,
}
"""Every role by the name used in presets, overrides and run records."""
