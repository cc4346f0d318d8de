"""The folder of a run's files: masks and soft maps, written so that a killed run leaves no half file.

A file's name follows from its sample (and frame), so a run that is resumed overwrites what a killed one left behind.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from fiftyone_avs.errors import AVSError, ConfigurationError
from fiftyone_avs.media.mask_files import map_pixels, mask_pixels
from fiftyone_avs.types import Mask, SoftMap

OWNER = "run.json"
"""Says which run of which dataset a folder belongs to."""

_OURS = re.compile(r"\.?[0-9a-f]{24}(_\d+)?_(mask|map)\.png(\.tmp)?")


@dataclass(frozen=True)
class RunFolder:
    """The folder that holds the files of one run of one dataset.

    Attributes:
        path: the folder.
        dataset_id: the id of the dataset that the run belongs to.
        run: the run key.
    """

    path: Path
    dataset_id: str
    run: str

    def claim(self, record: Mapping[str, object]) -> None:
        """Create the folder and leave a note of whose it is.

        Args:
            record: what to write into the note beside the dataset and the run.

        Raises:
            ConfigurationError: if another run owns the folder, or it cannot be written.
        """
        self.check_free()
        note = json.dumps({"owner": self._name, **record}, indent=2, default=str)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._replace(self.path / OWNER, note.encode())
        except OSError as error:
            raise ConfigurationError(
                f"cannot write to {self.path}: {error.strerror or error}; choose another output_dir"
            ) from error

    def check_free(self) -> None:
        """Raise ConfigurationError if another run owns the folder, or it is no folder."""
        owner = self._owner()
        if owner not in (None, self._name):
            raise ConfigurationError(
                f"{self.path} holds the files of another run ({owner}); choose another output_dir or run key"
            )
        if next((part for part in (self.path, *self.path.parents) if part.exists()), self.path).is_file():
            raise ConfigurationError(
                f"cannot write to {self.path}: Not a directory; choose another output_dir"
            )

    def write(self, stem: str, mask: Mask, soft_map: SoftMap) -> tuple[str, str]:
        """Write a mask and its soft map.

        Args:
            stem: the sample's id, with the frame number for videos; see ``stem_of``.
            mask: bool, shape (H, W); stored as 0 and 255, 8 bits, one channel.
            soft_map: float32 in [0, 1], shape (H, W); stored times 65535, 16 bits, one channel.

        Returns:
            The paths of both files.

        Raises:
            AVSError: if a file cannot be written (a full disk, lost rights). The run must end then.
        """
        mask_path, map_path = self._files(stem)
        self._write_png(mask_path, mask_pixels(mask))
        self._write_png(map_path, map_pixels(soft_map))
        return str(mask_path), str(map_path)

    def discard(self, stem: str) -> None:
        """Remove what an earlier attempt left for a sample that has no mask now."""
        for path in self._files(stem):
            path.unlink(missing_ok=True)
            _temporary(path).unlink(missing_ok=True)

    def delete(self) -> None:
        """Remove the run's files, and the folder if nothing else is in it. Files of others stay."""
        if self._owner() != self._name:
            return
        for path in self.path.iterdir():
            if _OURS.fullmatch(path.name):
                path.unlink(missing_ok=True)
        (self.path / OWNER).unlink(missing_ok=True)
        if not any(self.path.iterdir()):
            self.path.rmdir()

    @property
    def _name(self) -> str:
        return f"dataset {self.dataset_id}, run {self.run}"

    def _owner(self) -> str | None:
        """Whose the folder is, or None if nobody claimed it."""
        try:
            return str(json.loads((self.path / OWNER).read_text()).get("owner"))
        except (OSError, ValueError, AttributeError):
            return None

    def _files(self, stem: str) -> tuple[Path, Path]:
        return self.path / f"{stem}_mask.png", self.path / f"{stem}_map.png"

    def _write_png(self, path: Path, values: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]) -> None:
        temporary = _temporary(path)
        try:
            # The low byte of a map is noise, in which a search for repetitions finds nothing and takes its time.
            Image.fromarray(values).save(temporary, format="PNG", compress_level=1, compress_type=zlib.Z_RLE)
            temporary.replace(path)
        except OSError as error:
            raise AVSError(
                f"cannot write {path}: {error.strerror or error}. Samples done so far are kept: free the"
                " disk or mend the rights, then run again to resume"
            ) from error

    @staticmethod
    def _replace(path: Path, content: bytes) -> None:
        temporary = _temporary(path)
        temporary.write_bytes(content)
        temporary.replace(path)


def stem_of(sample_id: str, frame_number: int | None = None) -> str:
    """How the files of a sample, or of a frame of a video, are called."""
    return sample_id if frame_number is None else f"{sample_id}_{frame_number:06d}"


def _temporary(path: Path) -> Path:
    """A name beside the file; always the same one, so that a resumed run overwrites what was left."""
    return path.with_name(f".{path.name}.tmp")
