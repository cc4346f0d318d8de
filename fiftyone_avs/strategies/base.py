"""What a strategy is, and the rules that several strategies share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

from fiftyone_avs.models import Models
from fiftyone_avs.types import Candidate, Caption, Image, Referral, Sound, Trace

PROMPT = "a photo of {c}."
"""How a class becomes a referring expression (paper, section 2)."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a strategy may look at for one clip.

    Attributes:
        id: the clip's id.
        image: uint8 RGB, shape (H, W, 3).
        sound: the sound of the clip.
        image_caption: present if the strategy's ``needs`` name "image_captioner".
        audio_caption: present if the strategy's ``needs`` name "audio_captioner".
    """

    id: str
    image: Image
    sound: Sound
    image_caption: Caption | None = None
    audio_caption: Caption | None = None


@runtime_checkable
class Strategy(Protocol):
    """Turns evidence into referring expressions, by way of roles only.

    A strategy is a frozen dataclass: its fields are its options and land in the run record.
    """

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]]

    def refer(self, evidence: Sequence[Evidence], models: Models) -> list[Referral]:
        """One referral per item, in order, each with its full trace."""
        ...


def rank(texts: Sequence[str], scores: Sequence[float]) -> tuple[Candidate, ...]:
    """Candidates, best first; equal scores keep the order in which the texts came."""
    candidates = [Candidate(text, float(score)) for text, score in zip(texts, scores, strict=True)]
    return tuple(sorted(candidates, key=lambda candidate: -candidate.score))


def refer_to_best(trace: Trace, prompt: str, min_confidence: float | None) -> Referral:
    """The referring expression of the best candidate, or an abstention below the confidence floor."""
    if not trace.candidates:
        return Referral("", None, trace, abstained="there is no candidate to choose from")
    best = trace.candidates[0]
    abstained = None
    if min_confidence is not None and best.score < min_confidence:
        abstained = (
            f"best candidate {best.text!r} scores {best.score:.3f}, below the floor {min_confidence:g}"
        )
    return Referral(prompt.format(c=best.text), best.score, trace, abstained=abstained)
