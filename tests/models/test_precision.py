"""In half precision, all of them stay close to what they say in float32."""

from __future__ import annotations

import numpy as np
import pytest

import fiftyone_avs as avs
from tests.models.builders import pictures, sounds, weights

SIZES = (75, 111), (120, 61), (33, 200)
KINDS = (1.0, 16000), (0.3, 44100), (5.0, 22050)
TEXTS = ["a photo of a dog.", "rain", "a car on the road"]


def both(role, name, use):
    """What a model says in float32 and in bfloat16."""
    said = []
    for precision in ("float32", "bf16"):
        models = avs.load_models("open", overrides={role: str(name)}, device="cpu", precision=precision)
        with models.computing():
            said.append(use(models.role(role)))
    return said


def close(full, half, tolerance):
    """Whether arrays are finite, near each other and not the very same (autocast did take part)."""
    full, half = np.asarray(full, np.float64), np.asarray(half, np.float64)
    apart = np.abs(full - half).max()
    return bool(np.isfinite(half).all()) and 0 < apart < tolerance


def test_clip():
    full, half = both(
        "image_text_scorer", weights("clip"), lambda m: m.score_images(pictures(*SIZES), [TEXTS] * 3)
    )
    assert close(full, half, 0.01)


def test_clap():
    full, half = both(
        "audio_text_scorer",
        f"clap-htsat-unfused:{weights('clap')}",
        lambda m: m.score_sounds(sounds(*KINDS), [TEXTS] * 3),
    )
    assert close(full, half, 0.01)


def test_ast():
    def scores(classifier):
        found = classifier.classify(sounds(*KINDS))
        return [[c.score for c in sorted(row, key=lambda c: c.text)] for row in found]

    full, half = both("audio_classifier", weights("ast"), scores)
    assert close(full, half, 0.02)


def test_blip():
    full, half = both("image_captioner", weights("blip"), lambda m: m.caption_images(pictures(*SIZES)))
    assert [c.text.split()[0] for c in full] == [c.text.split()[0] for c in half]


@pytest.mark.parametrize(
    ("name", "card"), [("clipseg", ""), ("grounded", "grounding-dino-sam2:"), ("sam3", "sam3:")]
)
def test_segmenters(name, card):
    full, half = both("segmenter", f"{card}{weights(name)}", lambda m: m.segment(pictures(*SIZES), TEXTS))
    for one, other in zip(full, half, strict=True):
        assert close(one, other, 0.1) and np.abs(one - other).mean() < 0.02
        assert other.dtype == np.float32 and other.min() >= 0 and other.max() <= 1
