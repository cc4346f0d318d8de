r"""How long the compare panel takes to open: counting inside the database against counting in Python.

Makes a dataset with evaluated runs (scores are drawn at random, no media), and times everything that the
panel computes when it opens first: the list of evaluations, their standings, the standings by class and
two runs against each other. The reference computes the same in the same run by loading all stored results
and looping over the samples in Python; its numbers must agree.

    python performance/panel.py
    FIFTYONE_DATABASE_URI=mongodb://localhost:27017 python performance/panel.py --samples 100000

The dataset goes into FiftyOne's database (whichever it is set to) and is deleted at the end, unless --keep is
given. The result lands in performance/results/panel.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

import fiftyone as fo
import numpy as np

from fiftyone_avs.fo.compare.joint import joint_scores
from fiftyone_avs.fo.compare.standings import class_standings, standings
from fiftyone_avs.fo.evaluate.backend import AVSEvaluationConfig
from fiftyone_avs.fo.evaluate.listing import list_evaluations
from fiftyone_avs.fo.evaluate.results import build_results
from fiftyone_avs.fo.evaluate.scoring import Scored
from fiftyone_avs.fo.schema.fields import RunFields, declare
from fiftyone_avs.metrics import SampleScores

RESULTS = Path(__file__).parent / "results"
REPEATS = 5


def main() -> None:
    """Make the dataset, time both ways, print, write and clean up."""
    options = parse()
    dataset = fo.Dataset(f"fiftyone-avs-panel-{os.getpid()}", persistent=options.keep)
    try:
        print(f"making {options.samples} samples of {options.classes} classes with {options.runs} runs ...")
        make(dataset, options.samples, options.classes, options.runs)
        ours, theirs = [], []
        for _ in range(REPEATS):  # in turn, so that both meet the same load of the machine
            ours.append(open_panel(dataset))
            theirs.append(open_in_python(dataset))
        check(ours[0][1], theirs[0][1])
        size = dataset.stats()["samples_bytes"] / options.samples
    finally:
        if not options.keep:
            dataset.delete()
    in_database, in_python = medians(ours), medians(theirs)
    record = {
        "samples": options.samples,
        "classes": options.classes,
        "runs": options.runs,
        "bytes_per_sample": round(size),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "fiftyone": fo.__version__,
        "seconds_in_database": in_database,
        "seconds_in_python": in_python,
        "ratio": round(in_python["total"] / in_database["total"], 1),
    }
    for name, parts in (("in the database", in_database), ("in Python", in_python)):
        print(f"{name}: " + ", ".join(f"{part} {seconds:.3f} s" for part, seconds in parts.items()))
    print(f"loading and looping takes {record['ratio']} times as long; the numbers agree")
    RESULTS.mkdir(exist_ok=True)
    path = options.out or RESULTS / "panel.json"
    path.write_text(json.dumps(record, indent=2) + "\n")
    print(f"written: {path}" + (f"; kept: dataset {dataset.name!r}" if options.keep else ""))


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--keep", action="store_true", help="leave the dataset in the database")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def make(dataset: fo.Dataset, count: int, classes: int, runs: int) -> None:
    """Fill a dataset with samples that have all fields of runs and evaluations, in the sizes of real ones."""
    rng = np.random.default_rng(0)
    kinds = rng.integers(classes, size=count)
    dataset.add_samples(
        [
            fo.Sample(
                f"/data/benchmark/img/{index:06d}.jpg",
                audio_path=f"/data/benchmark/wav/{index:06d}.wav",
                ground_truth=fo.Segmentation(mask_path=f"/data/benchmark/gt_seg/{index:06d}.png"),
                label=fo.Classification(label=f"class {kind}"),
            )
            for index, kind in enumerate(kinds)
        ],
        progress=False,
    )
    for number in range(runs):
        skill = 0.3 + 0.4 * rng.random(classes)
        write_run(dataset, f"run_{number:02d}", skill[kinds], rng)


def write_run(dataset: fo.Dataset, run: str, skill: np.ndarray, rng: np.random.Generator) -> None:
    """Write the fields of a run and its evaluation; the IoU spreads around each sample's skill."""
    count = len(skill)
    fields = RunFields(run)
    declare(dataset, fields)
    luck = rng.random(count)
    statuses = ["failed: no sound" if x < 0.02 else "abstained: silence" if x < 0.05 else "ok" for x in luck]
    folder = f"/data/fiftyone/avs/benchmark/{run}"
    words = [fo.Classification(label=f"noun phrase {rank}", confidence=0.1) for rank in range(6)]
    dataset.set_values(
        fields.mask, [fo.Segmentation(mask_path=f"{folder}/{i:024d}_mask.png") for i in range(count)]
    )
    dataset.set_values(fields.map, [fo.Heatmap(map_path=f"{folder}/{i:024d}_map.png") for i in range(count)])
    dataset.set_values(fields.query, [fo.Classification(label="a photo of noun.", confidence=0.6)] * count)
    dataset.set_values(fields.candidates, [fo.Classifications(classifications=words)] * count)
    dataset.set_values(fields.status, statuses)
    scores = np.clip(skill[:, None] + 0.25 * rng.standard_normal((count, 4)), 0, 1)
    scores[[status != "ok" for status in statuses]] = 0
    scores[luck > 0.99, 0] = np.nan
    write_evaluation(dataset, run, statuses, [SampleScores(*row) for row in scores.tolist()])


