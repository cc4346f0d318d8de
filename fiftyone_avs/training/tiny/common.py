"""What every tiny training shares: the resumable loop and the export.

A training is counted in steps, never in minutes, and all of its randomness is derived from ``(seed, step)``.
A run that is killed therefore continues from its last checkpoint with the batches it would have seen anyway.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from fiftyone_avs.training.tiny.optimizer import MixedOptimizer, cosine

LossFunction = Callable[[np.random.Generator], Mapping[str, Tensor]]
"""Draws one batch with the given generator and returns named loss terms; their sum is minimised."""

Evaluation = Callable[[nn.Module], Mapping[str, float]]
"""Measures a model (in eval mode, without gradients) and returns named figures."""

CheckpointHook = Callable[[nn.Module, int], None]
"""Called after each checkpoint with the model to be exported and the number of steps made."""


@dataclass(frozen=True)
class _Paths:
    """Where one training keeps its files."""

    folder: Path

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    @property
    def log(self) -> Path:
        return self.folder / "log.jsonl"

    @property
    def done(self) -> Path:
        return self.folder / "done"


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, then move it to ``path`` in one go."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_done(folder: Path) -> dict[str, Any] | None:
    """What the ``done`` marker in ``folder`` says, or None if the training there is not finished."""
    marker = _Paths(folder).done
    if not marker.exists():
        return None
    content: dict[str, Any] = json.loads(marker.read_text())
    return content


class _Run:
    """One training under way: its weights, their running average, the optimiser and the step count."""

    def __init__(self, model: nn.Module, optimizer: MixedOptimizer, average_decay: float) -> None:
        self.model = model
        self.optimizer = optimizer
        self.average_decay = average_decay
        self.step = 0
        self.average = copy.deepcopy(model).requires_grad_(False)
        self._live: list[Tensor] = [parameter.detach() for parameter in model.parameters()]
        self._mean: list[Tensor] = list(self.average.parameters())

    def update_average(self) -> None:
        """Move the running average towards the weights; young averages follow faster."""
        decay = min(self.average_decay, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(self._mean, self._live, 1.0 - decay)

    def save(self, path: Path) -> None:
        """Write everything that a later run needs to go on."""
        state = {
            "step": self.step,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        write_atomically(path, lambda temporary: torch.save(state, temporary))

    def load(self, path: Path) -> None:
        """Go on from what `save` wrote."""
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = int(state["step"])


def train_loop(
    name: str,
    model: nn.Module,
    loss_fn: LossFunction,
    evaluate: Evaluation,
    *,
    steps: int,
    lr: float,
    work_dir: Path,
    eval_every: int,
    warmup: int = 100,
    weight_decay: float = 0.03,
    muon_ratio: float = 1.5,
    average_decay: float = 0.998,
    seed: int = 0,
    on_checkpoint: CheckpointHook | None = None,
) -> dict[str, float]:
    """Train ``model`` in place for ``steps`` steps and leave the running average of its weights in it.

    Args:
        name: the folder under ``work_dir`` that keeps ``checkpoint.pt``, ``log.jsonl`` and ``done``.
        model: trained in place; ``loss_fn`` must read this very object.
        loss_fn: draws a batch with the generator it gets, which depends on ``(seed, step)`` alone.
        evaluate: measures the averaged weights every ``eval_every`` steps and at the end.
        steps: how many steps to make in all.
        lr: highest learning rate.
        work_dir: folder that holds the folder ``name``.
        eval_every: steps between two checkpoints.
        warmup: steps until the learning rate is at its highest, see `cosine`.
        weight_decay: see `MixedOptimizer`.
        muon_ratio: see `MixedOptimizer`.
        average_decay: decay of the exponential moving average of the weights.
        seed: seed of all batches.
        on_checkpoint: called with the averaged model after each checkpoint but the last.

    Returns:
        The figures of the last evaluation. A training that is already done is loaded, not repeated.
    """
    paths = _Paths(Path(work_dir) / name)
    paths.folder.mkdir(parents=True, exist_ok=True)
    run = _Run(model, MixedOptimizer(model.named_parameters(), lr, weight_decay, muon_ratio), average_decay)
    if paths.checkpoint.exists():
        run.load(paths.checkpoint)
    done = read_done(paths.folder)
    if done is None or done["steps"] != steps:
        paths.done.unlink(missing_ok=True)
        figures = _advance(
            name, run, loss_fn, evaluate, paths, steps, warmup, eval_every, seed, on_checkpoint
        )
        marker = json.dumps({"steps": steps, "seed": seed, "figures": figures})
        write_atomically(paths.done, lambda temporary: temporary.write_text(marker))
    else:
        figures = done["figures"]
    model.load_state_dict(run.average.state_dict())
    model.eval()
    return figures


def _advance(
    name: str,
    run: _Run,
    loss_fn: LossFunction,
    evaluate: Evaluation,
    paths: _Paths,
    steps: int,
    warmup: int,
    eval_every: int,
    seed: int,
    on_checkpoint: CheckpointHook | None,
) -> dict[str, float]:
    """Make the steps that are left, with a checkpoint and a line in the log at each evaluation."""
    means: dict[str, float] = {}
    figures: dict[str, float] = {}
    started = time.monotonic()
    first = run.step
    run.model.train()
    with tqdm(total=steps, initial=run.step, desc=name, mininterval=10) as bar:
        while run.step < steps:
            rng = np.random.default_rng([seed, run.step])
            torch.manual_seed(int(rng.integers(2**31)))
            terms = loss_fn(rng)
            run.optimizer.step(torch.stack(list(terms.values())).sum(), cosine(run.step, steps, warmup))
            run.step += 1
            run.update_average()
            for term, value in terms.items():
                means[term] = 0.98 * means.get(term, value.item()) + 0.02 * value.item()
            bar.update(1)
            if run.step % eval_every == 0 or run.step == steps:
                figures = _evaluate(run, evaluate)
                run.save(paths.checkpoint)
                rate = (run.step - first) / (time.monotonic() - started)
                _log(paths.log, run.step, {**means, **figures, "steps_per_second": rate})
                if on_checkpoint is not None and run.step < steps:
                    on_checkpoint(run.average, run.step)
                run.model.train()
    return figures or _evaluate(run, evaluate)


def _evaluate(run: _Run, evaluate: Evaluation) -> dict[str, float]:
    run.average.eval()
    with torch.no_grad():
        return {key: float(value) for key, value in evaluate(run.average).items()}


def _log(path: Path, step: int, figures: Mapping[str, float]) -> None:
    """Append one line of JSON and show it."""
    line = json.dumps({"step": step, **{key: round(value, 4) for key, value in figures.items()}})
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    tqdm.write(f"{path.parent.name}: {line}")


def save_model(model: Any, tokenizer: Any | None, processor: Any | None, out_dir: Path) -> None:
    """Write a model in half precision with its tokenizer and processor, as ``from_pretrained`` reads them.

    The folder appears whole or not at all: it is filled beside ``out_dir`` and then put in its place.
    """
    out_dir = Path(out_dir)
    out_dir.parent.mkdir(parents=True, exist_ok=True)
    filling = Path(tempfile.mkdtemp(dir=out_dir.parent, prefix=f".{out_dir.name}."))
    try:
        copy.deepcopy(model).half().save_pretrained(filling, safe_serialization=True)
        for part in (tokenizer, processor):
            if part is not None:
                part.save_pretrained(filling)
        filling.chmod(0o755)
        if out_dir.exists():
            shutil.rmtree(out_dir)
        filling.rename(out_dir)
    finally:
        shutil.rmtree(filling, ignore_errors=True)
