"""Train all embedded tiny models with one call; the command line's ``train-tiny`` makes it.

A training that is stopped goes on where it was when the same call is made again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from fiftyone_avs.errors import ConfigurationError

_PACKAGE = "fiftyone_avs.training.tiny"

STAGES: dict[str, tuple[str, str]] = {
    "nouns": ("nouns", "train_nouns"),
    "ast": ("audio_classifier", "train_audio_classifier"),
    "clap": ("audio_text", "train_audio_text"),
    "whisper": ("audio_captioner", "train_audio_captioner"),
    "segmenter": ("segmenter", "train_segmenter"),
    "image_captioner": ("image_captioner", "train_image_captioner"),
    "bridge": ("bridge", "train_bridge"),
    "report": ("report", "write_report"),
}
"""Every stage in its order: the module and the function ``(work, out, seed, scale) -> figures``."""

_SOUND_STAGES = {"ast", "clap", "whisper", "bridge"}


def train_tiny(
    work: Path, out: Path, seed: int = 0, scale: float = 1.0, only: Sequence[str] | None = None
) -> dict[str, Any]:
    """Train the tiny models and export them in half precision.

    Args:
        work: folder of caches, checkpoints and logs; one training at a time for each stage.
        out: folder of the exported models, one folder for each.
        seed: seed of everything.
        scale: factor on steps and data; 1.0 is a release, 0.01 shows in a few minutes that all stages run.
        only: names of stages to run; all by default.

    Returns:
        The figures of each stage that ran.

    Raises:
        ConfigurationError: for a stage that does not exist.
    """
    work, out = Path(work), Path(out)
    chosen = list(STAGES) if only is None else list(only)
    unknown = [name for name in chosen if name not in STAGES]
    if unknown:
        raise ConfigurationError(f"unknown stages {', '.join(unknown)}; the stages are {', '.join(STAGES)}")
    work.mkdir(parents=True, exist_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    # More threads are slower for matrices this small, and the weights should not depend on the machine.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        if _SOUND_STAGES & set(chosen):
            import_module(f"{_PACKAGE}.audio_data").prepare_audio(work, seed, scale)
        return {name: _stage(name)(work, out, seed, scale) for name in STAGES if name in chosen}
    finally:
        torch.set_num_threads(threads)


def _stage(name: str) -> Callable[[Path, Path, int, float], Any]:
    """The function of a stage; its module is imported only when it is needed."""
    module, function = STAGES[name]
    stage: Callable[[Path, Path, int, float], Any] = getattr(import_module(f"{_PACKAGE}.{module}"), function)
    return stage
