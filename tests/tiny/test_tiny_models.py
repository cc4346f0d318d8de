"""The embedded models, loaded by the same adapters as any other: what they promise and how well they do."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import fiftyone_avs as avs
from fiftyone_avs.controls.floors import CentreBox, NoText, OracleText, RandomNoun
from fiftyone_avs.metrics import score_sample, summarize
from fiftyone_avs.models.roles import ROLES
from fiftyone_avs.models.store import TINY_WEIGHTS
from fiftyone_avs.pipeline import Task, predict_together
from fiftyone_avs.tiny.scenes import make_scenes
from fiftyone_avs.tiny.trial import CONTROLS, STRATEGIES
from fiftyone_avs.tiny.world.vocabulary import CLASSES, PARTNER

SEED = 101
SCENES = 96


@pytest.fixture(scope="module")
def models():
    return avs.load_models("tiny", device="cpu")


@pytest.fixture(scope="module")
def scenes():
    return list(make_scenes(SEED, SCENES))


@pytest.fixture(scope="module")
def clips(scenes):
    return [avs.Clip(scene.id, scene.image, avs.Sound(scene.sound, scene.sample_rate)) for scene in scenes]


@pytest.fixture(scope="module")
def summaries(models, scenes, clips):
    """Scores by strategy and control, over all scenes and over the sound-alikes."""
    centre = avs.load_models("tiny", device="cpu")
    centre.use("segmenter", CentreBox())
    oracle = OracleText({scene.id: scene.label for scene in scenes})
    plan = {name: (name, models) for name in STRATEGIES}
    plan |= {
        "oracle_text": (oracle, models),
        "floor_noun": (RandomNoun(), models),
        "floor_centre": (NoText(), centre),
    }
    pipelines = [avs.load_pipeline(strategy, models=players) for strategy, players in plan.values()]
    found = {}
    for name, predictions in zip(
        plan, predict_together([Task(one, clips) for one in pipelines]), strict=True
    ):
        assert all(prediction.status in ("ok", "abstained") for prediction in predictions)
        scores = [
            score_sample(prediction.soft_map, scene.mask, threshold=prediction.threshold or 0.5)
            for prediction, scene in zip(predictions, scenes, strict=True)
        ]
        alike = [score for score, scene in zip(scores, scenes, strict=True) if scene.sound_alike]
        found[name] = (summarize(scores), summarize(alike))
    return found


def test_the_weights_are_small_and_in_safetensors():
    files = [path for path in TINY_WEIGHTS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 15e6
    assert not [path for path in files if path.suffix in (".pt", ".pth", ".pkl", ".ckpt")]
    assert len(list(TINY_WEIGHTS.glob("*/model.safetensors"))) == 7


def test_every_role_is_played(models):
    models.require(list(ROLES))


def test_the_report_lies_beside_the_weights():
    report = json.loads((TINY_WEIGHTS / "report.json").read_text())
    rows = {(row["name"], row["subset"]): row for row in report["strategies"]["rows"]}
    for name in (*STRATEGIES, *CONTROLS):
        assert rows[name, "all"]["failed"] == 0
    assert rows["vcap_acls", "all"]["miou"] > rows["floor_noun", "all"]["miou"]


class TestSounds:
    def test_the_classifier_knows_the_classes_and_cannot_tell_sound_alikes(self, models, scenes, clips):
        results = models.audio_classifier.classify([clip.sound for clip in clips])
        partner = {label: {label, PARTNER.get(label, label)} for label in CLASSES}
        right = [best[0].text in partner[scene.label] for best, scene in zip(results, scenes, strict=True)]
        assert np.mean(right) > 0.9
        for best, scene in zip(results, scenes, strict=True):
            assert [c.score for c in best] == sorted((c.score for c in best), reverse=True)
            assert 0.9 < sum(c.score for c in best) <= 1.001
            if scene.sound_alike and best[0].text in partner[scene.label]:
                assert best[0].score < 0.8

    def test_an_audio_caption_names_the_sound(self, models, scenes, clips):
        captions = models.audio_captioner.caption_sounds([clip.sound for clip in clips[:24]])
        named = [
            scene.label in " ".join(caption.texts) or PARTNER.get(scene.label, "?") in " ".join(caption.texts)
            for caption, scene in zip(captions, scenes, strict=False)
        ]
        assert np.mean(named) > 0.85
        assert all(len(set(caption.texts)) == len(caption.texts) for caption in captions)

    def test_audio_text_scores_are_cosines_and_rank_the_sounding_class_first(self, models, scenes, clips):
        texts = [["tree", "mug", *(c for c in CLASSES if c != PARTNER.get(s.label))] for s in scenes[:24]]
        scores = models.audio_text_scorer.score_sounds([clip.sound for clip in clips[:24]], texts)
        assert all(-1.001 <= value <= 1.001 for row in scores for value in row)
        best = [row_texts[int(np.argmax(row))] for row_texts, row in zip(texts, scores, strict=True)]
        assert np.mean([text == scene.label for text, scene in zip(best, scenes, strict=False)]) > 0.85


class TestPictures:
    def test_an_image_caption_names_most_objects(self, models, scenes, clips):
        captions = models.image_captioner.caption_images([clip.image for clip in clips[:48]])
        named = [
            scene.label in " ".join(caption.texts) for caption, scene in zip(captions, scenes, strict=False)
        ]
        assert np.mean(named) > 0.75

    def test_image_text_scores_prefer_what_is_in_the_picture(self, models, scenes, clips):
        texts = [
            [f"a photo of {s.label}.", f"a photo of {PARTNER.get(s.label, 'umbrella')}."] for s in scenes[:48]
        ]
        scores = models.image_text_scorer.score_images([clip.image for clip in clips[:48]], texts)
        absent = [PARTNER.get(s.label, "umbrella") not in s.objects for s in scenes[:48]]
        right = [row[0] > row[1] for row, counts in zip(scores, absent, strict=True) if counts]
        assert np.mean(right) > 0.85

    def test_a_picture_of_any_size_gets_a_map_of_its_size(self, models):
        pictures = [
            np.full((height, width, 3), 120, np.uint8) for height, width in ((1, 1), (33, 301), (700, 90))
        ]
        maps = models.segmenter.segment(pictures, ["a photo of dog."] * 3)
        assert [soft_map.shape for soft_map in maps] == [(1, 1), (33, 301), (700, 90)]
        assert all(soft_map.dtype == np.float32 for soft_map in maps)


class TestInversion:
    def test_words_given_as_token_embeddings_mean_the_same_as_text(self, models):
        tower = models.segmenter.text_tower
        text = "a photo of dog."
        ids = tower.tokenizer(text)["input_ids"][1:-1]
        vectors = tower.table[ids][None]
        with torch.no_grad():
            assert torch.allclose(tower.encode_tokens(vectors), tower.encode([text]), atol=1e-5)

    def test_the_segmenter_takes_token_embeddings_and_texts_in_one_batch(self, models, clips):
        tower = models.segmenter.text_tower
        ids = tower.tokenizer("the cow")["input_ids"][1:-1]
        tokens = avs.TokenEmbeddings(tower.table[ids].numpy())
        images = [clips[0].image] * 3
        first, second, third = models.segmenter.segment(images, ["the cow", tokens, "a photo of dog."])
        assert np.allclose(first, second, atol=1e-4)
        assert not np.allclose(first, third, atol=1e-2)

    def test_it_comes_close_and_does_not_depend_on_the_batch(self, models, clips):
        together = models.text_inverter.invert([clip.sound for clip in clips[:4]])
        (alone,) = models.text_inverter.invert([clips[2].sound])
        assert all(similarity > 0.6 for _, similarity in together)
        assert np.allclose(together[2].tokens.vectors, alone.tokens.vectors, atol=1e-3)
        assert len(alone.tokens.nearest) == len(alone.tokens.vectors)

    @pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
    def test_it_works_where_the_caller_has_switched_gradients_off(self, models, clips, mode):
        (expected,) = models.text_inverter.invert([clips[0].sound])
        with mode():
            (found,) = models.text_inverter.invert([clips[0].sound])
        assert found.similarity == pytest.approx(expected.similarity, abs=1e-4)

    def test_more_steps_come_closer(self, models, clips):
        inverter = models.text_inverter
        steps = inverter.steps
        try:
            inverter.steps = 2
            (early,) = inverter.invert([clips[0].sound])
        finally:
            inverter.steps = steps
        (late,) = inverter.invert([clips[0].sound])
        assert late.similarity > early.similarity + 0.05


def test_every_strategy_is_clearly_above_every_floor(summaries):
    floors = max(summaries[name][0].miou for name in ("floor_noun", "floor_centre"))
    for name in STRATEGIES:
        assert summaries[name][0].miou > floors + 0.05, name


def test_seeing_tells_sound_alikes_apart(summaries):
    assert summaries["vcap_acls"][1].ciou > summaries["classification"][1].ciou + 0.15


def test_inversion_works(summaries):
    assert summaries["inversion"][0].miou > summaries["floor_noun"][0].miou + 0.10


def test_nobody_beats_the_oracle_by_more_than_chance(summaries):
    best = max(summaries[name][0].miou for name in STRATEGIES)
    assert best < summaries["oracle_text"][0].miou + 0.03


def test_the_paper_s_best_strategy_is_good_here_too(summaries):
    summary = summaries["vcap_acls"][0]
    assert summary.miou > 0.50
    assert summary.ciou > 0.55
