"""Audio captioner -> its caption is the referring expression (paper, section 2.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from fiftyone_avs.models import Models
from fiftyone_avs.strategies.base import Evidence
from fiftyone_avs.types import Referral, Trace


@dataclass(frozen=True)
class Captioning:
    """Let an audio captioner describe the sound and hand its sentence to the segmenter unchanged."""

    name: ClassVar[str] = "captioning"
    needs: ClassVar[tuple[str, ...]] = ("audio_captioner",)

    def refer(self, evidence: Sequence[Evidence], models: Models) -> list[Referral]:
        """One referral per item; an empty caption abstains. A caption has no confidence."""
        referrals = []
        for item in evidence:
            text = item.audio_caption.text.strip() if item.audio_caption else ""
            trace = Trace(audio_caption=item.audio_caption)
            abstained = None if text else "the audio captioner said nothing"
            referrals.append(Referral(text, None, trace, abstained=abstained))
        return referrals
