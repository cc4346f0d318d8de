"""How much memory does a whole pipeline take at most, in each precision?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .accelerator import held, is_cuda, peak_memory, settle
from .bench import Bench, all_ok
from .plan import HALVES
from .warming import BLOCK, warm_up


def measure(bench: Bench) -> Iterator[tuple[str, Any]]:
    """The peak of a block of samples, with the batch sizes that the engine finds."""
    for precision in ("float32", *HALVES) if is_cuda(bench.device) else ("float32", "bf16"):
        warm = warm_up(bench, precision)
        pipeline = bench.pipeline(precision, warm.sizes)
        bench.forget(precision)
        settle(bench.device)
        with peak_memory(bench.device) as peak:
            all_ok(pipeline(bench.clips[:BLOCK]))
        yield precision, {**peak, "batch_sizes": warm.found}
    if is_cuda(bench.device):
        yield "held_mb", round(held(bench.device))
