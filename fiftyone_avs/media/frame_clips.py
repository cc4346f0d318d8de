"""From a video to clips: its labelled frames, each with the sound around it.

A video that cannot be read raises ``MediaError``; the run records it as the sample's reason and goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fiftyone_avs.errors import MediaError
from fiftyone_avs.media import (
    VideoInfo,
    read_frames,
    read_video_sound,
    sound_window,
    video_info,
)
from fiftyone_avs.types import Clip, Image, Sound

SHORTEST_WINDOW = 1.0
"""Seconds of sound that a video frame is given at least."""

FRAMES_AT_ONCE = 64
"""How many frames of a video are held in memory at most."""


@dataclass(frozen=True)
class FrameClip:
    """A frame of a video: its clip, or why it has none.

    Attributes:
        number: FiftyOne's frame number, starting at 1.
        clip: the frame and the sound around it; None if it could not be read.
        reason: why not; "" if it could.
    """

    number: int
    clip: Clip | None
    reason: str = ""


def frame_times(info: VideoInfo, fps: float) -> list[float]:
    """When the labelled frames are shown: every 1 / fps seconds from the start, at least one.

    A frame stands for the 1 / fps seconds from it on. The last one is left out when less than half of
    these are in the video, because a header may promise a frame more than there is.
    """
    count = max(1, int(info.duration * fps + 0.5))
    return [index / fps for index in range(count)]


def frame_numbers(info: VideoInfo, fps: float) -> list[int]:
    """FiftyOne's numbers (from 1) of the labelled frames, without repeats."""
    rate = info.fps or fps
    numbers = {int(time * rate + 1e-4) + 1 for time in frame_times(info, min(fps, rate))}
    return sorted(numbers)


def window_seconds(fps: float) -> float:
    """How much sound, in seconds, goes with each labelled frame."""
    return max(SHORTEST_WINDOW, 1 / fps)


def read_frame_clips(
    sample_id: str, path: str, fps: float, numbers: Sequence[int] | None = None
) -> Iterator[FrameClip]:
    """Read frames of a video, each with the sound of 1 / fps seconds from it on (1 s at least).

    A frame that cannot be read yields its reason. A video without sound yields clips without.

    Args:
        sample_id: begins the clips' ids.
        path: the video.
        fps: how many frames per second are labelled.
        numbers: label these frames instead, FiftyOne's numbers, rising.

    Raises:
        MediaError: if the video or its sound cannot be read at all.
    """
    info = video_info(path)
    sound = read_video_sound(path)
    if numbers is None:
        numbers = frame_numbers(info, fps)
    for start in range(0, len(numbers), FRAMES_AT_ONCE):
        part = numbers[start : start + FRAMES_AT_ONCE]
        for number, image in zip(part, _read_each(path, part), strict=True):
            if isinstance(image, MediaError):
                yield FrameClip(number, None, str(image))
                continue
            heard = _sound_at(sound, (number - 1) / (info.fps or fps), fps)
            yield FrameClip(number, Clip(f"{sample_id}/{number}", image, heard))


def _read_each(path: str, numbers: Sequence[int]) -> list[Image | MediaError]:
    """Read frames together, or one by one if that fails, so that only bad frames are lost."""
    try:
        return list(read_frames(path, [number - 1 for number in numbers]))
    except MediaError as error:
        if len(numbers) == 1:
            return [error]
    return [image for number in numbers for image in _read_each(path, [number])]


def _sound_at(sound: Sound | None, time: float, fps: float) -> Sound | None:
    if sound is None:
        return None
    return sound_window(sound, time + 1 / fps / 2, window_seconds(fps))
