"""Rename runs and delete them, with all that belongs to them."""

from __future__ import annotations

import fiftyone as fo

from fiftyone_avs.errors import ConfigurationError, DatasetError
from fiftyone_avs.fo.runs.changes import evaluations_of
from fiftyone_avs.fo.runs.records import METHOD, record_of, run_fields
from fiftyone_avs.fo.schema.fields import (
    CAPTION_FIELDS,
    FRAMES,
    RunFields,
    check_free,
    check_run_key,
)
from fiftyone_avs.fo.schema.private import update_evaluation_config


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
    fields = run_fields(run, record_of(dataset, run))
    for key in evaluations_of(dataset, fields) if evaluations else ():
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
    fields = run_fields(run, record_of(dataset, run))
    keys = evaluations_of(dataset, fields)
    dataset.rename_run(run, new_run)
    for key in keys:
        config = dataset.get_evaluation_info(key).config
        config.pred_field = RunFields(new_run, fields.on_frames).paths[0]
        update_evaluation_config(dataset, key, config)


def check_rename(dataset: fo.Dataset, run: str, new_run: str) -> None:
    """Raise, as ``rename_run`` would, if a run cannot have another key."""
    fields = run_fields(run, record_of(dataset, run))
    lost = next((path for path in fields.paths if dataset.get_field(path) is None), None)
    if lost is not None:  # FiftyOne would rename the record alone, and only log that it could not do more
        raise DatasetError(f"run {run!r} cannot be renamed: its field {lost!r} is gone")
    check_run_key(new_run)
    if new_run in dataset.list_runs():
        raise ConfigurationError(
            f"dataset {dataset.name!r} has a run {new_run!r} already; choose another key"
        )
    check_free(dataset, RunFields(new_run, fields.on_frames))


def _delete_captions(dataset: fo.Dataset) -> None:
    """Delete the shared caption fields in which every caption was made by a run."""
    on_frames = dataset.media_type == "video"
    prefix = FRAMES if on_frames else ""
    delete = dataset.delete_frame_field if on_frames else dataset.delete_sample_field
    for name in CAPTION_FIELDS.values():
        model = f"{prefix}{name}.model"
        if dataset.get_field(model) is not None and dataset.count(prefix + name) == dataset.count(model):
            delete(name)
