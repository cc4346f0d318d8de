"""Audio -> token embeddings of a referring expression, by text inversion (paper, section 2.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from fiftyone_avs.models import Models
from fiftyone_avs.strategies.base import Evidence
from fiftyone_avs.types import Referral


@dataclass(frozen=True)
class Inversion:
    """Optimise token embeddings so that their text encoding meets the sound's embedding.

    The embeddings go into the segmenter's text encoder past its embedding layer. The text of the
    referral lists the nearest words of the vocabulary, for people to read.

    Attributes:
        tokens: how many token embeddings to look for; None takes the model's own number.
        steps: steps of the optimiser; None takes the model's own number.
        min_confidence: abstain when the cosine similarity reached is below this; None never abstains.
    """

    name: ClassVar[str] = "inversion"
    needs: ClassVar[tuple[str, ...]] = ("text_inverter",)

    tokens: int | None = None
    steps: int | None = None
    min_confidence: float | None = None

    def refer(self, evidence: Sequence[Evidence], models: Models) -> list[Referral]:
        """One referral per item; its confidence is the cosine similarity that was reached."""
        referrals = []
        found = models.text_inverter.invert(
            [item.sound for item in evidence], tokens=self.tokens, steps=self.steps
        )
        for tokens, similarity in found:
            abstained = None
            if self.min_confidence is not None and similarity < self.min_confidence:
                abstained = (
                    f"inversion reached a similarity of {similarity:.3f}, below {self.min_confidence:g}"
                )
            text = "<" + " ".join(tokens.nearest) + ">"
            referrals.append(Referral(text, similarity, tokens=tokens, abstained=abstained))
        return referrals
