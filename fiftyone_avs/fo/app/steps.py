"""Long work in steps: run it in a thread and hand out its progress, as the App's operators want it."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from fiftyone_avs.progress import Tell, listening, time_left

Result = TypeVar("Result")


class Stopped(BaseException):
    """Raised inside the work when nobody waits for it any more; like KeyboardInterrupt, it is no error."""


class InSteps(Generic[Result]):
    """Iterate over the progress of a piece of work: ``(done, total)`` after every step, and when it says what it does.

    The work runs in a thread of its own. When the iteration is given up (the App's browser tab was closed),
    the work is stopped at its next step, which leaves a run as Ctrl-C does: what is done is stored.

    Args:
        work: takes a function ``(done, total)`` to call after every step, and returns the result.

    Attributes:
        text: where the work is, in words: "loading models, 2 of 4", or "12 of 60, 48 left, about 2 min left".

    Example:
        >>> steps = InSteps(lambda progress: avs.segment(view, progress=progress))
        >>> for done, total in steps: print(done, "of", total)
        >>> summary = steps.result
    """

    def __init__(self, work: Callable[[Tell], Result]) -> None:
        self._work = work
        self._news: queue.SimpleQueue[tuple[int, int, str] | None] = queue.SimpleQueue()
        self._abandoned = threading.Event()
        self._results: list[Result] = []
        self._error: BaseException | None = None
        self._last = (0, 0)
        self._began = time.monotonic()
        self.text = ""

    @property
    def result(self) -> Result:
        """What the work returned; only after the iteration."""
        return self._results[0]

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Do the work.

        Raises:
            Exception: whatever the work raised.
        """
        thread = threading.Thread(target=self._run, name="fiftyone-avs", daemon=True)
        thread.start()
        try:
            while (news := self._news.get()) is not None:
                done, total, self.text = news
                yield done, total
        finally:
            self._abandoned.set()
            thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            with listening(self._hear):
                self._results.append(self._work(self._tell))
        except BaseException as error:
            self._error = error
        finally:
            self._news.put(None)

    def _tell(self, done: int, total: int) -> None:
        left = [f"{total - done} left", time_left(done, total, time.monotonic() - self._began)]
        self._put(
            done, total, ", ".join([f"{done} of {total}", *(left if total > done else ())]).rstrip(", ")
        )

    def _hear(self, what: str) -> None:
        if not self._last[0]:
            self._began = time.monotonic()  # what came before says nothing of how long the steps take
        self._put(*self._last, what)

    def _put(self, done: int, total: int, text: str) -> None:
        if self._abandoned.is_set():
            raise Stopped
        self._last = (done, total)
        self._news.put((done, total, text))
