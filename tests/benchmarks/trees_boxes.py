"""Small trees of VPO-SS, VGG-SS, Flickr-SoundNet, SSLalignment's lists and the plain folder, quirks included."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fiftyone_avs.benchmarks.records import Problem, Record, Rows
from tests.benchmarks.trees import SIZE, write_mask, write_picture, write_sound, write_table

VPO_COLUMNS = ("vgg_file", "cateName", "img_Id", "ann_Ids", "cateId", "split", "audio_pos")
FOREIGN = "/mnt/lynx2/users/somebody/benchmarks"

XML_HEAD = '<?xml version="1.0"?>\n'


@dataclass(frozen=True)
class VpoRow:
    """A row of CAVP's table."""

    sound: str
    category: str
    picture: int
    annotation: int | str
    number: int
    split: str = "val"


VPO_ROWS = (
    VpoRow("aaaaaaaaaaa_000030", "dog", 62491, 432356, 18),
    VpoRow("bbbbbbbbbbb_000001", "cell phone", 53484, 188901, 77),
    VpoRow("ccccccccccc_000120", "male", 7, 1204, 92, "train"),
)
VGGSS_ENTRIES: tuple[dict[str, Any], ...] = (
    {"file": "zpWuikVorYg_000032", "class": "elk bugling", "bbox": [[0.25, 0.25, 0.5, 0.75]]},
    {
        "file": "gEvCUcZ6w88_000030",
        "class": "female speech, woman speaking",
        "bbox": [[0, 0.5, 0.25, 1], [0.5, 0.5, 1.0, 1.0]],
    },
)
FLICKR_BOXES = {
    "10000130166": [[0, 64, 128, 256], [64, 64, 192, 256], [32, 32, 64, 64]],
    "10007936344": [[128, 0, 256, 128]],
}


def read_all(rows: Rows) -> tuple[list[Record], list[Problem]]:
    """The records and the problems of an index, whose counts must add up."""
    items = list(rows.items)
    records = [item for item in items if isinstance(item, Record)]
    problems = [item for item in items if isinstance(item, Problem)]
    assert rows.total == len(records) + sum(problem.left_out for problem in problems)
    assert len({record.name for record in records}) == len(records)
    return records, problems


def make_vpo(root: Path, rows: Sequence[VpoRow] = VPO_ROWS, *, sounds: str = "VGGSound/audios") -> Path:
    """VPO-SS as CAVP has it; the right half of a mask is the object, its left column is to be ignored."""
    home = root / "VPO-SS"
    for row in rows:
        write_picture(home / "data" / row.category / f"{row.picture:012d}.jpg")
        mask = home / "mask" / row.category / f"{row.picture:012d}_{row.annotation:>012}.png"
        write_values(mask, row.number)
        write_sound(root / sounds / f"{row.sound}.wav")
    table = [
        (one.sound, one.category, one.picture, one.annotation, one.number, one.split, 0.5) for one in rows
    ]
    write_table(home / "vpo_ss_data_stereo.csv", VPO_COLUMNS, table)
    return root


def make_flat_vpo(root: Path, names: Sequence[str] = ("000000062491_432356", "000000053484_188901")) -> Path:
    """VPO-SS as SSLalignment flattens it."""
    entries = []
    for name in names:
        files = {
            "image": f"COCO_AV/visual_frames/{name}.jpg",
            "audio": f"COCO_AV/audio_wav/{name}.wav",
            "gt_box": f"COCO_AV/gray_masks/{name}.jpg",
        }
        write_entry(root, files)
        entries.append({key: f"{FOREIGN}/{path}" for key, path in files.items()} | {"offset": 0})
    (root / "vpo_ss_seg.json").write_text(json.dumps(entries))
    return root


def make_vggss(
    root: Path, entries: Sequence[Mapping[str, Any]] = VGGSS_ENTRIES, *, milliseconds: bool = False
) -> Path:
    """VGG-SS: SLAVC's layout, or files named by milliseconds beside the list."""
    for entry in entries:
        name, start = entry["file"][:11], int(entry["file"][12:])
        if milliseconds:
            stem = root / f"{name}_{start * 1000}_{(start + 10) * 1000}"
            write_picture(stem.with_name(f"{stem.name}.jpg"))
            write_sound(stem.with_name(f"{stem.name}.wav"))
        else:
            write_picture(root / "frames" / f"{entry['file']}.jpg")
            write_sound(root / "audio" / f"{entry['file']}.wav")
    write_json(root / "vggss.json", entries)
    return root


def make_flickr(root: Path, boxes: Mapping[str, Sequence[Sequence[int]]] = FLICKR_BOXES) -> Path:
    """Flickr-SoundNet in the layout of its official readers; the table has no heading, and lines end as in Windows."""
    for identity, corners in boxes.items():
        write_picture(root / "frames" / f"{identity}.jpg")
        write_sound(root / "audio" / f"{identity}.wav")
        write_xml(root / "Annotations" / f"{identity}.xml", corners)
    lines = [f"{identity},{number}\r\n" for number, identity in enumerate(boxes)]
    (root / "metadata").mkdir(parents=True, exist_ok=True)
    (root / "metadata" / "flickr_test.csv").write_bytes("".join(lines).encode())
    return root


def make_list(
    root: Path, name: str, entries: Sequence[tuple[str, str, Any]], *, prefix: str = FOREIGN
) -> Path:
    """A list of SSLalignment: pictures, sounds and masks (or boxes), by paths below the root and foreign ones."""
    listed = []
    for image, sound, truth in entries:
        files = {"image": image, "audio": sound} | ({"gt_box": truth} if isinstance(truth, str) else {})
        write_entry(root, files)
        foreign = {key: f"{prefix}/{path}" for key, path in files.items()}
        listed.append({"gt_box": truth} | foreign)
    write_json(root / name, listed)
    return root


def make_folder(root: Path, stems: Sequence[str] = ("a", "b")) -> Path:
    """The plain layout."""
    for stem in stems:
        write_picture(root / "img" / f"{stem}.jpg")
        write_sound(root / "wav" / f"{stem}.wav")
        write_mask(root / "gt_seg" / f"{stem}.png")
    return root


def write_entry(root: Path, files: Mapping[str, str]) -> None:
    """The files of an entry of a list."""
    write_picture(root / files["image"])
    write_sound(root / files["audio"])
    if "gt_box" in files:
        write_mask(root / files["gt_box"])


def write_values(path: Path, number: int) -> None:
    """A mask of COCO categories: 255 in its left column, the number in its right half."""
    values = np.zeros(SIZE, np.uint8)
    values[:, 0] = 255
    values[:, SIZE[1] // 2 :] = number
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)


def write_xml(path: Path, boxes: Sequence[Sequence[object]]) -> None:
    """Boxes as annotators drew them; the first element of each is no corner."""
    names = ("xmin", "ymin", "xmax", "ymax")
    drawn = "".join(
        "<bbox><name>object</name>"
        + "".join(f"<{name}>{corner}</{name}>" for name, corner in zip(names, corners, strict=True))
        + "</bbox>"
        for corners in boxes
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{XML_HEAD}<annotation><file>{path.stem}</file><boxes>{drawn}</boxes></annotation>")


def write_json(path: Path, content: object) -> None:
    """A JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
