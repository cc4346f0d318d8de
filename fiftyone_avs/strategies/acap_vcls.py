"""Audio captioner -> noun phrases -> CLIP picks the one that is in the picture (paper, section 2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from fiftyone_avs.models import Models
from fiftyone_avs.strategies.base import PROMPT, Evidence
from fiftyone_avs.strategies.nouns import NounStrategy
from fiftyone_avs.types import Referral, Trace


@dataclass(frozen=True)
class ACapVCls(NounStrategy):
    """Let the sound say what could be seen, and the picture say which of these is there."""

    name: ClassVar[str] = "acap_vcls"
    needs: ClassVar[tuple[str, ...]] = ("audio_captioner", "noun_extractor", "image_text_scorer")

    class_prompt: str = PROMPT

    def refer(self, evidence: Sequence[Evidence], models: Models) -> list[Referral]:
        """One referral per item; the trace holds the caption and every noun phrase with its score."""

        def score(indices: list[int], texts: list[list[str]]) -> list[list[float]]:
            return models.image_text_scorer.score_images([evidence[i].image for i in indices], texts)

        captions = [item.audio_caption for item in evidence]
        return self.choose(captions, [Trace(audio_caption=caption) for caption in captions], models, score)
