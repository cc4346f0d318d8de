"""One quantity of a parity case: what the official code gave, what this package gives."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

TOLERANCE = 2e-4
"""Of the expected output's standard deviation; deliberate mistakes start at 3e-4."""

Floats = npt.NDArray[np.float64]


class Comparison(NamedTuple):
    """One quantity: what the file says, what this package says, and how far apart they may be."""

    name: str
    expected: Floats
    actual: Floats
    tolerance: float

    @property
    def difference(self) -> float:
        """The largest absolute difference; NaN agrees with NaN only, a different shape is infinitely far."""
        if self.expected.shape != self.actual.shape:
            return float("inf")
        undefined = np.isnan(self.expected)
        if not np.array_equal(undefined, np.isnan(self.actual)):
            return float("inf")
        return float(np.max(np.abs(self.expected - self.actual)[~undefined], initial=0.0))

    @property
    def agrees(self) -> bool:
        """Whether the difference is within the tolerance."""
        return self.difference <= self.tolerance

    def strain(self) -> float:
        """The difference as a share of the tolerance; above 1 they disagree."""
        if self.difference == 0:
            return 0.0
        return self.difference / self.tolerance if self.tolerance else float("inf")


def close(name: str, expected: Any, actual: Any, tolerance: float = TOLERANCE) -> Comparison:
    """Compare an output of a network; the tolerance is relative to the expected output's std."""
    wanted = np.asarray(expected, np.float64)
    return Comparison(name, wanted, np.asarray(actual, np.float64), tolerance * float(wanted.std()))


def equal(name: str, expected: Any, actual: Any) -> Comparison:
    """Compare token ids and other whole numbers: they must be the same."""
    return Comparison(name, np.asarray(expected, np.float64), np.asarray(actual, np.float64), 0.0)
