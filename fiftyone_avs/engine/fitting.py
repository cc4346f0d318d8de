"""How many items of a stage go through its model at once: as many as are worth it, and as fit into memory."""

from __future__ import annotations

from dataclasses import dataclass

from fiftyone_avs.engine.memory import free_memory, held_memory
from fiftyone_avs.engine.overflow import is_out_of_memory as is_out_of_memory  # its earlier address

PATIENCE = 32
"""So many full batches after memory ran out, the larger size is tried again: it may have been one huge picture."""

WORTH = 0.9
"""A batch of twice the size is worth it if an item takes less than this share of the time it took before."""

LARGE_ITEM = 2 << 30
"""Bytes that an item may take in a large network: Grounding DINO's pictures take about half of that."""

FIRST_OF_LARGE = 2
"""So many items go through a large network at first on a CPU, which hardly gains by more."""

SHARE = 3
"""The machine's own memory may be taken up to one part in so many of what is free by a larger batch."""


@dataclass
class _Fit:
    """What is known of one stage.

    Attributes:
        size: of the next batch.
        settled: whether the size is found.
        wanted: the size before memory ran out, or 0.
        seen: full batches of this size so far; the first one warms kernels and allocators up and is not timed.
        before: seconds per item at half the size, if that was measured.
    """

    size: int
    settled: bool = False
    wanted: int = 0
    seen: int = 0
    before: float | None = None


class BatchSizes:
    """The batch size of every stage on one device, found while the stages work.

    A stage begins with ``start`` items. The size is doubled until that is not worth it any more. It is halved when
    memory runs out, and doubled again after many batches that fit.

    Args:
        start: size of the first batches.
        most: no batch is larger.
    """

    def __init__(self, start: int, most: int) -> None:
        self.start = start
        self.most = most
        self._fits: dict[str, _Fit] = {}

    def of(self, stage: str) -> int:
        """The size of the stage's next batch."""
        return self._fit(stage).size

    def took(self, stage: str, items: int, seconds: float) -> None:
        """Learn from a batch that went well."""
        fit = self._fit(stage)
        if items < fit.size:
            return
        fit.seen += 1
        if fit.settled:
            if fit.size < fit.wanted and fit.seen >= PATIENCE:
                fit.size, fit.seen = min(2 * fit.size, fit.wanted), 0
        elif fit.seen > 1:
            self._compare(fit, seconds / items)

    def _compare(self, fit: _Fit, rate: float) -> None:
        """Double the size, or settle on the better one of this and the one before."""
        if fit.before is not None and rate > WORTH * fit.before:
            fit.size, fit.settled = fit.size // 2, True
        elif not self._may_double(fit.size):
            fit.settled = True
        else:
            fit.size, fit.seen, fit.before = 2 * fit.size, 0, rate

    def overflowed(self, stage: str, items: int) -> None:
        """Learn from a batch that did not fit into memory."""
        fit = self._fit(stage)
        fit.wanted = max(fit.wanted, fit.size)
        fit.size, fit.settled, fit.seen = max(1, items // 2), True, 0

    def _may_double(self, size: int) -> bool:
        return 2 * size <= self.most

    def _first(self) -> int:
        """The size of a stage's first batch."""
        return self.start

    def _fit(self, stage: str) -> _Fit:
        if stage not in self._fits:
            self._fits[stage] = _Fit(self._first())
        return self._fits[stage]


class HostSizes(BatchSizes):
    """Batch sizes on a machine's own memory.

    A process that takes too much of it is not told, but killed. So batches of large networks begin small, the smaller
    the less is free, and are doubled only if all that they have taken so far would find room again several times.

    Args:
        start: size of the first batches of small networks.
        most: no batch is larger.
        large: whether networks are large, or of unknown size.
    """

    def __init__(self, start: int, most: int, large: bool = True) -> None:
        super().__init__(start, most)
        self._large = large
        self._before: int | None = None

    def _first(self) -> int:
        held, free = held_memory(), free_memory()
        if self._before is None and held is not None:
            self._before = held[0]
        if not self._large:
            return self.start
        size = min(self.start, FIRST_OF_LARGE)
        while free is not None and size > 1 and size * LARGE_ITEM > free:
            size //= 2
        return size

    def _may_double(self, size: int) -> bool:
        held, free = held_memory(), free_memory()
        if held is not None and free is not None and self._before is not None:
            taken = held[1] - self._before  # a batch of twice the size takes at most as much again
            if SHARE * taken > free:
                return False
        return super()._may_double(size)


def sizes_for(device: str, *, large: bool = True) -> BatchSizes:
    """Where to begin on a device; large batches gain little on a CPU, and may end the process.

    Args:
        device: of the networks.
        large: whether they are large, or of unknown size.
    """
    return HostSizes(8, 16, large) if device == "cpu" else BatchSizes(8, 256)
