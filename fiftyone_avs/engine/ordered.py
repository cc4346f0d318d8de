"""Work on a stream of items in several threads, results in the order of the items."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_THREADS = 8
"""More than these would wait for one another: the stream itself is read by one."""

AHEAD = 4
"""So many items per thread are taken from the stream before their results are asked for."""


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], threads: int | None = None
) -> Iterator[Result]:
    """Yield ``work(item)`` of every item, in order; a few items are worked on at a time.

    Args:
        work: called in threads of its own.
        items: read in this thread, never far ahead of the results.
        threads: by default one per core, up to ``MOST_THREADS``.
    """
    threads = threads or min(MOST_THREADS, cores())
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                pending.append(pool.submit(work, item))
                if len(pending) >= threads * AHEAD:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()  # after an error or Ctrl-C nothing that has not begun is begun


def cores() -> int:
    """How many cores this process may use; not every system tells them from those of the machine."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
