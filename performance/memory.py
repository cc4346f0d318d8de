r"""Whether memory stays what it is while a long run goes on: 20,000 samples through the embedded models.

A run of the public ``avs.segment`` is followed through its progress: every --every samples the memory of this
process is noted (resident, from the system), and that of its worker processes. What is held after the last sample
must be within 10 % of what was held after the first --every.

    python performance/memory.py                       20,000 samples; 2 GB of masks in a temporary folder
    python performance/memory.py --samples 2000 --every 100

The samples repeat a few hundred scenes (--scenes), each under a path of its own, so that the disk stays small and
nothing recognises a repetition by its path. The series lands in performance/results/memory.json and memory.png.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import psutil
from measuring import (
    MEGABYTE,
    dataset_of,
    load_models,
    machine,
    memory,
    parser_of,
    segment,
    workplace,
    write_record,
)
from media import link_pairs, write_pairs

TOLERANCE = 0.1


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Run, note, print and write; the record is returned."""
    options = parse(arguments)
    with workplace(options) as work:
        scenes = write_pairs(work / "scenes", options.scenes, layout="distinct", filmed=False, seed=77)
        pairs = list(link_pairs(work / "media", scenes, options.samples))
        models = load_models(options, work)
        series = Series(options.every, options.samples)
        with dataset_of(pairs) as dataset:
            segment(dataset, models, options, output_dir=work / "out", progress=series)
    first, last = series.rows[0]["resident_mb"], series.rows[-1]["resident_mb"]
    record = {
        "samples": options.samples,
        "scenes": options.scenes,
        "every": options.every,
        **machine(models.device),
        "first_mb": first,
        "last_mb": last,
        "last_relative_to_first": round(last / first, 4),
        "within_tolerance": last <= (1 + TOLERANCE) * first,
        "seconds": series.rows[-1]["seconds"],
        "series": series.rows,
    }
    verdict = "within" if record["within_tolerance"] else "NOT within"
    print(f"after {options.every}: {first} MB, after {options.samples}: {last} MB, {verdict} {TOLERANCE:.0%}")
    path = write_record(record, options, "memory")
    plot(record, path.with_suffix(".png"))
    return record


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = parser_of(__doc__, samples=20_000)
    parser.add_argument("--every", type=int, default=1000, help="samples between two looks at the memory")
    parser.add_argument("--scenes", type=int, default=300, help="how many scenes are drawn")
    parser.set_defaults(preset="tiny", models=[], random=False, device=None)
    options = parser.parse_args(arguments)
    if options.samples < 2 * options.every:
        parser.error("--samples must be at least twice --every: there is nothing to compare")
    return options


class Series:
    """Notes memory while a run reports its progress.

    Attributes:
        rows: samples done, seconds since the start, MB resident in this process, MB with its worker processes.
    """

    def __init__(self, every: int, total: int) -> None:
        self.rows: list[dict[str, Any]] = []
        self._every, self._total = every, total
        self._start = time.perf_counter()

    def __call__(self, done: int, total: int) -> None:
        """Take a note after every so many samples, and after the last."""
        if done % self._every and done != self._total:
            return
        row = {
            "done": done,
            "seconds": round(time.perf_counter() - self._start, 1),
            "resident_mb": round(psutil.Process().memory_info().rss / MEGABYTE, 1),
            "with_workers_mb": round(memory(), 1),
        }
        self.rows.append(row)
        print(", ".join(f"{name} {value}" for name, value in row.items()), flush=True)


def plot(record: dict[str, Any], path: Path) -> None:
    """Draw memory over samples."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 3.5), layout="constrained")
    done = [row["done"] for row in record["series"]]
    axes.plot(done, [row["resident_mb"] for row in record["series"]], marker=".", label="this process")
    shares = [row["with_workers_mb"] for row in record["series"]]
    axes.plot(done, shares, label="its share, with worker processes (PSS)")
    limit = (1 + TOLERANCE) * record["first_mb"]
    axes.axhline(limit, color="grey", linestyle="--", label=f"{TOLERANCE:.0%} above the first")
    axes.set(xlabel="samples done", ylabel="MB", ylim=(0, None), title="Memory during one run")
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
    print(f"written: {path}")


if __name__ == "__main__":
    main()
