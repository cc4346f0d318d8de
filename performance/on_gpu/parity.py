"""How far are TF32, bf16 and fp16 from float32?

Every stage gets what float32 handed to it, so that errors do not add up; then the whole pipeline runs on its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from unittest.mock import patch

from fiftyone_avs.types import Prediction

from .accelerator import is_cuda
from .bench import Bench
from .plan import HALVES
from .stages import SEGMENTER, compare, compare_maps

PAINTER = "SAM 2, float32's boxes"

NO_TF32 = "not measured: TF32 is on CUDA GPUs only"


def measure(bench: Bench) -> Iterator[tuple[str, Any]]:
    """For each stage and precision the distance to float32, then that of the whole pipeline."""
    precisions = ("tf32", *HALVES) if is_cuda(bench.device) else HALVES
    for stage in bench.stages:
        expected = bench.run(stage, "float32", bench.inputs)
        threshold = bench.model(stage, "float32").threshold if stage.kind == "maps" else None
        for precision in precisions:
            found = bench.run(stage, precision, bench.inputs)
            yield f"{stage.name}, {precision}", compare(stage.kind, expected, found, threshold)
        if stage is SEGMENTER and bench.preset == "open":
            yield from _painter_alone(bench, precisions)
    for precision in precisions:
        yield f"whole pipeline, {precision}", _compare_pipelines(bench.exact, bench.predict(precision))
    if "tf32" not in precisions:
        yield "tf32", NO_TF32


def _painter_alone(bench: Bench, precisions: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """SAM 2 with the boxes that Grounding DINO finds in float32.

    With random weights the scores of boxes lie close together. A half precision then takes other boxes, which says
    little of trained weights.
    """
    segmenter = bench.model(SEGMENTER, "float32")
    plain, boxes = segmenter._find, []

    def remember(*arguments: Any) -> Any:
        boxes.append(plain(*arguments))
        return boxes[-1]

    with patch.object(segmenter, "_find", remember):
        expected = bench.run(SEGMENTER, "float32", bench.inputs)
    for precision in precisions:
        with patch.object(segmenter, "_find", lambda *_: boxes[-1]):
            found = bench.run(SEGMENTER, precision, bench.inputs)
        yield (
            f"{PAINTER}, {precision}",
            compare_maps(expected, found, segmenter.threshold),
        )


def _compare_pipelines(expected: Sequence[Prediction], found: Sequence[Prediction]) -> dict[str, Any]:
    """Masks of all samples that are ok, and of those with float32's referring expression."""
    good = [(a, b) for a, b in zip(expected, found, strict=True) if b.status == "ok"]
    same = [(a, b) for a, b in good if a.referral.text == b.referral.text]  # type: ignore[union-attr]
    return {
        "failures": sorted({prediction.reason for prediction in found if prediction.reason}),
        "equal_expressions": round(len(same) / len(expected), 4),
        "all": _compare_masks(good),
        "with_equal_expressions": _compare_masks(same),
    }


def _compare_masks(pairs: Sequence[tuple[Prediction, Prediction]]) -> dict[str, Any]:
    if not pairs:
        return {"samples": 0}
    threshold = pairs[0][0].threshold
    assert threshold is not None
    return compare_maps([a.soft_map for a, _ in pairs], [b.soft_map for _, b in pairs], threshold)  # type: ignore[misc]
