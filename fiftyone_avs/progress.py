"""Progress that people or programs are shown: of a loop, and of several calls as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")

Tell = Callable[[int, int], None]
"""Is told how many items are done, and of how many."""

Progress = bool | Tell
"""Whether to show a bar, or who is told instead."""


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
