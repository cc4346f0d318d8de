"""Batch sizes that remember what they were asked and told."""

from __future__ import annotations

from typing import Any

from fiftyone_avs.engine import BatchSizes


class WatchedSizes(BatchSizes):
    """The engine's own, with a diary.

    Attributes:
        diary: by stage, every batch: its size, and the seconds it took, or None where memory ran out.
    """

    def __init__(self, start: int, most: int) -> None:
        super().__init__(start, most)
        self.diary: dict[str, list[tuple[int, float | None]]] = {}

    @classmethod
    def like(cls, sizes: BatchSizes) -> WatchedSizes:
        """Begin where others begin."""
        return cls(sizes.start, sizes.most)

    def took(self, stage: str, items: int, seconds: float) -> None:
        """Note a batch that went well."""
        self.diary.setdefault(stage, []).append((items, seconds))
        super().took(stage, items, seconds)

    def overflowed(self, stage: str, items: int) -> None:
        """Note a batch that did not fit into memory."""
        self.diary.setdefault(stage, []).append((items, None))
        super().overflowed(stage, items)

    def tried(self, stage: str) -> list[int]:
        """The sizes of all batches in order, without repetitions in a row."""
        sizes = [items for items, _ in self.diary.get(stage, [])]
        return [size for place, size in enumerate(sizes) if place == 0 or size != sizes[place - 1]]

    def found(self) -> dict[str, int]:
        """The size of each stage's next batch."""
        return {stage: self.of(stage) for stage in self.diary}

    def milliseconds(self) -> dict[str, float]:
        """Of each stage, per item of the batches that went well."""
        per_stage: dict[str, Any] = {}
        for stage, batches in self.diary.items():
            good = [(items, seconds) for items, seconds in batches if seconds is not None]
            if good:
                per_stage[stage] = round(
                    1000 * sum(seconds for _, seconds in good) / sum(items for items, _ in good), 2
                )
        return per_stage
