"""The time that a run may take, and the error of one that has none left."""

from __future__ import annotations

import time

MARGIN = 0.95
"""Share of the budget after which nothing new begins."""

LEAST = 10.0
"""Seconds before which nothing is ended in the middle, so that a run whose time is over can still say so."""


class NoTimeLeftError(Exception):
    """The budget is used up; what was measured so far counts."""


class Budget:
    """Seconds from now on.

    Args:
        seconds: how many there are.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._start = time.monotonic()

    @property
    def spent(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._start

    @property
    def until_the_end(self) -> float:
        """Seconds after which the program ends, whatever it is doing."""
        return max(self.seconds - self.spent, LEAST)

    def check(self) -> None:
        """Raise NoTimeLeftError if nothing new should begin."""
        if self.spent >= MARGIN * self.seconds:
            raise NoTimeLeftError
