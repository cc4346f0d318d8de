"""All sections for all presets, one after the other, as far as the time goes."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from transformers.utils import logging

from . import batches, bound, memory, parity, pressure, speed
from .accelerator import environment, name_of, settle
from .bench import Bench
from .budget import Budget, NoTimeLeftError
from .plan import REAL, SMALL, Load
from .record import NO_TIME, Record
from .samples import write_samples
from .stages import CLIPSEG, STAGES
from .table import text_of
from .weights import BOXES, boxes_by_rank, noun_extractor

RESULTS = Path(__file__).parents[1] / "results"

NO_GPU = "torch sees no CUDA GPU here; --cpu --small tries the same code on the processor"

TRIAL = "A TRIAL OF THE SCRIPT: {} says nothing about a GPU"

PAINTED = f"weights are random: the {BOXES} best boxes of a picture are painted, whatever their scores"

Section = Callable[[Bench, Load, Path], Iterator[tuple[str, Any]]]

MEASURE: dict[str, Section] = {
    "parity": lambda bench, load, work: parity.measure(bench),
    "speed": lambda bench, load, work: speed.measure(bench, load.loop, load.rounds, work),
    "bound": lambda bench, load, work: bound.measure(bench, load.batch, load.repeats),
    "batches": lambda bench, load, work: batches.measure(bench),
    "pressure": lambda bench, load, work: pressure.measure(bench),
    "memory": lambda bench, load, work: memory.measure(bench),
}
"""What measures each section of the plan: name after name with its result."""


def run(options: argparse.Namespace, budget: Budget) -> int:
    """Measure, print and write; the exit status is returned.

    Raises:
        SystemExit: if there is no GPU and none can be done without.
    """
    if not options.cpu and not torch.cuda.is_available():
        raise SystemExit(NO_GPU)
    device = "cpu" if options.cpu else "cuda:0"
    if options.threads:
        torch.set_num_threads(options.threads)
    logging.disable_progress_bar()
    plan = [(section, preset) for section in options.sections for preset in options.presets]
    record = Record(options.out or default_file(device, options.small), facts(options, device), plan)
    record.write()
    with tempfile.TemporaryDirectory(prefix="fiftyone-avs-gpu-", dir=options.folder) as folder:
        watch = threading.Timer(budget.until_the_end, end_now, [record, budget, folder])
        watch.daemon = True
        watch.start()
        try:
            with boxes_by_rank():
                measure(options, device, Path(folder), budget, record)
        finally:
            watch.cancel()
    show(record, budget)
    return record.status


def default_file(device: str, small: bool) -> Path:
    """Where results go: a file named after the device."""
    slug = re.sub(r"[^a-z0-9]+", "-", name_of(device).lower()).strip("-")
    return RESULTS / f"gpu-{slug}{'-small' if small else ''}.json"


def facts(options: argparse.Namespace, device: str) -> dict[str, Any]:
    """What is known before anything is measured."""
    names = [stage.name for stage in STAGES]
    trial = [what for what, given in (("a CPU", options.cpu), ("a small network", options.small)) if given]
    return {
        "environment": environment(device),
        "cuda": device != "cpu",
        "small": options.small,
        "random_weights": True,
        "budget_seconds": options.budget,
        "notes": [*(TRIAL.format(what) for what in trial), noun_extractor()[1], PAINTED],
        "presets": options.presets,
        "stages": {
            preset: [*names, CLIPSEG.name, parity.PAINTER] if preset == "open" else names
            for preset in options.presets
        },
    }


def measure(options: argparse.Namespace, device: str, work: Path, budget: Budget, record: Record) -> None:
    """All sections; what goes wrong in one is noted, and the others come all the same."""
    load = SMALL if options.small else REAL
    benches: dict[str, Bench] = {}
    for section in options.sections:
        for preset in options.presets:
            start, status = time.monotonic(), "ok"
            try:
                budget.check()
                benches = benches or make_benches(options, device, work, load)
                for name, value in MEASURE[section](benches[preset], load, work / f"{section}-{preset}"):
                    record.found(section, preset, name, value)
                    budget.check()
            except NoTimeLeftError:
                status = NO_TIME
            except Exception as error:
                status = record.failed(section, preset, error)
            record.ended(section, preset, status, time.monotonic() - start)
            settle(device)


def make_benches(options: argparse.Namespace, device: str, work: Path, load: Load) -> dict[str, Bench]:
    """The presets under test, on the same pictures and sounds."""
    pairs = write_samples(work / "media", load.samples, filmed=not options.small, seed=100)
    weights = (options.weights or work / "weights") / ("small" if options.small else "real")
    weights.mkdir(parents=True, exist_ok=True)
    return {
        preset: Bench(preset, device, options.small, weights, pairs, load.compared)
        for preset in options.presets
    }


def end_now(record: Record, budget: Budget, folder: str) -> None:
    """End the program in the middle of whatever it does; what has been found is in the file."""
    show(record, budget)
    print("the time was up in the middle of a measurement", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(record.status)


def show(record: Record, budget: Budget) -> None:
    """Print what was measured, and where the rest is."""
    record.finish(budget.spent)
    print("\n".join(["", record.content["environment"]["device"], *record.content["notes"], ""]))
    print(text_of(record.content))
    for error in record.errors():
        print(f"\n{error}")
    print(f"\n{record.content['seconds']} s; written: {record.path}", flush=True)
