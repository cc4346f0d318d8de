r"""How much of a run's time is spent in FiftyOne and MongoDB, with the embedded models.

While the public ``avs.segment`` runs, another thread looks every few milliseconds at where all threads are, which
slows the run by nothing that could be measured and sees every thread alike. A moment belongs to FiftyOne

* if the thread that runs ``segment`` is inside FiftyOne, or in a library that FiftyOne called (its documents,
  pymongo, waiting for the server), that is, if going outwards from where it is, one of FiftyOne's packages comes
  before this one; or
* if it waits, and among the other threads that do something of the run all are inside FiftyOne.

So what happens in FiftyOne while the models compute costs nothing; it is told apart as "beside". A profiler would
slow Python's many small calls, of which FiftyOne makes the most, more than the models.

As a check the same samples go through the same reading, pipeline and writing of files without FiftyOne; it is told
how much longer ``segment`` takes. The two alternate; numbers are medians of rounds.

    python performance/fiftyone_overhead.py             2,000 samples, 3 rounds
    python performance/fiftyone_overhead.py --samples 200 --rounds 1

The models are the smallest there are, so with others the share is smaller. The result lands in
performance/results/fiftyone-overhead.json.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from statistics import median
from types import FrameType
from typing import Any

from measuring import load_models, machine, parser_of, workplace, write_record
from media import link_pairs, write_pairs
from sides import BarePipeline, Engine

MONGODB = ("pymongo", "bson", "gridfs")
FIFTYONE = ("fiftyone", "mongoengine", "eta", "motor")
WAITING = ("threading.py", "queue.py", "concurrent/futures/_base.py", "multiprocessing/connection.py")
"""Files of Python's in which threads wait for others."""

PERIOD = 0.005
"""Seconds between two looks."""

SWITCH = 0.0005
"""How soon, in seconds, a thread that computes in Python makes room for the one that looks."""

TARGET = 0.15


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Measure, print and write; the record is returned."""
    options = parse(arguments)
    with workplace(options) as work:
        models = load_models(options, work)
        scenes = write_pairs(work / "scenes", options.scenes, layout="distinct", filmed=False, seed=55)
        engine, bare, watches = Engine(options, models), BarePipeline(options, models), []
        for side in (engine, bare):
            side.run(scenes[: options.warm_up], work / "warm-up" / type(side).__name__)
            side.forget()
        engine.around = lambda: watches.append(Watch()) or watches[-1]
        for number in range(options.rounds):
            place = work / str(number)
            pairs = list(link_pairs(place / "media", scenes, options.samples))
            for side in (engine, bare) if number % 2 == 0 else (bare, engine):
                side.run(pairs, place / type(side).__name__)
        profiles = [watch.shares() for watch in watches]
        record = {
            "samples": options.samples,
            "rounds": options.rounds,
            **machine(models.device),
            "share": middle(profile["fiftyone"] + profile["mongodb"] for profile in profiles),
            "share_in_fiftyone": middle(profile["fiftyone"] for profile in profiles),
            "share_in_mongodb": middle(profile["mongodb"] for profile in profiles),
            "share_beside_other_work": middle(profile["beside"] for profile in profiles),
            "target": TARGET,
            "looks": [watch.looks for watch in watches],
            "seconds": {"segment": rounded(engine.seconds), "without_fiftyone": rounded(bare.seconds)},
            "samples_per_second": {
                "segment": round(options.samples / median(engine.seconds), 2),
                "without_fiftyone": round(options.samples / median(bare.seconds), 2),
            },
            "segment_relative_to_without_fiftyone": middle(
                a / b for a, b in zip(engine.seconds, bare.seconds, strict=True)
            ),
        }
    show(record)
    write_record(record, options, "fiftyone-overhead")
    return record


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = parser_of(__doc__, samples=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scenes", type=int, default=300, help="how many scenes are drawn")
    parser.add_argument("--warm-up", type=int, default=16, help="scenes before the first round")
    parser.set_defaults(preset="tiny", models=[], random=False, device=None)
    return parser.parse_args(arguments)


def middle(values: Iterable[float]) -> float:
    """The median of rounds."""
    return round(median(values), 4)


def rounded(values: Sequence[float]) -> list[float]:
    """Seconds for people."""
    return [round(value, 2) for value in values]


def show(record: dict[str, Any]) -> None:
    """Print what matters."""
    print(
        f"FiftyOne and MongoDB: {record['share']:.1%} of the time (target {TARGET:.0%}): FiftyOne"
        f" {record['share_in_fiftyone']:.1%}, MongoDB {record['share_in_mongodb']:.1%}; beside other work"
        f" {record['share_beside_other_work']:.1%}"
    )
    print(
        f"samples/s: {record['samples_per_second']}; segment takes"
        f" {record['segment_relative_to_without_fiftyone']:.2f} times as long as the same without FiftyOne"
    )


class Watch:
    """Looks at all threads until its block ends, and adds up the time by where they are.

    Every look counts for the time since the one before, so one that had to wait for Python's lock counts more.
    """

    def __enter__(self) -> Watch:
        self.seconds: Counter[str] = Counter()
        self.looks = 0
        self._main = threading.get_ident()
        self._done = threading.Event()
        self._switch = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH)
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()
        sys.setswitchinterval(self._switch)

    def shares(self) -> dict[str, float]:
        """The shares of the time that belong to FiftyOne and to MongoDB, and of FiftyOne's work beside other."""
        total = sum(self.seconds[name] for name in ("fiftyone", "mongodb", "run")) or 1.0
        return {name: self.seconds[name] / total for name in ("fiftyone", "mongodb", "beside")}

    def _look(self) -> None:
        last = time.perf_counter()
        while not self._done.wait(PERIOD):
            frames = sys._current_frames()
            now = time.perf_counter()
            main = frames.pop(self._main, None)
            frames.pop(threading.get_ident())
            for name in owners(main, frames.values()):
                self.seconds[name] += now - last
            self.looks += 1
            last = now


