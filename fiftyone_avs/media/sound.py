"""Sounds from files, and what is done to them before a model hears them: rate, length, level."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
import soundfile

from fiftyone_avs.errors import MediaError
from fiftyone_avs.media.ffmpeg import decode_sound
from fiftyone_avs.media.files import check_file
from fiftyone_avs.types import Sound

MAX_SECONDS = 600.0
"""How much of a sound is read at most, in seconds. No model here hears more than a minute."""

SILENCE_DBFS = -60.0
"""Level below which a sound counts as silent."""

FFMPEG_SUFFIXES = frozenset(
    {".m4a", ".m4b", ".aac", ".ac3", ".wma", ".weba", ".amr"}
    | {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".flv", ".wmv", ".3gp"}
)
"""Files that soundfile cannot open and ffmpeg can."""

Fit: TypeAlias = Literal["repeat", "pad", "centre"]
"""How a sound shorter than a model's window is filled; see `fit_window`."""

Samples = npt.NDArray[np.float32]


def read_sound(
    path: str | Path, *, sample_rate: int | None = None, max_seconds: float = MAX_SECONDS
) -> Sound:
    """Read a sound file as mono.

    wav, flac, ogg and mp3 are read by soundfile: channels are averaged, whole-number samples divided by
    their full range. Other formats and sound tracks of videos are read by moviepy's ffmpeg, which mixes
    the channels down.

    Args:
        path: a sound or video file.
        sample_rate: resample to this rate (Hz); None keeps the file's own.
        max_seconds: read no more than this from the start.

    Returns:
        The sound; samples are float32, nominally in [-1, 1].

    Raises:
        MediaError: missing, empty, not a sound, damaged, without samples or sound track, or with NaN or
            infinite samples.
    """
    file = check_file(path)
    if file.suffix.lower() in FFMPEG_SUFFIXES:
        sound = sound_of_video(file, sample_rate=sample_rate, max_seconds=max_seconds)
        if sound is None:
            raise MediaError("the file has no sound track", path=path)
        return sound
    _check_limit(max_seconds)
    return _finish(*_read_with_soundfile(file, max_seconds), sample_rate, path)


def sound_of_video(
    path: str | Path, *, sample_rate: int | None = None, max_seconds: float = MAX_SECONDS
) -> Sound | None:
    """Read a sound track through ffmpeg; see `fiftyone_avs.media.read_video_sound`."""
    _check_limit(max_seconds)
    decoded = decode_sound(check_file(path), max_seconds)
    return None if decoded is None else _finish(*decoded, sample_rate, path)


def resample(sound: Sound, sample_rate: int) -> Sound:
    """Change the sample rate with ``scipy.signal.resample_poly`` (polyphase, Kaiser window 5.0).

    The result has ``ceil(N * sample_rate / sound.sample_rate)`` samples. A sound that already has the rate
    is returned as it is.
    """
    from scipy.signal import resample_poly  # a second of import time that only resampling needs

    if sample_rate < 1:
        raise ValueError(f"the sample rate must be positive, not {sample_rate}")
    if sample_rate == sound.sample_rate or len(sound.samples) == 0:
        return Sound(sound.samples, sample_rate)
    common = math.gcd(sample_rate, sound.sample_rate)
    samples = resample_poly(sound.samples, sample_rate // common, sound.sample_rate // common)
    return Sound(np.asarray(samples, np.float32), sample_rate)


def fit_window(sound: Sound, seconds: float, mode: Fit = "repeat") -> Sound:
    """Make a sound exactly ``round(seconds * sample_rate)`` samples long.

    A longer sound is cut: ``"repeat"`` and ``"pad"`` keep its start, ``"centre"`` its middle. A shorter one
    is filled: ``"repeat"`` plays it again until the window is full, ``"pad"`` adds silence behind it,
    ``"centre"`` adds silence on both sides. A sound without samples becomes silence.
    """
    if mode not in get_args(Fit):
        raise ValueError(f"unknown mode {mode!r}; the modes are {', '.join(get_args(Fit))}")
    if not seconds > 0:
        raise ValueError(f"the window must be longer than 0 s, not {seconds}")
    length = round(seconds * sound.sample_rate)
    missing = length - len(sound.samples)
    if missing <= 0:
        start = -missing // 2 if mode == "centre" else 0
        return Sound(sound.samples[start : start + length], sound.sample_rate)
    if mode == "repeat" and len(sound.samples) > 0:
        return Sound(np.resize(sound.samples, length), sound.sample_rate)
    before = missing // 2 if mode == "centre" else 0
    return Sound(np.pad(sound.samples, (before, missing - before)), sound.sample_rate)


def sound_window(sound: Sound, centre_time: float, seconds: float) -> Sound:
    """Return the part of a sound around a moment, such as a video frame's time.

    The window is ``seconds`` long and centred on ``centre_time`` (both in seconds). At the start and the end
    of the sound it is moved inwards, so that it stays full; a sound shorter than it is returned whole.
    """
    if not seconds > 0:
        raise ValueError(f"the window must be longer than 0 s, not {seconds}")
    if not math.isfinite(centre_time):
        raise ValueError(f"the centre must be a time in seconds, not {centre_time}")
    length = round(seconds * sound.sample_rate)
    start = round((centre_time - seconds / 2) * sound.sample_rate)
    start = max(0, min(start, len(sound.samples) - length))
    return Sound(sound.samples[start : start + length], sound.sample_rate)


def rms_dbfs(samples: npt.ArrayLike) -> float:
    """Return the root-mean-square level in dB relative to full scale (a constant 1.0 is 0 dB).

    Returns -inf for digital silence and for no samples at all.
    """
    array = np.asarray(samples, np.float64)
    power = float(np.mean(np.square(array))) if array.size else 0.0
    return 10 * math.log10(power) if power > 0 else -math.inf


def is_silent(samples: npt.ArrayLike, threshold_db: float = SILENCE_DBFS) -> bool:
    """Whether the level of `rms_dbfs` is below the threshold (dB relative to full scale)."""
    return rms_dbfs(samples) < threshold_db


def _read_with_soundfile(file: Path, max_seconds: float) -> tuple[Samples, int]:
    try:
        with soundfile.SoundFile(file) as reader:
            rate = int(reader.samplerate)
            samples = reader.read(frames=math.ceil(max_seconds * rate), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, OSError) as error:
        message = f"not a sound that can be read ({error}); convert it to WAV or FLAC"
        raise MediaError(message, path=file) from error
    return np.asarray(samples, np.float32), rate


def _check_limit(max_seconds: float) -> None:
    if not max_seconds > 0:
        raise ValueError(f"max_seconds must be positive, not {max_seconds}")


def _finish(samples: Samples, rate: int, sample_rate: int | None, path: str | Path) -> Sound:
    sound = Sound(_to_mono(samples, rate, path), rate)
    return sound if sample_rate is None else resample(sound, sample_rate)


def _to_mono(samples: Samples, rate: int, path: str | Path) -> Samples:
    """Average the channels of (N, C) samples and refuse what no model can hear."""
    if len(samples) == 0:
        raise MediaError("the sound has no samples; record or export it again", path=path)
    broken = ~np.isfinite(samples).all(axis=1)
    if broken.any():
        count = int(np.count_nonzero(broken))
        first = int(np.argmax(broken)) / rate
        raise MediaError(
            f"{count} samples are NaN or infinite, the first at {first:.3f} s; export the sound again",
            path=path,
        )
    mono: Samples = samples.mean(axis=1, dtype=np.float64).astype(np.float32)
    return mono
