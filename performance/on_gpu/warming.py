"""Let the engine work until its batch sizes are found; what is timed afterwards is warm, too."""

from __future__ import annotations

from dataclasses import dataclass

from .bench import Bench, all_ok
from .sizes import WatchedSizes

BLOCK = 64
"""Samples that a run on a dataset gives the pipeline at once, at most."""

MOST_BLOCKS = 8
STABLE = 2
"""So many blocks are done at most; sizes that stay through so many count as found."""


@dataclass(frozen=True)
class Warm:
    """An engine that is warm.

    Attributes:
        sizes: its batch sizes, with an empty diary.
        found: the size of each stage.
        tried: the sizes that each stage went through.
        blocks: how many blocks that took.
    """

    sizes: WatchedSizes
    found: dict[str, int]
    tried: dict[str, list[int]]
    blocks: int


def warm_up(bench: Bench, precision: str, strategy: str = "vcap_acls") -> Warm:
    """Repeat a block until the batch sizes stay what they are. It is done once for each precision and strategy."""
    key = precision, strategy
    if key not in bench.warm:
        sizes = WatchedSizes.like(bench.first_sizes())
        pipeline = bench.pipeline(precision, sizes, strategy)
        block = bench.clips[:BLOCK]
        stable = STABLE if len(block) >= sizes.start else 0  # no batch is full, so that no size changes
        history: list[dict[str, int]] = []
        while len(history) < MOST_BLOCKS and (
            len(history) <= stable or any(found != history[-1] for found in history[-1 - stable :])
        ):
            bench.forget(precision)
            all_ok(pipeline(block))
            history.append(sizes.found())
        tried = {stage: sizes.tried(stage) for stage in history[-1]}
        sizes.diary = {}
        bench.warm[key] = Warm(sizes, history[-1], tried, len(history))
    return bench.warm[key]
