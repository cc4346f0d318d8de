"""The two sides of a comparison on the same files: the plain loop, and the engine."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import reference_loop
from measuring import Clock, dataset_of, segment, timed_roles
from media import Pair
from reference_loop import Found, Networks

import fiftyone_avs as avs
from fiftyone_avs.engine import reading_processes
from fiftyone_avs.fo.segment.blocks import Blocks
from fiftyone_avs.fo.segment.saving import WRITERS
from fiftyone_avs.media import ClipFiles

RUN = "engine"


class Side:
    """What can be timed.

    Attributes:
        rest: what the time is spent on that no stage's clock is around.
        clock: seconds by stage, of all rounds.
        seconds: of each round.
        around: makes a context in which the timed part of a round runs.
    """

    rest = "rest"

    def __init__(self, device: str) -> None:
        self._device = device
        self.around: Callable[[], AbstractContextManager[Any]] = nullcontext
        self.forget()

    def forget(self) -> None:
        """Start anew, after warming up."""
        self.clock = Clock(self._device)
        self.seconds: list[float] = []

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Count a block as a round."""
        with self.around():
            start = self.clock.now()
            yield
            self.seconds.append(self.clock.now() - start)

    def run(self, pairs: Sequence[Pair], folder: Path) -> list[Found]:
        """Do these samples, timed, and write masks and soft maps to a folder."""
        raise NotImplementedError


class Loop(Side):
    """The plain loop."""

    def __init__(self, networks: Networks, device: str) -> None:
        super().__init__(device)
        self.networks = networks

    def run(self, pairs: Sequence[Pair], folder: Path) -> list[Found]:
        """As `reference_loop.run`."""
        with self.timed():
            return reference_loop.run(pairs, self.networks, folder, self.clock)


class Engine(Side):
    """``avs.segment`` on a dataset; making the dataset and reading the results is not timed."""

    rest = "waiting for media, writing, FiftyOne"

    def __init__(self, options: argparse.Namespace, models: avs.Models) -> None:
        super().__init__(models.device)
        self.options = options
        self.models = models

    def run(self, pairs: Sequence[Pair], folder: Path) -> list[Found]:
        """Segment a dataset of these samples."""
        with dataset_of(pairs) as dataset:
            with timed_roles(self.models, reference_loop.ROLES, self.clock), self.timed():
                segment(dataset, self.models, self.options, run=RUN, output_dir=folder)
            return found_in(dataset)


class BarePipeline(Engine):
    """The engine without FiftyOne: the same blocks of clips, read ahead, the same pipeline, writers in threads.

    It keeps nothing but the files of masks and soft maps.
    """

    rest = "waiting for media, writing"

    def run(self, pairs: Sequence[Pair], folder: Path) -> list[Found]:
        """Predict these samples."""
        folder.mkdir(parents=True)
        pipeline = avs.load_pipeline("vcap_acls", models=self.models)
        pipeline = replace(pipeline, batch_size=self.options.batch_size)
        processes = reading_processes(self.models.device)
        blocks = FileBlocks(None, "sound", self.options.batch_size, processes, pairs=tuple(pairs))
        found: list[Found] = []
        waiting: list[Future[Found]] = []
        with (
            timed_roles(self.models, reference_loop.ROLES, self.clock),
            self.timed(),
            ThreadPoolExecutor(WRITERS) as writers,
            closing(blocks.of([])) as stream,
        ):
            for block in stream:
                predictions = pipeline(block)
                found += [future.result() for future in waiting]
                waiting = [writers.submit(keep, prediction, folder) for prediction in predictions]
            found += [future.result() for future in waiting]
        return found


@dataclass(frozen=True)
class FileBlocks(Blocks):
    """The blocks of a run, of files that are known without asking a dataset.

    Attributes:
        pairs: the files, those that share a picture together.
    """

    pairs: tuple[Pair, ...] = ()

    def _files(self, ids: Sequence[str]) -> Iterator[ClipFiles]:
        for picture, sharing in groupby(self.pairs, key=lambda pair: pair.picture):
            yield ClipFiles(str(picture), tuple((pair.name, str(pair.sound)) for pair in sharing), "sound")


def keep(prediction: avs.Prediction, folder: Path) -> Found:
    """Write the files of a prediction, which must have a mask."""
    if prediction.referral is None or prediction.soft_map is None or prediction.threshold is None:
        raise RuntimeError(f"{prediction.id}: {prediction.status}: {prediction.reason}")
    return reference_loop.write(
        folder / prediction.id, prediction.referral.text, prediction.soft_map, prediction.threshold
    )


def found_in(dataset: Any) -> list[Found]:
    """What a run left in a dataset, in the dataset's order."""
    fields = [f"{RUN}_query.label", f"{RUN}.mask_path", f"{RUN}_map.map_path"]
    return [
        Found(text, Path(mask), Path(soft_map))
        for text, mask, soft_map in zip(*dataset.values(fields), strict=True)
    ]
