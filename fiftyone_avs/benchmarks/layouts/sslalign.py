"""The lists of SSLalignment: pictures, sounds and masks or boxes of several benchmarks, by paths of their authors."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

from fiftyone_avs.benchmarks.index import check_split, content_of, read_json
from fiftyone_avs.benchmarks.layouts.boxes import read_box
from fiftyone_avs.benchmarks.layouts.rows import BadRow, Reading, read_rows, text_of
from fiftyone_avs.benchmarks.paths import rerooted
from fiftyone_avs.benchmarks.records import Box, MaskFile, Record, Rows
from fiftyone_avs.errors import DatasetError

SPLITS = ("test",)

FOLDERS = ("", "metadata")
ENDINGS = ("_seg.json", "_bbox.json", "_box.json")
GRID = 224
"""The lists' boxes are in pixels of pictures of this width and height."""
SILENCE = [0, 0, 0, 0]
"""The box that says that nothing sounds."""


def read_sslalign(root: Path, *, split: str | None = None, index: str | Path | None = None) -> Rows:
    """Read one of SSLalignment's lists, such as ``s4_seg.json`` or ``synthetic3240_bbox.json``.

    The paths in a list are those of its authors' machine. Each file is found by the longest end of its path that
    exists below the root. What a path and a name say beyond that depends on the list, told by its name:
    ``synthetic3240*`` (IS3) gives pairs and labels, ``s4*`` and ``ms3*`` give videos, and ``s4*`` labels.

    Args:
        root: the folder below which the media lie.
        split: "test", or None for the same.
        index: the list, as a path or as a name below the root or its ``metadata``; None takes the only one there.

    Raises:
        DatasetError: if there is no such list, if there are several to choose from, if it is none, or if there is
            no such split.
    """
    path = _find_list(root, index)
    check_split(split, SPLITS, path)
    return read_list(root.absolute(), path, split="test")


def read_list(root: Path, index: Path, *, split: str) -> Rows:
    """Read a list of this form, its files below an absolute root.

    Raises:
        DatasetError: if the file is no such list.
    """
    entries = read_json(index)
    if not isinstance(entries, list):
        raise DatasetError(f"{index} is not a list of entries; download it again")
    rows = [
        (f"{index.name}, entry {number} ({_shown_name(entry)})", entry)
        for number, entry in enumerate(entries, start=1)
    ]
    return read_rows(rows, lambda entry: _read(root, index.name, entry, split))


def _find_list(root: Path, index: str | Path | None) -> Path:
    if index is not None:
        given = Path(index).expanduser()
        places = [*(root / folder / given for folder in FOLDERS), given.absolute()]
        for place in places:
            if place.is_file():
                return place
        raise DatasetError(f"there is no list {given}, neither below {root} nor elsewhere")
    found = sorted(
        path for folder in FOLDERS for path in (root / folder).glob("*.json") if path.name.endswith(ENDINGS)
    )
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(path.name for path in found)
        raise DatasetError(f"{root} holds several lists: {names}; choose one with `index`")
    patterns = ", ".join(f"*{ending}" for ending in ENDINGS)
    raise DatasetError(f"{root} and its metadata hold no list ({patterns}); {root} holds {content_of(root)}")


def _read(root: Path, index: str, entry: Any, split: str) -> Reading:
    image = text_of(entry, "image")
    sound = text_of(entry, "audio")
    mask, boxes, notes = _truth(root, index, entry.get("gt_box"))
    picture = _found(root, image)
    if mask is not None and mask.path == picture:
        raise BadRow(f"{picture} is found both as the picture and as its mask; choose another root")
    record = Record(
        image=picture,
        sound=_found(root, sound),
        mask=mask,
        boxes=boxes,
        split=split,
        **_told_by_name(index, image, sound),
    )
    return record, notes


def _truth(
    root: Path, index: str, truth: object
) -> tuple[MaskFile | None, tuple[Box, ...] | None, list[str]]:
    if isinstance(truth, str) and truth:
        return MaskFile(_found(root, truth), "indices" if index.startswith("ms3") else "grey"), None, []
    if truth == SILENCE:
        return None, (), []
    box, note = read_box(truth, size=GRID)
    if box is None:
        raise BadRow(f"gt_box is neither a mask's path nor a box: {note}")
    return None, (box,), [] if note is None else [note]


def _told_by_name(index: str, image: str, sound: str) -> dict[str, Any]:
    """The name of an entry's record, and its pair, label, video and frame as far as paths tell them."""
    stem = PurePosixPath(_parts(image)[-1]).stem
    if index.startswith("synthetic3240"):
        pair, _, label = stem.rpartition("_")
        return {"name": stem, "pair": pair or None, "label": label or None}
    frame = re.fullmatch(r"(.+?)(?:\.mp4)?_(\d+)", stem) if index.startswith(("s4", "ms3")) else None
    if frame is None:
        return {"name": stem}
    video, t = frame.groups()
    category = _parts(sound)[-2:-1] if index.startswith("s4") else []
    return {
        "name": f"{video}_{t}",
        "video": video,
        "t": int(t),
        "label": category[0] if category else None,
    }


def _found(root: Path, foreign: str) -> Path:
    path = rerooted(root, foreign)
    if path is None:
        raise BadRow(f"no end of {foreign!r} is a file below {root} (links that lead out of it do not count)")
    return path


def _parts(path: str) -> list[str]:
    return re.split(r"[/\\]", path)


def _shown_name(entry: object) -> str:
    image = entry.get("image") if isinstance(entry, dict) else None
    return _parts(image)[-1] if isinstance(image, str) else "no name"
