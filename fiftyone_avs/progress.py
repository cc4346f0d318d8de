"""Progress that people or programs are shown: of a loop, of several calls as one, and in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")

Tell = Callable[[int, int], None]
"""Is told how many items are done, and of how many."""

Progress = bool | Tell
"""Whether to show a bar, or who is told instead."""

Hear = Callable[[str], None]
"""Is told in words what is being done."""

_LISTENERS: ContextVar[tuple[Hear, ...]] = ContextVar("listeners", default=())


def say(what: str) -> None:
    """Tell those who listen what is being done now, where there is nothing to count: "loading models, 2 of 4"."""
    for hear in _LISTENERS.get():
        hear(what)


@contextmanager
def listening(hear: Hear) -> Iterator[None]:
    """Let somebody hear what is said in this block, in this thread.

    Example:
        >>> with listening(print): avs.segment(dataset)
    """
    token = _LISTENERS.set((hear, *_LISTENERS.get()))
    try:
        yield
    finally:
        _LISTENERS.reset(token)


def time_left(done: int, total: int, seconds: float) -> str:
    """How long the rest will take, as in "about 3 min left", if so many items took so many seconds; "" if unknown."""
    if done < 1 or total <= done or seconds <= 0:
        return ""
    rest = seconds / done * (total - done)
    if rest < 60:
        return f"about {max(1, round(rest))} s left"
    if rest < 3600:
        return f"about {round(rest / 60)} min left"
    return f"about {rest / 3600:.1f} h left"


class Steps:
    """Progress over several calls that each report their own: every call is a step of the same length."""

    def __init__(self, progress: Progress, steps: int, length: int) -> None:
        self._progress, self._steps, self._length, self._step = progress, steps, max(1, length), -1

    def next(self) -> Progress:
        """The progress argument of the next call."""
        self._step += 1
        told, start = self._progress, self._step * self._length
        if not callable(told):
            return told
        return lambda done, total: told(
            start + self._length * done // max(total, 1), self._steps * self._length
        )


def track(items: Iterable[Item], total: int, progress: Progress, name: str) -> Iterator[Item]:
    """Pass items on, telling a progress bar or a function when each is done."""
    with tqdm(total=total, desc=name, unit="sample", disable=progress is not True) as bar:
        for done, item in enumerate(items, start=1):
            yield item
            bar.update()
            if callable(progress):
                progress(done, total)
