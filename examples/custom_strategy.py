"""A strategy of your own: segment what the audio classifier hears, if the image captioner sees it, too."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import fiftyone_avs as avs
from fiftyone_avs.media import read_image, read_sound


@avs.register_strategy
@dataclass(frozen=True)
class HeardAndSeen:
    """The most likely class that the image caption mentions."""

    name: ClassVar[str] = "heard_and_seen"
    needs: ClassVar[tuple[str, ...]] = ("audio_classifier", "image_captioner")

    prompt: str = "a photo of {c}."

    def refer(self, evidence: Sequence[avs.Evidence], models: avs.Models) -> list[avs.Referral]:
        heard = models.audio_classifier.classify([item.sound for item in evidence])
        return [self._choose(item, classes) for item, classes in zip(evidence, heard, strict=True)]

    def _choose(self, item: avs.Evidence, classes: Sequence[avs.Candidate]) -> avs.Referral:
        trace = avs.Trace(image_caption=item.image_caption, candidates=tuple(classes))
        for heard in classes:
            if heard.text in " ".join(item.image_caption.texts):
                return avs.Referral(self.prompt.format(c=heard.text), heard.score, trace)
        return avs.Referral("", None, trace, abstained="nothing that is heard is seen")


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "demo-out/world")  # made by `fiftyone-avs demo`
    pipeline = avs.load_pipeline("heard_and_seen", preset="tiny")
    for path in sorted((folder / "img").glob("*.png"))[:5]:
        clip = avs.Clip(path.stem, read_image(path), read_sound(folder / "wav" / f"{path.stem}.wav"))
        (prediction,) = pipeline([clip])
        print(path.stem, prediction.status, prediction.reason or prediction.referral.text)
