"""Beginning a run, or going on with one: its settings, its fields and its folder."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import fiftyone as fo
from fiftyone.core.collections import SampleCollection

from fiftyone_avs.fo.runs.changes import note_change
from fiftyone_avs.fo.runs.conflicts import check_apart, check_run, starts_anew
from fiftyone_avs.fo.runs.folder import RunFolder
from fiftyone_avs.fo.runs.labels import CaptionKeeper, sound_source
from fiftyone_avs.fo.runs.overwriting import OldResults, Overwrite, clear_results, old_results
from fiftyone_avs.fo.runs.records import UNKNOWN, find_record, move_record, register_record
from fiftyone_avs.fo.schema.fields import CAPTION_FIELDS, RunFields, check_free, declare
from fiftyone_avs.pipeline import Pipeline


@dataclass(frozen=True)
class OpenRun:
    """A run that is open: samples can be predicted and stored.

    Attributes:
        pipeline: predicts batches of clips.
        fields: the run's fields, declared already.
        folder: where the run's files go.
        settings: everything that changes results, as the run's record has it.
        cleared: ids of samples whose old results were taken away when it was opened.
    """

    pipeline: Pipeline
    fields: RunFields
    folder: RunFolder
    settings: Mapping[str, Any]
    cleared: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        """The run key."""
        return self.fields.run

    @cached_property
    def keeper(self) -> CaptionKeeper:
        """Reads and writes the captions that runs share."""
        return CaptionKeeper(self.settings["models"], self.fields, sound_source(self.settings))


def name_runs(strategies: Sequence[str], typed: str | None = None) -> list[str]:
    """The run key of each strategy: what was typed, with several strategies as a prefix; or the strategy's name.

    Args:
        strategies: names of strategies.
        typed: by whoever starts the runs; nothing if empty.
    """
    typed = (typed or "").strip()
    if len(strategies) == 1:
        return [typed or strategies[0]]
    return [f"{typed}_{name}" if typed else name for name in strategies]


def settings_of(
    pipeline: Pipeline,
    media: str,
    audio_field: str,
    fps: float,
    frames_of: str | None,
    *,
    load: bool = True,
    look: bool = True,
) -> dict[str, Any]:
    """Everything that changes the results of a run of ``segment``, as JSON would give it back.

    Without ``load`` no model is loaded: a threshold that only the segmenter can tell is ``UNKNOWN``. Without ``look``
    the models' files are not looked at, and the models are ``UNKNOWN``.
    """
    strategy, models = pipeline.strategy, pipeline.models
    options = dataclasses.asdict(strategy) if dataclasses.is_dataclass(strategy) else dict(vars(strategy))
    threshold: Any = pipeline.threshold
    if threshold is None and (
        look or "segmenter" in models.cards
    ):  # a card says it without loading the model
        threshold = models.cards["segmenter"].options.get("threshold")
    if threshold is None:
        threshold = models.segmenter.threshold if load else UNKNOWN
    settings = {
        "strategy": strategy.name,
        "options": options,
        "preset": models.preset,
        "models": models.describe(pipeline.roles) if look else UNKNOWN,
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


def fields_of_run(run: str, media: str, pipeline: Pipeline) -> RunFields:
    """The fields that a run of ``segment`` writes."""
    needs = pipeline.strategy.needs
    captions = tuple(CAPTION_FIELDS[role] for role in needs if role in CAPTION_FIELDS)
    return RunFields(run, media == "video", captions)


def open_all(
    samples: SampleCollection,
    dataset: fo.Dataset,
    media: str,
    plans: Mapping[str, tuple[Pipeline, Mapping[str, Any]]],
    output_dir: str | Path | None,
    overwrite: Overwrite,
) -> list[OpenRun]:
    """Open all runs, or none of them; see ``open_run``.

    Args:
        samples: the samples of the call.
        dataset: their dataset.
        media: "image" or "video".
        plans: run key -> pipeline and settings.
        output_dir: as for ``segment``.
        overwrite: likewise.

    Raises:
        ConfigurationError, RunConflictError: as ``open_run``. Nothing is changed then.
    """
    fields = {key: fields_of_run(key, media, pipeline) for key, (pipeline, _) in plans.items()}
    check_apart(list(fields.values()))
    for key, (_, settings) in plans.items():
        check_run(samples, dataset, fields[key], settings, output_dir, overwrite)
    opened = []
    for key, (pipeline, settings) in plans.items():
        folder, cleared = open_run(samples, dataset, fields[key], settings, output_dir, overwrite)
        opened.append(OpenRun(pipeline, fields[key], folder, settings, cleared))
    return opened


def open_run(
    samples: SampleCollection,
    dataset: fo.Dataset,
    fields: RunFields,
    settings: Mapping[str, Any],
    output_dir: str | Path | None,
    overwrite: Overwrite,
) -> tuple[RunFolder, frozenset[str]]:
    """Resume a run if its settings are the same, else start it; return its folder and the samples it has cleared.

    Args:
        samples: the samples of the call; with ``overwrite=True`` their old results go before any new one is made,
            so that an interrupted call leaves them without a status, to be done by the next.
        dataset: their dataset.
        fields: the run's fields; they are declared.
        settings: everything that changes results.
        output_dir: as for ``segment``.
        overwrite: likewise.

    Raises:
        ConfigurationError: if a name is taken, or the run keeps its files elsewhere.
        RunConflictError: if the run has other settings.
    """
    folder = check_run(samples, dataset, fields, settings, output_dir, overwrite)
    record = find_record(dataset, fields.run)
    old: OldResults | None = None
    if record is not None and overwrite:
        if starts_anew(samples, dataset, fields, overwrite):
            dataset.delete_run(fields.run)
            record = None
        else:
            old = old_results(dataset, fields, samples)
    if record is None:
        check_free(dataset, fields)
    folder.claim(settings)
    if record is None:
        register_record(dataset, fields, settings, folder)
    elif folder.path != Path(record.directory):
        move_record(dataset, fields.run, record, folder)
    declare(dataset, fields)
    if old is None:
        return folder, frozenset()
    note_change(dataset, fields, old.ids)
    clear_results(dataset, fields, folder, old.ids)
    return folder, frozenset(old.ids)
