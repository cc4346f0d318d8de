"""Audio classifier -> "a photo of {c}." (paper, section 2.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from fiftyone_avs.models import Models
from fiftyone_avs.strategies.base import PROMPT, Evidence, refer_to_best
from fiftyone_avs.types import Referral, Trace


@dataclass(frozen=True)
class Classification:
    """Name the sound with an audio classifier and refer to that class.

    Attributes:
        prompt: how a class becomes a referring expression.
        min_confidence: abstain when the best class's probability is below this; None never abstains.
        keep: how many of the best classes the trace keeps.
    """

    name: ClassVar[str] = "classification"
    needs: ClassVar[tuple[str, ...]] = ("audio_classifier",)

    prompt: str = PROMPT
    min_confidence: float | None = None
    keep: int = 5

    def refer(self, evidence: Sequence[Evidence], models: Models) -> list[Referral]:
        """One referral per item; the trace holds the best classes with their probabilities."""
        classes = models.audio_classifier.classify([item.sound for item in evidence])
        return [
            refer_to_best(Trace(candidates=tuple(found[: self.keep])), self.prompt, self.min_confidence)
            for found in classes
        ]
