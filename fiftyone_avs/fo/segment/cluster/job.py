"""What the driver of a run on a Ray cluster hands to its workers: all that they need to do samples as it would."""

from __future__ import annotations

from dataclasses import dataclass, replace

import fiftyone as fo

from fiftyone_avs.engine import reading_processes
from fiftyone_avs.fo.runs.start_or_resume import OpenRun
from fiftyone_avs.fo.segment.loop import SegmentLoop
from fiftyone_avs.models import Models
from fiftyone_avs.models.by_role import prepare
from fiftyone_avs.models.loading import pick_device
from fiftyone_avs.pipeline import Pipeline
from fiftyone_avs.planning import share_models


@dataclass(frozen=True)
class ClusterJob:
    """All that a worker needs to do samples of some runs as this process would. It can be pickled.

    Attributes:
        runs: open already, their pipelines with models that are not loaded; all machines must see their folders under
            the same paths.
        device: the device that was asked for; None takes a GPU if the worker has one.
        dataset: the dataset's name.
        audio_field: the field with the sound's path (images only).
        fps: frames per second to label (videos only).
        frames_of: label the frames that have this field (videos only); None labels by fps.
        processes: how many processes read media ahead in each worker; None takes what suits its device and CPUs.
        cpus: the CPUs of a worker.
    """

    runs: tuple[OpenRun, ...]
    device: str | None
    dataset: str
    audio_field: str
    fps: float
    frames_of: str | None = None
    processes: int | None = None
    cpus: int = 1

    def runner(self) -> SegmentLoop:
        """Load the models and build the ``SegmentLoop`` of the runs.

        Raises:
            ConfigurationError: if the device is not there.
            ModelError: if a model is missing here.
            ValueError: if there is no such dataset.
        """
        device = pick_device(self.device)
        pipelines = share_models([for_device(run.pipeline, device) for run in self.runs])
        prepare([(pipeline.models, pipeline.roles) for pipeline in pipelines])
        for pipeline in pipelines:
            pipeline.models.require(pipeline.roles)
        return SegmentLoop(
            [replace(run, pipeline=pipeline) for run, pipeline in zip(self.runs, pipelines, strict=True)],
            fo.load_dataset(self.dataset),
            self.audio_field,
            self.fps,
            self.frames_of,
            min(reading_processes(device), self.cpus) if self.processes is None else self.processes,
        )


def for_device(pipeline: Pipeline, device: str) -> Pipeline:
    """The same pipeline for another device, with nothing loaded."""
    models = pipeline.models
    unloaded = Models(
        models.cards,
        device=device,
        preset=models.preset,
        precision=models.precision,
        compile=models.compile,
        strategy_options=models.strategy_options,
    )
    return replace(pipeline, models=unloaded)
