"""Files that appear whole or not at all: copies, pictures, sounds and text under a temporary name first."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
from PIL import Image

from fiftyone_avs.errors import AVSError, MediaError
from fiftyone_avs.media.files import check_file
from fiftyone_avs.types import Sound


@contextmanager
def placed(target: Path) -> Iterator[Path]:
    """Give a temporary name beside a file; it becomes the file when the block ends well.

    The folder is made if need be. When the block raises, what it wrote is removed and the file that was there
    before stays. The temporary name is hidden, and always the same for a file, so that what a killed program
    leaves is overwritten the next time.

    Raises:
        AVSError: if the file cannot be written (a full disk, missing rights).
    """
    temporary = target.with_name(f".{target.name}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(target)
    except (OSError, soundfile.SoundFileError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AVSError(
            f"cannot write {target}: {reason}. Free the disk or mend the rights, then try again"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def copy_file(source: str | Path, target: Path) -> None:
    """Copy a file's content.

    Raises:
        MediaError: if the source is missing, empty or cannot be opened.
        OSError: if the target cannot be written.
    """
    file = check_file(source)
    try:
        reader = file.open("rb")
    except OSError as error:
        raise MediaError(f"the file cannot be read ({error.strerror})", path=source) from error
    with reader, target.open("wb") as writer:
        shutil.copyfileobj(reader, writer)


def write_png(pixels: npt.NDArray[np.uint8], target: Path) -> None:
    """Write pixels of 8 bits as PNG whatever the file's ending: shape (H, W) as grey, (H, W, 3) as RGB."""
    Image.fromarray(pixels).save(target, format="PNG")


def write_wav(sound: Sound, target: Path) -> None:
    """Write a sound as WAV of 16 bits whatever the file's ending; samples beyond [-1, 1] are clipped."""
    soundfile.write(target, sound.samples, sound.sample_rate, format="WAV", subtype="PCM_16")
