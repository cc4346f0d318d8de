"""The way to ffmpeg: facts about a file, its sound track, its frames.

moviepy says what is in a file, and the ffmpeg that comes with it (imageio-ffmpeg, which it requires) decodes.
moviepy's own readers are not used for decoding: they wait forever on a damaged track, because nobody empties
ffmpeg's messages, they fail on long reads beyond their buffer, and they squash rotated videos (all seen in
1.0.3). What is used of moviepy is the same in 1.0.3 and 2.x. No ffmpeg process outlives a call.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import subprocess
import tempfile
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from fiftyone_avs.errors import MediaError
from fiftyone_avs.types import Image

MOST_PICKED = 64
"""How many frames `pick_frames` takes at once: ffmpeg's expressions end at a depth of 100."""

_DECODING_TIMEOUT = 300.0  # seconds; ffmpeg decodes sound some hundred times faster than it plays
_FALLBACK_RATE = 44100  # for the rare track whose rate ffmpeg does not tell; ffmpeg resamples to it
_VIDEO = ["-map", "0:v:0", "-fps_mode", "passthrough"]  # the first track, no frame left out or repeated
_NO_VIDEO = "ffmpeg finds no pictures in it; check that it is a video and not damaged"

# What moviepy and imageio-ffmpeg raise on files that they cannot make sense of.
_FAILURES = (OSError, RuntimeError, KeyError, ValueError, IndexError, AttributeError, TypeError)


@dataclass(frozen=True)
class Stream:
    """What ffmpeg says about a file.

    Attributes:
        duration: in seconds; 0.0 if unknown.
        has_sound: whether there is a sound track.
        sample_rate: of the sound track, in Hz, if it has one.
    """

    duration: float
    has_sound: bool
    sample_rate: int


def probe(file: Path) -> Stream:
    """Ask ffmpeg about a file, sound or video.

    Raises:
        MediaError: ffmpeg cannot read it.
    """
    try:
        facts = _moviepy_facts(file)
        if not (facts["audio_found"] or facts["video_found"]):
            raise ValueError("neither sound nor pictures")
        rate = facts.get("audio_fps")
        return Stream(
            duration=float(facts.get("duration") or 0.0),
            has_sound=bool(facts["audio_found"]),
            sample_rate=rate if isinstance(rate, int) and rate > 0 else _FALLBACK_RATE,
        )
    except _FAILURES as error:
        raise MediaError("ffmpeg cannot read it; convert it to WAV or MP4", path=file) from error


def _moviepy_facts(file: Path) -> dict[str, Any]:
    """Call moviepy, and undo what importing 1.0.3 does to the whole program: it hides all warnings."""
    show_warning = warnings.showwarning
    from moviepy.video.io.ffmpeg_reader import ffmpeg_parse_infos

    if warnings.showwarning is not show_warning:
        logging.captureWarnings(False)
    facts: dict[str, Any] = ffmpeg_parse_infos(str(file))
    return facts


def decode_sound(file: Path, max_seconds: float) -> tuple[npt.NDArray[np.float32], int] | None:
    """Decode the first sound track at its own rate, mixed down to one channel by ffmpeg.

    Args:
        file: a sound or video file.
        max_seconds: decode no more than this from the start.

    Returns:
        float32 samples, shape (N, 1), nominally in [-1, 1], and the sample rate; None without a sound track.

    Raises:
        MediaError: ffmpeg cannot read it, or reports errors and loses more than half of the sound.
    """
    stream = probe(file)
    if not stream.has_sound:
        return None
    rate = stream.sample_rate
    output, messages = _run_ffmpeg(
        file, ["-map", "0:a:0", "-ac", "1", "-ar", str(rate), "-t", str(max_seconds), "-f", "f32le", "-"]
    )
    samples = np.frombuffer(output, "<f4").astype(np.float32)
    expected = min(stream.duration, max_seconds) * rate
    if messages and len(samples) < expected / 2:
        decoded = f"{len(samples) / rate:.1f} of {expected / rate:.1f} s"
        raise MediaError(
            f"the sound track is damaged: {decoded} can be decoded; convert it again from its source",
            path=file,
        )
    return samples[:, None], rate


