"""VGG-SS and Flickr-SoundNet alike: media named by ids, and lists of pairs in which nothing sounds."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fiftyone_avs.benchmarks.index import base_folder, read_table
from fiftyone_avs.benchmarks.layouts.rows import BadRow, Reading
from fiftyone_avs.benchmarks.paths import inside
from fiftyone_avs.benchmarks.records import Record
from fiftyone_avs.errors import DatasetError

METADATA = ("metadata",)
"""Where index files may lie but in the root."""

COLUMNS = {"video": (("video",), 0), "audio": (("audio",), 1), "label": (("label",), 2)}
SILENT = "non-sounding"
NEGATIVE = "negative"


@dataclass(frozen=True)
class Media:
    """Where pictures and sounds lie.

    Attributes:
        root: absolute.
        frames: the pictures' folder from there.
        sounds: the sounds' folder from there.
        names: the names, without ending, that the files of an id can have.
    """

    root: Path
    frames: str
    sounds: str
    names: Callable[[str], tuple[str, ...]] = lambda identity: (identity,)

    def image(self, identity: str) -> Path:
        """The picture of an id; raises ``OutsideRoot``."""
        return self._first(self.frames, identity, ".jpg")

    def sound(self, identity: str) -> Path:
        """The sound of an id; raises ``OutsideRoot``."""
        return self._first(self.sounds, identity, ".wav")

    def _first(self, folder: str, identity: str, ending: str) -> Path:
        """The first of the possible files that is there, or else the first of all, for the message."""
        paths = [inside(self.root, f"{folder}/{name}{ending}") for name in self.names(identity)]
        return next((path for path in paths if path.is_file()), paths[0])


def find_index(root: Path, name: str) -> Path:
    """An index file in the root or its ``metadata``, absolute.

    Raises:
        DatasetError: if it is in neither.
    """
    return base_folder(root, (name,), METADATA) / name


def read_ids(path: Path) -> list[tuple[int, str]]:
    """The line number and the first cell of every line of a CSV file without heading that is not empty.

    Raises:
        DatasetError: if it cannot be read.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.reader(file)
            return [(rows.line_num, cells[0].strip()) for cells in rows if any(cells)]
    except (OSError, ValueError, csv.Error) as error:
        raise DatasetError(f"{path} cannot be read ({error}); download it again") from error


def read_negatives(root: Path, name: str, media: Media) -> list[tuple[str, Callable[[], Reading]]]:
    """The rows of a list of pairs in which nothing sounds, to be read when their turn comes.

    Raises:
        DatasetError: if the list is not there, or cannot be read.
    """
    rows = read_table(find_index(root, name), COLUMNS)
    return [
        (
            f"{name}, line {row.number} ({row.values['video']}+{row.values['audio']})",
            partial(_read_negative, media, row.values),
        )
        for row in rows
        if row.values["label"] == SILENT
    ]


def _read_negative(media: Media, values: Mapping[str, str]) -> Reading:
    picture, sound = values["video"], values["audio"]
    if not picture or not sound:
        raise BadRow("the line names no picture or no sound")
    record = Record(
        name=f"{picture}+{sound}",
        image=media.image(picture),
        sound=media.sound(sound),
        boxes=(),
        split="test",
        tags=(NEGATIVE,),
    )
    return record, ()
