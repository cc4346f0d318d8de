"""What happens when memory runs out?

The segmenter gets a batch that is far too large for the memory that is left to it. On a GPU that memory is limited
for real, by torch's allocator. A CPU's allocator cannot be limited without the system killing the process, so there
an error of the same kind is raised above a batch size, and the record says that it is simulated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar
from unittest.mock import patch

import torch

from fiftyone_avs import load_pipeline
from fiftyone_avs.models import Models
from fiftyone_avs.strategies import Evidence
from fiftyone_avs.types import Clip, Prediction, Referral

from .accelerator import MEGABYTE, held, is_cuda, peak_memory, settle
from .bench import Bench
from .sizes import WatchedSizes
from .stages import SEGMENTER, compare_maps

ROOM_FOR = 4
"""So many samples fit into the memory that is left, about."""

TIMES_TOO_LARGE = 8
"""The batch is larger than that by this factor."""

TOLERANCE = 64
"""Megabytes by which the memory held afterwards may differ: libraries keep workspaces of their own."""


@dataclass(frozen=True)
class Dictated:
    """A strategy that is told what to refer to, so that nothing but the segmenter works."""

    texts: tuple[str, ...]
    name: ClassVar[str] = "dictated"
    needs: ClassVar[tuple[str, ...]] = ()

    def refer(self, evidence: Sequence[Evidence], models: Models) -> list[Referral]:
        """The texts by the clips' ids, which are their places."""
        return [Referral(self.texts[int(item.id)], None) for item in evidence]


def measure(bench: Bench) -> Iterator[tuple[str, Any]]:
    """The sizes that the engine goes through, how the samples end, and what is left of the memory."""
    batch = ROOM_FOR * TIMES_TOO_LARGE
    inputs = bench.inputs.many(batch)
    pictures = zip(inputs.images, inputs.sounds, strict=True)
    clips = [Clip(str(place), image, sound) for place, (image, sound) in enumerate(pictures)]
    strategy = Dictated(tuple(inputs.expressions))
    easy = _segment(bench, strategy, clips, WatchedSizes(ROOM_FOR, ROOM_FOR))
    settle(bench.device)
    before = held(bench.device)
    sizes = WatchedSizes(batch, batch)
    with _pressure(bench) as how:
        yield "how", how
        found = _segment(bench, strategy, clips, sizes)
    settle(bench.device)
    threshold = bench.models("float32").segmenter.threshold
    yield "batch", batch
    yield "sizes", sizes.tried("segmenter")
    yield "overflows", sum(seconds is None for _, seconds in sizes.diary["segmenter"])
    yield "all_ok", all(prediction.status == "ok" for prediction in found)
    yield "reasons", sorted({prediction.reason for prediction in found if prediction.reason})
    if all(prediction.soft_map is not None for prediction in found):
        maps = ([prediction.soft_map for prediction in side] for side in (easy, found))
        yield "masks", compare_maps(*maps, threshold)  # type: ignore[arg-type]
    after = held(bench.device)
    yield (
        "memory",
        {"before_mb": round(before), "after_mb": round(after)}
        if is_cuda(bench.device)
        else ("not measured: a CPU does not tell"),
    )
    yield "memory_is_free_again", after <= before + TOLERANCE


def _segment(
    bench: Bench, strategy: Dictated, clips: Sequence[Clip], sizes: WatchedSizes
) -> list[Prediction]:
    models = bench.models("float32")
    models.batch_sizes = sizes
    return load_pipeline(strategy, models=models)(clips)


@contextmanager
def _pressure(bench: Bench) -> Iterator[dict[str, Any]]:
    """Leave room for a few samples only; say how."""
    if not is_cuda(bench.device):
        with _pretended(bench):
            yield {"simulated": True, "torch.OutOfMemoryError above a batch of": ROOM_FOR}
        return
    settle(bench.device)
    with peak_memory(bench.device) as peak:
        bench.run(SEGMENTER, "float32", bench.inputs.many(ROOM_FOR))
    settle(bench.device)
    _, total = torch.cuda.mem_get_info(bench.device)
    # What the allocator reserves is what is limited, and it reserves more than it hands out.
    limit = (torch.cuda.memory_reserved(bench.device) / MEGABYTE) + 1.25 * (
        peak["peak_reserved_mb"] - peak["before_mb"]
    )
    torch.cuda.set_per_process_memory_fraction(min(1.0, limit * MEGABYTE / total), bench.device)
    try:
        yield {"simulated": False, "limit_mb": round(limit), "total_mb": round(total / MEGABYTE)}
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, bench.device)


@contextmanager
def _pretended(bench: Bench) -> Iterator[None]:
    """Let the segmenter fail as a GPU's allocator does when a batch is too large."""
    segmenter = bench.models("float32").segmenter
    plain = segmenter.segment

    def segment(images: Sequence[Any], expressions: Sequence[Any]) -> list[Any]:
        if len(images) > ROOM_FOR:
            raise torch.OutOfMemoryError(f"simulated: out of memory with {len(images)} samples")
        return plain(images, expressions)

    with patch.object(segmenter, "segment", segment):
        yield
