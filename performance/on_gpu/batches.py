"""Which batch sizes does the engine find for each stage, and how much memory does each stage take with them?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .accelerator import is_cuda, peak_memory, settle
from .bench import Bench
from .warming import BLOCK, warm_up

STRATEGIES = ("vcap_acls", "acap_vcls", "classification")
"""Between them they ask every role of a preset."""


def measure(bench: Bench) -> Iterator[tuple[str, Any]]:
    """What each strategy's stages settle on, then the memory of every stage with a batch of that size."""
    precision = "bf16" if is_cuda(bench.device) else "float32"  # which is quick there
    limits = bench.first_sizes()
    yield "precision", precision
    yield "limits", {"first": limits.start, "most": limits.most, "samples_at_once": len(bench.clips[:BLOCK])}
    found: dict[str, int] = {}
    for strategy in STRATEGIES:
        warm = warm_up(bench, precision, strategy)
        found = {**warm.found, **found}
        yield (
            f"sizes, {strategy}",
            {stage: {"found": size, "tried": warm.tried[stage]} for stage, size in warm.found.items()},
        )
    for stage in bench.stages:
        size = found.get(stage.name, limits.start)
        inputs = bench.inputs.many(size)
        settle(bench.device)
        with peak_memory(bench.device) as peak:
            bench.run(stage, precision, inputs)
        yield f"memory, {stage.name}", {"batch": size, **peak}
