"""Run records: what was run with which settings, where its results are, and how to delete them.

A record is a FiftyOne custom run, so ``dataset.list_runs()`` and ``dataset.delete_run()`` know it too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import fiftyone as fo
from fiftyone.core.evaluation import EvaluationMethod
from fiftyone.core.runs import Run, RunConfig

from fiftyone_avs import __version__
from fiftyone_avs.errors import ConfigurationError, DatasetError, RunConflictError
from fiftyone_avs.integrations.fields import (
    CAPTION_FIELDS,
    FRAMES,
    RunFields,
    check_free,
    check_run_key,
    delete_fields,
    rename_fields,
)
from fiftyone_avs.integrations.storage import RunFolder

METHOD = "fiftyone_avs"
"""Marks our records among a dataset's custom runs."""

UNSAID = {"precision": "float32", "frames_of": None}
"""What records of older versions do not say, because there was no choice."""

TINY_NOTE = "embedded demo models: demo world only"


class AVSRunConfig(RunConfig):
    """The record of one run.

    Args:
        **settings: ``settings`` (everything that changes results), ``directory``, ``dataset_id``,
            ``folder_run`` (the key under which the files were made), ``created``, ``package_version``,
            ``captions`` and perhaps ``note``.
    """

    def __init__(self, **settings: Any) -> None:
        settings["method"] = METHOD
        super().__init__(**settings)


class AVSRun(Run):
    """Lets FiftyOne's own ``delete_run`` and ``rename_run`` do the right thing."""

    def get_fields(self, samples: Any, key: str) -> list[str]:
        """The run's fields as FiftyOne paths."""
        return _fields(key, self.config).paths

    def cleanup(self, samples: Any, key: str) -> None:
        """Delete the run's fields and files."""
        dataset = samples._root_dataset
        delete_fields(dataset, _fields(key, self.config))
        folder = recorded_folder(self.config)
        if folder.dataset_id == dataset_id(dataset):  # a clone's files belong to the original
            folder.delete()

    def rename(self, samples: Any, key: str, new_key: str) -> None:
        """Rename the run's fields; its files stay where they are."""
        rename_fields(samples._root_dataset, _fields(key, self.config), new_key)


@dataclass(frozen=True)
class RunInfo:
    """What is known of a run.

    Attributes:
        key: the run key.
        strategy: the strategy's name.
        preset: the preset of the models.
        models: role -> card, source, revision, licence, settings.
        settings: everything that changes results (strategy, options, threshold, silence, fps, ...).
        counts: how many samples are "ok", "abstained" and "failed" now.
        created: when the run was started first (UTC).
        package_version: the version of this package that started it.
        directory: where its files are.
        note: a remark, such as that the models know the demo world only.
    """

    key: str
    strategy: str
    preset: str
    models: Mapping[str, Mapping[str, Any]]
    settings: Mapping[str, Any] = field(repr=False)
    counts: Mapping[str, int]
    created: datetime
    package_version: str
    directory: str
    note: str = ""

    @property
    def threshold(self) -> float:
        """The threshold that made the masks."""
        return float(self.settings["threshold"])


def list_runs(dataset: fo.Dataset) -> list[RunInfo]:
    """The runs on a dataset, oldest first."""
    keys = dataset.list_runs(method=METHOD)
    return sorted((run_info(dataset, key) for key in keys), key=lambda info: info.created)


def list_run_keys(dataset: fo.Dataset) -> list[str]:
    """The keys of the runs on a dataset, oldest first, without counting anything."""
    records = {key: dataset.get_run_info(key).config for key in dataset.list_runs(method=METHOD)}
    return sorted(records, key=lambda key: str(records[key].created))


def run_info(dataset: fo.Dataset, run: str) -> RunInfo:
    """What is known of one run.

    Raises:
        DatasetError: if the dataset has no such run.
    """
    config = _record(dataset, run)
    settings = config.settings
    return RunInfo(
        key=run,
        strategy=settings["strategy"],
        preset=settings["preset"],
        models=settings["models"],
        settings=settings,
        counts=count_statuses(dataset, f"{run}_status"),
        created=datetime.fromisoformat(config.created),
        package_version=config.package_version,
        directory=config.directory,
        note=getattr(config, "note", ""),
    )


def delete_run(dataset: fo.Dataset, run: str, *, evaluations: bool = False) -> None:
    """Delete a run: its fields, its files and its record.

    The captions that runs share are deleted with the last run, except captions that were not made by a run.

    Args:
        dataset: the dataset.
        run: the run key.
        evaluations: delete the run's evaluations, too; otherwise their scores stay.

    Raises:
        DatasetError: if the dataset has no such run.
    """
    fields = _fields(run, _record(dataset, run))
    for key in _evaluations_of(dataset, fields) if evaluations else ():
        dataset.delete_evaluation(key)
    dataset.delete_run(run)
    if not dataset.list_runs(method=METHOD):
        _delete_captions(dataset)


def rename_run(dataset: fo.Dataset, run: str, new_run: str) -> None:
    """Give a run another key: its fields and its record get the new name, its files stay where they are.

    Evaluations of the run keep their keys and scores, and name the new fields from now on.

    Raises:
        DatasetError: if the dataset has no such run, or some of its fields are gone.
        ConfigurationError: if the new key cannot name fields, or they are taken.
    """
    check_rename(dataset, run, new_run)
    fields = _fields(run, _record(dataset, run))
    keys = _evaluations_of(dataset, fields)
    dataset.rename_run(run, new_run)
    for key in keys:
        config = dataset.get_evaluation_info(key).config
        config.pred_field = RunFields(new_run, fields.on_frames).paths[0]
        EvaluationMethod.update_run_config(dataset, key, config)
        dataset._evaluation_cache.pop(key, None)  # results that are loaded already name the old field


