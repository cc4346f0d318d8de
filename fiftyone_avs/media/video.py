"""Videos: what they are, their sound and single frames of theirs."""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fiftyone_avs.errors import MediaError
from fiftyone_avs.media.ffmpeg import MOST_PICKED, open_frames, pick_frames, probe
from fiftyone_avs.media.files import check_file
from fiftyone_avs.media.images import MAX_PIXELS
from fiftyone_avs.media.sound import MAX_SECONDS, sound_of_video
from fiftyone_avs.types import Image, Sound


@dataclass(frozen=True)
class VideoInfo:
    """What a video's header says; nothing is decoded for it.

    Attributes:
        fps: frames per second; 0.0 if the header does not tell.
        n_frames: duration times fps, rounded. The true number may differ by a frame or two.
        duration: in seconds; 0.0 if the header does not tell.
        width: of the frames as they are shown, after rotation, in pixels.
        height: the same.
        has_sound: whether there is a sound track.
    """

    fps: float
    n_frames: int
    duration: float
    width: int
    height: int
    has_sound: bool


def video_info(path: str | Path) -> VideoInfo:
    """Read a video's header.

    Raises:
        MediaError: missing, empty or not a video.
    """
    file = check_file(path)
    stream = probe(file)
    with open_frames(file, most=1) as (facts, _):
        fps = float(facts["fps"])
        width, height = facts["size"]
    return VideoInfo(
        fps=fps,
        n_frames=round(stream.duration * fps),
        duration=stream.duration,
        width=width,
        height=height,
        has_sound=stream.has_sound,
    )


def read_video_sound(
    path: str | Path, *, sample_rate: int | None = None, max_seconds: float = MAX_SECONDS
) -> Sound | None:
    """Read the sound track of a video as mono, or return None if it has none.

    Args:
        path: a video file.
        sample_rate: resample to this rate (Hz); None keeps the track's own.
        max_seconds: read no more than this from the start.

    Raises:
        MediaError: missing, empty, not a video or sound, or a track that cannot be decoded.
    """
    return sound_of_video(path, sample_rate=sample_rate, max_seconds=max_seconds)


def read_frames(path: str | Path, numbers: Sequence[int]) -> list[Image]:
    """Read frames by number, the first one being 0.

    (FiftyOne counts from 1: subtract one.) The video is decoded from its start to the last wanted frame, so
    that numbers are exact for any kind of file; read many frames in one call.

    Args:
        path: a video file.
        numbers: any order, repetitions allowed.

    Returns:
        uint8 RGB pictures of shape (H, W, 3), in the order of ``numbers``.

    Raises:
        MediaError: missing, empty, not a video, damaged before the last wanted frame, or with fewer frames
            than asked for.
        ValueError: a negative number.
    """
    file = check_file(path)
    wanted = set(numbers)
    if not wanted:
        return []
    if min(wanted) < 0:
        raise ValueError(f"frame numbers start at 0, not {min(wanted)}")
    rising = sorted(wanted)
    picked = pick_frames(file, rising, max_pixels=MAX_PIXELS) if len(wanted) <= MOST_PICKED else None
    found = _scan(path, wanted) if picked is None else dict(zip(rising, picked, strict=True))
    return [found[number] for number in numbers]


def _scan(path: str | Path, wanted: Set[int]) -> dict[int, Image]:
    """Read frames by number out of all that the video has; errors as in `read_frames`."""
    found: dict[int, Image] = {}
    count = 0
    with open_frames(Path(path)) as (facts, frames):
        width, height = facts["size"]
        if width * height > MAX_PIXELS:
            raise MediaError(f"frames of {width} x {height} pixels are too large", path=path)
        for number, pixels in enumerate(frames):
            count = number + 1
            if number in wanted:
                found[number] = np.frombuffer(pixels, np.uint8).reshape(height, width, 3).copy()
            if len(found) == len(wanted):
                break
    if len(found) < len(wanted):
        raise MediaError(
            f"frame {max(wanted)} was asked for, but the video ends after {count} frames (counted from 0)",
            path=path,
        )
    return found


def read_frames_at(path: str | Path, times: Sequence[float]) -> list[Image]:
    """Read the frames shown at the given times (seconds from the start).

    The number of the frame is the time times the frame rate, rounded down: right for a constant rate.
    A time up to the header's duration is answered with the last frame where rounding points behind it.

    Raises:
        MediaError: as in `read_frames`, or a header without a frame rate.
        ValueError: a negative time, or one that is not a number.
    """
    for time in times:
        if not (math.isfinite(time) and time >= 0):
            raise ValueError(f"times must be 0 s or later, not {time}")
    info = video_info(path)
    if info.fps <= 0:
        raise MediaError("the header does not tell the frame rate; read frames by number", path=path)
    # A small share of a frame is added because 3 / 25 * 25 may fall just below 3.
    numbers = [math.floor(time * info.fps + 1e-4) for time in times]
    last = max(info.n_frames - 1, 0)
    ends = [
        min(number, last) if time <= info.duration else number
        for number, time in zip(numbers, times, strict=True)
    ]
    return read_frames(path, ends)
