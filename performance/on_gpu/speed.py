"""How many samples per second does the engine do, beside the plain loop?

The loop (``reference_loop.py``) is the work of the paper's released code: one sample after the other in float32. The
engine is the package's pipeline in batches of a size that it finds itself, with media read ahead and files written
in threads, as a run on a FiftyOne dataset has it, but without FiftyOne. Both read the same files and write masks and
soft maps as PNG, with the same weights and torch's own settings.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import reference_loop
from media import Pair
from PIL import Image
from reference_loop import Found, Networks, load_networks

from fiftyone_avs.types import Prediction

from .accelerator import now, peak_memory
from .bench import Bench, all_ok, read_pair
from .sizes import WatchedSizes
from .stages import compare_maps
from .warming import BLOCK, warm_up

READERS, WRITERS = 8, 4
"""Threads, at most."""

ENGINES = ("float32", "bf16")


@dataclass
class Clock:
    """Seconds by stage of the loop."""

    device: str
    seconds: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Add the time of a block to a stage."""
        start = now(self.device)
        yield
        self.seconds[stage] += now(self.device) - start


def measure(bench: Bench, loop_samples: int, rounds: int, folder: Path) -> Iterator[tuple[str, Any]]:
    """Samples per second of the loop and of the engine in float32 and bf16, in turn, and how far they agree.

    Args:
        bench: the preset; the engine does all its samples.
        loop_samples: the loop does the first ones only.
        rounds: how often each side is timed.
        folder: where masks are written.
    """
    networks = load_networks(bench.models("float32"))
    clock = Clock(bench.device)
    run_loop(bench, bench.pairs[:1], networks, folder / "warm-up", clock)
    warm = {precision: warm_up(bench, precision) for precision in ENGINES}
    yield "blocks_to_warm_up", {precision: found.blocks for precision, found in warm.items()}
    seconds: dict[str, list[float]] = {name: [] for name in ("loop", *ENGINES)}
    found: dict[str, list[Found]] = {}
    memory: dict[str, Any] = {}
    clock.seconds.clear()
    for number in range(rounds):
        names = list(seconds)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            place = folder / f"{name}-{number}"
            with peak_memory(bench.device) as memory[name]:
                if name == "loop":
                    took, found[name] = run_loop(bench, bench.pairs[:loop_samples], networks, place, clock)
                else:
                    took, found[name] = run_engine(bench, name, warm[name].sizes, place)
            seconds[name].append(took)
        yield "rounds", number + 1
    counts = {name: loop_samples if name == "loop" else len(bench.pairs) for name in seconds}
    rates = {name: counts[name] / median(spent) for name, spent in seconds.items()}
    yield "samples", counts
    yield "samples_per_second", {name: round(rate, 3) for name, rate in rates.items()}
    yield "times_the_loop", {name: round(rates[name] / rates["loop"], 2) for name in ENGINES}
    yield (
        "loop_milliseconds_per_sample",
        {stage: round(1000 * spent / (rounds * loop_samples), 2) for stage, spent in clock.seconds.items()},
    )
    yield "engine_milliseconds_per_sample", {name: warm[name].sizes.milliseconds() for name in ENGINES}
    yield "batch_sizes", {name: warm[name].sizes.found() for name in ENGINES}
    yield "peak_memory", memory
    threshold = bench.models("float32").segmenter.threshold
    yield "beside_the_loop", {name: agreement(found["loop"], found[name], threshold) for name in ENGINES}


def run_loop(
    bench: Bench, pairs: Sequence[Pair], networks: Networks, folder: Path, clock: Clock
) -> tuple[float, list[Found]]:
    """The plain loop: seconds, and what it found."""
    start = now(bench.device)
    found = reference_loop.run(pairs, networks, folder, clock)
    return now(bench.device) - start, found


def run_engine(bench: Bench, precision: str, sizes: WatchedSizes, folder: Path) -> tuple[float, list[Found]]:
    """The engine: seconds, and what it found."""
    folder.mkdir(parents=True)
    pipeline = bench.pipeline(precision, sizes)
    bench.forget(precision)
    start = now(bench.device)
    found: list[Found] = []
    waiting: list[Future[Found]] = []
    readers = min(READERS, os.cpu_count() or 1)
    with ThreadPoolExecutor(readers) as reading, ThreadPoolExecutor(WRITERS) as writing:
        clips = [reading.submit(read_pair, pair) for pair in bench.pairs]
        for first in range(0, len(clips), BLOCK):
            predictions = all_ok(pipeline([clip.result() for clip in clips[first : first + BLOCK]]))
            found += [future.result() for future in waiting]
            waiting = [writing.submit(keep, prediction, folder) for prediction in predictions]
        found += [future.result() for future in waiting]
    return now(bench.device) - start, found


def keep(prediction: Prediction, folder: Path) -> Found:
    """Write the files of a prediction."""
    assert prediction.referral is not None
    assert prediction.soft_map is not None
    assert prediction.threshold is not None
    return reference_loop.write(
        folder / prediction.id, prediction.referral.text, prediction.soft_map, prediction.threshold
    )


def agreement(expected: Sequence[Found], found: Sequence[Found], threshold: float) -> dict[str, Any]:
    """How far expressions and masks of the engine are the loop's, for the samples that both did."""
    pairs = list(zip(expected, found, strict=False))
    same = [(ours, theirs) for ours, theirs in pairs if ours.expression == theirs.expression]
    record: dict[str, Any] = {"equal_expressions": round(len(same) / len(pairs), 4)}
    if same:
        maps = ([_soft_map(one) for one in side] for side in zip(*same, strict=True))
        record["with_equal_expressions"] = compare_maps(*maps, threshold)
    return record


def _soft_map(found: Found) -> np.ndarray:
    return np.asarray(Image.open(found.soft_map)).astype(np.float32) / reference_loop.LEVELS
