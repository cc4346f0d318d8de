"""What share of the device's arithmetic does each stage use?

The operations are those that the engine executes on a batch in float32, counted by torch: products of matrices,
convolutions and attention (on a CPU torch does not count attention). The bound is the speed at which the same device
multiplies two large matrices in the same precision, measured in the same run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from fiftyone_avs.engine import Failure, run_stage

from .accelerator import data_sheet_peak, is_cuda, measured_peak, now
from .bench import Bench
from .sizes import WatchedSizes
from .stages import Inputs, Stage

PRECISIONS = ("float32", "bf16")


def measure(bench: Bench, most: int, repeats: int) -> Iterator[tuple[str, Any]]:
    """The bound of each precision, then for each stage its time and its share of it.

    Args:
        bench: the preset.
        most: samples in a batch; fewer where memory runs out.
        repeats: how often a batch is timed; the median counts.
    """
    peaks = {}
    for precision in PRECISIONS:
        peaks[precision] = measured_peak(bench.device, precision)
        yield (
            f"peak, {precision}",
            {
                "measured_teraflops": round(peaks[precision], 6),
                "data_sheet_teraflops": data_sheet_peak(bench.device, precision),
            },
        )
    for stage in bench.stages:
        operations, inputs = _count(bench, stage, bench.inputs.many(most))
        for precision in PRECISIONS:
            yield (
                f"{stage.name}, {precision}",
                share(bench, stage, precision, inputs, operations, peaks[precision], repeats),
            )


def share(
    bench: Bench,
    stage: Stage,
    precision: str,
    inputs: Inputs,
    operations: int,
    peak: float,
    repeats: int,
) -> dict[str, Any]:
    """The time of a stage on a batch, and the share of the bound that its operations make of it."""
    seconds = []
    for _ in range(1 + repeats):
        start = now(bench.device)
        bench.run(stage, precision, inputs)
        seconds.append(now(bench.device) - start)
    took = median(seconds[1:])  # the first time chooses kernels
    record = {
        "batch": len(inputs.images),
        "gflop_per_sample": round(operations / len(inputs.images) / 1e9, 6),
        "milliseconds_per_sample": round(1000 * took / len(inputs.images), 3),
        "share_of_bound": round(operations / took / (peak * 1e12), 4),
    }
    if is_cuda(bench.device) and stage.kind == "maps":  # to read what the profiler saw takes a while
        busy = _kernel_seconds(bench, stage, precision, inputs)
        record["share_of_time_in_kernels"] = round(busy / took, 4)
        record["share_of_bound_in_kernels"] = round(operations / busy / (peak * 1e12), 4) if busy else None
    return record


def _count(bench: Bench, stage: Stage, inputs: Inputs) -> tuple[int, Inputs]:
    """The operations of a batch, and the batch: the engine halves it until memory holds it."""
    sizes = WatchedSizes(len(inputs.images), len(inputs.images))
    counts = []

    def call(places: Sequence[int]) -> list[Any]:
        with FlopCounterMode(display=False) as counter:
            results = bench.run(stage, "float32", inputs.many(len(places)))
        counts.append((counter.get_total_flops(), len(places)))
        return results

    for result in run_stage(stage.name, call, range(len(inputs.images)), sizes):
        if isinstance(result, Failure):
            raise result.error
    operations, batch = max(counts)
    return operations, inputs.many(batch)


def _kernel_seconds(bench: Bench, stage: Stage, precision: str, inputs: Inputs) -> float:
    """How long the GPU works on a batch, without the time in which it waits for the processor."""
    activities = [torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=activities) as profile:
        bench.run(stage, precision, inputs)
        torch.cuda.synchronize(bench.device)
    return sum(event.self_device_time_total for event in profile.key_averages()) / 1e6
