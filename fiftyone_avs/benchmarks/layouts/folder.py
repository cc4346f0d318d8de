"""The plain layout: pictures, sounds and masks in three folders, told together by their names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fiftyone_avs.benchmarks.index import base_folder, check_split
from fiftyone_avs.benchmarks.layouts.rows import BadRow, Reading, read_rows
from fiftyone_avs.benchmarks.records import MaskFile, Record, Rows
from fiftyone_avs.errors import DatasetError
from fiftyone_avs.media.endings import IMAGES, SOUNDS

PICTURES, SOUND_FILES, TRUTHS = "img", "wav", "gt_seg"


def read_folder(root: Path, *, split: str | None = None) -> Rows:
    """Read a folder of ``img/a.jpg``, ``wav/a.wav`` and, if there, ``gt_seg/a.png``.

    Files belong together when they have the same name but for the ending; of files that differ in nothing else, the
    first one is taken, and the others are reported. A picture without a sound or, where others have one, without a
    ground truth is kept and reported.

    Args:
        root: the folder that holds ``img`` and ``wav``.
        split: None; there are no splits.

    Raises:
        DatasetError: if there are no pictures, or a split is asked for.
    """
    folder = base_folder(root, (PICTURES,))
    check_split(split, (), folder)
    pictures = files_by_stem(folder / PICTURES, IMAGES)
    if not pictures:
        raise DatasetError(f"{folder / PICTURES} holds no pictures ({', '.join(IMAGES)})")
    sounds = files_by_stem(folder / SOUND_FILES, SOUNDS)
    masks = files_by_stem(folder / TRUTHS, IMAGES)

    def read(picture: Path) -> Reading:
        first, *_ = pictures[picture.stem]
        if picture != first:
            raise BadRow(f"{first.name} has the same name but for the ending and is taken instead")
        sound, notes = _first(sounds, picture.stem, "sound")
        mask, more = _first(masks, picture.stem, "ground truth")
        record = Record(picture.stem, picture, sound, None if mask is None else MaskFile(mask))
        return record, [*notes, *(more if masks else [])]

    files = [path for paths in pictures.values() for path in paths]
    return read_rows([(f"{PICTURES}/{path.name}", path) for path in files], read)


def files_by_stem(folder: Path, endings: Sequence[str]) -> dict[str, list[Path]]:
    """Files of some endings by name without ending, in order; empty if there is no such folder."""
    found: dict[str, list[Path]] = {}
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() in endings and not path.name.startswith("."):
                found.setdefault(path.stem, []).append(path)
    return found


def _first(files: dict[str, list[Path]], stem: str, what: str) -> tuple[Path | None, list[str]]:
    """The file of a name, and what is to be said about it."""
    if stem not in files:
        return None, [f"has no {what}"]
    first, *others = files[stem]
    return first, [
        f"{other.parent.name}/{other.name} is left out: {first.name} has the same name" for other in others
    ]
