"""CLAP and AST in transformers' own format, against direct calls of transformers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import (
    ASTFeatureExtractor,
    ASTForAudioClassification,
    AutoTokenizer,
    ClapConfig,
    ClapFeatureExtractor,
    ClapModel,
)

import fiftyone_avs as avs
from fiftyone_avs.models.similarity import score_pairs
from tests.models.builders import build_clap, sounds, weights
from tests.models.helpers import play

KINDS = (1.0, 16000), (0.3, 44100), (5.0, 22050), (2.0, 8000)
TEXTS = [["a dog barking", "rain"], ["a bee"], ["a car", "a cat", "a drum"], ["a dog"]]


def extractor_of(lowest):
    return ClapFeatureExtractor(
        feature_size=16,
        sampling_rate=16000,
        hop_length=128,
        max_length_s=2,
        fft_window_size=512,
        frequency_min=lowest,
        frequency_max=8000,
        truncation="rand_trunc",
    )


@torch.inference_mode()
def cosines(folder, sound, texts, *, lowest=0, eps=1e-3):
    """The cosines of a sound at the network's own rate with texts, by CLAP's own forward."""
    config = ClapConfig.from_pretrained(folder)
    config.text_config.layer_norm_eps = eps
    network = ClapModel.from_pretrained(folder, config=config).eval()
    features = extractor_of(lowest)(sound.samples, sampling_rate=16000, return_tensors="pt")
    tokens = AutoTokenizer.from_pretrained(folder)(texts, padding=True, return_tensors="pt")
    output = network(tokens.input_ids, features["input_features"], attention_mask=tokens.attention_mask)
    return (output.logits_per_audio / network.logit_scale_a.exp())[0].tolist()


def test_clap_gives_the_cosines_of_claps_own_forward():
    scorer = play("audio_text_scorer", weights("clap"))
    heard = sounds((2.0, 16000), (0.7, 16000), (1.1, 16000))
    for sound, texts, row in zip(heard, TEXTS, scorer.score_sounds(heard, TEXTS[:3]), strict=False):
        assert row == pytest.approx(cosines(weights("clap"), sound, texts), abs=1e-6)


def test_laions_cards_hear_from_50_hz_with_robertas_layer_norm():
    scorer = play("audio_text_scorer", f"clap-htsat-unfused:{weights('clap')}")
    (sound,) = sounds((2.0, 16000))
    (row,) = scorer.score_sounds([sound], TEXTS[2:3])
    assert row == pytest.approx(cosines(weights("clap"), sound, TEXTS[2], lowest=50, eps=1e-5), abs=1e-6)
    for other in ({"lowest": 50}, {"eps": 1e-5}):  # each of the two settings matters
        assert row != pytest.approx(cosines(weights("clap"), sound, TEXTS[2], **other), abs=1e-5)


def test_clap_hears_a_sound_the_same_in_any_batch():
    scorer, heard = play("audio_text_scorer", weights("clap")), sounds(*KINDS)
    together = scorer.score_sounds(heard, TEXTS)
    assert together == scorer.score_sounds(heard, TEXTS)
    for sound, texts, row in zip(heard, TEXTS, together, strict=True):
        assert scorer.score_sounds([sound], [texts])[0] == pytest.approx(row, abs=1e-5)
        assert all(-1 <= score <= 1 for score in row)
    rows = scorer.score_sounds(heard, [["rain", "a bee"]] * 4)
    assert np.ptp(rows, axis=0).min() > 1e-2 and np.ptp(rows, axis=1).max() > 1e-2  # sounds and texts matter


@torch.inference_mode()
def test_claps_audio_embeddings_lie_behind_the_projection_with_their_length():
    scorer, heard = play("audio_text_scorer", weights("clap")), sounds((2.0, 16000), (1.0, 16000))
    found = scorer.embed_sounds(heard)
    assert found.shape == (2, 24) and found.dtype == torch.float32
    network = ClapModel.from_pretrained(weights("clap")).eval()
    for sound, embedding in zip(heard, found, strict=True):
        features = extractor_of(0)(sound.samples, sampling_rate=16000, return_tensors="pt")
        unit = network.get_audio_features(features["input_features"]).pooler_output[0]
        assert torch.allclose(embedding / embedding.norm(), unit, atol=1e-6)
    assert (found.norm(dim=-1) - 1).abs().min() > 0.01


@torch.inference_mode()
def test_a_clap_that_fuses_parts_of_long_sounds_draws_no_lots(tmp_path):
    scorer = play("audio_text_scorer", build_clap(tmp_path, fusion=True))
    heard = sounds((1.0, 16000), (5.0, 16000), (0.5, 16000))
    runs = [scorer.embed_sounds(heard) for _ in range(4)]
    assert all(torch.equal(run, runs[0]) for run in runs)
    alone = torch.cat([scorer.embed_sounds([sound]) for sound in heard])
    assert torch.allclose(alone, runs[0], atol=1e-5)
    network = ClapModel.from_pretrained(tmp_path).eval()
    extractor = ClapFeatureExtractor.from_pretrained(tmp_path)
    features = extractor(heard[0].samples, sampling_rate=16000, return_tensors="pt")["input_features"]
    short, long = (
        network.get_audio_features(features, is_longer=torch.tensor([[longer]])).pooler_output[0]
        for longer in (False, True)
    )
    unit = runs[0][0] / runs[0][0].norm()
    assert torch.allclose(unit, short, atol=1e-5) and not torch.allclose(unit, long, atol=1e-3)


def test_cosines_are_exact_to_float32_inside_autocast():
    rng = np.random.default_rng(0)
    items, rows = (rng.standard_normal((2, 64)).astype(np.float32) for _ in range(2))
    with torch.autocast("cpu", torch.bfloat16):
        found = score_pairs(torch.from_numpy(items), [["a", "b"], ["b"]], lambda _: torch.from_numpy(rows))
    unit = [
        array.astype(np.float64) / np.linalg.norm(array, axis=1, keepdims=True) for array in (items, rows)
    ]
    expected = unit[0] @ unit[1].T
    assert found[0] == pytest.approx(expected[0], abs=1e-6)
    assert found[1] == pytest.approx(expected[1, 1:], abs=1e-6)


@torch.inference_mode()
def test_ast_gives_the_sigmoids_of_asts_own_logits():
    heard = sounds((1.28, 16000), (0.4, 16000))
    found = play("audio_classifier", weights("ast")).classify(heard)
    network = ASTForAudioClassification.from_pretrained(weights("ast")).eval()
    extractor = ASTFeatureExtractor.from_pretrained(weights("ast"))
    for sound, candidates in zip(heard, found, strict=True):
        features = extractor(sound.samples, sampling_rate=16000, return_tensors="pt")
        scores = network(**features).logits.sigmoid()[0].tolist()
        expected = sorted(zip(scores, network.config.id2label.values(), strict=True), reverse=True)[:10]
        assert [candidate.text for candidate in candidates] == [name for _, name in expected]
        assert [candidate.score for candidate in candidates] == pytest.approx(
            [score for score, _ in expected], abs=1e-6
        )


def test_ast_hears_a_sound_the_same_in_any_batch():
    classifier, heard = play("audio_classifier", weights("ast")), sounds(*KINDS)
    together = classifier.classify(heard)
    assert together == classifier.classify(heard)
    for sound, candidates in zip(heard, together, strict=True):
        (alone,) = classifier.classify([sound])
        assert [c.text for c in alone] == [c.text for c in candidates]
        assert [c.score for c in alone] == pytest.approx([c.score for c in candidates], abs=1e-5)
        assert all(0 <= candidate.score <= 1 for candidate in candidates)
    assert len({candidates[0].text for candidates in together}) > 1  # sounds matter


@pytest.mark.parametrize(
    ("problem_type", "names", "sums_to_one"),
    [
        ("single_label_classification", None, True),
        ("multi_label_classification", None, False),
        (None, None, False),  # AudioSet's classes
        (None, ["yes", "no", "up", "down"], True),
        ("multi_label_classification", ["yes", "no", "up", "down"], False),
    ],
)
def test_whether_several_classes_can_be_right_is_known_by_the_file_or_by_the_classes(
    tmp_path, problem_type, names, sums_to_one
):
    network = ASTForAudioClassification.from_pretrained(weights("ast"))
    network.config.problem_type = problem_type
    if names is not None:
        network.classifier.dense = torch.nn.Linear(network.config.hidden_size, len(names))
        network.config.id2label = dict(enumerate(names))
        network.config.label2id = {name: index for index, name in enumerate(names)}
    network.save_pretrained(tmp_path)
    ASTFeatureExtractor.from_pretrained(weights("ast")).save_pretrained(tmp_path)
    classifier = play("audio_classifier", tmp_path)
    classifier.top = 527
    (candidates,) = classifier.classify(sounds((1.0, 16000)))
    assert (abs(sum(candidate.score for candidate in candidates) - 1) < 1e-4) == sums_to_one


def test_the_record_names_the_settings_of_laions_cards():
    models = avs.load_models("open", overrides={"audio_text_scorer": f"clap-htsat-unfused:{weights('clap')}"})
    record = models.describe(["audio_text_scorer"])["audio_text_scorer"]
    assert record["settings"] == {"lowest": 50.0, "text_norm_eps": 1e-5}


def test_clap_cuts_a_text_that_is_longer_than_its_context():
    scores = play("audio_text_scorer", weights("clap")).score_sounds(
        sounds((1.0, 16000)), [["dog " * 200, "dog"]]
    )
    assert all(-1 <= score <= 1 for score in scores[0])
