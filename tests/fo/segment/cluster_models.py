"""A strategy, and a segmenter that takes its process down, for workers of a cluster; see test_cluster.py."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from fiftyone_avs import Models
from fiftyone_avs.errors import ModelError
from fiftyone_avs.models import Card
from fiftyone_avs.types import Referral


@dataclass(frozen=True)
class Anything:
    """Asks for nothing in particular, so that no other model is needed."""

    name: ClassVar[str] = "anything"
    needs: ClassVar[tuple[str, ...]] = ()

    def refer(self, evidence: Sequence, models: Models) -> list[Referral]:
        return [Referral(f"object of {item.id}", None) for item in evidence]


@dataclass(frozen=True)
class Delicate:
    """Marks the bright half of pictures; an all-white one does what ``white`` says.

    With a ``fuse`` (a file) it does so only once: the file is removed just before.
    """

    white: str
    fuse: str | None = None
    threshold: float = 0.5

    @classmethod
    def load(cls, card: Card, models: Models) -> Delicate:
        if card.settings["white"] == "die while loading":
            os.kill(os.getpid(), signal.SIGKILL)
        return cls(**card.options)

    def segment(self, images: Sequence[np.ndarray], expressions: Sequence) -> list[np.ndarray]:
        if any(image.min() == 255 for image in images) and self._burn():
            if self.white == "lose the weights":
                raise ModelError("the weights are gone")
            os.kill(os.getpid(), signal.SIGKILL)
        return [(image.mean(axis=-1) / 255).astype(np.float32) for image in images]

    def _burn(self) -> bool:
        if self.fuse is None:
            return True
        there = Path(self.fuse).exists()
        Path(self.fuse).unlink(missing_ok=True)
        return there


def delicate(**settings: object) -> Models:
    """Models for ``Anything``, by cards, so that workers can load them."""
    adapter = f"{__name__}:Delicate"
    settings = {"threshold": 0.5, **settings}  # said by the card, so that this process loads nothing
    return Models({"segmenter": Card("delicate", "segmenter", adapter, "", "none", settings=settings)})


def main(name: str, output: str) -> None:
    """Run on a dataset on the cluster of RAY_ADDRESS, printing how many samples are done."""
    import fiftyone as fo

    from fiftyone_avs import segment
    from fiftyone_avs.fo.segment.cluster.driver import RayRunner

    segment(
        fo.load_dataset(name),
        Anything(),
        models=delicate(white="die"),
        output_dir=output,
        batch_size=1,
        runner=RayRunner(workers=1, cpus=1, block=1),
        progress=lambda done, total: print(done, flush=True),
    )
