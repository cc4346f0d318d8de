"""``fiftyone-avs train-tiny``."""

from __future__ import annotations

import argparse
from pathlib import Path

from fiftyone_avs.cli.common import command

TRAIN_TINY = """\
Train the embedded models of the preset "tiny" again, on the drawn demo world. They are for the demo
world only: they know nothing of real pictures and sounds.

Training counts steps, is seeded and can be interrupted: run the same command again to go on. The
held-out report is written beside the weights.

examples:
  fiftyone-avs train-tiny --out my-weights                  several hours on one core
  fiftyone-avs train-tiny --out my-weights --scale 3        three times the steps: better
  fiftyone-avs train-tiny --out my-weights --only clap      one model
"""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this module's command to the command line."""
    parser = command(commands, "train-tiny", "train the embedded demo models again", TRAIN_TINY)
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for the trained weights and the report"
    )
    parser.add_argument("--work", type=Path, help="folder for data and checkpoints (default: <out>-work)")
    parser.add_argument("--seed", type=int, default=0, help="(default: %(default)s)")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="multiplies the steps (default: %(default)s)"
    )
    parser.add_argument("--only", help="comma-separated stages to train")
    parser.set_defaults(run=run_train_tiny)


def run_train_tiny(options: argparse.Namespace) -> int:
    """Train and name the report."""
    from fiftyone_avs.training.tiny.run import train_tiny

    work = options.work or options.out.with_name(f"{options.out.name}-work")
    only = options.only.split(",") if options.only else None
    train_tiny(work, options.out, seed=options.seed, scale=options.scale, only=only)
    print(f"weights and report: {options.out}")
    return 0
