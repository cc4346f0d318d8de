"""Rename runs and delete them, with all that belongs to them."""

from __future__ import annotations

import fiftyone as fo

from fiftyone_avs.errors import ConfigurationError, DatasetError
from fiftyone_avs.fo.runs.calls import check_not_under_way
from fiftyone_avs.fo.runs.changes import evaluations_of, rename_in_changes
from fiftyone_avs.fo.runs.records import METHOD, record_of, run_fields
from fiftyone_avs.fo.schema.fields import (
    CAPTION_FIELDS,
    FRAMES,
    RunFields,
    check_free,
    check_run_key,
)
from fiftyone_avs.fo.schema.findings import Finding, finding_of, raise_first
from fiftyone_avs.fo.schema.private import update_evaluation_config


def delete_run(dataset: fo.Dataset, run: str, *, evaluations: bool = True) -> None:
    """Delete a run: its fields, its files, its record and its evaluations.

    The captions that runs share are deleted with the last run, except captions that were not made by a run.

    Args:
        dataset: the dataset.
        run: the run key.
        evaluations: delete the run's evaluations, too; otherwise their scores stay, and are said to be stale.

    Raises:
        DatasetError: if the dataset has no such run.
        ConfigurationError: if a call of ``segment`` that makes it is under way.
    """
    fields = run_fields(run, record_of(dataset, run))
    check_not_under_way(dataset, run)
    for key in evaluations_of(dataset, fields) if evaluations else ():
        dataset.delete_evaluation(key)
    dataset.delete_run(run)
    if not dataset.list_runs(method=METHOD):
        _delete_captions(dataset)


def rename_run(dataset: fo.Dataset, run: str, new_run: str) -> None:
    """Give a run another key: its fields and its record get the new name, its files stay where they are.

    Evaluations of the run follow: their scores stay, they name the new fields from now on, and those that are called
    after the run, such as ``<run>_eval``, are called after its new key.

    Raises:
        DatasetError: if the dataset has no such run, or some of its fields are gone.
        ConfigurationError: if the new key cannot name fields, or a name is taken.
    """
    raise_first(check_rename(dataset, run, new_run))
    fields = run_fields(run, record_of(dataset, run))
    keys = _new_keys(dataset, fields, new_run)
    for key, new_key in keys.items():
        if new_key != key:
            dataset.rename_evaluation(key, new_key)
    dataset.rename_run(run, new_run)
    for key in keys.values():
        config = dataset.get_evaluation_info(key).config
        config.pred_field = RunFields(new_run, fields.on_frames).paths[0]
        update_evaluation_config(dataset, key, config)
    rename_in_changes(dataset, new_run, keys)


def check_rename(dataset: fo.Dataset, run: str, new_run: str) -> list[Finding]:
    """What would stop ``rename_run``; arguments as there."""
    record = [*finding_of("run", lambda: record_of(dataset, run))]
    if record:
        return record
    fields = run_fields(run, record_of(dataset, run))
    return [
        *finding_of("run", lambda: check_not_under_way(dataset, run)),
        *finding_of("run", lambda: _check_whole(dataset, fields)),
        *finding_of("new_run", lambda: _check_new_key(dataset, fields, new_run)),
    ]


def _check_whole(dataset: fo.Dataset, fields: RunFields) -> None:
    lost = next((path for path in fields.paths if dataset.get_field(path) is None), None)
    if lost is not None:  # FiftyOne would rename the record alone, and only log that it could not do more
        raise DatasetError(
            f"run {fields.run!r} cannot be renamed: its field {lost!r} is gone; make it again with check_runs(...,"
            " mend=True) (fiftyone-avs runs --check --mend)"
        )


def _check_new_key(dataset: fo.Dataset, fields: RunFields, new_run: str) -> None:
    check_run_key(new_run)
    if new_run in dataset.list_runs():
        raise ConfigurationError(
            f"dataset {dataset.name!r} has a run {new_run!r} already; choose another key"
        )
    check_free(dataset, RunFields(new_run, fields.on_frames))
    for key, new_key in _new_keys(dataset, fields, new_run).items():
        if new_key == key:
            continue
        would = f"evaluation {key!r} of run {fields.run!r} would be called {new_key!r}"
        if new_key in dataset.list_evaluations():
            raise ConfigurationError(
                f"{would}, and there is one of that name; choose another key, or rename or delete that one first"
            )
        method = dataset.get_evaluation_info(key).config.build()
        taken = [path for path in method.get_fields(dataset, new_key) if dataset.get_field(path) is not None]
        if taken:
            raise ConfigurationError(f"{would}, and there is a field {taken[0]!r}; choose another key")


def _new_keys(dataset: fo.Dataset, fields: RunFields, new_run: str) -> dict[str, str]:
    """How the evaluations of a run will be called."""
    begin = f"{fields.run}_"
    return {
        key: f"{new_run}_{key.removeprefix(begin)}" if key.startswith(begin) else key
        for key in evaluations_of(dataset, fields)
    }


def _delete_captions(dataset: fo.Dataset) -> None:
    """Delete the shared caption fields in which every caption was made by a run."""
    on_frames = dataset.media_type == "video"
    prefix = FRAMES if on_frames else ""
    delete = dataset.delete_frame_field if on_frames else dataset.delete_sample_field
    for name in CAPTION_FIELDS.values():
        model = f"{prefix}{name}.model"
        if dataset.get_field(model) is not None and dataset.count(prefix + name) == dataset.count(model):
            delete(name)
