"""Controls: what a score is worth is seen beside a floor that does not listen and a ceiling that knows.

A control is a strategy, or a strategy with a segmenter of its own, and runs like any other.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fiftyone_avs.models import Models
from fiftyone_avs.strategies.base import PROMPT, Evidence
from fiftyone_avs.types import Candidate, Image, Referral, SoftMap, TokenEmbeddings, Trace


@dataclass(frozen=True)
class RandomNoun:
    """A floor: segment a random noun of the image caption, without listening.

    The choice depends on the clip (picture and sound) and the seed alone, not on the batch.
    """

    name: ClassVar[str] = "floor_noun"
    needs: ClassVar[tuple[str, ...]] = ("image_captioner", "noun_extractor")

    prompt: str = PROMPT
    seed: int = 0

    def refer(self, evidence: Sequence[Evidence], models: Models) -> list[Referral]:
        """One referral per item, to one of the noun phrases of its best caption; without one it abstains."""
        captions = [item.image_caption.text if item.image_caption else "" for item in evidence]
        referrals = []
        for item, nouns in zip(evidence, models.noun_extractor.extract(captions), strict=True):
            trace = Trace(
                image_caption=item.image_caption,
                candidates=tuple(Candidate(noun, 1 / len(nouns)) for noun in nouns),
            )
            if not nouns:
                referrals.append(Referral("", None, trace, abstained="no noun phrase in the caption"))
                continue
            look, listen = zlib.crc32(item.image.tobytes()), zlib.crc32(item.sound.samples.tobytes())
            rng = np.random.default_rng([self.seed, look, listen])
            noun = nouns[int(rng.integers(len(nouns)))]
            referrals.append(Referral(self.prompt.format(c=noun), 1 / len(nouns), trace))
        return referrals


@dataclass(frozen=True)
class SalientNoun:
    """A floor: segment what the image captioner names first, without listening.

    Captions name what catches the eye, so this tells how far a good eye gets with no ear at all.
    """

    name: ClassVar[str] = "floor_salient"
    needs: ClassVar[tuple[str, ...]] = ("image_captioner", "noun_extractor")

    prompt: str = PROMPT

    def refer(self, evidence: Sequence[Evidence], models: Models) -> list[Referral]:
        """One referral per item, to the first noun phrase of its best caption; without one it abstains."""
        captions = [item.image_caption.text if item.image_caption else "" for item in evidence]
        referrals = []
        for item, nouns in zip(evidence, models.noun_extractor.extract(captions), strict=True):
            trace = Trace(image_caption=item.image_caption)
            if nouns:
                referrals.append(Referral(self.prompt.format(c=nouns[0]), None, trace))
            else:
                referrals.append(Referral("", None, trace, abstained="no noun phrase in the caption"))
        return referrals


@dataclass(frozen=True)
class OracleText:
    """A ceiling: the true class of each clip, so that only the segmenter can err.

    Attributes:
        labels: the true class by clip id.
        prompt: how a class becomes a referring expression.
    """

    name: ClassVar[str] = "oracle_text"
    needs: ClassVar[tuple[str, ...]] = ()

    labels: Mapping[str, str]
    prompt: str = PROMPT

    def refer(self, evidence: Sequence[Evidence], models: Models) -> list[Referral]:
        """One referral per item, to its true class; an item without a label abstains."""
        referrals = []
        for item in evidence:
            label = self.labels.get(item.id)
            if label is None:
                referrals.append(Referral("", None, abstained="no label is known"))
            else:
                referrals.append(Referral(self.prompt.format(c=label), 1.0))
        return referrals


@dataclass(frozen=True)
class NoText:
    """Says nothing; goes with a segmenter that asks for nothing, such as ``WholeImage``."""

    name: ClassVar[str] = "no_text"
    needs: ClassVar[tuple[str, ...]] = ()

    def refer(self, evidence: Sequence[Evidence], models: Models) -> list[Referral]:
        """An empty expression for every item."""
        return [Referral("", None) for _ in evidence]


@dataclass(frozen=True)
class WholeImage:
    """A floor: every pixel belongs to the object.

    Values are drawn at random above the threshold: adaptive scores rank pixels, and they would count
    the ties of a constant map as an empty prediction.
    """

    threshold: float = 0.5
    seed: int = 0

    def segment(self, images: Sequence[Image], expressions: Sequence[str | TokenEmbeddings]) -> list[SoftMap]:
        """Noise in (threshold, 1], the same for pictures of the same size."""
        return [self._map(image) for image in images]

    def _map(self, image: Image) -> SoftMap:
        noise = np.random.default_rng(self.seed).random(image.shape[:2], dtype=np.float32)
        soft_map: SoftMap = 1 - noise * np.float32(1 - self.threshold)
        return soft_map


@dataclass(frozen=True)
class CentreBox:
    """A floor: the object fills a centred box of half the picture's width and height.

    Values fall from 1 at the centre to 0 at the border, so that adaptive scores see a centred box, too. A
    small share of the nearer distance parts the many pixels that would else be tied.
    """

    threshold: float = 0.5

    def segment(self, images: Sequence[Image], expressions: Sequence[str | TokenEmbeddings]) -> list[SoftMap]:
        """One minus the larger relative distance to the centre, in [0, 1]."""
        return [self._map(*image.shape[:2]) for image in images]

    @staticmethod
    def _map(height: int, width: int) -> SoftMap:
        down = np.abs((np.arange(height, dtype=np.float32) + 0.5) / height * 2 - 1)
        across = np.abs((np.arange(width, dtype=np.float32) + 0.5) / width * 2 - 1)
        larger = np.maximum(down[:, None], across[None, :])
        smaller = np.minimum(down[:, None], across[None, :])
        return (1 - 0.999 * larger - 0.001 * smaller).astype(np.float32)


def only_segmenter(segmenter: object, device: str = "cpu") -> Models:
    """Models with a segmenter alone, for ``NoText``; nothing is loaded.

    Args:
        segmenter: such as ``CentreBox()``.
        device: for the run's record.
    """
    models = Models({}, device=device, preset="control")
    models.use("segmenter", segmenter)
    return models
