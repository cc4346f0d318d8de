"""A sound as a picture: its waveform above its spectrogram, with axes in seconds and kHz.

Drawn with numpy and Pillow in a few milliseconds, because a panel draws one for each sample it comes to.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image as PILImage, ImageDraw

from fiftyone_avs.drawing.text import paint, width as text_width
from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.media import is_silent
from fiftyone_avs.types import Image, Sound

SMALLEST = (200, 100)
"""The least width and height of a picture, in pixels."""

WINDOW_SECONDS = 0.04
"""About how long a piece of sound each column of the spectrogram hears."""

LOUDEST_DB, RANGE_DB = -50.0, 70.0
"""The brightest colour is the loudest band of the sound, or this level (dB relative to a full-scale sine) if
the sound is quieter; the darkest colour is this much below."""

_LEFT, _RIGHT, _TOP, _BOTTOM, _GAP = 34, 8, 5, 20, 4
_WAVE_SHARE = 0.22
_SURROUND = (24, 24, 27)
_WAVE = (150, 200, 255)
_LABEL = (212, 212, 216)
_SMALL = 10  # the size of the labels' letters
_MARK = (90, 255, 160)
_DIMMED = 0.45  # what is left of the colours outside of the highlight
_KILOHERTZ = (0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32)

# Dark blue over violet and orange to pale yellow: each step is brighter than the one before.
_STOPS = ((6, 6, 24), (52, 16, 98), (130, 32, 122), (204, 62, 92), (248, 140, 60), (252, 244, 176))
_STEPS = 64  # more colours cannot be told apart and make the file larger

Matrix = npt.NDArray[np.float32]


def spectrogram_picture(
    sound: Sound, *, width: int = 900, height: int = 220, highlight: tuple[float, float] | None = None
) -> bytes:
    """Draw the waveform and the spectrogram of a sound.

    Frequencies are spaced as on the mel scale, from 0 to half the sample rate. The time that drawing takes
    depends on the width, not on how long the sound is.

    Args:
        sound: of any length and rate; one without samples gives an empty picture that says so.
        width: of the picture in pixels, at least 200.
        height: at least 100.
        highlight: start and end in seconds of the part that matters; the rest is darkened. What lies outside
            of the sound is cut off.

    Returns:
        A PNG file.

    Raises:
        ConfigurationError: if the picture would be too small, or the highlight does not end after it starts.
    """
    if width < SMALLEST[0] or height < SMALLEST[1]:
        raise ConfigurationError(
            f"the picture must have {SMALLEST[0]} x {SMALLEST[1]} pixels or more, not {width} x {height}"
        )
    if highlight is not None and not highlight[0] < highlight[1]:
        raise ConfigurationError(f"the highlight must end after it starts, not {highlight!r}")
    across, down = width - _LEFT - _RIGHT, height - _TOP - _BOTTOM
    wave_height = round(down * _WAVE_SHARE)
    rows = down - wave_height - _GAP
    plot = np.full((down, across, 3), _SURROUND, np.uint8)
    if len(sound.samples) > 0:
        plot[:wave_height] = _waveform(sound.samples, across, wave_height)
        plot[wave_height + _GAP :] = _colour(_levels(sound, across, rows))
    span = None if highlight is None else _span(highlight, sound.duration, across)
    if span is not None:
        _mark(plot, *span)
    picture = PILImage.new("RGB", (width, height), _SURROUND)
    picture.paste(PILImage.fromarray(plot), (_LEFT, _TOP))
    _label_times(picture, sound.duration, across, height - _BOTTOM)
    _label_frequencies(picture, sound.sample_rate, rows, height - _BOTTOM)
    if is_silent(sound.samples):
        note = "silent" if len(sound.samples) else "no samples"
        middle = (_LEFT + across / 2, height - _BOTTOM - rows / 2)
        paint(picture, note, middle, 13, _LABEL, anchor="mm", halo=_SURROUND)
    file = io.BytesIO()
    picture.save(file, format="PNG", compress_level=3)
    return file.getvalue()


def _levels(sound: Sound, columns: int, rows: int) -> Matrix:
    """The level of each band over time in dB relative to a full-scale sine: shape (rows, columns), low last."""
    power = _power(sound, columns)
    edges = _band_edges(sound.sample_rate, rows) * (2 * (power.shape[1] - 1) / sound.sample_rate) + 0.5
    edges = np.clip(edges, 0, power.shape[1])  # in bins of the spectrum; bin k reaches from k to k + 1
    whole = np.minimum(edges.astype(int), power.shape[1] - 1)
    summed = np.pad(np.cumsum(power, axis=1, dtype=np.float64), ((0, 0), (1, 0)))
    below = summed[:, whole] + (edges - whole) * power[:, whole]
    bands = np.diff(below, axis=1) / np.diff(edges)
    levels = 10 * np.log10(np.maximum(bands, 1e-12)).astype(np.float32)
    resized = PILImage.fromarray(levels.T[::-1].copy()).resize((columns, rows), PILImage.Resampling.BILINEAR)
    return np.asarray(resized)


def _power(sound: Sound, columns: int) -> Matrix:
    """Short-time power spectra, 1 at a full-scale sine: shape (times, bins), evenly spread over the sound.

    There is one spectrum per column, or two where windows would leave gaps between them otherwise; in sounds of
    more than some 30 seconds gaps remain.
    """
    samples = np.asarray(sound.samples, np.float32)
    size = 2 ** max(4, round(math.log2(sound.sample_rate * WINDOW_SECONDS)))
    per_column = 2 if len(samples) > columns * size / 2 else 1
    step = max(1, len(samples) // (columns * per_column))
    times = math.ceil(len(samples) / step)
    before = size // 2 - step // 2
    after = max(0, (times - 1) * step + size - before - len(samples))
    padded = np.pad(samples[max(0, -before) :], (max(0, before), after))
    windows = np.lib.stride_tricks.sliding_window_view(padded, size)[::step][:times]
    hann = np.hanning(size + 1)[:-1].astype(np.float32)
    spectra = np.fft.rfft(windows * hann, axis=1)
    power: Matrix = ((np.square(spectra.real) + np.square(spectra.imag)) / np.square(hann.sum() / 2)).astype(
        np.float32
    )
    return power


def _band_edges(sample_rate: int, bands: int) -> npt.NDArray[np.float64]:
    """The frequencies between bands in Hz, rising: shape (bands + 1,)."""
    highest = _to_mel(sample_rate / 2)
    return np.asarray(700 * (10 ** (np.linspace(0, highest, bands + 1) / 2595) - 1))


def _to_mel(hertz: float) -> float:
    return 2595 * math.log10(1 + hertz / 700)


def _colour(levels: Matrix) -> Image:
    """Levels in dB as colours."""
    top = max(float(levels.max()), LOUDEST_DB)
    share = np.clip((levels - (top - RANGE_DB)) / RANGE_DB, 0, 1)
    stops, steps = np.linspace(0, 1, len(_STOPS)), np.linspace(0, 1, _STEPS)
    palette = np.stack([np.interp(steps, stops, channel) for channel in zip(*_STOPS, strict=True)], axis=-1)
    coloured: Image = palette.astype(np.uint8)[(share * (_STEPS - 1)).astype(np.uint8)]
    return coloured


def _waveform(samples: npt.NDArray[np.float32], columns: int, height: int) -> Image:
    """The highest and lowest sample in each column, scaled to the loudest one."""
    starts = np.linspace(0, len(samples), columns, endpoint=False).astype(int)
    scale = (height / 2 - 1) / max(float(np.abs(samples).max()), 0.01)
    high = height / 2 - np.maximum.reduceat(samples, starts) * scale
    low = height / 2 - np.minimum.reduceat(samples, starts) * scale
    row = np.arange(height)[:, None]
    filled = (row >= np.floor(high)) & (row <= np.floor(low))
    return np.where(filled[..., None], _WAVE, _SURROUND).astype(np.uint8)


def _span(highlight: tuple[float, float], duration: float, columns: int) -> tuple[int, int] | None:
    """The first column of the highlight and the first one after it, or None if it is outside of the sound."""
    start, end = max(0.0, highlight[0]), min(duration, highlight[1])
    if start >= end:
        return None
    first = min(columns - 1, int(start / duration * columns))
    return first, max(first + 1, math.ceil(end / duration * columns))


def _mark(plot: Image, first: int, after: int) -> None:
    """Darken what is outside of a span of columns and draw a line at either side of it."""
    for outside in (plot[:, :first], plot[:, after:]):
        outside[:] = outside * _DIMMED
    plot[:, [first, after - 1]] = _MARK


def _label_times(picture: PILImage.Image, duration: float, across: int, bottom: int) -> None:
    """Ticks at round numbers of seconds, as many as there is room for."""
    draw = ImageDraw.Draw(picture)
    for time in _ticks(duration, max(2, across // 70)):
        x = _LEFT + time / duration * (across - 1)
        draw.line((x, bottom, x, bottom + 3), fill=_LABEL)
        label = f"{time:.6g} s" if duration >= 1 else f"{1000 * time:.6g} ms"
        most_right = _LEFT + across + _RIGHT - 2 - text_width(label, _SMALL) / 2
        paint(picture, label, (min(x, most_right), bottom + 4), _SMALL, _LABEL, anchor="ma")


def _ticks(duration: float, most: int) -> Sequence[float]:
    """Multiples of 1, 2 or 5 times a power of ten from 0 to the duration, about ``most`` of them."""
    if duration <= 0:
        return []
    power = 10.0 ** math.floor(math.log10(duration / most))
    step = next(power * factor for factor in (1, 2, 5, 10, 20) if duration / (power * factor) <= most)
    return [index * step for index in range(int(duration / step + 1e-9) + 1)]


def _label_frequencies(picture: PILImage.Image, sample_rate: int, rows: int, bottom: int) -> None:
    """Ticks at round kHz, from the bottom up, leaving out those that would touch the last one."""
    draw = ImageDraw.Draw(picture)
    highest, last = _to_mel(sample_rate / 2), float(bottom)
    paint(picture, "kHz", (_LEFT - 5, _TOP), _SMALL, _LABEL, anchor="ra")
    for kilohertz in _KILOHERTZ:
        y = bottom - _to_mel(1000 * kilohertz) / highest * rows
        if y < bottom - rows or last - y < 13:
            continue
        draw.line((_LEFT - 4, y, _LEFT - 1, y), fill=_LABEL)
        paint(picture, f"{kilohertz:g}", (_LEFT - 5, y), _SMALL, _LABEL, anchor="rm")
        last = y
