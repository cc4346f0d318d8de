"""What makes the sounds: one synthesiser per class, and one shared by both classes of a sound-alike pair.

Each synthesiser draws all its parameters from the generator it is given and returns a `Signal` of `LENGTH`
samples.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fiftyone_avs.tiny.world.sounds_signal import (
    LENGTH,
    TIME,
    Signal,
    band_pass,
    cycles,
    fade,
    place,
    pluck,
    resonate,
    sawtooth,
    seconds,
    sine,
)
from fiftyone_avs.tiny.world.vocabulary import DURATION, SAMPLE_RATE

MAJOR_SCALE = np.array([0, 2, 4, 5, 7, 9, 11, 12])


def hum(rng: np.random.Generator) -> Signal:
    """Bee or electric shaver: a steady bright buzz with a little wobble and hiss."""
    drift = np.interp(TIME, np.linspace(0, DURATION, 9), rng.normal(0, 1, 9))
    pitch = rng.uniform(150, 230) * (1 + rng.uniform(0.005, 0.04) * drift)
    hiss = rng.uniform(0.05, 0.25) * band_pass(rng.normal(0, 1, LENGTH), 1500, 6500)
    beat = np.sin(2 * np.pi * rng.uniform(2, 8) * TIME + rng.uniform(0, 6))
    return (band_pass(sawtooth(pitch), 120, 4500, order=1) + hiss) * (
        1 - rng.uniform(0.05, 0.25) * (1 + beat)
    )


def engine(rng: np.random.Generator) -> Signal:
    """Car or motorcycle: low dull pulses whose rate rises and falls as someone steps on it."""
    swell = np.sin(np.pi * np.clip((TIME - rng.uniform(0, 1)) / rng.uniform(0.6, 1.4), 0, 1))
    turns = cycles(rng.uniform(28, 60) * (1 + rng.uniform(0, 0.6) * swell))
    pulses = np.exp(-(turns % 1) * rng.uniform(7, 14)) - 0.1
    pulses *= 1 + 0.4 * np.sign(np.sin(np.pi * turns))
    road = rng.uniform(0.06, 0.16) * band_pass(rng.normal(0, 1, LENGTH), 200, 2500)
    return band_pass(pulses, 40, rng.uniform(500, 1500), order=1) + road


def cry(rng: np.random.Generator) -> Signal:
    """Cat or baby: one to three long gliding voiced cries."""
    buffer = np.zeros(LENGTH)
    start = rng.uniform(0, 0.2)
    pitch = rng.uniform(400, 600)
    duration = rng.uniform(0.5, 0.9)
    gap = rng.uniform(0.15, 0.5)
    closed, opened = rng.uniform(800, 1050), rng.uniform(1400, 1900)
    vibrato = rng.uniform(0, 0.03)
    while start < 1.6:
        time = seconds(duration * rng.uniform(0.85, 1.15))
        phase = time / time[-1]
        bend = 1 + 0.35 * np.sin(np.pi * phase**0.8) - 0.1 * phase + vibrato * np.sin(2 * np.pi * 6.5 * time)
        voice = sawtooth(pitch * rng.uniform(0.95, 1.05) * bend)
        openness = np.sin(np.pi * phase)
        mouth_closed = resonate(voice, (closed, closed * 2.6), (120, 250))
        mouth_open = resonate(voice, (opened, opened * 2.6), (120, 250))
        mouth = mouth_closed * (1 - openness) + mouth_open * openness
        place(buffer, mouth * fade(len(time), 0.06, 0.12), start)
        start += time[-1] + gap * rng.uniform(0.6, 1.4)
    return buffer


def ring(rng: np.random.Generator) -> Signal:
    """Alarm clock or phone: fast strokes on a small bell, without a break or in bursts."""
    strokes = np.zeros(LENGTH)
    rate = rng.uniform(14, 26)
    burst = rng.uniform(0.5, 1.0)
    pause = rng.uniform(0.35, 0.8) if rng.random() < 0.5 else 0.0
    offset = rng.uniform(0, burst)
    times = np.arange(0, DURATION, 1 / rate)
    times = times[(times + offset) % (burst + pause) < burst]
    strokes[(times * SAMPLE_RATE).astype(int)] = rng.uniform(0.7, 1, len(times))
    time = seconds(0.25)
    frequency = rng.uniform(1300, 2800)
    partials = [
        np.exp(-time * (9 + 6 * order)) * np.sin(2 * np.pi * frequency * ratio * time) / (1 + order)
        for order, ratio in enumerate((1, 1.48, 2.1, 2.76))
    ]
    bell = np.sum(partials, axis=0) * np.minimum(1, time * 2000)
    return _strike(strokes, bell)


def _strike(strokes: Signal, bell: Signal) -> Signal:
    """Convolution with a sparse signal: one copy of `bell` per stroke."""
    buffer = np.zeros(LENGTH)
    for index in np.flatnonzero(strokes):
        end = min(LENGTH, int(index) + len(bell))
        buffer[index:end] += strokes[index] * bell[: end - index]
    return buffer


def bark(rng: np.random.Generator) -> Signal:
    """Dog: short rough barks with a sudden start."""
    buffer = np.zeros(LENGTH)
    start = rng.uniform(0, 0.3)
    pitch = rng.uniform(280, 520)
    formants = (rng.uniform(600, 900), rng.uniform(1300, 1900))
    while start < 1.8:
        time = seconds(rng.uniform(0.11, 0.2))
        phase = time / time[-1]
        tone = sawtooth(pitch * rng.uniform(0.9, 1.1) * (1 + 0.4 * np.exp(-phase * 6) - 0.35 * phase))
        rough = tone + 0.6 * rng.normal(0, 1, len(time))
        place(buffer, resonate(rough, formants, (200, 300)) * fade(len(time), 0.008, 0.6 * time[-1]), start)
        start += time[-1] + rng.uniform(0.1, 0.4)
    return buffer


def chirp(rng: np.random.Generator) -> Signal:
    """Bird: groups of high whistles that bend quickly."""
    buffer = np.zeros(LENGTH)
    start = rng.uniform(0, 0.2)
    while start < 1.85:
        for _ in range(rng.integers(2, 5)):
            time = seconds(rng.uniform(0.05, 0.13))
            trill = 0.1 * np.sin(2 * np.pi * rng.uniform(10, 40) * time)
            pitch = rng.uniform(3000, 5000) * (1 + rng.uniform(-0.4, 0.4) * time / time[-1] + trill)
            place(buffer, sine(pitch) * fade(len(time), 0.01, 0.03), start)
            start += time[-1] + rng.uniform(0.01, 0.05)
        start += rng.uniform(0.1, 0.4)
    return buffer


def croak(rng: np.random.Generator) -> Signal:
    """Frog: croaks chopped into about thirty pulses a second."""
    buffer = np.zeros(LENGTH)
    start = rng.uniform(0, 0.3)
    pitch = rng.uniform(75, 120)
    formant = rng.uniform(600, 950)
    pulse_rate = rng.uniform(22, 36)
    while start < 1.7:
        time = seconds(rng.uniform(0.25, 0.38))
        pulses = 0.5 + 0.45 * np.sign(np.sin(2 * np.pi * pulse_rate * time))
        voice = sawtooth(pitch * (1 - 0.15 * time / time[-1])) * pulses
        place(
            buffer, resonate(voice, (formant, 2.1 * formant), (150, 260)) * fade(len(time), 0.01, 0.05), start
        )
        start += time[-1] + rng.uniform(0.15, 0.4)
    return buffer


def moo(rng: np.random.Generator) -> Signal:
    """Cow: one long low call."""
    time = seconds(rng.uniform(1.1, 1.7))
    phase = time / time[-1]
    pitch = rng.uniform(95, 150) * (1 + 0.25 * np.sin(np.pi * phase) - 0.15 * phase)
    formants = (rng.uniform(280, 420), rng.uniform(650, 900))
    buffer = np.zeros(LENGTH)
    call = resonate(sawtooth(pitch), formants, (90, 160)) * fade(len(time), 0.2, 0.3)
    place(buffer, call, rng.uniform(0, DURATION - time[-1]))
    return buffer


def siren(rng: np.random.Generator) -> Signal:
    """Ambulance: a tone that sweeps or jumps between two pitches without end."""
    low, high = rng.uniform(500, 700), rng.uniform(1000, 1500)
    swing = np.sin(2 * np.pi * rng.uniform(0.8, 3.0) * TIME + rng.uniform(0, 6))
    share = 0.5 + 0.5 * swing if rng.random() < 0.55 else (swing > 0).astype(float)
    turns = 2 * np.pi * cycles(low + (high - low) * share)
    return np.sin(turns) + 0.35 * np.sin(2 * turns) + 0.2 * np.sin(3 * turns)


def beat(rng: np.random.Generator) -> Signal:
    """Drum: low hits with a noisy start, in a steady rhythm."""
    buffer = np.zeros(LENGTH)
    start = rng.uniform(0, 0.2)
    step = rng.uniform(0.15, 0.4)
    pitch = rng.uniform(70, 180)
    time = seconds(0.35)
    skin = sine(pitch * (1 + 0.9 * np.exp(-time * 35))) * np.exp(-time * rng.uniform(9, 16))
    snap = 0.5 * np.exp(-time * rng.uniform(35, 70))
    while start < 1.85:
        place(buffer, rng.uniform(0.5, 1) * (skin + snap * rng.normal(0, 1, len(time))), start)
        start += step * float(rng.choice([1, 1, 0.5, 1.5]))
    return buffer


def strum(rng: np.random.Generator) -> Signal:
    """Guitar: plucked notes and chords that ring on."""
    buffer = np.zeros(LENGTH)
    start = rng.uniform(0, 0.2)
    root = rng.uniform(90, 220)
    step = rng.uniform(0.25, 0.5)
    brightness = rng.uniform(0.35, 0.5)
    while start < 1.7:
        for degree in rng.choice(MAJOR_SCALE, rng.integers(1, 4), replace=False):
            note = pluck(rng, root * 2 ** (degree / 12), min(1.5, DURATION - start), brightness)
            place(buffer, note, start + rng.uniform(0, 0.04))
        start += step
    return buffer


def blow(rng: np.random.Generator) -> Signal:
    """Trumpet: held brassy notes of a scale, a little vibrato."""
    buffer = np.zeros(LENGTH)
    start = rng.uniform(0, 0.2)
    root = rng.uniform(230, 420)
    weights = np.exp(-0.22 * np.abs(np.arange(1, 12) - 3))
    while start < 1.6:
        time = seconds(min(rng.uniform(0.25, 0.7), DURATION - start))
        vibrato = 0.008 * np.sin(2 * np.pi * rng.uniform(4, 7) * time) * np.minimum(1, time * 3)
        turns = 2 * np.pi * cycles(root * 2 ** (rng.choice(MAJOR_SCALE) / 12) * (1 + vibrato))
        breath = np.minimum(1, time / rng.uniform(0.03, 0.09))
        harmonics = [weight * np.sin(order * turns) for order, weight in enumerate(weights, start=1)]
        place(buffer, np.sum(harmonics, axis=0) * breath * fade(len(time), 0.02, 0.06), start)
        start += time[-1] + rng.uniform(0.02, 0.15)
    return buffer


SYNTHESISERS: dict[str, Callable[[np.random.Generator], Signal]] = {
    "bee": hum,
    "electric shaver": hum,
    "car": engine,
    "motorcycle": engine,
    "cat": cry,
    "baby": cry,
    "alarm clock": ring,
    "phone": ring,
    "dog": bark,
    "bird": chirp,
    "frog": croak,
    "cow": moo,
    "drum": beat,
    "guitar": strum,
    "trumpet": blow,
    "ambulance": siren,
}
"""The synthesiser of each class; sound-alikes have the very same one, so no ear can tell them apart."""
