"""How long scoring takes: the batch functions of ``metrics`` against the per-sample loop of the paper's evaluator.

The loop is written here from what the released script computes for a sample, with numpy as that does:

* the grey ground truth becomes 0 and 1 (two passes);
* for the threshold 0.5, and again for the adaptive threshold, the map becomes a float64 mask; IoU, F and their
  parts are sums of float64 products of whole maps: 9 sums for the adaptive scores, 12 for the others, because
  that function also returns numerator and denominator;
* the adaptive threshold is the value at [N - k] of the fully sorted map.

Both sides get the same maps (float32) and ground truths (8-bit grey), 224 x 224 pixels, in memory, and give the
four scores of each. Neither reads files or resizes. The loop has one thread, as the script has. Both are timed
chunk by chunk in turn, so that other work on the machine slows both; making the maps is not timed. Processor time
is given beside the wall's, because threads win nothing while other work keeps the cores busy. All scores and the
six numbers of the run must agree to 1e-9.

    python performance/metrics.py --maps 10000 --threads 2

The second part times `evaluate`'s way from files: PNGs of soft maps (16 bits) and masks are read and scored in one
thread and in several. The result lands in performance/results/metrics.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from fiftyone_avs import metrics
from fiftyone_avs.engine import in_order
from fiftyone_avs.fo.evaluate.scoring import Case, Rules, score_case

RESULTS = Path(__file__).parent / "results"
SIZE = 224
CHUNK = 1000
TOLERANCE = 1e-9
LARGE = (720, 1280)


def main() -> None:
    """Measure, compare, print and write."""
    options = parse()
    torch.set_num_threads(1)  # only the maps are made with it
    ways = {"loop": loop, "batch, 1 thread": partial(batch, threads=1)}
    several = f"batch, {options.threads} threads"
    ways[several] = partial(batch, threads=options.threads)
    clock = {name: Clock() for name in ways}
    found: dict[str, list[np.ndarray]] = {name: [] for name in ways}
    for maps, greys in chunks(options.maps):
        for name, way in ways.items():
            with clock[name]:
                scores = way(maps, greys)
            found[name].append(scores)
    scores = {name: np.concatenate(parts) for name, parts in found.items()}
    check(scores)
    slow = clock["loop"]
    record = {
        "maps": options.maps,
        "size": [SIZE, SIZE],
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores",
        "load_average": [round(load, 1) for load in os.getloadavg()],
        "numpy": np.__version__,
        "seconds": {name: round(sum(one.wall), 3) for name, one in clock.items()},
        "microseconds_per_map_in_quickest_chunk": {
            name: round(1e6 * min(one.wall[:-1] or one.wall) / min(CHUNK, options.maps), 1)
            for name, one in clock.items()
        },
        "processor_microseconds_per_map": {
            name: round(1e6 * sum(one.processor) / options.maps, 1) for name, one in clock.items()
        },
        "ratio_of_seconds": ratio(slow.wall, clock[several].wall),
        "ratio_of_processor_time_on_one_core": ratio(slow.processor, clock["batch, 1 thread"].processor),
        "largest_difference": float(
            max(np.nanmax(np.abs(scores["loop"] - values)) for values in scores.values())
        ),
        "from_files": [from_files(options.files, size, options.threads) for size in ((SIZE, SIZE), LARGE)],
    }
    print(json.dumps(record, indent=2))
    RESULTS.mkdir(exist_ok=True)
    path = options.out or RESULTS / "metrics.json"
    path.write_text(json.dumps(record, indent=2) + "\n")
    print(f"written: {path}")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--maps", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--files", type=int, default=200, help="pairs of PNGs for the second part")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


class Clock:
    """Seconds of the clock on the wall, and of the processor in all threads, of every block that it is around."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.processor: list[float] = []

    def __enter__(self) -> None:
        self._start = time.perf_counter(), time.process_time()

    def __exit__(self, *error: object) -> None:
        self.wall.append(time.perf_counter() - self._start[0])
        self.processor.append(time.process_time() - self._start[1])


