"""Segment the sounding objects of a FiftyOne dataset or view."""

from __future__ import annotations

import dataclasses
import json
import math
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

import fiftyone as fo
from fiftyone.core.collections import SampleCollection

from fiftyone_avs.engine import reading_processes
from fiftyone_avs.errors import ConfigurationError, DatasetError
from fiftyone_avs.integrations import runs
from fiftyone_avs.integrations.checks import check_audio_field, media_of, root_dataset
from fiftyone_avs.integrations.cluster import RayRunner, RunJob, for_workers, ray_options, ray_outcomes
from fiftyone_avs.integrations.fields import (
    CAPTION_FIELDS,
    FRAMES,
    RunFields,
    check_free,
    check_run_key,
    declare,
)
from fiftyone_avs.integrations.labels import CaptionKeeper, sound_source
from fiftyone_avs.integrations.runner import Runner, RunSummary
from fiftyone_avs.integrations.storage import RunFolder
from fiftyone_avs.models import Models
from fiftyone_avs.pipeline import Pipeline
from fiftyone_avs.planning import plan_pipeline
from fiftyone_avs.strategies import Strategy

DEMO_MARK = "fiftyone_avs_demo"
"""The key in ``dataset.info`` that marks a dataset of the demo world."""


class DemoModelsWarning(UserWarning):
    """The embedded demo models were asked to look at data that they know nothing of."""


def segment(
    samples: SampleCollection,
    strategy: str | Strategy = "vcap_acls",
    *,
    preset: str = "open",
    run: str | None = None,
    audio_field: str = "audio_path",
    models: Models | Mapping[str, str] | None = None,
    strategy_options: Mapping[str, Any] | None = None,
    device: str | None = None,
    precision: str = "float32",
    batch_size: int | None = None,
    workers: int | None = None,
    fps: float = 1.0,
    frames_of: str | None = None,
    threshold: float | None = None,
    silence: Literal["abstain", "run"] = "abstain",
    output_dir: str | Path | None = None,
    overwrite: bool = False,
    retry_failed: bool = False,
    max_samples: int | None = None,
    progress: bool | Callable[[int, int], None] = True,
    runner: str | RayRunner = "local",
) -> RunSummary:
    """Find the sounding object in every sample and store masks, soft maps and every text on the way.

    A sample's fields are written together, after its files. A run that was stopped, even killed, is
    resumed by calling this again: only samples without a status are done. A sample that cannot be read or
    predicted gets the status "failed: reason" and never ends the run.

    Args:
        samples: a dataset or a view of images (with the paths of their sounds in a field) or videos.
        strategy: the name of a strategy, or a strategy of your own.
        preset: which models to use: "open", "paper", or "tiny" (for the demo world only).
        run: the run key, which names the fields; by default the strategy's name.
        audio_field: image samples: the field with the sound's path, relative to the picture or absolute.
        models: models to use as they are, or for some roles another model: a card, ``<card>:<path>``, a
            folder or a hub id.
        strategy_options: options of a strategy given by name.
        device: "cpu", "cuda", ...; None takes a GPU if there is one.
        precision: "float32", or "bf16" or "fp16" to compute in half precision where that is safe.
        batch_size: how many clips go through the models at once. None finds a size for every model while it works.
            A batch that does not fit into memory is halved either way.
        workers: how many processes read images and sounds ahead of the models. None takes a few beside a GPU, and
            one thread of this process beside a CPU, whose cores the models need themselves.
        fps: videos: how many frames per second are labelled.
        frames_of: videos: label exactly the frames that have this field, such as "ground_truth", so that a sparse
            ground truth can be evaluated; ``fps`` then says how much sound goes with each: 1 / fps seconds.
        threshold: pixels of the soft map above this make the mask; None takes the segmenter's own.
        silence: "abstain" on silent sounds, or "run" on them as on any other.
        output_dir: the run's files go to ``<output_dir>/<run>``; None takes a folder beside FiftyOne's
            datasets.
        overwrite: delete the run's old results first, if there are any.
        retry_failed: do samples again whose status is "failed"; by default they stay as they are.
        max_samples: do no more than this many samples now.
        progress: show a progress bar, or a function called with (samples done, samples to do).
        runner: "local" runs in this process, "ray" on a Ray cluster (docs/scaling.md); a ``RayRunner`` says how.

    Returns:
        How many samples were ok, abstained, failed (with reasons) and skipped because they were done already.

    Raises:
        ConfigurationError: if an argument cannot work.
        RunConflictError: if the run key is taken by a run with other settings.
        ModelError: if a model is missing. Nothing has been written then.
        DatasetError: if the samples lack what the run needs.
    """
    dataset = root_dataset(samples)
    media = media_of(samples)
    if media == "image":
        check_audio_field(dataset, audio_field)
    frames_of = _frame_field(dataset, media, frames_of)
    _check_numbers(fps, max_samples, workers)
    run = run or (strategy if isinstance(strategy, str) else strategy.name)
    check_run_key(run)
    options = ray_options(runner)
    pipeline = plan_pipeline(
        strategy,
        preset=preset,
        models=models,
        strategy_options=strategy_options,
        device=device if options is None else "cpu",
        silence=silence,
        threshold=threshold,
        precision=precision,
        batch_size=batch_size,
    )
    if options is None:
        pipeline.models.require([*pipeline.strategy.needs, "segmenter"])
    else:
        pipeline = for_workers(pipeline, device)
    _warn_of_demo_models(pipeline.models, dataset)
    settings = _settings(pipeline, media, audio_field, fps, frames_of)
    captions = tuple(CAPTION_FIELDS[role] for role in pipeline.strategy.needs if role in CAPTION_FIELDS)
    fields = RunFields(run, media == "video", captions)
    folder = open_run(dataset, fields, settings, output_dir, overwrite)
    keeper = CaptionKeeper(settings["models"], fields, sound_source(settings))
    processes = reading_processes(pipeline.models.device) if workers is None else workers
    work = Runner(pipeline, dataset, fields, folder, keeper, audio_field, fps, frames_of, processes)
    outcomes = None
    if options is not None:
        job = RunJob(
            pipeline, device, dataset.name, fields, folder, settings, audio_field, fps, frames_of, workers
        )
        outcomes = partial(ray_outcomes, job, options=options)
    return work.run(
        samples, retry_failed=retry_failed, max_samples=max_samples, progress=progress, outcomes=outcomes
    )


