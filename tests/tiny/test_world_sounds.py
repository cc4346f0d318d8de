from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from fiftyone_avs.tiny.world.sounds import SoundInfo, sound_clip, synthesize
from fiftyone_avs.tiny.world.vocabulary import CLASSES, DISTRACTORS, DURATION, PAIRS, PARTNER, SAMPLE_RATE

SAMPLES = round(DURATION * SAMPLE_RATE)


def band_energies(waveform: np.ndarray) -> np.ndarray:
    """A crude description of a sound: mean and spread over time of the log energy in eight bands."""
    frames = waveform[: SAMPLES // 512 * 512].reshape(-1, 512)
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(512))) ** 2
    edges = np.geomspace(1, 256, 9).astype(int)
    bands = np.stack([spectrum[:, a : b + 1].sum(1) for a, b in pairwise(edges)], 1)
    logs = np.log10(bands + 1e-3)
    return np.concatenate([logs.mean(0), logs.std(0)])


@pytest.mark.parametrize("name", CLASSES)
def test_sound_has_length_type_and_level(name: str) -> None:
    waveform = synthesize(name, np.random.default_rng(0))
    assert waveform.shape == (SAMPLES,)
    assert waveform.dtype == np.float32
    assert np.sqrt(np.mean(waveform.astype(np.float64) ** 2)) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(("first", "second"), PAIRS)
@pytest.mark.parametrize("seed", range(5))
def test_sound_alikes_are_bit_identical(first: str, second: str, seed: int) -> None:
    dry = [synthesize(name, np.random.default_rng(seed)) for name in (first, second)]
    assert np.array_equal(dry[0], dry[1])
    recorded = [sound_clip(name, np.random.default_rng(seed), unseen=True) for name in (first, second)]
    assert np.array_equal(recorded[0][0], recorded[1][0])
    assert recorded[0][1] == recorded[1][1]


@pytest.mark.parametrize("unseen", [False, True])
@pytest.mark.parametrize("name", CLASSES)
def test_clip_is_a_function_of_its_generator_and_in_range(name: str, unseen: bool) -> None:
    waveform, info = sound_clip(name, np.random.default_rng([1, 2]), unseen)
    again, again_info = sound_clip(name, np.random.default_rng([1, 2]), unseen)
    other, _ = sound_clip(name, np.random.default_rng([1, 3]), unseen)
    assert waveform.shape == (SAMPLES,)
    assert waveform.dtype == np.float32
    assert np.isfinite(waveform).all()
    assert 0.1 < np.abs(waveform).max() <= 1
    assert np.array_equal(waveform, again)
    assert info == again_info
    assert not np.array_equal(waveform, other)


def draw_infos(unseen: bool) -> list[SoundInfo]:
    return [sound_clip("drum", np.random.default_rng(seed), unseen)[1] for seed in range(60)]


def test_only_unseen_clips_have_a_crowd() -> None:
    assert {info.ambience for info in draw_infos(unseen=False)} == {None, "rain", "wind"}
    assert "crowd" in {info.ambience for info in draw_infos(unseen=True)}


def test_told_ambience_is_loud_enough_to_be_heard() -> None:
    infos = draw_infos(unseen=True)
    assert all(6 <= info.snr_db <= 28 for info in infos)
    assert all(info.snr_db < 15 for info in infos if info.ambience is not None)


def test_other_classes_differ_clearly() -> None:
    """Even a nearest neighbour on sixteen numbers tells the twelve sounds apart."""
    names = [name for name in CLASSES if name not in PARTNER] + [first for first, _ in PAIRS]
    known, asked = [], []
    for name in names:
        known += [(name, band_energies(synthesize(name, np.random.default_rng([1, i])))) for i in range(20)]
        asked += [(name, band_energies(synthesize(name, np.random.default_rng([2, i])))) for i in range(6)]
    described = np.stack([description for _, description in known])
    hits = [
        known[int(np.abs(described - description).sum(1).argmin())][0] == name for name, description in asked
    ]
    assert np.mean(hits) > 0.9


@pytest.mark.parametrize("name", [DISTRACTORS[0], "violin"])
def test_silent_and_unknown_classes_are_refused(name: str) -> None:
    with pytest.raises(KeyError):
        synthesize(name, np.random.default_rng(0))
