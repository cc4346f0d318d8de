"""The device: what it is, how much memory is taken on it, when it has done its work, and how fast it can multiply."""

from __future__ import annotations

import gc
import os
import platform
import resource
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy
import torch
import transformers

MEGABYTE = 1 << 20

DATA_SHEET = {
    "H100": {"float32": 67, "bf16": 989},
    "H200": {"float32": 67, "bf16": 989},
    "A100": {"float32": 19.5, "bf16": 312},
}
"""Dense teraFLOP/s that the makers' data sheets promise (SXM cards, float32 without tensor cores), by a part of the
card's name."""

SIDE, SIDE_ON_CPU = 8192, 512
"""Rows and columns of the matrices whose product is timed."""

TYPES = {"float32": torch.float32, "bf16": torch.bfloat16}


def is_cuda(device: str) -> bool:
    """Whether a device is a CUDA GPU."""
    return device.startswith("cuda")


def now(device: str) -> float:
    """The time in seconds, after all work so far."""
    if is_cuda(device):
        torch.cuda.synchronize(device)
    return time.perf_counter()


def settle(device: str) -> None:
    """Give a GPU's memory back that nobody holds any more."""
    if is_cuda(device):
        gc.collect()
        torch.cuda.empty_cache()


def held(device: str) -> float:
    """Megabytes of tensors on a GPU now; 0 on a CPU, which does not tell."""
    return torch.cuda.memory_allocated(device) / MEGABYTE if is_cuda(device) else 0.0


@contextmanager
def peak_memory(device: str) -> Iterator[dict[str, float]]:
    """Fill a dictionary at the end of a block with the most megabytes that were taken in it.

    On a CPU it is what the whole process had at its highest up to then, which nothing can reset.
    """
    found: dict[str, float] = {}
    if is_cuda(device):
        torch.cuda.reset_peak_memory_stats(device)
        before = held(device)
        yield found
        found["peak_mb"] = round(torch.cuda.max_memory_allocated(device) / MEGABYTE)
        found["peak_reserved_mb"] = round(torch.cuda.max_memory_reserved(device) / MEGABYTE)
        found["before_mb"] = round(before)
    else:
        yield found
        found["process_peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


@contextmanager
def tf32(wanted: bool) -> Iterator[None]:
    """Let float32 products and convolutions be rounded to TF32, or forbid it."""
    flags = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [flag.allow_tf32 for flag in flags]
    for flag in flags:
        flag.allow_tf32 = wanted
    try:
        yield
    finally:
        for flag, value in zip(flags, before, strict=True):
            flag.allow_tf32 = value


def measured_peak(device: str, precision: str) -> float:
    """TeraFLOP/s of the product of two large square matrices: the best of a few."""
    side = SIDE if is_cuda(device) else SIDE_ON_CPU
    matrix = torch.randn(side, side, device=device).to(TYPES[precision])
    seconds = []
    with tf32(False), torch.inference_mode():
        matrix @ matrix  # the first product chooses a kernel
        for _ in range(5):
            start = now(device)
            matrix @ matrix
            seconds.append(now(device) - start)
    return 2 * side**3 / min(seconds) / 1e12


def data_sheet_peak(device: str, precision: str) -> float | None:
    """TeraFLOP/s of the card's data sheet, or None if the card is not known here."""
    if not is_cuda(device):
        return None
    name = torch.cuda.get_device_name(device)
    return next((peaks[precision] for card, peaks in DATA_SHEET.items() if card in name), None)


def name_of(device: str) -> str:
    """The name of the GPU or of the processor."""
    return torch.cuda.get_device_name(device) if is_cuda(device) else platform.processor() or "cpu"


def environment(device: str) -> dict[str, Any]:
    """Where the numbers come from."""
    found: dict[str, Any] = {
        "device": name_of(device),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "transformers": transformers.__version__,
        "numpy": numpy.__version__,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "flags": {
            "matmul_allow_tf32": torch.backends.cuda.matmul.allow_tf32,
            "cudnn_allow_tf32": torch.backends.cudnn.allow_tf32,
            "cudnn_benchmark": torch.backends.cudnn.benchmark,
            "float32_matmul_precision": torch.get_float32_matmul_precision(),
        },
    }
    if is_cuda(device):
        free, total = torch.cuda.mem_get_info(device)
        found |= {"driver": _driver(), "memory_mb": round(total / MEGABYTE)}
        found |= {"free_memory_mb": round(free / MEGABYTE)}
        found["compute_capability"] = ".".join(map(str, torch.cuda.get_device_capability(device)))
    return found


def _driver() -> str:
    """The driver's version, if its own tool tells."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return f"unknown: {error}"
    return answer.stdout.strip().splitlines()[0] if answer.stdout.strip() else "unknown"
