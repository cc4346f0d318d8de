"""The floors and the ceiling, which give the strategies' scores their meaning."""

from __future__ import annotations

import numpy as np

import fiftyone_avs as avs
from fiftyone_avs.controls import CentreBox, NoText, OracleText, RandomNoun, WholeImage
from fiftyone_avs.models.fake import FakeImageCaptioner, fake_models


def clip(name, level=0.5, brightness=200):
    sound = avs.Sound(np.full(1600, level, np.float32), 16000)
    return avs.Clip(name, np.full((8, 12, 3), brightness, np.uint8), sound)


def predict(strategy, clips, **roles):
    return avs.load_pipeline(strategy, models=fake_models(**roles))(clips)


def test_the_whole_image_is_all_foreground_without_ties():
    (prediction,) = predict(NoText(), [clip("a")], segmenter=WholeImage())
    assert prediction.mask.mean() > 0.98  # the one value at the threshold may fall out
    assert len(np.unique(prediction.soft_map)) > 80


def test_the_centre_box_is_half_as_wide_and_high_as_the_picture():
    (prediction,) = predict(NoText(), [clip("a")], segmenter=CentreBox())
    expected = np.zeros((8, 12), bool)
    expected[2:6, 3:9] = True
    assert np.array_equal(prediction.mask, expected)


def test_a_random_noun_does_not_listen_and_does_not_depend_on_the_batch():
    captioner = FakeImageCaptioner(("a dog near a tree and a ball",))
    clips = [clip(str(i), level=0.1 + i / 100) for i in range(40)]
    together = [p.referral.text for p in predict(RandomNoun(), clips, image_captioner=captioner)]
    alone = [predict(RandomNoun(), [c], image_captioner=captioner)[0].referral.text for c in clips]
    assert together == alone
    assert set(together) == {"a photo of dog.", "a photo of tree.", "a photo of ball."}


def test_a_random_noun_abstains_without_nouns():
    (prediction,) = predict(RandomNoun(), [clip("a")], image_captioner=FakeImageCaptioner(("",)))
    assert prediction.status == "abstained"


def test_the_oracle_knows_the_class_of_each_clip():
    known, unknown = predict(OracleText({"a": "cow"}), [clip("a"), clip("b")])
    assert known.referral.text == "a photo of cow."
    assert unknown.status == "abstained"
