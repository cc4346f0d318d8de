"""Reading what a benchmark's index lists: where its folder is, its JSON and CSV files, and the files they name."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fiftyone_avs.benchmarks.paths import inside
from fiftyone_avs.errors import DatasetError

_SHOWN = 12


@dataclass(frozen=True)
class Line:
    """A line of a table.

    Attributes:
        number: of the line in the file, from 1.
        values: the asked-for columns by our names; "" where the line is too short.
    """

    number: int
    values: Mapping[str, str]


def base_folder(root: Path, wanted: Sequence[str], nested: Sequence[str] = ()) -> Path:
    """The folder that holds all of some files and folders: the root itself, or one of the folders below it.

    Args:
        root: what the user gave.
        wanted: names that must all be there.
        nested: folders below the root to try next, as relative paths.

    Returns:
        An absolute path.

    Raises:
        DatasetError: if none of them does, naming what was looked for and what the root holds.
    """
    folder = root.expanduser().absolute()
    for place in (folder, *(folder / name for name in nested)):
        if all((place / name).exists() for name in wanted):
            return place
    below = f" (and neither does its folder {' or '.join(nested)})" if nested else ""
    raise DatasetError(f"{folder} does not hold {' and '.join(wanted)}{below}; it holds {content_of(folder)}")


def read_json(path: Path) -> Any:
    """What a JSON file says.

    Raises:
        DatasetError: if it cannot be read or is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(f"{path} cannot be read as JSON ({error}); download it again") from error


def read_table(path: Path, columns: Mapping[str, tuple[tuple[str, ...], int | None]]) -> list[Line]:
    """The lines of a CSV file below its heading, without empty ones.

    Args:
        path: the file.
        columns: what to read, by our name: the headings that it may have, and where it stands (from 0) if no
            heading fits, or None if it may be missing. Case, and what separates a heading's words, do not matter.

    Raises:
        DatasetError: if the file cannot be read as CSV in UTF-8, is empty, or has too few columns.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            rows = [(reader.line_num, row) for row in reader if any(row)]
    except (OSError, ValueError, csv.Error) as error:
        raise DatasetError(f"{path} cannot be read as CSV in UTF-8 ({error}); download it again") from error
    if not rows:
        raise DatasetError(f"{path} is empty; download it again")
    headings = [_plain(cell) for cell in rows[0][1]]
    places = {name: _place(headings, names, position) for name, (names, position) in columns.items()}
    missing = [name for name, place in places.items() if place is not None and place >= len(headings)]
    if missing:
        there = ", ".join(rows[0][1])
        raise DatasetError(f"{path} has no column for the {missing[0]}; its columns are {there}")
    return [
        Line(number, {name: _cell(row, place) for name, place in places.items()}) for number, row in rows[1:]
    ]


def check_split(split: str | None, found: Iterable[str], path: Path) -> None:
    """Raise DatasetError unless an index lists something of a split; None stands for all splits."""
    known = dict.fromkeys(found)
    if split is not None and split not in known:
        listed = ", ".join(filter(None, known)) or "no splits"
        raise DatasetError(f"{path} lists nothing of the split {split!r}; it lists {listed}")


def find_file(root: Path, stem: str, endings: Sequence[str]) -> Path:
    """The first file that is there of those with a stem and one of some endings; if none is, the first one's path.

    Args:
        root: nothing outside of it is found.
        stem: path below the root, without ending.
        endings: with dots, the likeliest first.

    Raises:
        OutsideRoot: if the stem leads out of the root.
    """
    paths = [inside(root, stem + ending) for ending in endings]
    return next((path for path in paths if path.exists()), paths[0])


def _place(headings: Sequence[str], names: Sequence[str], position: int | None) -> int | None:
    known = [_plain(name) for name in names]
    return next((headings.index(name) for name in known if name in headings), position)


def _cell(row: Sequence[str], place: int | None) -> str:
    return row[place].strip() if place is not None and place < len(row) else ""


def _plain(heading: str) -> str:
    """A heading in small letters, with underscores between its words."""
    return "_".join(heading.lower().replace("-", " ").replace("_", " ").split())


def content_of(folder: Path) -> str:
    """What a folder holds, for a message."""
    if not folder.is_dir():
        return "nothing, for it is no folder"
    names = sorted(path.name for path in folder.iterdir())
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "") if names else "nothing"