def check_rename(dataset: fo.Dataset, run: str, new_run: str) -> None:
    """Raise, as ``rename_run`` would, if a run cannot have another key."""
    fields = _fields(run, _record(dataset, run))
    lost = next((path for path in fields.paths if dataset.get_field(path) is None), None)
    if lost is not None:  # FiftyOne would rename the record alone, and only log that it could not do more
        raise DatasetError(f"run {run!r} cannot be renamed: its field {lost!r} is gone")
    check_run_key(new_run)
    if new_run in dataset.list_runs():
        raise ConfigurationError(
            f"dataset {dataset.name!r} has a run {new_run!r} already; choose another key"
        )
    check_free(dataset, RunFields(new_run, fields.on_frames))


def find_record(dataset: fo.Dataset, run: str) -> AVSRunConfig | None:
    """The record of a run, or None if there is none."""
    if run not in dataset.list_runs():
        return None
    config = dataset.get_run_info(run).config
    return config if isinstance(config, AVSRunConfig) else None


def _record(dataset: fo.Dataset, run: str) -> AVSRunConfig:
    """The record of a run; raises DatasetError, naming the runs there are."""
    config = find_record(dataset, run)
    if config is None:
        keys = ", ".join(dataset.list_runs(method=METHOD)) or "none"
        raise DatasetError(f"dataset {dataset.name!r} has no run {run!r}; its runs: {keys}")
    return config


def register(dataset: fo.Dataset, fields: RunFields, settings: Mapping[str, Any], folder: RunFolder) -> None:
    """Write the record of a new run."""
    record: dict[str, Any] = {
        "settings": dict(settings),
        "directory": str(folder.path),
        "dataset_id": folder.dataset_id,
        "folder_run": folder.run,
        "captions": list(fields.captions),
        "created": datetime.now(UTC).isoformat(),
        "package_version": __version__,
    }
    if settings["preset"] == "tiny":
        record["note"] = TINY_NOTE
    dataset.register_run(fields.run, AVSRunConfig(**record))


def check_same(run: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Raise RunConflictError, naming the differences, unless two runs have the same settings."""
    there, here = dict(_leaves({**UNSAID, **old})), dict(_leaves(new))
    differences = [
        f"{name}: {there.get(name)!r} there, {here.get(name)!r} here"
        for name in sorted({*there, *here})
        if there.get(name) != here.get(name)
    ]
    if differences:
        raise RunConflictError(
            f"run {run!r} exists with other settings ({'; '.join(differences)}). Choose another run key, or"
            " pass overwrite=True to delete the old results and start anew"
        )


def run_folder(dataset: fo.Dataset, run: str, output_dir: str | Path | None) -> RunFolder:
    """Where a run's files go: ``<output_dir>/<run>``, or with a number if a renamed run has its files there.

    The default output_dir is in FiftyOne's dataset folder and carries the dataset's name and the end of its
    id, so that a dataset deleted and made again under the same name never meets old files.
    """
    identity = dataset_id(dataset)
    if output_dir is None:
        root = Path(fo.config.default_dataset_dir) / "avs" / f"{dataset.name}-{identity[-6:]}"
    else:
        root = Path(output_dir).expanduser()
    others = [key for key in dataset.list_runs(method=METHOD) if key != run]
    taken = {Path(dataset.get_run_info(key).config.directory) for key in others}
    names = (run if number == 1 else f"{run}-{number}" for number in count(1))
    path = next(path for name in names if (path := (root / name).absolute()) not in taken)
    return RunFolder(path, identity, run)


def recorded_folder(config: AVSRunConfig) -> RunFolder:
    """The folder that a record names."""
    return RunFolder(Path(config.directory), config.dataset_id, config.folder_run)


def count_statuses(dataset: fo.Dataset, status_field: str) -> dict[str, int]:
    """How many samples are "ok", "abstained" and "failed"."""
    counts = {"ok": 0, "abstained": 0, "failed": 0}
    for status, number in dataset.count_values(status_field).items():
        if status is not None:
            counts[status.partition(":")[0]] += number
    return counts


def dataset_id(dataset: fo.Dataset) -> str:
    """The dataset's id, which survives renaming and differs between clones."""
    return str(dataset._doc.id)


def _leaves(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Settings within settings by dotted names, such as "models.segmenter.card"."""
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _fields(run: str, config: AVSRunConfig) -> RunFields:
    return RunFields(run, config.settings["media"] == "video", tuple(config.captions))


def _evaluations_of(dataset: fo.Dataset, fields: RunFields) -> list[str]:
    """The keys of the evaluations of a run's masks."""
    configs = {key: dataset.get_evaluation_info(key).config for key in dataset.list_evaluations()}
    return [key for key, config in configs.items() if getattr(config, "pred_field", None) == fields.paths[0]]


def _delete_captions(dataset: fo.Dataset) -> None:
    """Delete the shared caption fields in which every caption was made by a run."""
    on_frames = dataset.media_type == "video"
    prefix = FRAMES if on_frames else ""
    delete = dataset.delete_frame_field if on_frames else dataset.delete_sample_field
    for name in CAPTION_FIELDS.values():
        model = f"{prefix}{name}.model"
        if dataset.get_field(model) is not None and dataset.count(prefix + name) == dataset.count(model):
            delete(name)
