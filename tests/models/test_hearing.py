"""Sounds of any rate and length reach a model in the form it was trained on, and always the same way."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import ASTFeatureExtractor, ClapFeatureExtractor

from fiftyone_avs.models.hearing import Ear, MelEar
from fiftyone_avs.types import Sound


@pytest.fixture(scope="module")
def clap_ear():
    extractor = ClapFeatureExtractor(
        feature_size=64,
        sampling_rate=16000,
        hop_length=128,
        max_length_s=2,
        fft_window_size=512,
        frequency_min=50,
        frequency_max=8000,
        truncation="rand_trunc",
        padding="repeatpad",
    )
    return Ear(extractor, 2)


def tone(seconds, rate, hertz=440.0):
    return Sound(np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate).astype(np.float32), rate)


def test_a_long_sound_is_cut_to_its_middle_and_never_at_random(clap_ear):
    quiet, loud = np.zeros(48000, np.float32), tone(2, 16000).samples
    sound = Sound(np.concatenate([quiet, loud, quiet]), 16000)
    first, second = (clap_ear([sound])["input_features"].numpy() for _ in range(2))
    assert np.array_equal(first, second)
    assert np.array_equal(first, clap_ear([tone(2, 16000)])["input_features"].numpy())


def test_other_sample_rates_sound_the_same(clap_ear):
    low = clap_ear([tone(2, 16000)])["input_features"].numpy()
    high = clap_ear([tone(2, 44100)])["input_features"].numpy()
    loudest = low.mean((0, 1, 2)).argmax()
    assert high.mean((0, 1, 2)).argmax() == loudest
    assert abs(high.mean((0, 1, 2))[loudest] - low.mean((0, 1, 2))[loudest]) < 0.5  # dB


def test_a_short_sound_is_repeated_for_clap(clap_ear):
    half = clap_ear([tone(1, 16000)])["input_features"].numpy()
    whole = clap_ear([tone(2, 16000)])["input_features"].numpy()
    assert np.abs(half - whole).mean() < 1  # dB: the seam is all that differs


@pytest.mark.parametrize("truncation", ["rand_trunc", "fusion"])
@pytest.mark.parametrize("padding", ["repeatpad", "repeat", "pad"])
def test_spectrograms_of_a_batch_are_the_extractor_s(clap_ear, truncation, padding):
    settings = {**clap_ear.extractor.to_dict(), "truncation": truncation, "padding": padding}
    ear = MelEar(ClapFeatureExtractor(**settings), 2)
    rng = np.random.default_rng(0)
    noises = [Sound((0.1 * rng.standard_normal(n)).astype(np.float32), 16000) for n in (9000, 32000, 50000)]
    sounds = [*noises, tone(0.7, 44100), Sound(np.zeros(16000, np.float32), 16000)]
    found, wanted = ear.features(sounds, torch.device("cpu")), ear(sounds)["input_features"]
    assert found.dtype == torch.float32
    # A tone's float32 spectrum is exact down to 80 dB below its peak, where nothing can be heard any more.
    floor = wanted.amax((1, 2, 3), keepdim=True) - 80
    np.testing.assert_allclose(found.maximum(floor), wanted.maximum(floor), atol=1e-2)  # dB


def test_a_batch_is_the_same_as_one_by_one(clap_ear):
    sounds = [tone(0.5, 16000), tone(3, 22050), tone(2, 8000, 200)]
    batch = clap_ear(sounds)["input_features"].numpy()
    for index, sound in enumerate(sounds):
        assert np.array_equal(batch[index], clap_ear([sound])["input_features"].numpy()[0])


def test_a_very_short_sound_does_not_break_a_filter_bank():
    ear = Ear(ASTFeatureExtractor(num_mel_bins=64, max_length=200), 2)
    features = ear([tone(0.05, 16000)])["input_values"]
    assert features.shape == (1, 200, 64)