def write_evaluation(dataset: fo.Dataset, run: str, statuses: list[str], scores: list[SampleScores]) -> None:
    """Store what ``evaluate`` stores: config, fields and results with all rows."""
    key = f"{run}_eval"
    method = AVSEvaluationConfig(run, "ground_truth", is_run=True, class_field="label", naming="mask").build()
    method.register_run(dataset, key)
    method.register_samples(dataset, key)
    for attribute, name in method.config.fields(key).by_score.items():
        values = [getattr(score, attribute) for score in scores]
        dataset.set_values(name, [None if np.isnan(value) else value for value in values])
    pixels = Counter({(True, True): 300, (True, False): 200, (False, True): 100, (False, False): 400})
    scored = [
        Scored(sample_id, status.partition(":")[0], score, pixels=pixels, label_ids=(sample_id, sample_id))
        for sample_id, status, score in zip(dataset.values("id"), statuses, scores, strict=True)
    ]
    method.save_run_results(
        dataset, key, build_results(dataset, method.config, key, scored, method), cache=False
    )


def medians(openings: Sequence[tuple[dict[str, float], Any]]) -> dict[str, float]:
    """The median seconds of each part and of the total, and the first opening's total."""
    totals = [sum(parts.values()) for parts, _ in openings]
    parts = {part: median(parts[part] for parts, _ in openings) for part in openings[0][0]}
    seconds = {**parts, "total": median(totals), "first opening": totals[0]}
    return {part: round(value, 4) for part, value in seconds.items()}


def open_panel(dataset: fo.Dataset) -> tuple[dict[str, float], Any]:
    """What the panel computes when it is opened: seconds by part, and the numbers."""
    dataset.reload()
    marks = [time.perf_counter()]
    evaluations = list_evaluations(dataset)
    marks.append(time.perf_counter())
    overall = standings(dataset, evaluations)
    marks.append(time.perf_counter())
    by_class = class_standings(dataset, evaluations, "label")
    marks.append(time.perf_counter())
    joint = joint_scores(dataset, evaluations[0].key, evaluations[-1].key)
    marks.append(time.perf_counter())
    names = ("list_evaluations", "standings", "class_standings", "joint_scores")
    numbers = {
        "miou": [standing.summary.miou for standing in overall],
        "auc": [standing.summary.auc for standing in overall],
        "ok": [standing.counts["ok"] for standing in overall],
        "class": {row.label: [row.mean_iou[info.key] for info in evaluations] for row in by_class},
        "better": [joint.x_better, joint.y_better],
        "grid": [list(row) for row in joint.grid],
    }
    return dict(zip(names, np.diff(marks).tolist(), strict=True)), numbers


def open_in_python(dataset: fo.Dataset) -> tuple[dict[str, float], Any]:
    """The same by loading all results and looping over the samples."""
    dataset.reload()
    marks = [time.perf_counter()]
    keys = sorted(dataset.list_evaluations())
    results = [dataset.load_evaluation_results(key, cache=False) for key in keys]
    marks.append(time.perf_counter())
    summaries = [result.summary for result in results]
    ok = [result.counts["ok"] for result in results]
    marks.append(time.perf_counter())
    classes: dict[str, list[list[float]]] = defaultdict(lambda: [[] for _ in keys])
    pairs = []
    view = dataset.select_fields(["label", *(f"{key}_iou" for key in keys)])
    for sample in view.iter_samples():
        ious = [sample[f"{key}_iou"] for key in keys]
        for values, iou in zip(classes[sample.label.label], ious, strict=True):
            if iou is not None:
                values.append(iou)
        if ious[0] is not None and ious[-1] is not None:
            pairs.append((ious[0], ious[-1]))
    edges = [step / 20 for step in range(21)]
    grid, *_ = np.histogram2d(*zip(*pairs, strict=True), bins=[edges, edges])
    numbers = {
        "miou": [summary.miou for summary in summaries],
        "auc": [summary.auc for summary in summaries],
        "ok": ok,
        "class": {label: [mean(values) for values in columns] for label, columns in classes.items()},
        "better": [sum(x > y for x, y in pairs), sum(y > x for x, y in pairs)],
        "grid": grid.T.astype(int).tolist(),
    }
    marks.append(time.perf_counter())
    return dict(zip(("loading", "summaries", "samples"), np.diff(marks).tolist(), strict=True)), numbers


def check(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Both ways found the same."""
    assert ours["ok"] == theirs["ok"] and ours["better"] == theirs["better"], "counts differ"
    assert ours["grid"] == theirs["grid"], "grids differ"
    for name in ("miou", "auc"):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=0, atol=1e-12)
    assert ours["class"].keys() == theirs["class"].keys(), "classes differ"
    for label, values in ours["class"].items():
        np.testing.assert_allclose(values, theirs["class"][label], rtol=0, atol=1e-12)


if __name__ == "__main__":
    main()
