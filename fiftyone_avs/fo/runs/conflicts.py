"""Whether a run can be begun, gone on with or overwritten: keys, settings and folders compared. Nothing is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import fiftyone as fo
from fiftyone.core.collections import SampleCollection

from fiftyone_avs.errors import ConfigurationError, RunConflictError
from fiftyone_avs.fo.runs.files_in_use import names_in_use
from fiftyone_avs.fo.runs.folder import RunFolder, read_note
from fiftyone_avs.fo.runs.overwriting import WHOLE_RUN, Overwrite, check_overwrite, old_results
from fiftyone_avs.fo.runs.records import (
    AVSRunConfig,
    differences_of,
    find_record,
    recorded_folder,
    run_folder,
)
from fiftyone_avs.fo.schema.fields import RunFields, check_free
from fiftyone_avs.fo.schema.private import dataset_id
from fiftyone_avs.media.places import check_place


def check_run(
    samples: SampleCollection,
    dataset: fo.Dataset,
    fields: RunFields,
    settings: Mapping[str, Any],
    output_dir: str | Path | None,
    overwrite: Overwrite,
) -> RunFolder:
    """The folder for a run that ``open_run``, with the same arguments, can resume or start. Nothing is changed.

    Raises:
        ConfigurationError, RunConflictError: as ``open_run``.
    """
    check_settings(samples, dataset, fields, settings, overwrite)
    return choose_folder(samples, dataset, fields, output_dir, overwrite)


def check_settings(
    samples: SampleCollection,
    dataset: fo.Dataset,
    fields: RunFields,
    settings: Mapping[str, Any],
    overwrite: Overwrite,
) -> None:
    """Raise, as ``open_run`` would, if a run of these settings can neither be started, gone on with nor overwritten."""
    check_overwrite(overwrite)
    record = find_record(dataset, fields.run)
    if record is None:
        check_free(dataset, fields)
        return
    if starts_anew(samples, dataset, fields, overwrite):
        return
    differences = differences_of(record.settings, settings)
    if not differences:
        return
    exists = f"run {fields.run!r} exists with other settings ({differences})"
    if overwrite:
        old = old_results(dataset, fields, samples)
        raise RunConflictError(
            f"{exists}, and {old.masks - old.inside} of its {old.masks} masks are of samples that are not among these."
            " A run has one record of settings, so some of it cannot be made with others: choose another run key, or"
            f" delete the whole run with overwrite='run' (--overwrite run), all {old.masks} masks"
        )
    raise RunConflictError(
        f"{exists}. Choose another run key, or pass overwrite='run' (--overwrite run) to delete the old results"
        " and start anew"
    )


def choose_folder(
    samples: SampleCollection,
    dataset: fo.Dataset,
    fields: RunFields,
    output_dir: str | Path | None,
    overwrite: Overwrite,
) -> RunFolder:
    """Where the files of a run go that is started or gone on with.

    Raises:
        ConfigurationError: if it keeps its files elsewhere, or another run's are there, or the place holds no files.
    """
    if output_dir is not None:
        output_dir = check_place(output_dir)
    record = find_record(dataset, fields.run)
    if record is None or starts_anew(samples, dataset, fields, overwrite):
        folder = run_folder(dataset, fields.run, output_dir, partial(_used_elsewhere, dataset, fields))
    else:
        folder = _folder_to_go_on(dataset, fields.run, record, output_dir)
        if overwrite and _used_elsewhere(dataset, fields, folder.path):  # new masks go beside those of clones
            folder = run_folder(dataset, fields.run, output_dir, partial(_used_elsewhere, dataset, fields))
    try:
        folder.check_free()
    except OSError as error:  # a name too long, no rights to look
        raise ConfigurationError(
            f"cannot write to {folder.path}: {error.strerror or error}; choose another output_dir"
        ) from error
    return folder


def _used_elsewhere(dataset: fo.Dataset, fields: RunFields, path: Path) -> bool:
    """Whether a folder of the dataset holds files that others' labels refer to: a clone's, or a copied field's."""
    note = read_note(path)
    own = note is not None and note.folder.dataset_id == dataset_id(dataset)
    return own and bool(names_in_use(path, but=(dataset, fields)))


def starts_anew(
    samples: SampleCollection, dataset: fo.Dataset, fields: RunFields, overwrite: Overwrite
) -> bool:
    """Whether an overwrite takes all that a run has, so that nothing of its old record need be kept."""
    if overwrite == WHOLE_RUN or not overwrite:
        return bool(overwrite)
    return not old_results(dataset, fields, samples).outside


def _folder_to_go_on(
    dataset: fo.Dataset, run: str, record: AVSRunConfig, output_dir: str | Path | None
) -> RunFolder:
    """The folder of a run that is there; a clone's files go to one of its own, not to the original's."""
    folder = recorded_folder(record)
    if folder.dataset_id != dataset_id(dataset):
        return run_folder(dataset, run, output_dir)
    if output_dir is not None and run_folder(dataset, run, output_dir).path != folder.path:
        raise ConfigurationError(
            f"run {run!r} keeps its files in {folder.path}; go on without output_dir, or pass overwrite='run'"
            " (--overwrite run) to start it anew"
        )
    return folder


def check_apart(runs: Sequence[RunFields]) -> None:
    """Raise ConfigurationError if two runs would write the same field, such as "mine" and "mine_map"."""
    owners: dict[str, str] = {}
    for fields in runs:
        for name in fields.own:
            if owners.setdefault(name, fields.run) != fields.run:
                raise ConfigurationError(
                    f"runs {owners[name]!r} and {fields.run!r} would both write the field {name!r}; choose other run"
                    " keys"
                )
