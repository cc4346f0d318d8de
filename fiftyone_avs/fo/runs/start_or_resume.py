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

from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.fo.runs.folder import RunFolder
from fiftyone_avs.fo.runs.labels import CaptionKeeper, sound_source
from fiftyone_avs.fo.runs.records import check_same, find_record, recorded_folder, register_record, run_folder
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
    """

    pipeline: Pipeline
    fields: RunFields
    folder: RunFolder
    settings: Mapping[str, Any]

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
    pipeline: Pipeline, media: str, audio_field: str, fps: float, frames_of: str | None
) -> dict[str, Any]:
    """Everything that changes the results of a run of ``segment``, as JSON would give it back."""
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


def open_all(
    dataset: fo.Dataset,
    media: str,
    plans: Mapping[str, tuple[Pipeline, Mapping[str, Any]]],
    output_dir: str | Path | None,
    overwrite: bool,
) -> list[OpenRun]:
    """Open all runs, or none of them; see ``open_run``.

    Args:
        dataset: the dataset of the samples.
        media: "image" or "video".
        plans: run key -> pipeline and settings.
        output_dir: as for ``segment``.
        overwrite: delete old runs first.

    Raises:
        ConfigurationError, RunConflictError: as ``open_run``. Nothing is changed then.
    """
    fields = {
        key: RunFields(
            key,
            media == "video",
            tuple(CAPTION_FIELDS[role] for role in pipeline.strategy.needs if role in CAPTION_FIELDS),
        )
        for key, (pipeline, _) in plans.items()
    }
    _check_apart(list(fields.values()))
    for key, (_, settings) in plans.items():
        check_run(dataset, fields[key], settings, output_dir, overwrite)
    return [
        OpenRun(
            pipeline, fields[key], open_run(dataset, fields[key], settings, output_dir, overwrite), settings
        )
        for key, (pipeline, settings) in plans.items()
    ]


def _check_apart(runs: Sequence[RunFields]) -> None:
    """Raise ConfigurationError if two runs would write the same field, such as "mine" and "mine_map"."""
    owners: dict[str, str] = {}
    for fields in runs:
        for name in fields.own:
            if owners.setdefault(name, fields.run) != fields.run:
                raise ConfigurationError(
                    f"runs {owners[name]!r} and {fields.run!r} would both write the field {name!r}; choose other run"
                    " keys"
                )


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
    folder = check_run(dataset, fields, settings, output_dir, overwrite)
    record = find_record(dataset, fields.run)
    if record is not None and overwrite:
        dataset.delete_run(fields.run)
        record = None
    if record is None:
        check_free(dataset, fields)
    folder.claim(settings)
    if record is None:
        register_record(dataset, fields, settings, folder)
    declare(dataset, fields)
    return folder


def check_run(
    dataset: fo.Dataset,
    fields: RunFields,
    settings: Mapping[str, Any],
    output_dir: str | Path | None,
    overwrite: bool,
) -> RunFolder:
    """The folder for a run that ``open_run``, with the same arguments, can resume or start. Nothing is changed.

    Raises:
        ConfigurationError, RunConflictError: as ``open_run``.
    """
    record = find_record(dataset, fields.run)
    if record is None or overwrite:
        if record is None:
            check_free(dataset, fields)
        return run_folder(dataset, fields.run, output_dir)
    check_same(fields.run, record.settings, settings)
    folder = recorded_folder(record)
    if output_dir is not None and run_folder(dataset, fields.run, output_dir).path != folder.path:
        raise ConfigurationError(
            f"run {fields.run!r} keeps its files in {folder.path}; resume it without output_dir,"
            " or pass overwrite=True"
        )
    return folder
