"""Runs the trainings of the sound and language models of the world, one after the other.

    python -m fiftyone_avs.training.tiny.audio --work WORK --out WEIGHTS --seed 0

Each stage continues where an earlier run was stopped. The bridge needs the trained segmenter, so it runs
only when it is asked for by `--only bridge`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from fiftyone_avs.training.tiny.audio_captioner import train_audio_captioner
from fiftyone_avs.training.tiny.audio_classifier import train_audio_classifier
from fiftyone_avs.training.tiny.audio_data import prepare_audio
from fiftyone_avs.training.tiny.audio_text import train_audio_text
from fiftyone_avs.training.tiny.bridge import train_bridge
from fiftyone_avs.training.tiny.nouns import train_nouns

Stage = Callable[[Path, Path, int, float], dict[str, Any]]

STAGES: dict[str, Stage] = {
    "nouns": train_nouns,
    "ast": train_audio_classifier,
    "clap": train_audio_text,
    "whisper": train_audio_captioner,
    "bridge": train_bridge,
}
"""Trainings by the name of the folder they fill, in the order they run."""

DEFAULT_STAGES: tuple[str, ...] = ("nouns", "ast", "clap", "whisper")


def train(
    work: Path, out: Path, seed: int = 0, scale: float = 1.0, stages: Sequence[str] = DEFAULT_STAGES
) -> dict[str, dict[str, Any]]:
    """Make the clips and run the named stages.

    Args:
        work: folder for clips, checkpoints and reports.
        out: folder of the trained models, one folder each.
        seed: seed of data, weights and batches.
        scale: multiplies the numbers of steps (and, below one, of clips); 1.0 is a release.
        stages: names from `STAGES`.

    Returns:
        The held-out figures of each stage.

    Raises:
        ValueError: a stage has no such name.
    """
    unknown = sorted(set(stages) - set(STAGES))
    if unknown:
        raise ValueError(f"no such stages: {', '.join(unknown)}; there are {', '.join(STAGES)}")
    work.mkdir(parents=True, exist_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    prepare_audio(work, seed, scale)
    return {name: stage(work, out, seed, scale) for name, stage in STAGES.items() if name in stages}


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line of `train`; prints the figures as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="folder for clips, checkpoints and reports")
    parser.add_argument("--out", type=Path, required=True, help="folder of the trained models")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the numbers of steps")
    parser.add_argument("--only", help=f"stages, separated by commas, of {', '.join(STAGES)}")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    stages = options.only.split(",") if options.only else DEFAULT_STAGES
    figures = train(options.work, options.out, options.seed, options.scale, stages)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
