"""What there is to measure and how much of it; importing this takes no time."""

from __future__ import annotations

from dataclasses import dataclass

PRESETS = ("paper", "open")

SECTIONS = ("parity", "speed", "bound", "batches", "pressure", "memory")
"""What matters most first."""

HALVES = ("bf16", "fp16")


@dataclass(frozen=True)
class Load:
    """How much work is measured.

    Attributes:
        samples: of the engine in a round.
        compared: samples whose results are compared between precisions.
        loop: samples of the plain loop in a round.
        rounds: of loop and engine.
        batch: samples in a batch whose operations are counted.
        repeats: how often such a batch is timed.
    """

    samples: int
    compared: int
    loop: int
    rounds: int
    batch: int
    repeats: int


REAL, SMALL = Load(128, 8, 8, 2, 32, 3), Load(4, 2, 1, 1, 2, 1)
