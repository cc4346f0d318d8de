r"""How far half precision is from float32: masks, texts and time, on the same pictures and weights.

Runs a pipeline in float32 and again in each half precision, and prints for each: the IoU of the masks with
those of float32 (for the same expressions, and of the whole pipeline), how often the referring expression is
the same, the largest difference of the soft maps, and the time as a ratio to float32 in the same run.

    python performance/precision.py                                    the demo world on the embedded models
    python performance/precision.py --preset paper --device cuda --data ~/my-data \
        --models segmenter=asda:/models/asda_model_best.pth.tar

--data is a folder with img/ and wav/; the result lands in performance/results/.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path

import numpy as np
import torch

import fiftyone_avs as avs
from fiftyone_avs.media import read_image, read_sound
from fiftyone_avs.tiny.scenes import make_scenes

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Measure, print and write."""
    options = parse()
    clips = read_clips(options.data, options.samples)
    given = dict(text.split("=", 1) for text in options.models)
    models = {
        precision: avs.load_models(
            options.preset,
            strategy=options.strategy,
            overrides=given,
            device=options.device,
            precision=precision,
        )
        for precision in ("float32", *options.precision)
    }
    reference = measure(models["float32"], options.strategy, clips, None)
    rows = {}
    for precision in options.precision:
        found = measure(models[precision], options.strategy, clips, reference["expressions"])
        rows[precision] = compare(reference, found)
        print(precision, json.dumps(rows[precision]))
    device = torch.cuda.get_device_name() if reference["device"] == "cuda" else platform.processor() or "cpu"
    record = {
        "preset": options.preset,
        "models": {role: card["card"] for role, card in reference["models"].items()},
        "strategy": options.strategy,
        "samples": len(clips),
        "device": device,
        "torch": torch.__version__,
        "float32_seconds_per_sample": round(reference["seconds"] / len(clips), 4),
        "against_float32": rows,
    }
    RESULTS.mkdir(exist_ok=True)
    path = options.out or RESULTS / f"precision-{options.preset}-{reference['device']}.json"
    path.write_text(json.dumps(record, indent=2) + "\n")
    print(f"written: {path}")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--models", nargs="+", default=[], metavar="ROLE=MODEL")
    parser.add_argument("--strategy", default="vcap_acls")
    parser.add_argument("--device")
    parser.add_argument("--precision", nargs="+", default=["bf16"], choices=("bf16", "fp16"))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--samples", type=int, default=40)
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def read_clips(folder: Path | None, count: int) -> list[avs.Clip]:
    """Clips of a folder, or of the demo world."""
    if folder is None:
        return [
            avs.Clip(scene.id, scene.image, avs.Sound(scene.sound, scene.sample_rate))
            for scene in make_scenes(21, count)
        ]
    pictures = sorted(path for path in (folder / "img").iterdir() if path.suffix in (".jpg", ".jpeg", ".png"))
    return [
        avs.Clip(path.stem, read_image(path), read_sound(folder / "wav" / f"{path.stem}.wav"))
        for path in pictures[:count]
    ]


def measure(models: avs.Models, strategy: str, clips: list[avs.Clip], expressions: list | None) -> dict:
    """Run the pipeline, then the segmenter alone on given expressions (its own by default)."""
    pipeline = avs.load_pipeline(strategy, models=models)
    pipeline(clips[:1])  # warm up
    start = time.perf_counter()
    predictions = [prediction for clip in clips for prediction in pipeline([clip])]
    seconds = time.perf_counter() - start
    texts = [p.referral.tokens or p.referral.text if p.referral else "object" for p in predictions]
    wanted = texts if expressions is None else expressions
    with models.computing():
        maps = [models.segmenter.segment([c.image], [t])[0] for c, t in zip(clips, wanted, strict=True)]
    return {
        "seconds": seconds,
        "expressions": texts,
        "maps": maps,
        "masks": [p.mask if p.mask is not None else np.zeros(1, bool) for p in predictions],
        "threshold": models.segmenter.threshold,
        "device": models.device.split(":")[0],
        "models": models.describe(pipeline.roles),
    }


def compare(reference: dict, found: dict) -> dict[str, float]:
    """A half precision beside float32."""
    threshold = reference["threshold"]
    same = [iou(a > threshold, b > threshold) for a, b in zip(reference["maps"], found["maps"], strict=True)]
    whole = [iou(a, b) for a, b in zip(reference["masks"], found["masks"], strict=True)]
    texts = [str(a) == str(b) for a, b in zip(reference["expressions"], found["expressions"], strict=True)]
    gaps = [np.abs(a - b).max() for a, b in zip(reference["maps"], found["maps"], strict=True)]
    return {
        "mask_iou_same_expression_mean": round(float(np.mean(same)), 4),
        "mask_iou_same_expression_min": round(float(np.min(same)), 4),
        "mask_iou_whole_pipeline_mean": round(float(np.mean(whole)), 4),
        "same_expression": round(float(np.mean(texts)), 4),
        "soft_map_largest_difference": round(float(np.max(gaps)), 4),
        "time_ratio_to_float32": round(found["seconds"] / reference["seconds"], 3),
    }


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Two empty masks agree."""
    if a.shape != b.shape:
        return 0.0
    union = np.logical_or(a, b).sum()
    return float(np.logical_and(a, b).sum() / union) if union else 1.0


if __name__ == "__main__":
    main()
