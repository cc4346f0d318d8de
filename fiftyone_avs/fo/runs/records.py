"""Records of runs: what was run with which settings, and where its files are.

A record is a FiftyOne custom run, so ``dataset.list_runs()`` and ``dataset.delete_run()`` know it too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import fiftyone as fo

from fiftyone_avs._version import __version__
from fiftyone_avs.errors import DatasetError
from fiftyone_avs.fo.runs.files_in_use import names_in_use
from fiftyone_avs.fo.runs.folder import RunFolder
from fiftyone_avs.fo.schema.fields import (
    RunFields,
    delete_fields,
    rename_fields,
)
from fiftyone_avs.fo.schema.private import Run, RunConfig, dataset_id, root_of

METHOD = "fiftyone_avs"
"""Marks our records among a dataset's custom runs."""

UNSAID = {"precision": "float32", "frames_of": None}
"""What records of older versions do not say, because there was no choice."""

UNKNOWN = "not known before the model is loaded"
"""What stands in settings that are compared before any model is loaded, where only the model can tell."""

TINY_NOTE = "embedded demo models: demo world only"


class AVSRunConfig(RunConfig):
    """The record of one run.

    Args:
        **settings: ``settings`` (everything that changes results), ``directory``, ``dataset_id``,
            ``folder_run`` (the key under which the files were made), ``created``, ``package_version``,
            ``captions``, perhaps ``note``, and ``changes`` (see ``changes.note_change``).
    """

    def __init__(self, **settings: Any) -> None:
        settings["method"] = METHOD
        super().__init__(**settings)


class AVSRun(Run):
    """Lets FiftyOne's own ``delete_run`` and ``rename_run`` do the right thing."""

    def get_fields(self, samples: Any, key: str) -> list[str]:
        """The run's fields as FiftyOne paths."""
        return run_fields(key, self.config).paths

    def cleanup(self, samples: Any, key: str) -> None:
        """Delete the run's fields and files."""
        dataset = root_of(samples)
        delete_fields(dataset, run_fields(key, self.config))
        folder = recorded_folder(self.config)
        if folder.dataset_id == dataset_id(dataset):  # a clone's files belong to the original
            folder.delete(but=names_in_use(folder.path))  # the clone, or a copied field, may refer to them

    def rename(self, samples: Any, key: str, new_key: str) -> None:
        """Rename the run's fields; its files stay where they are."""
        rename_fields(root_of(samples), run_fields(key, self.config), new_key)


def find_record(dataset: fo.Dataset, run: str) -> AVSRunConfig | None:
    """The record of a run, or None if there is none."""
    if run not in dataset.list_runs():
        return None
    config = dataset.get_run_info(run).config
    return config if isinstance(config, AVSRunConfig) else None


def record_of(dataset: fo.Dataset, run: str) -> AVSRunConfig:
    """The record of a run; raises DatasetError, naming the runs there are."""
    config = find_record(dataset, run)
    if config is None:
        keys = ", ".join(dataset.list_runs(method=METHOD)) or "none"
        raise DatasetError(f"dataset {dataset.name!r} has no run {run!r}; its runs: {keys}")
    return config


def register_record(
    dataset: fo.Dataset, fields: RunFields, settings: Mapping[str, Any], folder: RunFolder
) -> None:
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


def differences_of(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """In what the settings of two runs differ, as "name: one there, another here; ..."; "" if they are the same."""
    if new.get("models") == UNKNOWN:
        old, new = ({name: value for name, value in one.items() if name != "models"} for one in (old, new))
    there, here = dict(_leaves({**UNSAID, **old})), dict(_leaves(new))
    return "; ".join(
        f"{name}: {there.get(name)!r} there, {here.get(name)!r} here"
        for name in sorted({*there, *here})
        if there.get(name) != here.get(name)
        and UNKNOWN not in (there.get(name), here.get(name))
        and not _unrecorded(name, there)
    )


def _unrecorded(name: str, there: Mapping[str, Any]) -> bool:
    """Whether a record of an older version could not say this: which revision of a part or of spaCy's model it used."""
    if name.startswith("models.noun_extractor.") and name.endswith(".revision"):
        return there.get(name) == "default"
    return ".part_revisions." in name and name not in there


def run_folder(
    dataset: fo.Dataset,
    run: str,
    output_dir: str | Path | None,
    shared: Callable[[Path], bool] = lambda path: False,
) -> RunFolder:
    """Where a run's files go: ``<output_dir>/<run>``, or with a number if a renamed run has its files there.

    ``shared`` says of a folder whether others use its files, so that none of these may be replaced. The default
    output_dir is in FiftyOne's dataset folder and carries the dataset's name and the end of its id, so that a dataset
    deleted and made again under the same name never meets old files.
    """
    identity = dataset_id(dataset)
    root = default_root(dataset) if output_dir is None else Path(output_dir).expanduser()
    others = [key for key in dataset.list_runs(method=METHOD) if key != run]
    taken = {Path(dataset.get_run_info(key).config.directory) for key in others}
    names = (run if number == 1 else f"{run}-{number}" for number in count(1))
    paths = ((root / name).absolute() for name in names)
    path = next(path for path in paths if path not in taken and not shared(path))
    return RunFolder(path, identity, run)


def default_root(dataset: fo.Dataset) -> Path:
    """Where the runs of a dataset have their folders unless they are told."""
    name = f"{dataset.name}-{dataset_id(dataset)[-6:]}"
    return (Path(fo.config.default_dataset_dir) / "avs" / name).absolute()


def move_record(dataset: fo.Dataset, run: str, config: AVSRunConfig, folder: RunFolder) -> None:
    """Let a run write its files to another folder from now on; those that are there stay where they are."""
    config.directory, config.dataset_id, config.folder_run = str(folder.path), folder.dataset_id, folder.run
    dataset.update_run_config(run, config)


def recorded_folder(config: AVSRunConfig) -> RunFolder:
    """The folder that a record names."""
    return RunFolder(Path(config.directory), config.dataset_id, config.folder_run)


def _leaves(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Settings within settings by dotted names, such as "models.segmenter.card"."""
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def run_fields(run: str, config: AVSRunConfig) -> RunFields:
    """The fields of the run that a record describes."""
    return RunFields(run, config.settings["media"] == "video", tuple(config.captions))
