"""The files of an export: where they go, and how they are written.

Images are laid out as ``dataset_from_folder`` reads them, videos as AVSBench is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fiftyone_avs.errors import MediaError
from fiftyone_avs.media import read_image, read_sound, read_video_sound
from fiftyone_avs.media.endings import IMAGES, SOUNDS
from fiftyone_avs.media.mask_files import SOUNDING
from fiftyone_avs.media.streaming import FrameStream, stream_frames
from fiftyone_avs.media.writing import copy_file, placed, write_png, write_wav
from fiftyone_avs.types import Image, Mask, Sound

IMAGE_ROOMS = ("img", "wav", "gt_seg")
VIDEO_ROOMS = ("visual_frames", "audio_wav", "gt_masks")
"""The folders of an export: pictures, sounds and masks."""

WHOLE = 86_400.0
"""Seconds of a sound that are decoded at most: a day."""


def image_mask_path(stem: str) -> Path:
    """Where the mask of an image sample goes, from the export's folder on."""
    return Path("gt_seg", f"{stem}.png")


def frame_mask_path(stem: str, k: int) -> Path:
    """Where the mask of a video's labelled frame goes, from the export's folder on; k counts from 1."""
    return Path("gt_masks", stem, f"{stem}_{k}.png")


def write_image(folder: Path, stem: str, mask: Mask, media: tuple[Path, Path] | None) -> None:
    """Write the files of an image sample: all of them or none, the mask last.

    Args:
        folder: the export's folder.
        stem: names the files.
        mask: bool, shape (H, W); stored as 0 and 255, 8 bits, one channel.
        media: the sample's picture and sound; None leaves them out. Those of a kind that
            ``dataset_from_folder`` reads are copied, others become PNG and mono WAV.

    Raises:
        MediaError: if the picture or the sound cannot be read.
        AVSError: if a file cannot be written.
    """
    with placed(folder / image_mask_path(stem)) as path:
        _write_mask(mask, path)
        if media is not None:
            _write_media(folder, stem, *media)


@dataclass(frozen=True)
class Source:
    """A video that is open to be exported.

    Attributes:
        path: of the video.
        stream: its frames.
        sound: its sound, whole.
    """

    path: str
    stream: FrameStream
    sound: Sound

    def frame(self, number: int) -> Image:
        """A frame by FiftyOne's number (from 1), not before the one asked for last.

        Raises:
            MediaError: if the video is damaged before the frame, or ends there.
        """
        picture = self.stream.forward_to(number - 1)
        if self.stream.number != number - 1:
            raise MediaError(f"the video ends before frame {number}", path=self.path)
        return picture


@contextmanager
def open_source(path: str) -> Iterator[Source | MediaError]:
    """Open a video, or give the reason why it cannot be, which is then the reason of each of its frames."""
    with ExitStack() as stack:
        opened: Source | MediaError
        try:
            sound = read_video_sound(path, max_seconds=WHOLE)
            if sound is None:
                raise MediaError("the video has no sound track", path=path)
            opened = Source(path, stack.enter_context(stream_frames(path)), sound)
        except MediaError as error:
            opened = error
        yield opened


def write_frame(
    folder: Path, stem: str, k: int, mask: Mask, source: Source | MediaError | None, number: int
) -> None:
    """Write the files of a labelled frame: both or none, the mask last.

    Args:
        folder: the export's folder.
        stem: names the video's files.
        k: names the frame's files.
        mask: bool, shape (H, W).
        source: the video, or why it cannot be read; None leaves the picture out.
        number: FiftyOne's number of the frame.

    Raises:
        MediaError: if the frame cannot be read.
        AVSError: if a file cannot be written.
    """
    if isinstance(source, MediaError):
        raise source
    target = frame_mask_path(stem, k)
    with placed(folder / target) as path:
        _write_mask(mask, path)
        if source is not None:
            with placed(folder / "visual_frames" / stem / target.name) as picture_path:
                write_png(source.frame(number), picture_path)


def write_track(folder: Path, stem: str, source: Source) -> None:
    """Write the sound of a video.

    Raises:
        AVSError: if it cannot be written.
    """
    with placed(folder / "audio_wav" / f"{stem}.wav") as path:
        write_wav(source.sound, path)


def _write_media(folder: Path, stem: str, picture: Path, sound: Path) -> None:
    """Write an image sample's picture and sound: both or none."""
    copied_picture, copied_sound = picture.suffix.lower() in IMAGES, sound.suffix.lower() in SOUNDS
    picture_name = stem + (picture.suffix if copied_picture else ".png")
    sound_name = stem + (sound.suffix if copied_sound else ".wav")
    with (
        placed(folder / "img" / picture_name) as picture_path,
        placed(folder / "wav" / sound_name) as sound_path,
    ):
        if copied_picture:
            copy_file(picture, picture_path)
        else:
            write_png(read_image(picture), picture_path)
        if copied_sound:
            copy_file(sound, sound_path)
        else:
            write_wav(read_sound(sound, max_seconds=WHOLE), sound_path)


def _write_mask(mask: Mask, path: Path) -> None:
    write_png(mask.astype(np.uint8) * SOUNDING, path)
