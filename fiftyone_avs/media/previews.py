"""Media for a person who looks at them: a file that cannot be read gives a problem in words, never raises."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from fiftyone_avs.errors import MediaError
from fiftyone_avs.media import (
    read_frames,
    read_image,
    read_sound,
    read_video_sound,
    video_info,
)
from fiftyone_avs.media.files import check_file
from fiftyone_avs.media.frame_clips import window_seconds
from fiftyone_avs.types import Image, Sound

KEPT_SOUNDS = 2
"""How many decoded sounds are kept, because a person who steps through a video's frames comes back to its sound
each time. With 10 minutes at 48 kHz each, they take 230 MB; a minute takes 12."""


_KEPT_RATES = 256  # of videos without metadata


def read_picture(filepath: str, frame_number: int | None) -> tuple[Image | None, str]:
    """A sample's picture, or a frame of a video by FiftyOne's number (from 1), and what is wrong with it."""
    try:
        if frame_number is None:
            return read_image(filepath), ""
        return read_frames(filepath, [frame_number - 1])[0], ""
    except MediaError as error:
        return None, str(error)


def read_audio(picture_path: str, audio_path: str | None) -> tuple[str | None, Sound | None, str]:
    """The sound of an image sample.

    Args:
        picture_path: the sample's picture.
        audio_path: its sound; a relative path starts at the picture's folder.

    Returns:
        The path of the sound's file if there is one, the sound if it can be read, and what is wrong with it.
    """
    if not audio_path:
        return None, None, "there is no path of a sound file"
    try:
        file = check_file(Path(picture_path).parent / audio_path)
    except MediaError as error:
        return None, None, str(error)
    try:
        return str(file), _sound_of(read_sound, *_version(file)), ""
    except MediaError as error:
        return str(file), None, str(error)


def read_video_audio(filepath: str) -> tuple[str | None, Sound | None, str]:
    """The sound of a video, as ``read_audio`` gives that of an image; the path is the video's own."""
    try:
        sound = _sound_of(read_video_sound, *_version(filepath))
    except MediaError as error:
        return None, None, str(error)
    if sound is None:
        return None, None, "the video has no sound track"
    return filepath, sound, ""


def heard_part(sound: Sound, time: float, fps: float) -> tuple[float, float]:
    """Start and end, in seconds, of the sound that a run heard with a frame.

    Args:
        sound: the video's.
        time: when the frame is shown, in seconds.
        fps: how many frames per second the run labels.
    """
    seconds = window_seconds(fps)
    start = max(0.0, min(time + (1 / fps - seconds) / 2, sound.duration - seconds))
    return start, min(start + seconds, sound.duration)


def header_rate(filepath: str) -> float | None:
    """Frames per second of a video as its header says; None if it does not tell."""
    try:
        return _header_rate(*_version(filepath)) or None
    except MediaError:
        return None


def _version(path: str | Path) -> tuple[str, int, int]:
    """A file's path, time of change and size: what is kept of it holds as long as these stay the same.

    Raises:
        MediaError: as ``check_file``.
    """
    facts = check_file(path).stat()
    return str(path), facts.st_mtime_ns, facts.st_size


@lru_cache(maxsize=KEPT_SOUNDS)
def _sound_of(read: Callable[[str], Sound | None], path: str, changed: int, size: int) -> Sound | None:
    """A file's sound, which may be another caller's too: nobody can write to its samples."""
    sound = read(path)
    if sound is not None:
        sound.samples.setflags(write=False)
    return sound


@lru_cache(maxsize=_KEPT_RATES)
def _header_rate(path: str, changed: int, size: int) -> float:
    return video_info(path).fps
