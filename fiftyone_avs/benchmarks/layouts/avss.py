"""AVSBench-semantic: five or ten frames of every clip, with a mask of each class that sounds."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from fiftyone_avs.benchmarks.index import base_folder, check_split, find_file, read_table
from fiftyone_avs.benchmarks.layouts.rows import BadRow, Reading, read_rows
from fiftyone_avs.benchmarks.paths import inside
from fiftyone_avs.benchmarks.records import MaskFile, Record, Rows

INDEX, CLASSES = "metadata.csv", "label2idx.json"
SPLITS = ("train", "val", "test")
FRAMES = {"v1s": 5, "v1m": 5, "v2": 10}
"""Frames of a clip, by the subset that it belongs to."""

COLUMNS: Mapping[str, tuple[tuple[str, ...], int | None]] = {
    "video": (("uid", "video_id", "video"), 1),
    "classes": (("a_obj", "classes", "category"), None),
    "split": (("split",), 5),
    "subset": (("label", "subset", "set"), 6),
}
NESTED = ("AVSBench-semantic", "AVSBench_semantic", "avs_released", "Semantic-labels")


def read_avss(root: Path, *, split: str | None = None) -> Rows:
    """Read AVSBench-semantic: ``metadata.csv``, ``label2idx.json`` and a folder for every clip.

    A clip's folder, ``<subset>/<uid>``, holds ``frames/<i>.jpg``, ``labels_rgb/<i>.png`` and ``audio.wav``, with i
    from 0. A row is a frame: five of clips of the subsets v1s and v1m, ten of v2, and of training clips of v1s only
    the first, which alone has a label. A line of the CSV that makes no sense is one row.

    A record's label is what the column "a_obj" says of the whole clip ("dog_guitar"); which classes a frame shows is
    what its mask says (see ``decode_mask``). Its subset is a tag.

    Args:
        root: the folder, or the one that holds it under one of the names in ``NESTED``.
        split: "train", "val" or "test"; None reads all.

    Raises:
        DatasetError: if the files are not there, or nothing of the split.
    """
    base = class_names_file(root).parent
    lines = read_table(base / INDEX, COLUMNS)
    check_split(split, [line.values["split"] for line in lines], base / INDEX)
    entries = [
        (f"{INDEX}, line {line.number} ({line.values['video']}, frame {t})", (t, line.values))
        for line in lines
        if split in (None, line.values["split"])
        for t in range(_count(line.values))
    ]
    return read_rows(entries, partial(_read, base))


def class_names_file(root: Path) -> Path:
    """The JSON file that maps each class to its number.

    Raises:
        DatasetError: if the layout is not there.
    """
    return base_folder(root, (INDEX, CLASSES), NESTED) / CLASSES


def _count(values: Mapping[str, str]) -> int:
    """How many rows a line of the CSV stands for."""
    first_only = (values["subset"], values["split"]) == ("v1s", "train")
    return 1 if first_only or _fault(values) else FRAMES[values["subset"]]


def _fault(values: Mapping[str, str]) -> str | None:
    if not values["video"]:
        return "names no clip"
    for name, known in (("split", SPLITS), ("subset", tuple(FRAMES))):
        if values[name] not in known:
            return f"has the {name} {values[name]!r}, which is none of {', '.join(known)}"
    return None


def _read(base: Path, entry: tuple[int, Mapping[str, str]]) -> Reading:
    t, values = entry
    if fault := _fault(values):
        raise BadRow(fault)
    folder = f"{values['subset']}/{values['video']}"
    record = Record(
        name=f"{values['video']}_{t}",
        image=find_file(base, f"{folder}/frames/{t}", (".jpg", ".png")),
        sound=inside(base, f"{folder}/audio.wav"),
        mask=MaskFile(inside(base, f"{folder}/labels_rgb/{t}.png"), "palette"),
        label=values["classes"] or None,
        split=values["split"],
        video=values["video"],
        t=t,
        tags=(values["subset"],),
    )
    return record, ()
