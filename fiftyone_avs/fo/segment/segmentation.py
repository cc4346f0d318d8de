"""Segment the sounding objects of a FiftyOne dataset or view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from fiftyone.core.collections import SampleCollection

from fiftyone_avs.engine import reading_processes
from fiftyone_avs.fo.runs.appearance import show_runs
from fiftyone_avs.fo.runs.calls import Call, noted
from fiftyone_avs.fo.runs.overwriting import Overwrite, pinned
from fiftyone_avs.fo.runs.start_or_resume import open_all, settings_of
from fiftyone_avs.fo.schema.checks import media_of, root_dataset
from fiftyone_avs.fo.schema.findings import raise_first
from fiftyone_avs.fo.segment.arguments import by_run_key, strategy_key, to_call_again
from fiftyone_avs.fo.segment.cluster.driver import RayRunner, for_workers, ray_options, ray_outcomes
from fiftyone_avs.fo.segment.cluster.job import ClusterJob
from fiftyone_avs.fo.segment.demo_models import warn_of_demo_models
from fiftyone_avs.fo.segment.loop import SegmentLoop
from fiftyone_avs.fo.segment.preflight import check_segment, frame_field
from fiftyone_avs.fo.segment.summaries import RunSummaries, RunSummary
from fiftyone_avs.models import Models
from fiftyone_avs.models.by_role import prepare
from fiftyone_avs.pipeline import Pipeline
from fiftyone_avs.planning import plan_pipeline, share_models
from fiftyone_avs.progress import Progress, say
from fiftyone_avs.strategies import Strategy


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
    compile: bool = False,
    batch_size: int | None = None,
    workers: int | None = None,
    fps: float = 1.0,
    frames_of: str | None = None,
    threshold: float | None = None,
    silence: Literal["abstain", "run"] = "abstain",
    output_dir: str | Path | None = None,
    overwrite: Overwrite = False,
    retry_failed: bool = False,
    max_samples: int | None = None,
    progress: Progress = True,
    runner: str | RayRunner = "local",
) -> RunSummary:
    """Find the sounding object in every sample and store masks, soft maps and every text on the way.

    A sample's fields are written together, after its files. A run that was stopped, even killed, is
    resumed by calling this again: only samples without a status are done, and those whose mask or soft map
    is not there any more. A sample that cannot be read or predicted gets the status "failed: reason" and never ends
    the run.

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
        compile: let torch compile the networks that look at pictures, which takes minutes at the start. For long runs
            on a GPU.
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
        overwrite: True makes these samples anew: their old results go first, those of other samples stay. "run"
            deletes the whole run first, wherever its masks are, which True does, too, where these samples are all
            that it has. With other settings than the run's, some of it cannot be made anew.
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
    run = run or strategy_key(strategy)
    (summary,) = segment_all(
        samples,
        {run: strategy},
        preset=preset,
        audio_field=audio_field,
        models=models,
        strategy_options=None if strategy_options is None else {run: strategy_options},
        device=device,
        precision=precision,
        compile=compile,
        batch_size=batch_size,
        workers=workers,
        fps=fps,
        frames_of=frames_of,
        threshold=threshold,
        silence=silence,
        output_dir=output_dir,
        overwrite=overwrite,
        retry_failed=retry_failed,
        max_samples=max_samples,
        progress=progress,
        runner=runner,
    )
    return summary


