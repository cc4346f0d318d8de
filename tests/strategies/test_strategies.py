"""Each strategy on fakes: what it asks for, what it says, and its rules for open cases."""

from __future__ import annotations

import numpy as np
import pytest

import fiftyone_avs as avs
from fiftyone_avs.models.fake import (
    FakeAudioCaptioner,
    FakeImageCaptioner,
    FakeScorer,
    FakeTextInverter,
    fake_models,
)
from fiftyone_avs.strategies import Captioning, Classification, Evidence, Inversion, VCapACls
from fiftyone_avs.strategies.nouns import NO_NOUN_NOTE

IMAGE = np.full((6, 4, 3), 200, np.uint8)
SOUND = avs.Sound(np.full(800, 0.25, np.float32), 16000)


def refer(strategy, models, **captions):
    (referral,) = strategy.refer([Evidence("a", IMAGE, SOUND, **captions)], models)
    return referral


def test_classification_refers_to_the_most_likely_class_and_keeps_the_others():
    referral = refer(avs.get_strategy("classification"), fake_models())
    assert referral.text == "a photo of dog."
    assert referral.confidence == 0.9
    assert [candidate.text for candidate in referral.trace.candidates] == ["dog", "cat"]


def test_classification_abstains_below_its_floor():
    referral = refer(Classification(min_confidence=0.95), fake_models())
    assert "0.900" in referral.abstained
    assert "0.95" in referral.abstained


def test_captioning_hands_the_sentence_on_unchanged():
    referral = refer(Captioning(), fake_models(), audio_caption=avs.Caption(("a dog is barking", "a cat")))
    assert referral.text == "a dog is barking"
    assert referral.trace.audio_caption.texts == ("a dog is barking", "a cat")


def test_captioning_abstains_on_an_empty_caption():
    assert refer(Captioning(), fake_models(), audio_caption=avs.Caption(("  ",))).abstained


def test_inversion_refers_by_token_embeddings_and_names_the_nearest_words():
    referral = refer(Inversion(), fake_models())
    assert referral.tokens.vectors.shape == (2, 4)
    assert referral.text == "<dog barking>"
    assert referral.confidence == 0.7


def test_inversion_abstains_below_its_floor():
    models = fake_models(text_inverter=FakeTextInverter(similarity=0.1))
    assert refer(Inversion(min_confidence=0.5), models).abstained


def test_vcap_acls_lets_the_sound_choose_among_the_nouns_of_the_picture():
    models = fake_models(audio_text_scorer=FakeScorer({"tree": 0.2, "dog": 0.6, "bird": 0.4}))
    caption = avs.Caption(("a tree and a dog", "a bird and a dog"))
    referral = refer(avs.get_strategy("vcap_acls"), models, image_caption=caption)
    assert referral.text == "a photo of dog."
    assert [(c.text, c.score) for c in referral.trace.candidates] == [
        ("dog", 0.6),
        ("bird", 0.4),
        ("tree", 0.2),
    ]
    assert referral.trace.image_caption is caption


def test_acap_vcls_lets_the_picture_choose_among_the_nouns_of_the_sound():
    models = fake_models(image_text_scorer=FakeScorer({"a photo of cat.": 0.3, "a photo of dog.": 0.1}))
    referral = refer(avs.get_strategy("acap_vcls"), models, audio_caption=avs.Caption(("a dog or a cat",)))
    assert referral.text == "a photo of cat."
    assert referral.confidence == 0.3


@pytest.mark.parametrize("name, caption", [("vcap_acls", "image_caption"), ("acap_vcls", "audio_caption")])
class TestNounRules:
    def test_a_caption_without_a_noun_is_the_candidate_itself(self, name, caption):
        referral = refer(avs.get_strategy(name), fake_models(), **{caption: avs.Caption(("it is raining",))})
        assert referral.text == "a photo of it is raining."
        assert referral.trace.note == NO_NOUN_NOTE

    def test_or_the_strategy_abstains_if_so_configured(self, name, caption):
        strategy = avs.get_strategy(name, no_noun="abstain")
        referral = refer(strategy, fake_models(), **{caption: avs.Caption(("it is raining",))})
        assert referral.abstained

    def test_an_empty_caption_abstains(self, name, caption):
        assert refer(avs.get_strategy(name), fake_models(), **{caption: avs.Caption(("",))}).abstained

    def test_no_candidate_above_the_floor_abstains(self, name, caption):
        strategy = avs.get_strategy(name, min_confidence=0.99)
        referral = refer(strategy, fake_models(), **{caption: avs.Caption(("a dog",))})
        assert "below the floor 0.99" in referral.abstained
        assert referral.trace.candidates  # the trace shows what was considered

    def test_items_with_and_without_nouns_keep_their_places(self, name, caption):
        texts = ["a dog", "", "a cat", "it is raining"]
        evidence = [
            Evidence(str(i), IMAGE, SOUND, **{caption: avs.Caption((text,))}) for i, text in enumerate(texts)
        ]
        referrals = avs.get_strategy(name).refer(evidence, fake_models())
        assert [r.text for r in referrals] == [
            "a photo of dog.",
            "",
            "a photo of cat.",
            "a photo of it is raining.",
        ]


def test_unknown_names_and_options_are_refused_with_the_known_ones():
    with pytest.raises(avs.ConfigurationError, match="vcap_acls"):
        avs.get_strategy("vcap")
    with pytest.raises(avs.ConfigurationError, match="min_confidense"):
        avs.get_strategy("vcap_acls", min_confidense=0.1)


def test_a_strategy_of_ones_own_can_be_registered_but_not_over_another():
    class Other(VCapACls):
        pass

    with pytest.raises(avs.ConfigurationError, match="already"):
        avs.register_strategy(Other)
    assert avs.get_strategy("vcap_acls").__class__ is VCapACls


def test_captions_come_from_the_roles_the_strategy_needs_and_no_others():
    images, sounds = FakeImageCaptioner(), FakeAudioCaptioner()
    models = fake_models(image_captioner=images, audio_captioner=sounds)
    clip = avs.Clip("a", IMAGE, SOUND)
    avs.load_pipeline("vcap_acls", models=models)([clip])
    assert (images.calls, sounds.calls) == (1, 0)
    avs.load_pipeline("captioning", models=models)([clip])
    assert (images.calls, sounds.calls) == (1, 1)
    avs.load_pipeline("classification", models=models)([clip])
    assert (images.calls, sounds.calls) == (1, 1)
