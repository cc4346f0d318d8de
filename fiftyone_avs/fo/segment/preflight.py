"""What would stop a call of ``segment``, told before it is made."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from numbers import Real
from pathlib import Path
from typing import Any, Literal

import fiftyone as fo
from fiftyone.core.collections import SampleCollection

from fiftyone_avs.errors import AVSError, ConfigurationError, DatasetError, check_whole
from fiftyone_avs.fo.runs.conflicts import check_apart, check_settings, choose_folder
from fiftyone_avs.fo.runs.overwriting import Overwrite, check_overwrite, old_results
from fiftyone_avs.fo.runs.records import UNKNOWN, find_record
from fiftyone_avs.fo.runs.start_or_resume import fields_of_run, settings_of
from fiftyone_avs.fo.schema.checks import check_audio_field, media_of, root_dataset
from fiftyone_avs.fo.schema.fields import FRAMES, RunFields, check_free, check_run_key
from fiftyone_avs.fo.schema.findings import Finding, finding_of
from fiftyone_avs.fo.segment.arguments import strategy_key
from fiftyone_avs.fo.segment.cluster.driver import RayRunner, check_worker_device, ray_options
from fiftyone_avs.fo.segment.demo_models import demo_models_note
from fiftyone_avs.models import Models, load_models
from fiftyone_avs.models.cards import get_preset
from fiftyone_avs.models.loading import pick_device
from fiftyone_avs.pipeline import Pipeline
from fiftyone_avs.planning import plan_pipeline
from fiftyone_avs.strategies import Strategy, get_strategy

RULES = ("silence", "threshold", "batch_size")
"""What a pipeline is told beside its strategy and models."""


def check_segment(  # noqa: D417 - the other arguments are those of segment
    samples: SampleCollection,
    strategies: Sequence[str | Strategy],
    *,
    preset: str = "open",
    runs: Sequence[str] | None = None,
    audio_field: str = "audio_path",
    models: Models | Mapping[str, str] | None = None,
    strategy_options: Mapping[str, Mapping[str, Any]] | None = None,
    device: str | None = None,
    precision: str = "float32",
    compile: bool = False,
    batch_size: int | None = None,
    workers: int | None = None,
    fps: float = 1.0,
    frames_of: str | None = None,
    threshold: float | None = None,
    silence: Literal["abstain", "run"] = "abstain",
    output_dir: str | Path | None = None,
    overwrite: Overwrite = False,
    max_samples: int | None = None,
    ray: Mapping[str, Any] | None = None,
) -> list[Finding]:
    """What would stop ``segment_all`` from running these strategies on these samples.

    Args:
        samples: a dataset or view.
        strategies: names of strategies, or strategies of your own.
        preset: as for ``segment``, like all arguments that are not described here.
        runs: the run key of each strategy; None takes the strategies' names.
        strategy_options: options of strategies given by name, by run key.
        ray: arguments of the ``RayRunner`` that is to do it; None if this process is.

    Returns:
        Findings in the order of the arguments; empty if all is well and every run is new. ``segment`` and
        ``segment_all`` raise the first one that blocks.
    """
    if not strategies:
        return [Finding("strategies", "choose at least one strategy")]
    found = [one for each in strategies for one in finding_of("strategies", partial(strategy_key, each))]
    if found:
        return found
    try:
        media = media_of(samples)
    except AVSError as error:
        return [Finding("samples", str(error), error=error)]
    dataset = root_dataset(samples)
    found = [*_check_data(dataset, media, audio_field, frames_of), *_check_numbers(fps, max_samples, workers)]
    if note := demo_models_note(preset, dataset):
        found.insert(0, Finding("preset", note, blocks=False))
    if ray is not None:
        found += finding_of("runner", lambda: ray_options(RayRunner(**ray)))
        found += finding_of("device", lambda: check_worker_device(device))
    asked = {
        "preset": preset,
        "models": models,
        "device": device if ray is None else "cpu",  # workers find out themselves what they have
        "precision": precision,
        "compile": compile,
        "batch_size": batch_size,
        "threshold": threshold,
        "silence": silence,
    }
    data = (media, audio_field, fps, frames_of)
    keys = [strategy_key(one) for one in strategies] if runs is None else list(runs)
    written: list[RunFields] = []
    for strategy, run in zip(strategies, keys, strict=True):
        options = (strategy_options or {}).get(run)
        planned, problems = _plan(strategy, options, asked)
        found += problems
        unusable = [*finding_of("run", partial(check_run_key, run))]
        found += unusable
        if planned is None and not unusable and find_record(dataset, run) is None:
            found += finding_of("run", partial(check_free, dataset, RunFields(run, media == "video")))
        if planned is None or unusable:
            continue
        fields = fields_of_run(run, media, planned)
        written.append(fields)
        known = not any(one.argument == "models" and one.blocks for one in problems)
        # without a record nothing is compared, and no file of a model need be looked at
        settings = {} if find_record(dataset, run) is None else _settings(planned, data, known)
        found += _check_run(samples, dataset, fields, settings, output_dir, overwrite)
    if len(set(keys)) < len(keys):
        found.append(Finding("run", "two strategies would share a run key; give each its own"))
    found += finding_of("run", lambda: check_apart(written))
    return list(dict.fromkeys(found))


def frame_field(dataset: fo.Dataset, media: str, frames_of: str | None) -> str | None:
    """The field of frames that says which ones to label, without the prefix ``frames.``.

    Raises:
        ConfigurationError, DatasetError: if the samples have no frames, or these no such field.
    """
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


def _check_data(
    dataset: fo.Dataset, media: str, audio_field: str, frames_of: str | None
) -> Iterator[Finding]:
    if media == "image":
        yield from finding_of("audio_field", lambda: check_audio_field(dataset, audio_field))
        if isinstance(audio_field, str) and dataset.get_field(audio_field) and not dataset.count(audio_field):
            nothing = (
                f"no sample of dataset {dataset.name!r} has a sound: {audio_field!r} is empty everywhere"
            )
            yield Finding("audio_field", nothing, blocks=False)
    yield from finding_of("frames_of", lambda: frame_field(dataset, media, frames_of))


def _check_numbers(fps: Any, max_samples: Any, workers: Any) -> Iterator[Finding]:
    if workers is not None:
        yield from finding_of("workers", lambda: check_whole("workers", workers, 0))
    if not isinstance(fps, Real):
        yield Finding("fps", f"fps must be a number, not {fps!r}")
    elif not (math.isfinite(fps) and float(fps) > 0):
        yield Finding("fps", f"fps must be positive, not {fps!r}")
    if max_samples is not None:
        yield from finding_of("max_samples", lambda: check_whole("max_samples", max_samples, 0))


def _plan(
    strategy: str | Strategy, options: Mapping[str, Any] | None, asked: Mapping[str, Any]
) -> tuple[Pipeline | None, list[Finding]]:
    """The pipeline, with nothing loaded, and what is wrong with it; None if it cannot be planned."""
    found: list[Finding] = []
    if isinstance(strategy, str):
        found += finding_of("strategies", lambda: get_strategy(strategy))
    if not isinstance(asked["models"], Models):
        found += finding_of("preset", lambda: get_preset(asked["preset"]))
        found += finding_of("device", lambda: pick_device(asked["device"]))
        found += finding_of(
            "precision", lambda: load_models("tiny", device="cpu", precision=asked["precision"])
        )
    if found:
        return None, found
    rest = {name: value for name, value in asked.items() if name not in RULES}
    try:
        planned = plan_pipeline(
            strategy, strategy_options=options, silence="abstain", threshold=None, batch_size=None, **rest
        )
    except AVSError as error:
        return None, [Finding("strategy_options" if options else "models", str(error), error=error)]
    for name in RULES:
        found += finding_of(name, partial(replace, planned, **{name: asked[name]}))
    if found:
        return None, found
    planned = replace(planned, **{name: asked[name] for name in RULES})
    found += finding_of("models", lambda: planned.models.check(planned.roles))
    return planned, found


def _settings(planned: Pipeline, data: tuple[str, str, float, str | None], known: bool) -> dict[str, Any]:
    """The run's settings as far as they can be told without loading models; without their files not even these."""
    if known:
        settings = settings_of(planned, *data, load=False)
        for model in settings["models"].values():
            if model.get("revision") == "default":  # of the hub, and not on this machine yet
                model["revision"] = UNKNOWN
        return settings
    return settings_of(planned, *data, load=False, look=False)


def _check_run(
    samples: SampleCollection,
    dataset: fo.Dataset,
    fields: RunFields,
    settings: Mapping[str, Any],
    output_dir: str | Path | None,
    overwrite: Overwrite,
) -> Iterator[Finding]:
    """Whether the run key can be used, and what becomes of a run that has it."""
    unknown = [*finding_of("overwrite", lambda: check_overwrite(overwrite))]
    problems = unknown or [
        *finding_of("run", lambda: check_settings(samples, dataset, fields, settings, overwrite)),
        *finding_of("output_dir", lambda: choose_folder(samples, dataset, fields, output_dir, overwrite)),
    ]
    yield from problems
    if problems or find_record(dataset, fields.run) is None:
        return
    run = fields.run
    if overwrite:
        going = old_results(dataset, fields, samples).going(run, overwrite)
        yield Finding("overwrite", going, blocks=False)
    else:
        yield Finding("run", f"run {run!r} exists: samples that have no result yet are done", blocks=False)