def chunks(count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Smooth soft maps and ground truths that overlap with them, (n, 224, 224) each; few at a time."""
    for start in range(0, count, CHUNK):
        number = min(CHUNK, count - start)
        maps = smooth(number, seed=2 * start)
        greys = np.where(0.6 * maps + 0.4 * smooth(number, seed=2 * start + 1) > 0.6, 255, 0)
        greys[0], greys[1 % number] = 0, 255  # nothing is there; all of it
        maps[2 % number] = 0.5  # nothing but ties
        maps[3 % number] = greys[3 % number] / 255  # a hard mask
        yield maps, greys.astype(np.uint8)


def smooth(count: int, *, seed: int, size: tuple[int, int] = (SIZE, SIZE)) -> np.ndarray:
    """Float32 maps in (0, 1) that look like a segmenter's: sigmoids of smooth random fields."""
    fields = torch.randn(count, 1, 14, 14, generator=torch.Generator().manual_seed(seed))
    return torch.sigmoid(3 * torch.nn.functional.interpolate(fields, size=size, mode="bicubic")).numpy()[:, 0]


def loop(maps: np.ndarray, greys: np.ndarray) -> np.ndarray:
    """The four scores of every map, shape (n, 4), one after the other."""
    return np.array([loop_scores(*pair) for pair in zip(maps, greys, strict=True)])


def loop_scores(soft_map: np.ndarray, grey: np.ndarray) -> tuple[float, float, float, float]:
    """The four scores of a sample as the released script computes them."""
    truth = grey.copy()
    truth[truth < 128] = 0
    truth[truth >= 128] = 1
    fixed = masked_scores(soft_map, truth, 0.5)
    (
        np.sum(fixed[2] * truth),
        np.sum(truth) + np.sum(fixed[2] * (truth == 0)),
    )  # what the script returns beside
    wanted = int((truth != 0).sum()) or soft_map.size // 2
    level = np.sort(soft_map.flatten())[soft_map.size - wanted]
    adaptive = masked_scores(soft_map, truth, level)
    return adaptive[0], adaptive[1], 0.0 if np.isnan(fixed[0]) else fixed[0], fixed[1]


def masked_scores(soft_map: np.ndarray, truth: np.ndarray, level: float) -> tuple[float, float, np.ndarray]:
    """IoU and F above a level, and the mask."""
    mask = np.zeros(truth.shape)
    mask[soft_map > level] = 1
    with np.errstate(invalid="ignore"):
        iou = np.sum(mask * truth) / (np.sum(truth) + np.sum(mask * (truth == 0)))
    hits = np.sum(mask * truth)
    wrong = np.sum(mask * (truth == 0))
    missed = np.sum(truth * (mask == 0))
    precision = hits / (hits + wrong) if hits + wrong > 0 else 0.0
    recall = hits / (hits + missed) if hits + missed > 0 else 0.0
    below = 0.3 * precision + recall
    return iou, 1.3 * precision * recall / below if below > 0 else 0.0, mask


def batch(maps: np.ndarray, greys: np.ndarray, threads: int) -> np.ndarray:
    """The same with this package, shape (n, 4)."""
    return np.stack(metrics.score_batch(maps, greys >= 128, threads=threads), axis=1)


def check(scores: dict[str, np.ndarray]) -> None:
    """All scores agree, and so do the numbers of the run."""
    expected = scores["loop"]
    summary = metrics.summarize([metrics.SampleScores(*row) for row in expected])
    for name, values in scores.items():
        np.testing.assert_allclose(values, expected, rtol=0, atol=TOLERANCE, equal_nan=True, err_msg=name)
        found = metrics.summarize([metrics.SampleScores(*row) for row in values])
        np.testing.assert_allclose(
            list(vars(found).values()), list(vars(summary).values()), rtol=0, atol=TOLERANCE, equal_nan=True
        )


def ratio(slow: list[float], quick: list[float]) -> dict[str, float]:
    """How many times quicker: of the whole, the median over chunks, and of each side's quickest chunk.

    Other work on the machine disturbs the last one least; the last chunk may be smaller and is left out there.
    """
    by_chunk = [a / b for a, b in zip(slow, quick, strict=True)]
    whole = slice(-1) if len(slow) > 1 else slice(None)
    return {
        "total": round(sum(slow) / sum(quick), 1),
        "median": round(statistics.median(by_chunk), 1),
        "quickest": round(min(slow[whole]) / min(quick[whole]), 1),
    }


def from_files(count: int, size: tuple[int, int], threads: int) -> dict[str, object]:
    """Seconds per sample of reading and scoring PNGs, in one thread and in several, in turn; best of three."""
    rules = Rules("mask", "truth", True, "baav", 0.5, "official")
    with tempfile.TemporaryDirectory() as folder:
        cases = write_cases(Path(folder), count, size)
        best: dict[int, float] = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for number in (1, threads) * 3:
                start = time.perf_counter()
                list(in_order(partial(score_case, rules=rules), cases, number))
                best[number] = min(best.get(number, np.inf), time.perf_counter() - start)
    return {
        "samples": count,
        "size": list(size),
        "milliseconds_per_sample": {f"{n} threads": round(1000 * best[n] / count, 2) for n in best},
        "ratio": round(best[1] / best[threads], 2),
    }


def write_cases(folder: Path, count: int, size: tuple[int, int]) -> list[Case]:
    """Soft maps and ground truths as a run and an importer leave them."""
    cases = []
    for index in range(count):
        soft_map = smooth(1, seed=index, size=size)[0]
        map_path, truth = folder / f"{index}_map.png", folder / f"{index}.png"
        Image.fromarray(np.rint(soft_map * 65535.0).astype(np.uint16)).save(map_path, compress_level=1)
        Image.fromarray(np.where(soft_map > 0.7, np.uint8(255), np.uint8(0))).save(truth)
        name = str(index)
        cases.append(Case(name, name, name, "ok", name, truth=str(truth), map_path=str(map_path), mask=None))
    return cases


if __name__ == "__main__":
    main()