def owners(main: FrameType | None, others: Iterable[FrameType]) -> list[str]:
    """Whose a moment is: "fiftyone", "mongodb" or "run", and "beside" if FiftyOne does something as well."""
    place, _ = where(main)
    if place in ("fiftyone", "mongodb"):
        return [place]
    # Threads that do nothing of the run, such as those with which pymongo watches the server, do not count.
    busy = {found for found, ours in map(where, others) if ours and found != "waiting"}
    stored = busy & {"fiftyone", "mongodb"}
    if place == "waiting" and stored and stored == busy:
        return [min(stored)]
    return ["run", "beside"] if stored else ["run"]


def where(frame: FrameType | None) -> tuple[str, bool]:
    """Where a thread is, or "waiting", or "elsewhere"; and whether anything of a run is on its stack.

    The first frame outwards that belongs to one of the packages decides.
    """
    waiting = frame is not None and frame.f_code.co_filename.endswith(WAITING)
    place, ours = "elsewhere", False
    while frame is not None:
        found = package_of(frame.f_code.co_filename)
        place = found if place == "elsewhere" else place
        ours = ours or found == "run"
        frame = frame.f_back
    return ("waiting" if waiting and place == "run" else place), ours


@cache
def package_of(file: str) -> str:
    """The package that a source file belongs to: "fiftyone", "mongodb", "run" or "elsewhere"."""
    return next((owner for owner, folder in folders() if file.startswith(folder)), "elsewhere")


@cache
def folders() -> list[tuple[str, str]]:
    """The folders of the packages, with a separator at the end."""
    names = [("mongodb", MONGODB), ("fiftyone", FIFTYONE), ("run", ("fiftyone_avs",))]
    specs = [(owner, importlib.util.find_spec(name)) for owner, group in names for name in group]
    return [
        (owner, folder + os.sep)
        for owner, spec in specs
        if spec is not None
        for folder in spec.submodule_search_locations or ()
    ]


if __name__ == "__main__":
    main()
