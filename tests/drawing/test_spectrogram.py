"""Sounds as pictures."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from fiftyone_avs.drawing.spectrogram import spectrogram_picture
from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.types import Sound

LEFT, TOP, BOTTOM, RIGHT = 34, 5, 20, 8  # the margins of the default picture


def tone(hertz: float, seconds: float = 2.0, rate: int = 16000, level: float = 0.5) -> Sound:
    time = np.arange(int(seconds * rate)) / rate
    return Sound((level * np.sin(2 * np.pi * hertz * time)).astype(np.float32), rate)


def drawn(sound: Sound, **options) -> np.ndarray:
    """The spectrogram without margins and waveform, as brightness: shape (H, W)."""
    image = Image.open(io.BytesIO(spectrogram_picture(sound, **options)))
    assert image.format == "PNG" and image.size == (options.get("width", 900), options.get("height", 220))
    plot = np.asarray(image.convert("L")).astype(int)[TOP:-BOTTOM, LEFT:-RIGHT]
    return plot[round(len(plot) * 0.22) + 4 :]


def mel(hertz):
    return 2595 * np.log10(1 + hertz / 700)


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
@pytest.mark.parametrize("hertz", [200, 1000, 3000])
def test_a_tone_is_a_bright_line_at_its_pitch_on_the_mel_scale(hertz, rate):
    rows = drawn(tone(hertz, rate=rate)).mean(axis=1)
    height = 1 - (rows.argmax() + 0.5) / len(rows)
    assert height == pytest.approx(mel(hertz) / mel(rate / 2), abs=0.03)
    assert rows.max() > 3 * np.median(rows)


def test_a_click_is_where_it_was_heard():
    samples = np.zeros(32000, np.float32)
    samples[24000:24010] = 1
    columns = drawn(Sound(samples, 16000)).mean(axis=0)
    assert columns.argmax() / len(columns) == pytest.approx(0.75, abs=0.01)


def test_a_long_sound_is_shown_to_its_end():
    quiet = np.zeros(8000 * 120, np.float32)
    quiet[-8000:] = tone(1000, 1, 8000).samples
    columns = drawn(Sound(quiet, 8000)).max(axis=0)
    assert (np.flatnonzero(columns > columns.max() / 2) > 0.98 * len(columns)).all()


def test_the_highlight_darkens_everything_else():
    plain, marked = drawn(tone(1000)), drawn(tone(1000), highlight=(0.5, 1.0))
    width = plain.shape[1]
    inside = slice(round(0.27 * width), round(0.48 * width))
    assert np.array_equal(plain[:, inside], marked[:, inside])
    assert marked[:, : width // 5].max() < 0.6 * plain[:, : width // 5].max()
    assert marked[:, -width // 5 :].max() < 0.6 * plain[:, -width // 5 :].max()


def test_a_highlight_beyond_the_sound_is_cut_off():
    assert np.array_equal(drawn(tone(500), highlight=(-1, 9)), drawn(tone(500), highlight=(0, 2)))
    assert np.array_equal(drawn(tone(500), highlight=(3, 4)), drawn(tone(500)))


def test_silence_is_dark_and_says_so():
    silent = drawn(Sound(np.zeros(16000, np.float32), 16000))
    assert np.median(silent) < 15 and silent.max() > 150  # the word
    faint = drawn(tone(1000, level=1e-4))  # quieter than silence begins
    assert faint.mean() < drawn(tone(1000)).mean()


@pytest.mark.parametrize("count", [0, 1, 2, 5, 100, 1023])
@pytest.mark.parametrize("rate", [1, 100, 8000, 192000])
def test_very_short_sounds_and_odd_rates(count, rate):
    samples = np.linspace(-1, 1, count).astype(np.float32)
    drawn(Sound(samples, rate), width=320, height=120, highlight=(0, 1e-4))


def test_impossible_pictures_are_refused():
    with pytest.raises(ConfigurationError, match="100 x 220"):
        spectrogram_picture(tone(500), width=100)
    with pytest.raises(ConfigurationError, match="after it starts"):
        spectrogram_picture(tone(500), highlight=(1, 1))
