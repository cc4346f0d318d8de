"""VGG-SS: frames of VGGSound clips with boxes around what sounds, and pairs in which nothing does."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from fiftyone_avs.benchmarks.index import check_split, read_json
from fiftyone_avs.benchmarks.layouts.boxes import kept_boxes, read_box
from fiftyone_avs.benchmarks.layouts.pairs import METADATA, Media, find_index, read_ids, read_negatives
from fiftyone_avs.benchmarks.layouts.rows import BadRow, Reading, read_rows, text_of
from fiftyone_avs.benchmarks.records import Record, Rows
from fiftyone_avs.errors import DatasetError

SPLITS = ("test",)

INDEX = "vggss.json"
NEGATIVES = "vggss_test_plus_silent.csv"
SUBSETS = {"heard": "vggss_heard_test.csv", "unheard": "vggss_unheard_test.csv"}

FRAMES = ("frames", "images", ".")
SOUNDS = ("audio", "audios", "wav", ".")
SECONDS = 10
"""The length of VGGSound's clips."""


def read_vgg_ss(root: Path, *, split: str | None = None, negatives: bool = False) -> Rows:
    """Read VGG-SS: ``vggss.json``, pictures in ``frames`` and sounds in ``audio`` (or all of them in the root).

    Files are named by a clip's id and start in seconds, ``zpWuikVorYg_000032.jpg``, or by its start and end in
    milliseconds, ``zpWuikVorYg_32000_42000.jpg``. Boxes that reach out of the picture are clipped, and boxes
    without an area dropped; both are reported, and a row without any box left is left out. Where
    ``vggss_heard_test.csv`` or ``vggss_unheard_test.csv`` is there, what it lists is tagged so.

    Args:
        root: the folder of the layout. Index files can lie in its ``metadata``, too.
        split: "test", or None for the same.
        negatives: add the pairs of ``vggss_test_plus_silent.csv`` in which nothing sounds. They have no boxes, the tag
            "negative" and the name ``<picture's id>+<sound's id>``.

    Raises:
        DatasetError: if an index file is not there or cannot be read, or there is no such split.
    """
    index = find_index(root, INDEX)
    check_split(split, SPLITS, index)
    folder = root.absolute()
    media = Media(folder, _folder_of(folder, FRAMES), _folder_of(folder, SOUNDS), _clip_names)
    read = partial(_read, media, _tags(folder))
    entries: list[tuple[str, Callable[[], Reading]]] = [
        (f"{index.name}, entry {number} ({_shown_name(entry)})", partial(read, entry))
        for number, entry in enumerate(_listed(index), start=1)
    ]
    if negatives:
        entries += read_negatives(folder, NEGATIVES, media)
    return read_rows(entries, lambda read_entry: read_entry())


def _read(media: Media, tags: Mapping[str, tuple[str, ...]], entry: Any) -> Reading:
    identity = text_of(entry, "file")
    label = text_of(entry, "class")
    listed = entry.get("bbox")
    if not isinstance(listed, list):
        raise BadRow("the entry has no list 'bbox'")
    boxes, notes = kept_boxes([read_box(corners, size=1) for corners in listed])
    record = Record(
        name=identity,
        image=media.image(identity),
        sound=media.sound(identity),
        boxes=boxes,
        label=label,
        split="test",
        tags=tags.get(identity, ()),
    )
    return record, notes


def _clip_names(identity: str) -> tuple[str, ...]:
    clip = re.fullmatch(r"(.{11})_(\d{1,6})", identity)
    if clip is None:
        return (identity,)
    start = int(clip[2])
    return (identity, f"{clip[1]}_{start * 1000}_{(start + SECONDS) * 1000}")


def _folder_of(root: Path, names: Sequence[str]) -> str:
    """The first of some folders that is there; the last one is the root itself."""
    return next(name for name in names if (root / name).is_dir())


def _listed(index: Path) -> list[Any]:
    entries = read_json(index)
    if not isinstance(entries, list):
        raise DatasetError(f"{index} is not a list of entries; download it again")
    return entries


def _tags(root: Path) -> dict[str, tuple[str, ...]]:
    """The subsets that each id is listed in."""
    tags: dict[str, tuple[str, ...]] = {}
    lists = [(tag, root / folder / name) for tag, name in SUBSETS.items() for folder in ("", *METADATA)]
    for tag, path in lists:
        for _, identity in read_ids(path) if path.is_file() else []:
            tags[identity] = (*tags.get(identity, ()), tag)
    return tags


def _shown_name(entry: object) -> str:
    return str(entry.get("file", "no name")) if isinstance(entry, dict) else "no name"
