r"""What the engine does on a GPU, measured by one command in eight minutes at most.

    python performance/gpu.py                 on the CUDA GPU
    python performance/gpu.py --cpu --small   a trial of the same code on small networks

It needs neither FiftyOne nor MongoDB nor a network. The networks have their real architectures and sizes; their
weights are random, seeded, written to a temporary folder and loaded by the package as a user's files are. Masks of
such networks say nothing about pictures, but whether two ways to compute them agree, how long that takes and how
much memory. For each preset:

    parity     how far TF32, bf16 and fp16 are from float32, stage by stage and in the whole pipeline
    speed      samples per second of the engine, beside the plain loop of the paper's code
    bound      the share of the device's arithmetic that each stage uses
    batches    the batch sizes that the engine finds, and the memory of each stage
    pressure   what happens when memory runs out, for real
    memory     the most memory that the whole pipeline takes

The sections come in this order, each for all presets. When the time is up, what is not measured is named as such. The
JSON file is written after every result. The exit status is 1 if a section failed; a goal that is missed is no failure.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from on_gpu.budget import Budget
from on_gpu.plan import PRESETS, SECTIONS


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write; the exit status is returned."""
    options = parse(arguments)
    budget = Budget(options.budget)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # everything is on the disk
    from on_gpu.running import run  # torch and transformers take a while, which counts

    return run(options, budget)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--presets", nargs="+", default=list(PRESETS), choices=PRESETS)
    parser.add_argument("--sections", nargs="+", default=list(SECTIONS), choices=SECTIONS)
    parser.add_argument("--budget", type=float, default=480, help="seconds that all may take")
    parser.add_argument("--cpu", action="store_true", help="on the processor, for a trial")
    parser.add_argument("--small", action="store_true", help="small networks and pictures, few samples")
    parser.add_argument("--threads", type=int, help="torch's threads (default: torch's own)")
    parser.add_argument(
        "--folder", type=Path, help="temporary files (10 GB, with masks) go below this; the system's own"
    )
    parser.add_argument("--weights", type=Path, help="keep the random weights there and use them again")
    parser.add_argument("--out", type=Path, help="the JSON file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
