"""What would stop a call of ``segment``, told before it is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fiftyone.core.collections import SampleCollection

from fiftyone_avs.errors import AVSError
from fiftyone_avs.fo.runs.records import find_record
from fiftyone_avs.fo.schema.checks import check_audio_field, media_of, root_dataset
from fiftyone_avs.fo.schema.fields import CAPTION_FIELDS, RunFields, check_free, check_run_key
from fiftyone_avs.fo.schema.findings import Finding
from fiftyone_avs.fo.segment.cluster.driver import RayRunner, ray_options
from fiftyone_avs.models import load_models
from fiftyone_avs.strategies import get_strategy


def check_segment(
    samples: SampleCollection,
    strategies: Sequence[str],
    *,
    preset: str = "open",
    runs: Sequence[str] | None = None,
    audio_field: str = "audio_path",
    models: Mapping[str, str] | None = None,
    device: str | None = None,
    overwrite: bool = False,
    ray: Mapping[str, Any] | None = None,
) -> list[Finding]:
    """What would stop ``segment`` from running these strategies on these samples.

    Args:
        samples: a dataset or view.
        strategies: names of strategies.
        preset: as for ``segment``.
        runs: the run key of each strategy; None takes the strategies' names.
        audio_field: as for ``segment``.
        models: as for ``segment``.
        device: as for ``segment``.
        overwrite: as for ``segment``.
        ray: arguments of the ``RayRunner`` that is to do it; None if this process is.

    Returns:
        Findings in the order of the arguments; empty if all is well and every run is new.
    """
    if not strategies:
        return [Finding("strategies", "choose at least one strategy")]
    try:
        media = media_of(samples)
    except AVSError as error:
        return [Finding("samples", str(error))]
    found: list[Finding] = []
    if media == "image":
        found += _check_sound(samples, audio_field)
    if ray is not None:
        found += _check_ray(ray)
        device = None  # of the workers, which say themselves what they have
    runs = list(strategies) if runs is None else runs
    for strategy, run in zip(strategies, runs, strict=True):
        try:
            get_strategy(strategy)
        except AVSError as error:
            found.append(Finding("strategies", str(error)))
            continue
        found += _check_models(strategy, preset, models, device)
        found += _check_run(samples, strategy, run, media, preset, overwrite)
    if len(set(runs)) < len(runs):
        found.append(Finding("run", "two strategies would share a run key; give each its own"))
    return list(dict.fromkeys(found))


def _check_sound(samples: SampleCollection, audio_field: str) -> Iterator[Finding]:
    try:
        check_audio_field(root_dataset(samples), audio_field)
    except AVSError as error:
        yield Finding("audio_field", str(error))


def _check_ray(arguments: Mapping[str, Any]) -> Iterator[Finding]:
    try:
        ray_options(RayRunner(**arguments))
    except AVSError as error:
        yield Finding("runner", str(error))


def _check_models(
    strategy: str, preset: str, models: Mapping[str, str] | None, device: str | None
) -> Iterator[Finding]:
    """Unknown names, and checkpoints that users have to get themselves."""
    try:
        chosen = load_models(preset, strategy=strategy, overrides=models, device=device)
        chosen.check([*get_strategy(strategy).needs, "segmenter"])
    except AVSError as error:
        yield Finding("models", str(error))


def _check_run(
    samples: SampleCollection, strategy: str, run: str, media: str, preset: str, overwrite: bool
) -> Iterator[Finding]:
    """Whether the run key can be used, and what becomes of a run that has it."""
    dataset = root_dataset(samples)
    try:
        check_run_key(run)
        record = find_record(dataset, run)
        if record is None:
            needs = get_strategy(strategy).needs
            captions = tuple(CAPTION_FIELDS[role] for role in needs if role in CAPTION_FIELDS)
            check_free(dataset, RunFields(run, media == "video", captions))
            return
    except AVSError as error:
        yield Finding("run", str(error))
        return
    made_by = (record.settings["strategy"], record.settings["preset"])
    if overwrite:
        yield Finding("run", f"the old results of run {run!r} will be deleted first", blocks=False)
    elif made_by != (strategy, preset):
        yield Finding(
            "run",
            f"run {run!r} exists and was made by {made_by[0]!r} with preset {made_by[1]!r}; choose another run"
            " key, or overwrite it",
        )
    else:
        yield Finding("run", f"run {run!r} exists: samples that have no result yet are done", blocks=False)
