"""Work done ahead of those who need it, in processes of its own, within a budget of memory."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from fiftyone_avs.engine.ordered import cores

Item = TypeVar("Item")
Result = TypeVar("Result")

BUDGET = 512 * 2**20
"""Bytes of results that may wait to be taken."""

MOST_AHEAD = 128
FIRST_AHEAD = 8
"""How many items are worked on ahead at most, and before it is known how large results are."""

MOST_PROCESSES = 8
"""More would only wait for the models."""

ATTEMPTS = 2
"""How often an item may cost a process of its own; what killed the first ones may have been another item."""


def reading_processes(device: str) -> int:
    """How many processes read media for models on a device.

    A GPU waits for media; what is read on a CPU, the models wait for anyway, so there a thread is enough.
    """
    return 0 if device == "cpu" else max(1, min(MOST_PROCESSES, cores() - 1))


def read_ahead(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    processes: int,
    size: Callable[[Result], int],
    died: Callable[[Item], Result],
) -> Generator[Result, None, None]:
    """Yield ``work(item)`` of every item, in order, a bounded number of them ahead.

    A process that dies takes what it worked on with it. The item that was due is then tried alone in a new process,
    and once more; if that dies, too, the item's result is what ``died`` makes of it. No other item is lost.

    Args:
        work: with processes, a function of a module, or a partial of one, that never raises for a bad item.
        items: read in this thread, never far ahead of the results.
        processes: how many work at the same time; 0 works in a thread of this process.
        size: bytes that a result takes, for the budget.
        died: the result of an item that no process survives.
    """
    pool = _pool(processes)
    pending: deque[tuple[Item, Future[Result]]] = deque()
    stream = iter(items)
    taken, weight = 0, 0
    try:
        while True:
            ahead = FIRST_AHEAD if not weight else _clamp(BUDGET * taken // weight, processes)
            while len(pending) < ahead and (item := next(stream, _END)) is not _END:
                pending.append((item, _begin(pool, work, item)))  # type: ignore[arg-type]
            if not pending:
                return
            item, future = pending.popleft()
            try:
                result = future.result()
            except BrokenProcessPool:
                pool = _pool(processes)
                pending = deque((other, _begin(pool, work, other)) for other, _ in pending)
                result = _alone(work, item, died)
            taken, weight = taken + 1, weight + size(result)
            yield result
    finally:
        _close(pool)


_END = object()


def _begin(pool: Executor, work: Callable[[Item], Result], item: Item) -> Future[Result]:
    """Hand an item to a pool. One whose process died meanwhile takes none: that is found out when it is due."""
    try:
        return pool.submit(work, item)
    except BrokenProcessPool as error:
        future: Future[Result] = Future()
        future.set_exception(error)
        return future


def _clamp(ahead: int, processes: int) -> int:
    return max(processes, 1, min(ahead, MOST_AHEAD))


def _pool(processes: int) -> Executor:
    """A thread, or processes that do not import the program's main module, which need not be guarded for it."""
    if not processes:
        return ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
    from joblib.externals.loky import ProcessPoolExecutor

    pool: Executor = ProcessPoolExecutor(processes, initializer=_follow, initargs=(os.getpid(),))
    return pool


def _follow(parent: int) -> None:
    """End this process when its parent is gone; one that was killed could not tell it to."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _close(pool: Executor) -> None:
    """End a pool without waiting for work that nobody will take."""
    if isinstance(pool, ThreadPoolExecutor):
        pool.shutdown(cancel_futures=True)
    else:
        pool.shutdown(kill_workers=True)  # type: ignore[call-arg]


def _alone(work: Callable[[Item], Result], item: Item, died: Callable[[Item], Result]) -> Result:
    """An item's result from a process that works on nothing else, so that what happens to it is the item's doing."""
    for _ in range(ATTEMPTS):
        pool = _pool(1)
        try:
            return pool.submit(work, item).result()
        except BrokenProcessPool:
            continue
        finally:
            _close(pool)
    return died(item)
