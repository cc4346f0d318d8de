"""The whole road with small models of the architectures that the open preset downloads."""

from __future__ import annotations

import numpy as np
import pytest

import fiftyone_avs as avs
from tests.models.builders import pictures, sounds, weights


@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.parametrize("segmenter", ["grounding-dino-sam2:grounded", "sam3:sam3"])
def test_vcap_acls_from_a_clip_to_a_mask(segmenter, precision):
    card, name = segmenter.split(":")
    models = {
        "image_captioner": str(weights("blip")),
        "audio_text_scorer": f"clap-htsat-unfused:{weights('clap')}",
        "noun_extractor": "tiny/nouns",
        "segmenter": f"{card}:{weights(name)}",
    }
    pipeline = avs.load_pipeline("vcap_acls", preset="open", models=models, device="cpu", precision=precision)
    clip = avs.Clip("clip", pictures((75, 111))[0], sounds((1.5, 22050))[0])
    (prediction,) = pipeline([clip])
    assert prediction.status == "ok", prediction.reason
    assert prediction.referral.trace.image_caption.text
    assert len(prediction.referral.trace.candidates) > 0
    assert prediction.soft_map.shape == prediction.mask.shape == (75, 111)
    assert prediction.threshold == 0.5
    assert np.array_equal(prediction.mask, prediction.soft_map > 0.5)
    record = pipeline.models.describe(["segmenter"])["segmenter"]
    assert record["source"] == str(weights(name)) and record["revision"].startswith("sha256:")


def test_inversion_with_a_segmenter_that_takes_words_only_says_so():
    with pytest.raises(avs.ModelError, match="clipseg-rd64"):
        avs.load_pipeline(
            "inversion",
            preset="tiny",
            models={"segmenter": f"grounding-dino-sam2:{weights('grounded')}"},
            device="cpu",
        )
