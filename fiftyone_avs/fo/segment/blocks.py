"""From ids of image samples to blocks of clips, read ahead of those who need them."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

import fiftyone as fo

from fiftyone_avs.engine import read_ahead
from fiftyone_avs.media import ClipFiles, Unread, bytes_of, read_clips
from fiftyone_avs.types import Clip

FIRST_BLOCK = 8
MOST_CLIPS = 64
"""Clips of the first block, and of any block."""

SHORT = 10.0
"""A block that takes less than this many seconds is followed by one of twice the size: what is not stored yet
when a run is killed is done again."""

MOST_BYTES = 512 * 2**20
"""A block with so much media is not filled further: maps of large pictures take more memory than they do."""

LOOKUP = 512
"""Samples whose paths are looked up together."""

SOUNDS_AT_ONCE = 16
"""Clips of one picture that are read together; what sounds together share a picture in memory."""


@dataclass(frozen=True)
class Blocks:
    """Reads image samples block by block.

    Attributes:
        dataset: the dataset of the samples.
        audio_field: the field with the sound's path.
        size: clips per block; None begins with a few and doubles them while blocks take little time.
        processes: how many processes read ahead; 0 reads in a thread of this one.
        runs: how many predictions are made of each clip; the more, the fewer clips come at once.
    """

    dataset: fo.Dataset
    audio_field: str
    size: int | None
    processes: int
    runs: int = 1

    def of(self, ids: Sequence[str]) -> Generator[list[Clip | Unread], None, None]:
        """Blocks of clips in the order of the ids. A sample that is not in the dataset (any more) is left out."""
        groups = read_ahead(
            read_clips, self._files(ids), processes=self.processes, size=bytes_of, died=_reader_died
        )
        size, weight, start = self.size or FIRST_BLOCK, 0, time.monotonic()
        most = max(FIRST_BLOCK, MOST_CLIPS // self.runs)
        block: list[Clip | Unread] = []
        try:
            for group in groups:
                block += group
                weight += bytes_of(group)
                if len(block) >= size or weight >= MOST_BYTES // self.runs:
                    yield block
                    if self.size is None and time.monotonic() - start < SHORT:
                        size = min(2 * size, most)
                    block, weight, start = [], 0, time.monotonic()
            if block:
                yield block
        finally:
            groups.close()

    def _files(self, ids: Sequence[str]) -> Iterator[ClipFiles]:
        """The files of samples; neighbours with the same picture come together."""
        names = ["id", "filepath", self.audio_field]
        for start in range(0, len(ids), LOOKUP):
            part = ids[start : start + LOOKUP]
            found = {row[0]: row for row in zip(*self.dataset.select(part).values(names), strict=True)}
            rows = (found[sample_id] for sample_id in part if sample_id in found)
            for path, sharing in groupby(rows, key=lambda row: row[1]):
                sounds = ((sample_id, sound) for sample_id, _, sound in sharing)
                while some := tuple(islice(sounds, SOUNDS_AT_ONCE)):
                    yield ClipFiles(path, some, self.audio_field)


def together(ids: Sequence[str], paths: Sequence[str]) -> list[str]:
    """Ids in their order, except that those with the same path follow the first of them."""
    sharing: dict[str, list[str]] = {}
    for sample_id, path in zip(ids, paths, strict=True):
        sharing.setdefault(path, []).append(sample_id)
    return [sample_id for group in sharing.values() for sample_id in group]


def _reader_died(files: ClipFiles) -> list[Clip | Unread]:
    reason = (
        f"the process that read {files.image_path} and its sound died; are they huge, or is memory short?"
    )
    return [Unread(clip_id, reason) for clip_id, _ in files.sounds]
