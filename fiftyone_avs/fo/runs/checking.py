"""Whether runs are whole: their fields, files and records compared, and what does not fit removed or done again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import fiftyone as fo

from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.fo.runs.changes import note_change
from fiftyone_avs.fo.runs.files_in_use import names_in_use
from fiftyone_avs.fo.runs.folder import RunFolder
from fiftyone_avs.fo.runs.leftovers import left_folders
from fiftyone_avs.fo.runs.listing import list_run_keys
from fiftyone_avs.fo.runs.lost_files import lost_results
from fiftyone_avs.fo.runs.overwriting import clear_results
from fiftyone_avs.fo.runs.records import record_of, recorded_folder, run_fields
from fiftyone_avs.fo.schema.fields import RunFields, declare
from fiftyone_avs.fo.schema.private import dataset_id
from fiftyone_avs.progress import Progress


@dataclass(frozen=True)
class RunCheck:
    """What a check of a run found.

    Attributes:
        dataset: the dataset's name; "" where it was deleted and left the folder behind.
        run: the run key.
        directory: where the run's files are.
        results: how many samples have a result: a mask, or a reason why there is none.
        lost: what is the matter with results whose files are lost or damaged, by sample id.
        orphans: files that belong to no sample, or to none that says so.
        problem: what is wrong with the run as a whole, or "".
        mended: whether lost results were cleared, for the next ``segment`` or ``import_predictions`` to do them
            again, and orphans were removed.
    """

    dataset: str
    run: str
    directory: str
    results: int = 0
    lost: dict[str, str] = field(default_factory=dict)
    orphans: tuple[str, ...] = ()
    problem: str = ""
    mended: bool = False

    @property
    def whole(self) -> bool:
        """Whether nothing was found that is wrong."""
        return not (self.lost or self.orphans or self.problem)

    def __str__(self) -> str:
        name = f"run {self.run!r}" + (
            f" of dataset {self.dataset!r}" if self.dataset else f" in {self.directory}"
        )
        if self.whole:
            return f"{name}: {self.results} results, all whole"
        parts = [f"{self.results} results"] if self.results else []
        if self.lost:
            then = "cleared, to be done again" if self.mended else "to be done again"
            parts.append(f"{len(self.lost)} with lost or damaged files, {then}")
        if self.orphans:
            then = "removed" if self.mended else "to be removed"
            parts.append(f"{len(self.orphans)} files that belong to no result, {then}")
        return f"{name}: " + "; ".join([*parts, *([self.problem] if self.problem else [])])


def check_runs(
    dataset: fo.Dataset | None = None,
    run: str | None = None,
    *,
    output_dir: str | Path | None = None,
    mend: bool = False,
    progress: Progress = True,
) -> list[RunCheck]:
    """Compare the fields, files and records of runs; every mask and map is read.

    Not to be used while one of the runs goes on: files that are written before their fields would seem to belong to
    nobody.

    Args:
        dataset: the dataset; None takes all datasets, and looks for files of deleted ones: in the folder beside
            FiftyOne's datasets, beside the files of runs that are there, and in ``output_dir``.
        run: only this run of the dataset.
        output_dir: a folder that runs were told to write to, to be looked through, too.
        mend: remove files that belong to no result, and clear the results whose files are lost or damaged, so that
            the next ``segment`` (or ``import_predictions``) with the run's settings does them again. Records and
            fields are never deleted; fields that are gone are made again, empty.
        progress: show a progress bar per run, or a function called with (results seen, results to see).

    Returns:
        One check per run, then one per folder that was left behind.

    Raises:
        DatasetError: if the dataset has no such run.
        ConfigurationError: if a run is named without its dataset.

    Example:
        >>> for found in check_runs(dataset, mend=True):  # doctest: +SKIP
        ...     print(found)
    """
    if dataset is None and run is not None:
        raise ConfigurationError(f"run {run!r} is of a dataset: name that, too")
    found: list[RunCheck] = []
    names = fo.list_datasets() if dataset is None else [dataset.name]
    datasets = [fo.load_dataset(name) for name in names] if dataset is None else [dataset]
    for one in datasets:
        keys = list_run_keys(one) if run is None else [run]
        found += [_check_run(one, key, mend, progress) for key in keys]
        if run is None:
            found += _without_record(one)
    if run is None:
        found += [_check_folder(one, mend) for one in left_folders(datasets, dataset is None, output_dir)]
    return found


def _check_run(dataset: fo.Dataset, run: str, mend: bool, progress: Progress) -> RunCheck:
    record = record_of(dataset, run)
    fields, folder = run_fields(run, record), recorded_folder(record)
    gone = [path for path in fields.paths if dataset.get_field(path) is None]
    ids = [] if fields.status in gone else _settled(dataset, fields)
    lost = lost_results(dataset, fields, ids, read=True, progress=progress)
    own = folder.dataset_id == dataset_id(dataset)  # a clone's files are the original's to look after
    orphans = _orphans(dataset, fields, folder, ids) if own else []
    if mend:
        if gone:
            declare(dataset, fields)
        if lost:
            note_change(dataset, fields, list(lost))
            clear_results(dataset, fields, folder if own else None, list(lost))
        for path in orphans:
            path.unlink(missing_ok=True)
    named = ", ".join(map(repr, gone))
    then = "made again, empty" if mend else "to be made again"
    problem = f"its fields {named} are gone, {then}: the next segment does all their samples" if gone else ""
    paths = tuple(map(str, orphans))
    return RunCheck(dataset.name, run, record.directory, len(ids), lost, paths, problem, mend)


def _settled(dataset: fo.Dataset, fields: RunFields) -> list[str]:
    """The samples that have a status."""
    stored = zip(*dataset.values(["id", fields.status]), strict=True)
    return [sample_id for sample_id, status in stored if status is not None]


def _orphans(dataset: fo.Dataset, fields: RunFields, folder: RunFolder, settled: Sequence[str]) -> list[Path]:
    """The files in a run's folder that no result refers to; those of samples that wait are overwritten one day."""
    files = folder.own_files()
    waiting = set(dataset.values("id")) - set(settled)
    used = names_in_use(folder.path) if files else set()
    return [path for path, owner in files.items() if owner not in waiting and path.name not in used]


