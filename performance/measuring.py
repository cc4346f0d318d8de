"""What the benchmarks of whole runs share: their arguments, datasets, clocks and records."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import platform
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import torch
from media import Pair
from random_models import NOUNS, write_models

import fiftyone_avs as avs

RESULTS = Path(__file__).parent / "results"
MEGABYTE = 1 << 20
NAMES = itertools.count()

METHODS = {
    "image_captioner": "caption_images",
    "audio_captioner": "caption_sounds",
    "noun_extractor": "extract",
    "audio_text_scorer": "score_sounds",
    "image_text_scorer": "score_images",
    "segmenter": "segment",
}
"""What a pipeline calls of a role's model."""


def parser_of(text: str | None, samples: int) -> argparse.ArgumentParser:
    """The arguments that all scripts have."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=samples)
    parser.add_argument("--batch-size", type=int, help="clips per call of the models; found by the package")
    parser.add_argument(
        "--threads",
        type=int,
        help="torch's threads (default: torch's own); the engine takes one for small models",
    )
    parser.add_argument("--folder", type=Path, help="temporary files go below this; the system's own")
    parser.add_argument("--out", type=Path, help="the JSON file")
    return parser


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Which models run, for scripts that can do with others than the embedded ones."""
    parser.add_argument("--preset", default="tiny", choices=("tiny", "paper"))
    parser.add_argument("--models", nargs="+", default=[], metavar="ROLE=MODEL")
    parser.add_argument("--random", action="store_true", help="paper: files of real size, filled at random")
    parser.add_argument("--random-folder", type=Path, help="keep the random files there and use them again")
    parser.add_argument("--device")


def load_models(
    options: argparse.Namespace, work: Path, precision: str = "float32", compile: bool = False
) -> avs.Models:
    """The models that the arguments name."""
    given = dict(text.split("=", 1) for text in options.models)
    if options.random and options.preset != "paper":
        raise avs.ConfigurationError("--random is for --preset paper; the others bring their weights along")
    if options.random:
        given = {**write_models(options.random_folder or work / "random"), **given}
        options.models = [f"{role}={model}" for role, model in given.items()]  # for other processes
    if options.preset == "paper":
        given = {"noun_extractor": NOUNS, **given}
    return avs.load_models(
        options.preset, overrides=given, device=options.device, precision=precision, compile=compile
    )


@contextmanager
def workplace(options: argparse.Namespace) -> Iterator[Path]:
    """A folder that is deleted at the end; torch has the wanted threads meanwhile."""
    threads = torch.get_num_threads()
    torch.set_num_threads(options.threads or threads)
    try:
        with tempfile.TemporaryDirectory(prefix="fiftyone-avs-", dir=options.folder) as folder:
            yield Path(folder)
    finally:
        torch.set_num_threads(threads)


@contextmanager
def dataset_of(pairs: Sequence[Pair]) -> Iterator[Any]:
    """A FiftyOne dataset of image samples with sounds, deleted at the end."""
    import fiftyone as fo

    dataset = fo.Dataset(f"fiftyone-avs-benchmark-{os.getpid()}-{next(NAMES)}")
    try:
        dataset.info["fiftyone_avs_demo"] = True  # the embedded models may look at it
        dataset.save()
        samples = (
            fo.Sample(filepath=str(pair.picture), audio_path=str(pair.sound), name=pair.name)
            for pair in pairs
        )
        dataset.add_samples(samples, progress=False)
        yield dataset
    finally:
        dataset.delete()


def segment(
    dataset: Any, models: avs.Models, options: argparse.Namespace, **arguments: Any
) -> avs.RunSummary:
    """The public ``avs.segment`` on a whole dataset; every sample must be ok.

    Raises:
        RuntimeError: if a sample is not ok, since such samples take less time.
    """
    if options.batch_size is not None:
        arguments["batch_size"] = options.batch_size
    arguments = {"strategy": "vcap_acls", "progress": False, **arguments}
    summary = avs.segment(dataset, models=models, preset=models.preset, **arguments)
    check_all_ok(dataset, summary)
    return summary


