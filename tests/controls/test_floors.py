"""The floors and the ceiling, which give the strategies' scores their meaning."""

from __future__ import annotations

import numpy as np

import fiftyone_avs as avs
from fiftyone_avs.controls.floors import (
    CentreBox,
    NoText,
    OracleText,
    RandomNoun,
    SalientNoun,
    WholeImage,
    only_segmenter,
)
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


def test_the_salient_noun_is_the_first_of_the_best_caption_whatever_the_sound():
    captioner = FakeImageCaptioner(("a tree near a dog", "a dog and a ball"))
    found = predict(SalientNoun(), [clip("a"), clip("b", level=0.1)], image_captioner=captioner)
    assert [prediction.referral.text for prediction in found] == ["a photo of tree.", "a photo of tree."]
    assert found[0].referral.trace.image_caption.text == "a tree near a dog"
    (nothing,) = predict(SalientNoun(), [clip("a")], image_captioner=FakeImageCaptioner(("it rains",)))
    assert nothing.status == "abstained"


def test_floors_need_no_model_that_listens():
    for floor in (NoText(), RandomNoun(), SalientNoun()):
        assert not [role for role in floor.needs if role.startswith("audio")]
    models = only_segmenter(CentreBox())
    (prediction,) = avs.load_pipeline(NoText(), models=models)([clip("a")])
    assert prediction.status == "ok" and models.loaded == ("segmenter",)


def test_the_oracle_knows_the_class_of_each_clip():
    known, unknown = predict(OracleText({"a": "cow"}), [clip("a"), clip("b")])
    assert known.referral.text == "a photo of cow."
    assert unknown.status == "abstained"
