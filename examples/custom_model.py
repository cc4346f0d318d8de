"""A model of your own: a segmenter that plays its role with nothing but colours."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import fiftyone_avs as avs
from fiftyone_avs.media import read_image, read_sound


class ColourSegmenter:
    """Marks what differs most from the colour of the picture's border, whatever it is asked for."""

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold

    @classmethod
    def load(cls, card: avs.Card, models: avs.Models) -> ColourSegmenter:
        return cls(**card.settings)  # a real model would load card.source onto models.device here

    def segment(self, images: Sequence, expressions: Sequence) -> list:
        return [self._map(image.astype(np.float32)) for image in images]

    def _map(self, image: np.ndarray) -> np.ndarray:
        border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
        distance = np.linalg.norm(image - np.median(border, axis=0), axis=-1)
        return distance / max(float(distance.max()), 1.0)


CARD = avs.Card(
    "colour", "segmenter", "custom_model:ColourSegmenter", "none", "MIT", settings={"threshold": 0.4}
)
avs.register_card(CARD)

if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "demo-out/world")  # made by `fiftyone-avs demo`
    pipeline = avs.load_pipeline("classification", preset="tiny", models={"segmenter": "colour"})
    for path in sorted((folder / "img").glob("*.png"))[:5]:
        clip = avs.Clip(path.stem, read_image(path), read_sound(folder / "wav" / f"{path.stem}.wav"))
        (prediction,) = pipeline([clip])
        print(path.stem, prediction.status, f"{prediction.mask.mean():.1%} of the picture")