def segment_all(
    dataset: Any,
    models: avs.Models,
    options: argparse.Namespace,
    runs: Mapping[str, tuple[str, Mapping[str, Any]]],
    folder: Path,
) -> None:
    """The public ``avs.segment_all`` on a whole dataset: run keys with strategies and their options.

    Raises:
        RuntimeError: if a sample is not ok.
    """
    summaries = avs.segment_all(
        dataset,
        {key: strategy for key, (strategy, _) in runs.items()},
        strategy_options={key: given for key, (_, given) in runs.items()},
        models=models,
        preset=models.preset,
        batch_size=options.batch_size,
        output_dir=folder,
        progress=False,
    )
    for summary in summaries:
        check_all_ok(dataset, summary)


def check_all_ok(dataset: Any, summary: avs.RunSummary) -> None:
    """Raise RuntimeError if a sample is not ok."""
    if summary.ok < len(dataset):
        raise RuntimeError(f"{summary}; the first reason: {next(iter(summary.reasons.values()), '')}")


class Clock:
    """Seconds by stage. On a GPU it waits for the work to be done before it looks at the time."""

    def __init__(self, device: str) -> None:
        self.seconds: Counter[str] = Counter()
        self._cuda = device.startswith("cuda")

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Add the time of a block to a stage."""
        start = self.now()
        try:
            yield
        finally:
            self.seconds[stage] += self.now() - start

    def now(self) -> float:
        """The time in seconds, after all work so far."""
        if self._cuda:
            torch.cuda.synchronize()
        return time.perf_counter()

    def shares(self, total: float, rest: str) -> dict[str, float]:
        """The share of each stage in a total, and of the rest."""
        parts = {**self.seconds, rest: max(0.0, total - sum(self.seconds.values()))}
        return {stage: round(seconds / total, 4) for stage, seconds in parts.items()}


@contextmanager
def timed_roles(models: avs.Models, roles: Sequence[str], clock: Clock) -> Iterator[None]:
    """Let the clock run while a loaded model of one of the roles works."""

    def timed(role: str, method: Any) -> Any:
        def call(*arguments: Any, **keywords: Any) -> Any:
            with clock(role):
                return method(*arguments, **keywords)

        return call

    with contextlib.ExitStack() as undo:
        for role in roles:
            model, name = models.role(role), METHODS[role]
            setattr(model, name, timed(role, getattr(model, name)))
            undo.callback(delattr, model, name)  # the class's own shows again
        yield


class PeakMemory:
    """The most memory that this process and its worker processes hold during a block, in MB.

    Memory that processes share counts once (PSS, where the system tells it). MongoDB's server is left out.
    """

    PERIOD = 0.05

    def __enter__(self) -> PeakMemory:
        self.start = self.peak = memory()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._done.wait(self.PERIOD):
            self.peak = max(self.peak, memory())

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()
        self.peak = max(self.peak, memory())


def memory() -> float:
    """What this process and its worker processes hold, in MB."""
    this = psutil.Process()
    total = 0.0
    for process in (this, *this.children(recursive=True)):
        with contextlib.suppress(psutil.Error):  # a worker may end at any time
            if not process.name().startswith("mongo"):
                held = process.memory_full_info()
                total += getattr(held, "pss", held.rss)
    return total / MEGABYTE


def machine(device: str) -> dict[str, Any]:
    """Where the numbers come from."""
    cuda = device.startswith("cuda")
    return {
        "device": torch.cuda.get_device_name() if cuda else platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load_average": [round(load, 1) for load in os.getloadavg()],
        "torch": torch.__version__,
    }


def write_record(record: dict[str, Any], options: argparse.Namespace, name: str) -> Path:
    """Write the JSON and say where."""
    path = options.out or RESULTS / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(record, indent=2) + "\n")
    print(f"written: {path}")
    return path