def segment_all(  # noqa: D417 - the other arguments are those of segment
    samples: SampleCollection,
    strategies: Sequence[str | Strategy] | Mapping[str, str | Strategy],
    *,
    preset: str = "open",
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
    retry_failed: bool = False,
    max_samples: int | None = None,
    progress: Progress = True,
    runner: str | RayRunner = "local",
) -> RunSummaries:
    """Segment with several strategies in one pass: the same runs as with ``segment`` one after the other, in less time.

    A sample's picture and sound are read once, every model is loaded once, each captioner is asked once, a picture is
    encoded once for all that is looked for in it, and what two strategies name alike is segmented once.

    Args:
        samples: as for ``segment``, like all arguments that are not described here.
        strategies: names of strategies or strategies of your own, each a run under the strategy's name; or run keys
            with their strategies.
        strategy_options: options of strategies given by name, by run key.
        max_samples: do no more than this many samples now, each with all strategies that it lacks.

    Returns:
        What was done, per run, in the order of the strategies; it prints as a table. A sample that one run has and
        another one lacks is done for the one that lacks it.

    Raises:
        ConfigurationError, RunConflictError, ModelError, DatasetError: as ``segment``, before anything is written,
            or if two runs have the same key.
    """
    by_key = by_run_key(strategies, strategy_options)
    cluster = ray_options(runner)
    raise_first(
        check_segment(
            samples,
            list(by_key.values()),
            runs=list(by_key),
            preset=preset,
            audio_field=audio_field,
            models=models,
            strategy_options=strategy_options,
            device=device,
            precision=precision,
            compile=compile,
            batch_size=batch_size,
            workers=workers,
            fps=fps,
            frames_of=frames_of,
            threshold=threshold,
            silence=silence,
            output_dir=output_dir,
            overwrite=overwrite,
            max_samples=max_samples,
            ray=None if cluster is None else vars(cluster),
        )
    )
    dataset, media = root_dataset(samples), media_of(samples)
    frames_of = frame_field(dataset, media, frames_of)
    if overwrite:
        samples = pinned(samples)
    pipelines = share_models(
        [
            plan_pipeline(
                strategy,
                preset=preset,
                models=models,
                strategy_options=(strategy_options or {}).get(key),
                device=device if cluster is None else "cpu",
                silence=silence,
                threshold=threshold,
                precision=precision,
                compile=compile,
                batch_size=batch_size,
            )
            for key, strategy in by_key.items()
        ]
    )
    again = to_call_again(
        by_key,
        models,
        runner,
        preset=preset,
        audio_field=audio_field,
        strategy_options=strategy_options,
        device=device,
        precision=precision,
        compile=compile,
        batch_size=batch_size,
        workers=workers,
        fps=fps,
        frames_of=frames_of,
        threshold=threshold,
        silence=silence,
        output_dir=None if output_dir is None else str(output_dir),
        overwrite=overwrite,
        retry_failed=retry_failed,
        max_samples=max_samples,
    )
    data = (media, audio_field, fps, frames_of)
    with noted(samples, dataset, list(by_key), again) as call:
        if cluster is None:
            _load(pipelines, call)
        else:
            pipelines = [for_workers(pipeline, device) for pipeline in pipelines]
        note = warn_of_demo_models(pipelines[0].models, dataset)
        plans = {
            key: (pipeline, settings_of(pipeline, *data))
            for key, pipeline in zip(by_key, pipelines, strict=True)
        }
        runs = open_all(samples, dataset, media, plans, output_dir, overwrite)
        show_runs(dataset, list(by_key))
        processes = reading_processes(pipelines[0].models.device) if workers is None else workers
        work = SegmentLoop(runs, dataset, audio_field, fps, frames_of, processes, call.asked_to_stop)
        outcomes = None
        if cluster is not None:
            job = ClusterJob(tuple(runs), device, dataset.name, audio_field, fps, frames_of, workers)
            outcomes = partial(ray_outcomes, job, options=cluster)
        summaries = work.run(
            samples,
            retry_failed=retry_failed,
            max_samples=max_samples,
            progress=progress,
            outcomes=outcomes,
            call=call,
        )
    return RunSummaries(replace(one, note=note) for one in summaries)


def _load(pipelines: Sequence[Pipeline], call: Call) -> None:
    """Load the models of all pipelines, saying which; what cannot be had is found before any is loaded."""
    prepare([(pipeline.models, pipeline.roles) for pipeline in pipelines])
    todo: dict[tuple[int, str], tuple[Models, str]] = {}
    for pipeline in pipelines:
        models = pipeline.models
        todo |= {(id(models), role): (models, role) for role in pipeline.roles if role not in models.loaded}
    for number, (models, role) in enumerate(todo.values(), start=1):
        if call.asked_to_stop():
            break
        say(f"loading models, {number} of {len(todo)}: {models.cards[role].name}")
        models.role(role)
