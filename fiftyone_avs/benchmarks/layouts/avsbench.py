"""AVSBench-object: S4 (one source of sound) and MS3 (several), five frames of every clip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fiftyone_avs.benchmarks.index import base_folder, check_split, find_file, read_table
from fiftyone_avs.benchmarks.layouts.rows import BadRow, Reading, read_rows
from fiftyone_avs.benchmarks.paths import inside
from fiftyone_avs.benchmarks.records import MaskFile, MaskKind, Record, Rows

FRAMES = 5
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Layout:
    """How S4 and MS3 differ.

    Attributes:
        index: the CSV file.
        columns: of it: the headings that they may have, and where official readers take them from.
        data: the folder of media beside it.
        nested: where both lie in the whole download.
        picture: of a frame, below ``visual_frames``.
        place: of masks and sounds, below their folders.
        clip: of the video, below ``raw_videos``.
        kind: of the masks.
        one_of_train: whether training clips have a mask of their first frame only.
    """

    index: str
    columns: Mapping[str, tuple[tuple[str, ...], int]]
    data: str
    nested: tuple[str, ...]
    picture: str
    place: str
    clip: str
    kind: MaskKind
    one_of_train: bool


VIDEO = (("video_id", "name", "video_name", "video", "vid"), 0)
SPLIT = ("split", "subset", "set")
S4 = Layout(
    index="s4_meta_data.csv",
    columns={
        "video": VIDEO,
        "category": (("category", "class", "label"), 2),
        "split": (SPLIT, 3),
    },
    data="s4_data",
    nested=("Single-source", "avsbench_data/Single-source"),
    picture="{split}/{category}/{video}/{video}_{t}",
    place="{split}/{category}/{video}",
    clip="{split}/{category}/{video}.mp4",
    kind="grey",
    one_of_train=True,
)
MS3 = Layout(
    index="ms3_meta_data.csv",
    columns={"video": VIDEO, "split": (SPLIT, 1)},
    data="ms3_data",
    nested=("Multi-sources", "avsbench_data/Multi-sources"),
    picture="{video}/{video}.mp4_{t}",
    place="{split}/{video}",
    clip="{video}.mp4",
    kind="indices",
    one_of_train=False,
)


def read_s4(root: Path, *, split: str | None = None, clips: Path | None = None) -> Rows:
    """Read AVSBench-S4: ``s4_meta_data.csv`` and ``s4_data/`` with ``visual_frames``, ``gt_masks`` and ``audio_wav``.

    A row is a frame: frames 1 to 5 of every clip, but of training clips, which have one mask, frame 1 alone. All
    share the clip's sound of 5 seconds. Nothing else is opened, such as the pickled spectrograms. A line of the CSV
    that makes no sense is one row.

    The columns of the CSV are found by their headings, or else taken as official readers take them: video, start,
    category, split.

    Args:
        root: the folder ``Single-source``, or the one that holds it.
        split: "train", "val" or "test"; None reads all.
        clips: the folder of the clips, in place of ``s4_data/raw_videos``; below it lies
            ``<split>/<category>/<video>.mp4``. Whether a clip is there is not looked at.

    Raises:
        DatasetError: if the files are not there, or nothing of the split.
    """
    return _read_frames(S4, root, split, clips)


def read_ms3(root: Path, *, split: str | None = None, clips: Path | None = None) -> Rows:
    """Read AVSBench-MS3: ``ms3_meta_data.csv`` and ``ms3_data/``, as ``read_s4`` reads S4.

    Frames lie in no folder of their split and carry the clip's ending in their names (``<video>.mp4_1.png``); masks
    are palette pictures, empty where nothing sounds. Clips of every split have five masks. No class is named.

    Args:
        root: the folder ``Multi-sources``, or the one that holds it.
        split: "train", "val" or "test"; None reads all.
        clips: the folder of the clips, in place of ``ms3_data/raw_videos``; below it lies ``<video>.mp4``.

    Raises:
        DatasetError: if the files are not there, or nothing of the split.
    """
    return _read_frames(MS3, root, split, clips)


def labelled_frame(t: int, fps: float, n_frames: int) -> int:
    """The frame of a clip that a label belongs to, counted from 0.

    AVSBench took 16 frames of every second and labelled the last of them; of clips that end before, their last frame.

    Args:
        t: which label, from 1: one per second.
        fps: frames per second.
        n_frames: how many the clip has.
    """
    per_second = round(fps)
    return min((t - 1) * per_second + per_second * 15 // 16, n_frames - 1)


def _read_frames(layout: Layout, root: Path, split: str | None, clips: Path | None) -> Rows:
    base = base_folder(root, (layout.index, layout.data), layout.nested)
    lines = read_table(base / layout.index, layout.columns)
    check_split(split, [line.values["split"] for line in lines], base / layout.index)
    entries = [
        (f"{layout.index}, line {line.number} ({line.values['video']}, frame {t})", (t, line.values))
        for line in lines
        if split in (None, line.values["split"])
        for t in range(1, _count(layout, line.values) + 1)
    ]
    data = base / layout.data
    return read_rows(entries, partial(_read, layout, data, clips or data / "raw_videos"))


def _count(layout: Layout, values: Mapping[str, str]) -> int:
    """How many rows a line of the CSV stands for."""
    first_only = layout.one_of_train and values["split"] == "train"
    return 1 if first_only or _fault(values) else FRAMES


def _fault(values: Mapping[str, str]) -> str | None:
    empty = [name for name, value in values.items() if not value]
    if empty:
        return f"names no {empty[0]}"
    if values["split"] not in SPLITS:
        return f"has the split {values['split']!r}, which is none of {', '.join(SPLITS)}"
    return None


def _read(layout: Layout, data: Path, clips: Path, entry: tuple[int, Mapping[str, str]]) -> Reading:
    t, values = entry
    if fault := _fault(values):
        raise BadRow(fault)
    place, name = layout.place.format(**values), f"{values['video']}_{t}"
    record = Record(
        name=name,
        image=find_file(data, "visual_frames/" + layout.picture.format(t=t, **values), (".png", ".jpg")),
        sound=inside(data, f"audio_wav/{place}.wav"),
        mask=MaskFile(inside(data, f"gt_masks/{place}/{name}.png"), layout.kind),
        label=values.get("category"),
        split=values["split"],
        video=values["video"],
        t=t,
        clip=inside(clips, layout.clip.format(**values)),
    )
    return record, ()