def _check_numbers(fps: float, max_samples: int | None, workers: int | None) -> None:
    if workers is not None and workers < 0:
        raise ConfigurationError(f"workers must be 0 or more, not {workers!r}")
    if not (math.isfinite(fps) and fps > 0):
        raise ConfigurationError(f"fps must be positive, not {fps!r}")
    if max_samples is not None and max_samples < 0:
        raise ConfigurationError(f"max_samples must be 0 or more, not {max_samples!r}")


def _frame_field(dataset: fo.Dataset, media: str, frames_of: str | None) -> str | None:
    """The field of frames that says which ones to label, without the prefix ``frames.``."""
    if frames_of is None:
        return None
    if media != "video":
        raise ConfigurationError("frames_of says which frames of videos to label, and these are images")
    name = frames_of.removeprefix(FRAMES)
    if dataset.get_field(FRAMES + name) is None:
        known = ", ".join(dataset.get_frame_field_schema()) or "none"
        raise DatasetError(
            f"frames of dataset {dataset.name!r} have no field {name!r}; their fields: {known}"
        )
    return name


def _settings(
    pipeline: Pipeline, media: str, audio_field: str, fps: float, frames_of: str | None
) -> dict[str, Any]:
    """Everything that changes results, as JSON would give it back."""
    strategy, models = pipeline.strategy, pipeline.models
    options = dataclasses.asdict(strategy) if dataclasses.is_dataclass(strategy) else dict(vars(strategy))
    threshold = pipeline.threshold
    if threshold is None:  # a card says it without loading the model
        threshold = models.cards["segmenter"].options.get("threshold")
    if threshold is None:
        threshold = models.segmenter.threshold
    settings = {
        "strategy": strategy.name,
        "options": options,
        "preset": models.preset,
        "models": models.describe([*strategy.needs, "segmenter"]),
        "precision": models.precision,
        "threshold": threshold,
        "silence": pipeline.silence,
        "silence_db": pipeline.silence_db,
        "media": media,
        "audio_field": audio_field if media == "image" else None,
        "fps": fps if media == "video" else None,
        "frames_of": frames_of,
    }
    plain: dict[str, Any] = json.loads(json.dumps(settings, default=str))
    return plain


def open_run(
    dataset: fo.Dataset,
    fields: RunFields,
    settings: Mapping[str, Any],
    output_dir: str | Path | None,
    overwrite: bool,
) -> RunFolder:
    """Resume a run if its settings are the same, else start it; return the folder of its files.

    Args:
        dataset: the dataset of the samples.
        fields: the run's fields; they are declared.
        settings: everything that changes results.
        output_dir: as for ``segment``.
        overwrite: delete the old run first.

    Raises:
        ConfigurationError: if a name is taken, or the run keeps its files elsewhere.
        RunConflictError: if the run has other settings.
    """
    record = runs.find_record(dataset, fields.run)
    if record is not None and overwrite:
        dataset.delete_run(fields.run)
        record = None
    if record is not None:
        runs.check_same(fields.run, record.settings, settings)
        folder = runs.recorded_folder(record)
        if output_dir is not None and runs.run_folder(dataset, fields.run, output_dir).path != folder.path:
            raise ConfigurationError(
                f"run {fields.run!r} keeps its files in {folder.path}; resume it without output_dir,"
                " or pass overwrite=True"
            )
        folder.claim(settings)
    else:
        check_free(dataset, fields)
        folder = runs.run_folder(dataset, fields.run, output_dir)
        folder.claim(settings)
        runs.register(dataset, fields, settings, folder)
    declare(dataset, fields)
    return folder


def _warn_of_demo_models(models: Models, dataset: fo.Dataset) -> None:
    if models.preset == "tiny" and not dataset.info.get(DEMO_MARK):
        warnings.warn(
            f"preset 'tiny' knows the drawn demo world only, and dataset {dataset.name!r} is not of it:"
            " expect nonsense. Use preset='open' for real data",
            DemoModelsWarning,
            stacklevel=3,
        )