def _run_ffmpeg(file: Path, options: list[str]) -> tuple[bytes, bytes]:
    """Run ffmpeg on one input; return what it wrote and its error messages."""
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-i", str(file), *options]
    try:
        result = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_DECODING_TIMEOUT, check=False
        )
    except (OSError, RuntimeError) as error:
        raise MediaError(
            f"ffmpeg cannot be started ({error}); reinstall imageio-ffmpeg", path=file
        ) from error
    except subprocess.TimeoutExpired as error:
        raise MediaError(f"ffmpeg did not finish within {_DECODING_TIMEOUT:g} s", path=file) from error
    return result.stdout, result.stderr


@contextmanager
def open_frames(file: Path, *, most: int | None = None) -> Iterator[tuple[dict[str, Any], Iterator[bytes]]]:
    """Open a video and give ffmpeg's facts about it and its frames, one after the other.

    Frames are RGB bytes of ``facts["size"]`` (width, height), rotated as the file says, each as often as the
    file holds it.

    Args:
        file: a video file.
        most: end after so many frames; None gives all.

    Raises:
        MediaError: ffmpeg finds no pictures in it.
    """
    import imageio_ffmpeg

    logging.getLogger("imageio_ffmpeg").setLevel(logging.ERROR)  # it warns of every rotated video
    params = _VIDEO if most is None else [*_VIDEO, "-frames:v", str(most)]
    frames: Generator[Any, None, None] = imageio_ffmpeg.read_frames(str(file), output_params=params)
    with contextlib.closing(frames):
        try:
            facts: dict[str, Any] = next(frames)
        except (*_FAILURES, StopIteration) as error:
            raise MediaError(_NO_VIDEO, path=file) from error
        yield facts, _named(frames, file)


def _named(frames: Iterator[bytes], file: Path) -> Iterator[bytes]:
    """Give the frames and put the file's name on a failure between them."""
    try:
        yield from frames
    except _FAILURES as error:
        raise MediaError("the video is damaged; convert it again from its source", path=file) from error


def pick_frames(file: Path, numbers: Sequence[int], *, max_pixels: int) -> list[Image] | None:
    """Decode a video from its start, but turn no other frames into pictures than those asked for.

    A filter picks the frames, so that the others cost no more than their decoding. It counts anew if the size
    or the colours of the video change on the way; therefore ffmpeg also tells the decoder's own count.

    Args:
        file: a video file.
        numbers: of the frames, rising, the first one being 0; one or more, ``MOST_PICKED`` at most.
        max_pixels: larger frames are not decoded.

    Returns:
        uint8 RGB pictures of shape (H, W, 3), the same as `open_frames` gives. None if frames are missing, if
        the two counts differ, or if this ffmpeg cannot tell (6.0 is the first that can).
    """
    picked = "+".join(f"eq(n\\,{number})" for number in numbers)
    options = [*_VIDEO, "-vf", f"select={picked}", "-frames:v", str(len(numbers))]
    options += ["-stats_enc_pre", "pipe:2", "-stats_enc_pre_fmt", "decoded {ni}"]
    options += ["-c:v", "ppm", "-pix_fmt", "rgb24", "-f", "image2pipe", "-"]
    try:
        pictures, messages = _run_for_pictures(["-max_pixels", str(max_pixels), "-i", str(file), *options])
    except (OSError, RuntimeError, ValueError):  # no ffmpeg, or one that broke off; `open_frames` will say so
        return None
    decoded = [int(number) for number in re.findall(rb"^decoded (\d+)$", messages, re.MULTILINE)]
    return pictures if decoded == list(numbers) and len(pictures) == len(numbers) else None


def _run_for_pictures(options: list[str]) -> tuple[list[Image], bytes]:
    """Run ffmpeg; return the PPM pictures that it wrote to its output, and its messages."""
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", *options]
    with tempfile.TemporaryFile() as messages:
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=messages
        ) as process:
            try:
                pictures = list(_ppm_pictures(cast(io.BufferedReader, process.stdout)))
            except BaseException:  # an interruption, too
                process.kill()
                raise
        messages.seek(0)
        return pictures, messages.read()


def _ppm_pictures(stream: io.BufferedReader) -> Iterator[Image]:
    """Pictures from PPM files of 8 bits, one behind the other; one that is cut off ends them."""
    while stream.readline() == b"P6\n":
        width, height = (int(part) for part in stream.readline().split())
        stream.readline()  # the highest value
        picture = np.empty((height, width, 3), np.uint8)
        if stream.readinto(picture.data) < picture.nbytes:
            return
        yield picture
