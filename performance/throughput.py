r"""How many samples per second the engine does, beside the plain loop, in one run on the same weights and files.

The loop (``reference_loop.py``) is what the paper's released code does: one sample after the other in float32. The
engine is the public ``avs.segment`` on a FiftyOne dataset, so its time includes FiftyOne's and MongoDB's; with
--no-fiftyone it is the same reading, pipeline and writing without a dataset. Both read the same files and write masks
and soft maps as PNG.

    python performance/throughput.py                                      the embedded models
    python performance/throughput.py --preset paper --random --samples 16   networks of real size
    python performance/throughput.py --preset paper --device cuda --precision bf16 --samples 200 \
        --models segmenter=asda:/models/asda_model_best.pth.tar noun_extractor=en_core_web_trf ...

Every round has new scenes, so that nothing remembered from an earlier round helps, and the loop and the engine
begin in turn; the numbers are medians of rounds. Before, each does a few other scenes (--warm-up). Two media: in
``distinct`` every picture has one sound; in ``is3`` every picture has two, as in the benchmark IS3.

Networks that are filled at random give maps which lie above their threshold nearly everywhere, or nowhere, and such
masks agree whatever happens. So where the loop's mask covers less than 1 % of a picture or more than 99 %, what lies
above the median of the loop's map is compared instead, and counted. The captions of such networks always have the
full length, and more nouns than those of trained ones.

Memory is that of a process of its own for each side, with its worker processes, at its highest (models and
libraries included, MongoDB's server left out). The share of a GPU's peak counts the operations of the plain
segmentation network, whatever the engine spares. The result lands in performance/results/.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import reference_loop
import torch
from measuring import (
    PeakMemory,
    add_model_arguments,
    load_models,
    machine,
    parser_of,
    workplace,
    write_record,
)
from media import LAYOUTS, Pair, write_pairs
from PIL import Image
from reference_loop import Found, Networks, load_networks
from sides import BarePipeline, Engine, Loop, Side
from torch.utils.flop_counter import FlopCounterMode

import fiftyone_avs as avs

PEAKS = {
    "H100": {"float32": 67, "bf16": 989, "fp16": 989},
    "H200": {"float32": 67, "bf16": 989, "fp16": 989},
    "A100": {"float32": 19.5, "bf16": 312, "fp16": 312},
}
"""Dense teraFLOP/s by name of the GPU (SXM) and precision; float32 without tensor cores."""

TELLING = (0.01, 0.99)
"""Shares of a picture between which a mask can tell two sides apart."""

ON_A_GPU = (
    "not measured here; with a GPU: python performance/throughput.py --preset paper --device cuda --random"
)


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Measure, print and write; the record is returned."""
    options = parse(arguments)
    with workplace(options) as work:
        models = load_models(options, work, options.precision, options.compile)
        if options.alone:
            return alone(options, models, work)
        networks = load_networks(models)
        loop, engine = Loop(networks, models.device), engine_of(options, models)
        warm_up(options, loop, engine, work / "warm-up")
        media = {layout: measure(options, loop, engine, layout, work / layout) for layout in options.media}
        record = {
            "preset": options.preset,
            "models": {role: Path(models.cards[role].name).name for role in reference_loop.ROLES},
            "random_weights": options.random,
            "precision": options.precision,
            "compile": options.compile,
            "with_fiftyone": options.fiftyone,
            "samples": options.samples,
            "rounds": options.rounds,
            **machine(models.device),
            "media": media,
            "segmenter": segmenter_bound(options, networks, media, work / "one"),
            "peak_memory": peak_memory(options) if options.memory else None,
        }
    show(record)
    write_record(record, options, f"throughput-{options.preset}-{models.device.split(':')[0]}")
    return record


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = parser_of(__doc__, samples=40)
    add_model_arguments(parser)
    parser.add_argument("--precision", default="float32", choices=("float32", "bf16", "fp16"))
    parser.add_argument("--compile", action="store_true", help="let torch compile the engine's networks")
    parser.add_argument("--media", nargs="+", default=list(LAYOUTS), choices=LAYOUTS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--warm-up", type=int, default=4, help="scenes before the first round")
    parser.add_argument("--no-fiftyone", dest="fiftyone", action="store_false")
    parser.add_argument("--no-memory", dest="memory", action="store_false", help="measure no memory")
    parser.add_argument("--peak-tflops", type=float, help="the GPU's peak, if it is not in the table")
    parser.add_argument("--alone", choices=("loop", "engine"), help="only this side, once, for its memory")
    return parser.parse_args(arguments)


def engine_of(options: argparse.Namespace, models: avs.Models) -> Engine:
    """The engine with FiftyOne or without."""
    return Engine(options, models) if options.fiftyone else BarePipeline(options, models)


def draw(options: argparse.Namespace, folder: Path, count: int, layout: str, number: int) -> list[Pair]:
    """Scenes that no other round has."""
    return write_pairs(folder, count, layout=layout, filmed=options.preset == "paper", seed=100 + number)


def warm_up(options: argparse.Namespace, loop: Loop, engine: Engine, folder: Path) -> None:
    """Let both sides do a few scenes that do not count."""
    pairs = draw(options, folder / "media", options.warm_up, "is3", -1)
    for side in (loop, engine):
        side.run(pairs, folder / type(side).__name__)
        side.forget()


def measure(
    options: argparse.Namespace, loop: Loop, engine: Engine, layout: str, folder: Path
) -> dict[str, Any]:
    """Both sides on the same scenes, round by round."""
    sides: dict[str, Side] = {"loop": loop, "engine": engine}
    found: dict[str, list[Found]] = {name: [] for name in sides}
    for number in range(options.rounds):
        place = folder / str(number)
        pairs = draw(options, place / "media", options.samples, layout, number)
        for name in list(sides) if number % 2 == 0 else reversed(sides):
            found[name] += sides[name].run(pairs, place / name)
    count = options.samples * options.rounds
    ratios = [slow / quick for slow, quick in zip(loop.seconds, engine.seconds, strict=True)]
    record = {
        "samples_per_second": {
            name: round(options.samples / median(side.seconds), 3) for name, side in sides.items()
        },
        "ratio": round(median(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
        "stage_shares": {
            name: side.clock.shares(sum(side.seconds), side.rest) for name, side in sides.items()
        },
        "stage_milliseconds_per_sample": {
            name: {stage: round(1000 * spent / count, 3) for stage, spent in side.clock.seconds.items()}
            for name, side in sides.items()
        },
        "agreement": agreement(found["loop"], found["engine"]),
    }
    loop.forget()
    engine.forget()
    return record


def agreement(expected: Sequence[Found], found: Sequence[Found]) -> dict[str, Any]:
    """How far masks, texts and soft maps are the same."""
    ious, gaps, covered, halves = [], [], [], 0
    for ours, theirs in zip(found, expected, strict=True):
        mask, wanted = (np.asarray(Image.open(one.mask)) > 0 for one in (ours, theirs))
        levels, other = (np.asarray(Image.open(one.soft_map)).astype(int) for one in (ours, theirs))
        if not TELLING[0] <= wanted.mean() <= TELLING[1]:
            mask, wanted = levels > np.median(other), other > np.median(other)
            halves += 1
        ious.append(iou(mask, wanted))
        gaps.append(np.abs(levels - other).max() / reference_loop.LEVELS)
        covered.append(wanted.mean())
    equal = [ours.expression == theirs.expression for ours, theirs in zip(found, expected, strict=True)]
    return {
        "samples": len(ious),
        "mask_iou_mean": round(float(np.mean(ious)), 6),
        "mask_iou_lowest": round(float(np.min(ious)), 6),
        "compared_at_the_median": halves,
        "share_of_pixels_in_masks": round(float(np.mean(covered)), 4),
        "equal_expressions": round(float(np.mean(equal)), 4),
        "soft_map_largest_difference": round(float(np.max(gaps)), 6),
    }


def iou(mask: np.ndarray, other: np.ndarray) -> float:
    """Two empty masks agree."""
    union = np.logical_or(mask, other).sum()
    return float(np.logical_and(mask, other).sum() / union) if union else 1.0


def segmenter_bound(
    options: argparse.Namespace, networks: Networks, media: dict[str, Any], folder: Path
) -> dict[str, Any]:
    """The operations of the segmentation of a sample, and on a GPU the share of its peak that the engine reaches."""
    picture = Image.open(draw(options, folder, 1, "distinct", -2)[0].picture).convert("RGB")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        networks.soft_map(picture, reference_loop.PROMPT.format("dog"))
    record: dict[str, Any] = {"gflop_per_sample": round(counter.get_total_flops() / 1e9, 3)}
    if not torch.cuda.is_available() or options.device == "cpu":
        return {**record, "peak_tflops": None, "share_of_peak": ON_A_GPU}
    name = torch.cuda.get_device_name()
    known = next((peaks[options.precision] for gpu, peaks in PEAKS.items() if gpu in name), None)
    peak = options.peak_tflops or known
    if peak is None:
        return {**record, "peak_tflops": None, "share_of_peak": f"unknown for {name}: give --peak-tflops"}
    took = {layout: found["stage_milliseconds_per_sample"]["engine"] for layout, found in media.items()}
    shares = {
        layout: round(record["gflop_per_sample"] / stages["segmenter"] / peak, 4)
        for layout, stages in took.items()
    }
    return {**record, "peak_tflops": peak, "share_of_peak": shares}


def alone(options: argparse.Namespace, models: avs.Models, work: Path) -> dict[str, Any]:
    """Load one side and let it run once; print and return the most memory that it held."""
    pairs = draw(options, work / "media", options.samples, options.media[0], 0)
    with PeakMemory() as memory:
        loop = options.alone == "loop"
        side = Loop(load_networks(models), models.device) if loop else engine_of(options, models)
        side.run(pairs, work / "out")
    record = {"process_mb": round(memory.peak)}
    if models.device.startswith("cuda"):
        record["gpu_mb"] = round(torch.cuda.max_memory_allocated() / 2**20)
    print(json.dumps(record))
    return record


def peak_memory(options: argparse.Namespace) -> dict[str, Any]:
    """The most memory of each side, in a process of its own."""
    arguments = ["--samples", options.samples, "--preset", options.preset, "--media", options.media[0]]
    arguments += ["--precision", options.precision] + ["--compile"] * options.compile
    for name in ("batch_size", "threads", "folder", "device"):
        value = getattr(options, name)
        arguments += [] if value is None else [f"--{name.replace('_', '-')}", value]
    arguments += [] if options.fiftyone else ["--no-fiftyone"]
    arguments += ["--models", *options.models] if options.models else []
    found = {}
    for side in ("loop", "engine"):
        command = [sys.executable, __file__, *map(str, arguments), "--alone", side]
        output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        found[side] = json.loads(output.splitlines()[-1])
    return found


def show(record: dict[str, Any]) -> None:
    """Print what matters."""
    print(
        f"preset {record['preset']}, {record['precision']}, {record['device']}, {record['threads']} threads"
    )
    for layout, found in record["media"].items():
        print(f"\n{layout}: {record['rounds']} rounds of {record['samples']} samples")
        for side, rate in found["samples_per_second"].items():
            shares = ", ".join(f"{stage} {share:.0%}" for stage, share in found["stage_shares"][side].items())
            print(f"  {side:7} {rate:8.2f} samples/s   {shares}")
        same = found["agreement"]
        print(f"  the engine is {found['ratio']:.2f} times as quick; rounds: {found['ratios']}")
        print(
            f"  masks: IoU {same['mask_iou_mean']:.4f} in the mean, {same['mask_iou_lowest']:.4f} at the lowest,"
            f" {same['share_of_pixels_in_masks']:.1%} of the pixels, {same['compared_at_the_median']} of"
            f" {same['samples']} at the median; equal expressions"
            f" {same['equal_expressions']:.1%}; soft maps differ by {same['soft_map_largest_difference']:.6f} at most"
        )
    print(f"\npeak memory: {json.dumps(record['peak_memory'])}")
    bound = record["segmenter"]
    print(
        f"segmenter: {bound['gflop_per_sample']} GFLOP per sample; share of the GPU's peak: {bound['share_of_peak']}"
    )


if __name__ == "__main__":
    main()
