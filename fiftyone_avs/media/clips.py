"""Clips from files: a picture with each of its sounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fiftyone_avs.errors import MediaError
from fiftyone_avs.media.images import read_image
from fiftyone_avs.media.sound import read_sound
from fiftyone_avs.types import Clip


@dataclass(frozen=True)
class ClipFiles:
    """A picture's file and those of the sounds that go with it, one for each clip.

    Attributes:
        image_path: the picture.
        sounds: the id of each clip and the path of its sound, absolute or from the picture's folder; None or "" if
            there is none.
        audio_field: where the paths of sounds came from, for messages.
    """

    image_path: str
    sounds: tuple[tuple[str, str | None], ...]
    audio_field: str


@dataclass(frozen=True)
class Unread:
    """A clip that could not be read, and why."""

    id: str
    reason: str


def read_clips(files: ClipFiles) -> list[Clip | Unread]:
    """Read every clip of a picture, which is decoded once: the clips share the array.

    Nothing is raised for a file that cannot be read; the clips that need it are `Unread`.
    """
    try:
        image = read_image(files.image_path)
    except MediaError as error:
        return [Unread(clip_id, str(error)) for clip_id, _ in files.sounds]
    clips: list[Clip | Unread] = []
    for clip_id, path in files.sounds:
        if not path:
            reason = f"the field {files.audio_field!r} is empty, so there is no sound file to read"
            clips.append(Unread(clip_id, reason))
            continue
        try:
            clips.append(Clip(clip_id, image, read_sound(Path(files.image_path).parent / path)))
        except MediaError as error:
            clips.append(Unread(clip_id, str(error)))
    return clips


def bytes_of(clips: Sequence[Clip | Unread]) -> int:
    """How much memory the arrays of clips of one picture take."""
    read = [clip for clip in clips if isinstance(clip, Clip)]
    sounds = sum(clip.sound.samples.nbytes for clip in read if clip.sound is not None)
    return sounds + (read[0].image.nbytes if read else 0)
