"""Building blocks of synthetic sounds. All signals are float64 arrays (samples,) at `SAMPLE_RATE`."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, sosfilt

from fiftyone_avs.tiny.world.vocabulary import DURATION, SAMPLE_RATE

Signal = NDArray[np.float64]

LENGTH: int = round(SAMPLE_RATE * DURATION)
"""Samples of every sound."""

TIME: Signal = np.arange(LENGTH) / SAMPLE_RATE
"""Time of each sample in seconds."""

FILTER_GRID_HZ = 10


def seconds(duration: float) -> Signal:
    """Time axis of a sound of `duration` seconds."""
    return np.arange(max(1, int(duration * SAMPLE_RATE))) / SAMPLE_RATE


def band_pass(signal: Signal, low: float, high: float, order: int = 2) -> Signal:
    """Butterworth band-pass; the corners are rounded to 10 Hz so that designs can be reused."""
    grid = FILTER_GRID_HZ
    low_corner = max(20, round(low / grid) * grid)
    high_corner = min(SAMPLE_RATE // 2 - 50, max(low_corner + grid, round(high / grid) * grid))
    filtered: Signal = sosfilt(_design(low_corner, high_corner, order), signal)
    return filtered


@lru_cache(maxsize=4096)
def _design(low: int, high: int, order: int) -> Signal:
    sections: Signal = butter(order, [low, high], "band", fs=SAMPLE_RATE, output="sos")
    return sections


def resonate(signal: Signal, frequencies: tuple[float, ...], widths: tuple[float, ...]) -> Signal:
    """Sum of two-pole resonators (formants) at `frequencies` Hz with band `widths` Hz."""
    result = np.zeros_like(signal)
    for frequency, width in zip(frequencies, widths, strict=True):
        radius = math.exp(-math.pi * width / SAMPLE_RATE)
        angle = 2 * math.pi * frequency / SAMPLE_RATE
        result += lfilter([1 - radius], [1, -2 * radius * math.cos(angle), radius * radius], signal)
    return result


def cycles(frequency: Signal) -> Signal:
    """Number of cycles passed at each sample for a changing frequency in Hz."""
    return np.cumsum(frequency) / SAMPLE_RATE


def sawtooth(frequency: Signal) -> Signal:
    """Sawtooth wave in [-1, 1] of a changing frequency in Hz."""
    return 2 * (cycles(frequency) % 1) - 1


def sine(frequency: Signal) -> Signal:
    """Sine wave of a changing frequency in Hz."""
    return np.sin(2 * np.pi * cycles(frequency))


def fade(count: int, attack: float, decay: float) -> Signal:
    """Envelope of `count` samples that rises for `attack` and falls for `decay` seconds."""
    envelope = np.ones(count)
    rise = min(count, max(1, int(attack * SAMPLE_RATE)))
    fall = min(count, max(1, int(decay * SAMPLE_RATE)))
    envelope[:rise] *= np.linspace(0, 1, rise)
    envelope[-fall:] *= np.linspace(1, 0, fall)
    return envelope


def place(buffer: Signal, signal: Signal, start: float) -> None:
    """Add `signal` to `buffer` from `start` seconds on; what lies past the end is cut off."""
    first = int(start * SAMPLE_RATE)
    count = min(len(signal), len(buffer) - first)
    if count > 0:
        buffer[first : first + count] += signal[:count]


def pluck(rng: np.random.Generator, frequency: float, duration: float, brightness: float) -> Signal:
    """A plucked string (Karplus and Strong, 1983, https://doi.org/10.2307/3680062)."""
    excitation = np.zeros(len(seconds(duration)))
    period = max(2, int(SAMPLE_RATE / frequency))
    burst = rng.uniform(-1, 1, period)
    excitation[:period] = burst[: len(excitation)]
    feedback = np.zeros(period + 2)
    feedback[0] = 1
    feedback[period] = -0.996 * (1 - brightness)
    feedback[period + 1] = -0.996 * brightness
    string: Signal = lfilter([1], feedback, excitation)
    return string


def unit_rms(signal: Signal) -> Signal:
    """The signal scaled to a root mean square of one."""
    return signal / max(float(np.sqrt(np.mean(signal**2))), 1e-9)
