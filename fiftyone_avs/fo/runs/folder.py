"""The folder of a run's files: masks and soft maps, written so that a killed run leaves no half file.

A file's name follows from its sample (and frame), so a run that is resumed overwrites what a killed one left behind.
"""

from __future__ import annotations

import json
import re
import socket
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import fiftyone as fo
import numpy as np
import numpy.typing as npt
from PIL import Image

from fiftyone_avs.errors import AVSError, ConfigurationError
from fiftyone_avs.media.mask_files import map_pixels, mask_pixels
from fiftyone_avs.types import Mask, SoftMap

OWNER = "run.json"
"""Says which run of which dataset a folder belongs to."""

_OURS = re.compile(r"\.?([0-9a-f]{24})(_\d+)?_(mask|map)\.png(\.tmp)?")
_NAME = re.compile(r"dataset ([0-9a-f]{24}), run (\w+)")
_LOCAL = ("", "localhost", "127.0.0.1", "::1", "0.0.0.0")


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
        said = {"owner": self._name, "database": database_in_use(), **record}
        note = json.dumps(said, indent=2, default=str)
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

    def own_files(self) -> dict[Path, str]:
        """The run's files with the ids of their samples, unfinished ones included; none if the folder is another's."""
        if self._owner() != self._name:
            return {}
        found = ((path, _OURS.fullmatch(path.name)) for path in sorted(self.path.iterdir()))
        return {path: match[1] for path, match in found if match}

    def delete(self, but: Collection[str] = ()) -> None:
        """Remove the run's files, and the folder if nothing else is in it. Files of others stay.

        Args:
            but: names of files that stay, because others use them; the note of whose they are stays, too, then.
        """
        if self._owner() != self._name:
            return
        for path in self.own_files():
            if path.name not in but:
                path.unlink(missing_ok=True)
        if but:
            return
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


@dataclass(frozen=True)
class FolderNote:
    """Whose a folder is, as its note says.

    Attributes:
        folder: the folder with its owner.
        database: the database of the owner's dataset; "" in notes of version 0.1.0.
    """

    folder: RunFolder
    database: str


def read_note(path: Path) -> FolderNote | None:
    """The note in a folder, or None if it holds none of ours."""
    try:
        note = json.loads((path / OWNER).read_text())
        name = _NAME.fullmatch(str(note["owner"]))
        return name and FolderNote(RunFolder(path, name[1], name[2]), str(note.get("database", "")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def database_in_use() -> str:
    """The name of this process's FiftyOne database that all its users have, as far as it has one; no password in it."""
    uri = fo.config.database_uri
    if not uri:
        return f"{socket.gethostname()}:{fo.config.database_dir}/{fo.config.database_name}"
    parts = urlsplit(uri)
    hosts = parts.netloc.rpartition("@")[2]
    here = f"{socket.gethostname()}:" if parts.hostname is None or parts.hostname in _LOCAL else ""
    return f"{here}{hosts}/{fo.config.database_name}"


def stem_of(sample_id: str, frame_number: int | None = None) -> str:
    """How the files of a sample, or of a frame of a video, are called."""
    return sample_id if frame_number is None else f"{sample_id}_{frame_number:06d}"


def _temporary(path: Path) -> Path:
    """A name beside the file; always the same one, so that a resumed run overwrites what was left."""
    return path.with_name(f".{path.name}.tmp")
