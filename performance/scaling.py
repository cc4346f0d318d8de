r"""How much faster a run is with more Ray workers, one CPU each, on the same scenes and models.

Segments scenes of the demo world with the preset tiny on a Ray cluster of this machine, with each number of
workers in turn, several rounds, and prints samples per second and the ratio to one worker.

    python performance/scaling.py                              1 and 2 workers
    python performance/scaling.py --workers 1 2 4 8 --samples 2000

Start-up does not count: every worker notes when it named the objects of each batch, and the clock runs from
when the last worker has done its first block (so all have loaded their models and are warm) until the first one
has no more to do. The whole time, start-up included, is in the JSON, too. It needs as many idle cores as
there are workers, and one more is good; the driver and MongoDB need some time as well. The result lands in
performance/results/.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import fiftyone as fo
import ray
import torch

import fiftyone_avs as avs
from fiftyone_avs.fo.segment.cluster.driver import RayRunner
from fiftyone_avs.tiny.scenes import make_scenes, write_scenes

RESULTS = Path(__file__).parent / "results"
STRATEGY = "vcap_acls"


@dataclass(frozen=True)
class Noted:
    """A strategy that notes in a file of its process when it has done how many samples."""

    name: ClassVar[str] = "noted"
    needs: ClassVar[tuple[str, ...]] = avs.get_strategy(STRATEGY).needs

    folder: str

    def refer(self, evidence: Sequence[avs.Evidence], models: avs.Models) -> list[avs.Referral]:
        """The strategy's own referrals."""
        found = avs.get_strategy(STRATEGY, **models.strategy_options.get(STRATEGY, {})).refer(
            evidence, models
        )
        with (Path(self.folder) / str(os.getpid())).open("a") as notes:
            notes.write(f"{time.time()} {len(evidence)} {time.process_time()}\n")
        return found


@dataclass(frozen=True)
class Note:
    """What a worker noted of a batch: when it was done, of how many samples, and its CPU seconds so far."""

    when: float
    count: int
    cpu: float


def main() -> None:
    """Measure, print and write."""
    options = parse()
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(
        address="local",
        num_cpus=max(options.workers),
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
    )
    rounds: dict[int, list[dict[str, float]]] = {workers: [] for workers in options.workers}
    with tempfile.TemporaryDirectory(prefix="fiftyone-avs-") as folder:
        rows = write_scenes(Path(folder) / "world", make_scenes(21, options.samples))
        for number in range(options.rounds):
            for workers in options.workers:
                found = measure(Path(folder), rows, workers, options)
                rounds[workers].append(found)
                print(f"round {number + 1}, {workers} workers: {json.dumps(found)}")
    ray.shutdown()
    rates = {
        workers: statistics.median(found["samples_per_second"] for found in all_found)
        for workers, all_found in rounds.items()
    }
    first = options.workers[0]
    for workers, rate in rates.items():
        print(f"{workers} workers: {rate:.2f} samples/s, {rate / rates[first]:.2f} times that of {first}")
    record = {
        "samples": options.samples,
        "batch_size": options.batch_size,
        "block": options.block,
        "strategy": STRATEGY,
        "samples_per_second": {str(workers): round(rate, 3) for workers, rate in rates.items()},
        "ratio_to_first": {str(workers): round(rate / rates[first], 3) for workers, rate in rates.items()},
        "rounds": {str(workers): found for workers, found in rounds.items()},
        "cores": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "ray": ray.__version__,
        "torch": torch.__version__,
    }
    RESULTS.mkdir(exist_ok=True)
    path = options.out or RESULTS / "scaling.json"
    path.write_text(json.dumps(record, indent=2) + "\n")
    print(f"written: {path}")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--samples", type=int, default=480)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--block", type=int, default=16)
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def measure(
    folder: Path, rows: Sequence[dict[str, Any]], workers: int, options: argparse.Namespace
) -> dict[str, float]:
    """One run with so many workers: samples per second of all of them, and how long it took in all."""
    world = folder / "world"
    dataset = fo.Dataset()
    dataset.info["fiftyone_avs_demo"] = True
    dataset.save()
    paths = [(world / "img" / f"{row['id']}.png", world / "wav" / f"{row['id']}.wav") for row in rows]
    dataset.add_samples(
        [fo.Sample(filepath=str(picture), audio_path=str(sound)) for picture, sound in paths], progress=False
    )
    with tempfile.TemporaryDirectory(dir=folder) as place:
        notes = Path(place) / "notes"
        notes.mkdir()
        start = time.perf_counter()
        summary = avs.segment(
            dataset,
            Noted(str(notes)),
            preset="tiny",
            batch_size=options.batch_size,
            output_dir=Path(place) / "out",
            progress=False,
            runner=RayRunner(workers=workers, cpus=1, block=options.block),
        )
        whole = time.perf_counter() - start
        found = steady_state([read_notes(path) for path in notes.iterdir()], workers, options.block)
    dataset.delete()
    if summary.ok != len(rows):
        raise SystemExit(f"not all samples were ok, so the times mean nothing: {summary}")
    return {**found, "seconds_with_start": round(whole, 2)}


def read_notes(path: Path) -> list[Note]:
    """What one worker noted."""
    lines = (line.split() for line in path.read_text().splitlines())
    return [Note(float(when), int(count), float(cpu)) for when, count, cpu in lines]


def steady_state(logs: Sequence[Sequence[Note]], workers: int, block: int) -> dict[str, float]:
    """What all workers did while all of them were warm and busy."""
    if len(logs) < workers:
        raise SystemExit(f"only {len(logs)} of {workers} workers had anything to do: take more samples")
    start = max(first_block_done(log, block) for log in logs)
    end = min(log[-1].when for log in logs)
    if end <= start:
        raise SystemExit("the last worker began when the first one had ended: take more samples")
    within = [[note for note in log if start <= note.when <= end] for log in logs]
    done = sum(note.count for log in within for note in log[1:])  # the first note tells of the time before
    return {
        "samples_per_second": round(sum(rate(log) for log in within), 3),
        "cpu_seconds_per_sample": round(sum(log[-1].cpu - log[0].cpu for log in within) / done, 4),
        "seconds_measured": round(end - start, 2),
    }


def rate(log: Sequence[Note]) -> float:
    """Samples per second of one worker, from its first note to its last."""
    return sum(note.count for note in log[1:]) / (log[-1].when - log[0].when)


def first_block_done(log: Sequence[Note], block: int) -> float:
    """When a worker had done as many samples as a block has."""
    counts = itertools.accumulate(note.count for note in log)
    return next((note.when for note, done in zip(log, counts, strict=True) if done >= block), log[-1].when)


if __name__ == "__main__":
    main()
