"""IS3, the Interactive Synthetic Sound Source benchmark: pictures of two objects, of which one sounds at a time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from fiftyone_avs.benchmarks.index import base_folder, check_split, find_file, read_json
from fiftyone_avs.benchmarks.layouts.rows import BadRow, Reading, read_rows
from fiftyone_avs.benchmarks.records import MaskFile, Record, Rows
from fiftyone_avs.errors import DatasetError
from fiftyone_avs.media.endings import IMAGES, SOUNDS

INDEX = "IS3_annotation.json"
PICTURES, MASKS = "images", "gt_segmentation"
SOUND_FOLDERS = ("audio_waw", "audio_wav")
"""The first spelling is the download's own."""

IMAGE_KEYS = ("image", "img", "file", "file_name", "filename", "name", "id")
SOUND_KEYS = ("audio", "sound", "wav")
CLASS_KEYS = ("class", "category", "label", "class_name", "category_name", "object")
LIST_KEYS = ("annotations", "data", "samples", "images")


def read_is3(root: Path, *, split: str | None = None) -> Rows:
    """Read IS3: ``IS3_annotation.json``, ``images/``, ``audio_waw/`` (or ``audio_wav/``), ``gt_segmentation/``.

    Every annotation is a row, with a picture, a sound and a mask of its own; those of one picture share a name up to
    its last part, which becomes the record's pair. Classes come from the JSON: names may lack their number
    ("fox_train_subway"), and their last part need not be the class.

    The JSON is a list of annotations, or holds one under one of ``LIST_KEYS``, or maps names to annotations. An
    annotation names its picture under one of ``IMAGE_KEYS`` (the last part of a path counts), its class under one of
    ``CLASS_KEYS``, and may name its sound under one of ``SOUND_KEYS``, which otherwise is called as the picture is.
    Where names are mapped, an annotation may be just the class. Boxes are not read: the masks are the ground truth.

    Args:
        root: the folder, or its parent if that holds it as ``IS3``.
        split: None, because IS3 has no splits.

    Raises:
        DatasetError: if the files are not there, the JSON lists no annotations, or a split is asked for.
    """
    base = base_folder(root, (INDEX, PICTURES, MASKS), ("IS3",))
    check_split(split, (), base / INDEX)
    sounds = next((name for name in SOUND_FOLDERS if (base / name).is_dir()), None)
    if sounds is None:
        raise DatasetError(f"{base} has no folder {' or '.join(SOUND_FOLDERS)}, which holds the sounds")
    entries = _entries(base / INDEX)
    named = [(f"{INDEX}, entry {number}", entry) for number, entry in enumerate(entries, start=1)]
    return read_rows([(_row(row, entry), entry) for row, entry in named], partial(_read, base, sounds))


def _read(base: Path, sounds: str, entry: Any) -> Reading:
    name = _name(entry, IMAGE_KEYS)
    if name is None:
        raise BadRow(f"names no picture under any of {', '.join(IMAGE_KEYS)}")
    label = _text(entry, CLASS_KEYS)
    record = Record(
        name=name,
        image=find_file(base, f"{PICTURES}/{name}", IMAGES),
        sound=find_file(base, f"{sounds}/{_name(entry, SOUND_KEYS) or name}", SOUNDS),
        mask=MaskFile(find_file(base, f"{MASKS}/{name}", IMAGES)),
        label=label,
        pair=name.rpartition("_")[0] or None,
    )
    return record, () if label else (f"names no class under any of {', '.join(CLASS_KEYS)}",)


def _entries(path: Path) -> list[Any]:
    """The annotations, whichever way the JSON holds them."""
    content = read_json(path)
    if isinstance(content, Mapping):
        lists = [content[key] for key in LIST_KEYS if isinstance(content.get(key), list)]
        content = lists[0] if lists else [_with_name(name, entry) for name, entry in content.items()]
    if not isinstance(content, list) or not content:
        raise DatasetError(f"{path} lists no annotations")
    return content


def _with_name(name: str, entry: Any) -> Any:
    """An annotation that its name is mapped to, with the name inside."""
    if isinstance(entry, str):
        return {IMAGE_KEYS[0]: name, CLASS_KEYS[0]: entry}
    return {**entry, IMAGE_KEYS[0]: name} if isinstance(entry, Mapping) else entry


def _row(row: str, entry: Any) -> str:
    name = _name(entry, IMAGE_KEYS)
    return f"{row} ({name})" if name else row


def _name(entry: Any, keys: tuple[str, ...]) -> str | None:
    """The name of a file that an annotation names, without its folders and ending."""
    text = _text(entry, keys)
    if text is None:
        return None
    file = PurePosixPath(text.replace("\\", "/"))
    return file.stem if file.suffix.lower() in (*IMAGES, *SOUNDS) else file.name


def _text(entry: Any, keys: tuple[str, ...]) -> str | None:
    """What an annotation says under the first of some keys that holds a text."""
    if not isinstance(entry, Mapping):
        return None
    texts = (entry[key] for key in keys if isinstance(entry.get(key), str))
    return next((text for text in texts if text.strip()), None)