def _without_record(dataset: fo.Dataset) -> Iterator[RunCheck]:
    """Fields that look like a run's and have no record; they may be somebody's, and are left alone."""
    on_frames = dataset.media_type == "video"
    schema = set(dataset.get_frame_field_schema() if on_frames else dataset.get_field_schema())
    for name in sorted(schema - set(dataset.list_runs())):
        if schema.issuperset(RunFields(name).own):
            problem = "its fields have no record, so it cannot be gone on with; they are left alone"
            yield RunCheck(dataset.name, name, "", problem=problem)


def _check_folder(left: tuple[RunFolder, str], mend: bool) -> RunCheck:
    """A folder that no record names; what cannot be told to be ours to remove stays, with the reason."""
    folder, reason = left
    files = folder.own_files()
    if reason:
        return RunCheck("", folder.run, str(folder.path), problem=f"{len(files)} files, left alone: {reason}")
    used = names_in_use(folder.path) if files else set()
    orphans = [path for path in files if path.name not in used]
    if mend and len(orphans) == len(files):
        folder.delete()
        _remove_if_empty(folder.path.parent)
    elif mend:
        for path in orphans:
            path.unlink(missing_ok=True)
    kept = len(files) - len(orphans)
    problem = f"{kept} files are kept: another dataset or field uses them" if kept and not orphans else ""
    return RunCheck(
        "", folder.run, str(folder.path), orphans=tuple(map(str, orphans)), problem=problem, mended=mend
    )


def _remove_if_empty(root: Path) -> None:
    """Remove the folder of a dataset's runs, which is ours, once nothing is in it."""
    if (
        root.parent == Path(fo.config.default_dataset_dir) / "avs"
        and root.is_dir()
        and not any(root.iterdir())
    ):
        root.rmdir()
