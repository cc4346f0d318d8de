"""Image captioner -> noun phrases -> CLAP picks the one that sounds (paper, section 2.2: its best)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from fiftyone_avs.models import Models
from fiftyone_avs.strategies.base import Evidence
from fiftyone_avs.strategies.nouns import NounStrategy
from fiftyone_avs.types import Referral, Trace


@dataclass(frozen=True)
class VCapACls(NounStrategy):
    """Let the picture say what could sound, and the sound say which of these does."""

    name: ClassVar[str] = "vcap_acls"
    needs: ClassVar[tuple[str, ...]] = ("image_captioner", "noun_extractor", "audio_text_scorer")

    def refer(self, evidence: Sequence[Evidence], models: Models) -> list[Referral]:
        """One referral per item; the trace holds the caption and every noun phrase with its score."""

        def score(indices: list[int], texts: list[list[str]]) -> list[list[float]]:
            return models.audio_text_scorer.score_sounds([evidence[i].sound for i in indices], texts)

        captions = [item.image_caption for item in evidence]
        return self.choose(captions, [Trace(image_caption=caption) for caption in captions], models, score)
