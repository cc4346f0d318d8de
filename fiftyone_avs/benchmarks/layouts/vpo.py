"""VPO-SS: single objects of COCO pictures with sounds of VGGSound, as CAVP and as SSLalignment have it on disk."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from fiftyone_avs.benchmarks.index import base_folder, check_split, read_table
from fiftyone_avs.benchmarks.layouts.rows import BadRow, Reading, read_rows
from fiftyone_avs.benchmarks.layouts.sslalign import read_list
from fiftyone_avs.benchmarks.paths import inside
from fiftyone_avs.benchmarks.records import MaskFile, Record, Rows
from fiftyone_avs.errors import DatasetError

INDEX = "vpo_ss_data_stereo.csv"
HOMES = ("VPO-SS", "VPO/VPO-SS")
SOUNDS = ("VGGSound/audios", "vggsound_bench/VGGSound/audios")
COLUMNS = {
    "sound": (("vgg_file",), None),
    "category": (("catename",), None),
    "picture": (("img_id",), None),
    "annotation": (("ann_ids",), None),
    "split": (("split",), None),
}

FLAT_INDEX = "vpo_ss_seg.json"
FLAT_HOMES = ("metadata", "COCO_AV")
FLAT_SPLIT = "val"


def read_vpo_ss(root: Path, *, split: str | None = None) -> Rows:
    """Read VPO-SS in either of its two layouts.

    * CAVP's, if ``vpo_ss_data_stereo.csv`` is there: ``data/<category>/<img>.jpg`` and
      ``mask/<category>/<img>_<ann>.png`` with numbers of twelve digits beside it, and ``VGGSound/audios`` in the
      root or beside the folder of the CSV file. Masks hold COCO categories (kind "coco"). A row has one mask,
      named by all that ``ann_Ids`` says; where that lists several annotations, the row needs a mask of that name.
    * SSLalignment's, if ``vpo_ss_seg.json`` is there: pictures, sounds and grey masks in ``COCO_AV``. It has the
      split "val" only, and no labels.

    Names are ``<img>_<ann>``, with twelve digits of the picture's number, in both.

    Args:
        root: the folder that holds ``VPO-SS`` or ``COCO_AV``, or one of these itself.
        split: "train", "val" (the paper's test), or None for all.

    Raises:
        DatasetError: if neither layout is there, or no row is of the split.
    """
    try:
        home = base_folder(root, (INDEX,), HOMES)
    except DatasetError as error:
        flat = _flat_index(root)
        if flat is None:
            raise DatasetError(
                f"{error}; nor is there {FLAT_INDEX}, if it is SSLalignment's layout"
            ) from error
        check_split(split, (FLAT_SPLIT,), flat)
        return read_list(root.absolute(), flat, split=FLAT_SPLIT)
    return _read_cavp(root.absolute(), home, split)


def _flat_index(root: Path) -> Path | None:
    places = [root / folder / FLAT_INDEX for folder in ("", *FLAT_HOMES)]
    return next((path for path in places if path.is_file()), None)


def _read_cavp(root: Path, home: Path, split: str | None) -> Rows:
    lines = read_table(home / INDEX, COLUMNS)
    check_split(split, [line.values["split"] for line in lines], home / INDEX)
    entries = [
        (f"{INDEX}, line {line.number} ({line.values['picture']}_{line.values['annotation']})", line.values)
        for line in lines
        if split in (None, line.values["split"])
    ]
    return read_rows(entries, partial(_read, home, *_sound_folder(root, home)))


def _sound_folder(root: Path, home: Path) -> tuple[Path, str]:
    """The folder that holds VGGSound, and the sounds' folder from there."""
    bases = dict.fromkeys((root, home, home.parent))
    for base in bases:
        for folder in SOUNDS:
            if (base / folder).is_dir():
                return base, folder
    raise DatasetError(
        f"there is no folder {' or '.join(SOUNDS)} in {' or '.join(map(str, bases))};"
        " the sounds of VPO-SS come from VGGSound"
    )


def _read(home: Path, base: Path, sounds: str, values: Mapping[str, str]) -> Reading:
    empty = [name for name, value in values.items() if not value]
    if empty:
        raise BadRow(f"the line names no {' and no '.join(empty)}")
    picture, category = values["picture"].zfill(12), values["category"]
    mask = f"{picture}_{values['annotation'].zfill(12)}"
    record = Record(
        name="_".join([picture, *re.findall(r"\d+", values["annotation"])]),
        image=inside(home, f"data/{category}/{picture}.jpg"),
        sound=inside(base, f"{sounds}/{values['sound']}.wav"),
        mask=MaskFile(inside(home, f"mask/{category}/{mask}.png"), "coco"),
        label=category,
        split=values["split"],
    )
    return record, ()
