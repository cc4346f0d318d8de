"""What a benchmark says of one picture and its sound, whatever its layout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

MaskKind: TypeAlias = Literal["grey", "indices", "coco", "palette"]
"""How a mask file says which pixels belong to the object.

* ``"grey"``: 8-bit grey, or colours turned into grey, from 128 on; such a file is used where it is.
* ``"indices"``: a palette picture whose index 0 is the background (AVSBench-MS3). A file of another mode is
  read as grey.
* ``"coco"``: the value is a COCO category id, 0 the background, 255 pixels to be ignored (VPO as CAVP has it).
* ``"palette"``: an RGB picture of class colours, black the background (AVSBench-semantic).
"""


@dataclass(frozen=True)
class MaskFile:
    """The file of a ground truth, and how to read it.

    Attributes:
        path: absolute.
        kind: see ``MaskKind``.
    """

    path: Path
    kind: MaskKind = "grey"


@dataclass(frozen=True)
class Box:
    """A box of a ground truth, in relative coordinates: 0..1 from the left and from the top.

    Attributes:
        x0: left edge.
        y0: top edge.
        x1: right edge, greater than x0.
        y1: bottom edge, greater than y0.
        annotator: who drew it, counted from 0; a consensus is taken over annotators (Flickr-SoundNet).
    """

    x0: float
    y0: float
    x1: float
    y1: float
    annotator: int = 0


@dataclass(frozen=True)
class Record:
    """One picture with its sound and its ground truth.

    Attributes:
        name: unique within the benchmark and its split; predictions of others are matched by it.
        image: the picture's path, absolute.
        sound: the sound's path, absolute; None only where the layout allows a picture without.
        mask: the ground truth as a mask, if it is one.
        boxes: the ground truth as boxes, if it is that; an empty tuple says that nothing sounds.
        label: the class, or None where the benchmark names none.
        split: "train", "val" or "test" as the benchmark calls it, or None.
        video: the clip that the picture is a frame of, or None.
        t: which frame of the clip, by the benchmark's own count; None without a clip.
        clip: the clip's own file, where clips are imported as videos.
        pair: what the records of one picture with several sounds share, or None.
        tags: further marks, such as "negative" for a sound that nothing in the picture makes.
    """

    name: str
    image: Path
    sound: Path | None
    mask: MaskFile | None = None
    boxes: tuple[Box, ...] | None = None
    label: str | None = None
    split: str | None = None
    video: str | None = None
    t: int | None = None
    clip: Path | None = None
    pair: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Problem:
    """A row of a benchmark that is not as it should be.

    Attributes:
        row: names it: its file and line or entry, and its name.
        reason: what is wrong, naming the file or the value.
        left_out: whether the row is left out; False if it is imported all the same (such as a box that was clipped).
    """

    row: str
    reason: str
    left_out: bool = True

    def __str__(self) -> str:
        return f"{self.row}: {self.reason}{'' if self.left_out else ' (imported all the same)'}"


@dataclass(frozen=True)
class Rows:
    """What a benchmark's index lists, read one after the other.

    Attributes:
        total: how many rows the index has: every row yields exactly one record, or a problem that leaves it out.
        items: the records and problems. A problem that does not leave its row out comes before its record.
    """

    total: int
    items: Iterator[Record | Problem]
