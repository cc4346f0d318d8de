"""How many items of a stage go through its model at once: as many as are worth it, and as fit into memory."""

from __future__ import annotations

import gc
import sys
from dataclasses import dataclass

PATIENCE = 32
"""So many full batches after memory ran out, the larger size is tried again: it may have been one huge picture."""

WORTH = 0.9
"""A batch of twice the size is worth it if an item takes less than this share of the time it took before."""

OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory", "alloc_failed")
"""How torch's CPU allocator, cuBLAS and cuDNN word it, whose errors have no type of their own."""


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
        elif 2 * fit.size > self.most:
            fit.settled = True
        else:
            fit.size, fit.seen, fit.before = 2 * fit.size, 0, rate

    def overflowed(self, stage: str, items: int) -> None:
        """Learn from a batch that did not fit into memory."""
        fit = self._fit(stage)
        fit.wanted = max(fit.wanted, fit.size)
        fit.size, fit.settled, fit.seen = max(1, items // 2), True, 0

    def _fit(self, stage: str) -> _Fit:
        return self._fits.setdefault(stage, _Fit(self.start))


def sizes_for(device: str) -> BatchSizes:
    """Where to begin on a device.

    A process that takes too much of a machine's own memory is not told, but killed, and large batches gain
    little on a CPU; so the limit is low there.
    """
    return BatchSizes(8, 16) if device == "cpu" else BatchSizes(8, 256)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, the machine's or a GPU's."""
    torch = sys.modules.get("torch")
    if isinstance(error, MemoryError) or (torch and isinstance(error, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in OUT_OF_MEMORY)


def release_memory() -> None:
    """Give back what a failed batch left behind, so that a smaller one finds room."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch and torch.cuda.is_available():
        torch.cuda.empty_cache()
