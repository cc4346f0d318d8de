"""Videos of any length with one frame in memory: reading them forwards, and writing them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fiftyone_avs.errors import MediaError
from fiftyone_avs.media.ffmpeg import open_frames, probe
from fiftyone_avs.media.files import check_file
from fiftyone_avs.media.images import MAX_PIXELS
from fiftyone_avs.media.sound import resample
from fiftyone_avs.types import Image, Sound

SOUND_RATE = 44100
"""The sample rate of written sound tracks, in Hz. Every browser plays it."""

_SOUND_BUFFER = 100_000  # samples that moviepy takes at once; its own 2000 cost it most of its time


class FrameStream:
    """The frames of a video, read forwards.

    Attributes:
        number: of the frame read last, the first one being 0; -1 before any.
    """

    def __init__(self, path: str | Path, size: tuple[int, int], frames: Iterator[bytes]) -> None:
        self.number = -1
        self._path = path
        self._width, self._height = size
        self._frames = frames
        self._pixels: bytes | None = None

    def forward_to(self, number: int) -> Image:
        """Read on to a frame: uint8 RGB, shape (H, W, 3), not to be written to.

        Where the video ends before, its last frame is returned, and ``number`` says which one it is. A number
        that was passed already returns the frame read last.

        Raises:
            MediaError: if the video is damaged, or has no frame at all.
        """
        while self.number < number and (pixels := next(self._frames, None)) is not None:
            self._pixels = pixels
            self.number += 1
        if self._pixels is None:
            raise MediaError("not one frame of the video can be decoded", path=self._path)
        return np.frombuffer(self._pixels, np.uint8).reshape(self._height, self._width, 3)


@contextmanager
def stream_frames(path: str | Path) -> Iterator[FrameStream]:
    """Open a video to read its frames forwards.

    Raises:
        MediaError: missing, empty, not a video, or with frames that are too large.
    """
    with open_frames(check_file(path)) as (facts, frames):
        width, height = facts["size"]
        if width * height > MAX_PIXELS:
            raise MediaError(f"frames of {width} x {height} pixels are too large", path=path)
        yield FrameStream(path, (width, height), frames)


def write_video(
    frame_at: Callable[[float], Image],
    target: Path,
    *,
    duration: float,
    fps: float,
    sound: Sound | None = None,
) -> None:
    """Write an mp4 that browsers play: H.264 in yuv420p, AAC sound, its index at the front.

    moviepy writes it. What is used of it is the same in 1.0.3 and 2.x.

    Args:
        frame_at: gives the frame at a time in seconds: uint8 RGB, shape (H, W, 3), H and W even and always
            the same. Times never decrease; the first is asked for more than once.
        target: the file; its name may have any ending. The sound is kept beside it in between.
        duration: in seconds.
        fps: frames per second.
        sound: the sound track; what is beyond the duration is left out.

    Raises:
        ValueError: for frames whose width or height is odd, a duration or a rate that is not positive.
        OSError: if the file cannot be written.
    """
    from moviepy.video.VideoClip import VideoClip

    if not (duration > 0 and fps > 0):
        raise ValueError(f"duration and fps must be positive, not {duration} and {fps}")
    clip = VideoClip(frame_at, duration=duration)
    if clip.size[0] % 2 or clip.size[1] % 2:
        raise ValueError(f"width and height must be even, not {clip.size[0]} x {clip.size[1]}")
    if sound is not None:
        clip.audio = _sound_clip(sound, duration)
    track = target.with_name(f"{target.name}.m4a")
    try:
        clip.write_videofile(
            str(target),
            fps=fps,
            codec="libx264",
            preset="veryfast",
            audio_codec="aac",
            audio_fps=SOUND_RATE,
            audio_bufsize=_SOUND_BUFFER,
            temp_audiofile=str(track),
            ffmpeg_params=["-pix_fmt", "yuv420p", "-crf", "20", "-movflags", "+faststart", "-f", "mp4"],
            logger=None,
        )
    finally:
        track.unlink(missing_ok=True)
    _check_finished(target)


def _check_finished(file: Path) -> None:
    """Raise OSError unless ffmpeg can read what it wrote: moviepy does not look at how ffmpeg ended."""
    try:
        probe(file)
    except MediaError as error:
        raise OSError("ffmpeg did not finish the video") from error


def _sound_clip(sound: Sound, duration: float) -> object:
    """A mono track for moviepy.

    Its own class for arrays is not used: in 1.0.3 it takes one channel for two, and drops samples.
    """
    from moviepy.audio.AudioClip import AudioClip

    samples = resample(sound, SOUND_RATE).samples[: round(duration * SOUND_RATE)]

    def samples_at(time: float | npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        """The sample at a time, shape (1,), or those at several, shape (N, 1)."""
        index = np.rint(np.asarray(time) * SOUND_RATE).astype(int)
        return samples[np.minimum(index, len(samples) - 1), None]

    return AudioClip(samples_at, duration=len(samples) / SOUND_RATE, fps=SOUND_RATE)
