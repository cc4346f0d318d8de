"""What the world sounds like: two-second clips of one source, with weather, a room and a microphone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve, lfilter

from fiftyone_avs.tiny.world.sounds_signal import LENGTH, TIME, Signal, band_pass, seconds, unit_rms
from fiftyone_avs.tiny.world.sounds_sources import SYNTHESISERS
from fiftyone_avs.tiny.world.vocabulary import DURATION

TRAIN_AMBIENCES: tuple[str, ...] = ("none", "none", "rain", "wind")
"""What may be heard behind the source; "none" is the faint noise of a quiet place."""

UNSEEN_AMBIENCES: tuple[str, ...] = ("none", "rain", "wind", "crowd")
"""As above for clips unlike those of training."""

AUDIBLE_SNR_DB = 15.0


@dataclass(frozen=True)
class SoundInfo:
    """How a clip was made.

    Attributes:
        ambience: the ambience ("rain", "wind", "crowd") if it is loud enough to be heard, else None.
        snr_db: level of the source above the ambience in dB.
    """

    ambience: str | None
    snr_db: float


def synthesize(name: str, rng: np.random.Generator) -> NDArray[np.float32]:
    """The dry sound of class `name`: float32 (32000,), 16 kHz, root mean square one.

    Both classes of a sound-alike pair give the same waveform for the same state of `rng`.

    Raises:
        KeyError: `name` is not a class that sounds.
    """
    return unit_rms(SYNTHESISERS[name](rng)).astype(np.float32)


def sound_clip(
    name: str, rng: np.random.Generator, unseen: bool = False
) -> tuple[NDArray[np.float32], SoundInfo]:
    """A recording of class `name`: float32 (32000,) in [-1, 1] at 16 kHz, and how it was made.

    Args:
        name: a class that sounds.
        rng: source of all randomness.
        unseen: add an ambience (a crowd) and more reverberation than training has.
    """
    source = synthesize(name, rng).astype(np.float64)
    kind = str(rng.choice(UNSEEN_AMBIENCES if unseen else TRAIN_AMBIENCES))
    snr_db = float(rng.uniform(6, 28))
    recording = source + _ambience(kind, rng) * 10 ** (-snr_db / 20)
    if rng.random() < (0.5 if unseen else 0.3):
        recording = _room(recording, rng)
    if rng.random() < 0.3:
        recording = band_pass(recording, 20, rng.uniform(3000, 7000), order=1)
    peak_db = -rng.uniform(1, 14)
    recording *= 10 ** (peak_db / 20) / np.abs(recording).max()
    audible = kind != "none" and snr_db < AUDIBLE_SNR_DB
    return recording.astype(np.float32), SoundInfo(kind if audible else None, snr_db)


def _ambience(kind: str, rng: np.random.Generator) -> Signal:
    """Background sound of unit root mean square."""
    noise = rng.normal(0, 1, LENGTH)
    if kind == "rain":
        drops = np.zeros(LENGTH)
        drops[rng.integers(0, LENGTH, 400)] = rng.uniform(2, 8, 400)
        sound = band_pass(noise, 1000, 7000) + band_pass(drops, 800, 5000)
    elif kind == "wind":
        gusts = np.interp(TIME, np.linspace(0, DURATION, 7), rng.normal(0, 1, 7)).clip(-1, 2)
        sound = band_pass(noise, 60, 500) * (1 + 0.8 * gusts)
    elif kind == "crowd":
        syllables = np.repeat(rng.uniform(0, 1, 20), LENGTH // 20)
        sound = np.sum([band_pass(noise * syllables, low, 1.6 * low) for low in (300, 700, 1300)], axis=0)
    else:
        sound = lfilter([1], [1, -0.7], noise)
    return unit_rms(sound)


def _room(recording: Signal, rng: np.random.Generator) -> Signal:
    """The recording with the echoes of a small room: decaying noise after the direct sound."""
    time = seconds(rng.uniform(0.05, 0.25))
    response = rng.normal(0, 1, len(time)) * np.exp(-5 * time / time[-1])
    response[0] = 3
    echoed: Signal = fftconvolve(recording, response)[:LENGTH]
    return echoed
