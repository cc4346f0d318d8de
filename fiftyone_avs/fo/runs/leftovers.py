"""Folders of runs that no record names any more: of deleted datasets, and of runs whose deletion was cut short."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import fiftyone as fo

from fiftyone_avs.fo.runs.folder import RunFolder, database_in_use, read_note
from fiftyone_avs.fo.runs.records import METHOD, default_root
from fiftyone_avs.fo.schema.private import dataset_id


def left_folders(
    datasets: Sequence[fo.Dataset], deleted: bool, output_dir: str | Path | None
) -> list[tuple[RunFolder, str]]:
    """Folders of runs without a record, each with the reason to leave it alone, or "".

    Args:
        datasets: whose folders are looked for.
        deleted: look for those of datasets that are deleted, too; ``datasets`` are all there are then.
        output_dir: a folder to look through, besides those that are known.
    """
    everywhere = datasets if deleted else [fo.load_dataset(name) for name in fo.list_datasets()]
    recorded = real_paths(path for one in everywhere for path in _directories(one))
    known = {dataset_id(one) for one in everywhere}
    asked = {dataset_id(one) for one in datasets}
    found = []
    places = {os.path.realpath(path): path for path in sorted(_places(datasets, deleted, output_dir))}
    for real, path in places.items():
        if real in recorded:
            continue
        note = read_note(path)
        if note is None:
            continue
        if note.folder.dataset_id in asked:
            found.append((note.folder, ""))
        elif deleted and note.folder.dataset_id not in known:
            found.append((note.folder, _reason(note.database)))
    return found


def real_paths(paths: Iterable[str | Path | None]) -> set[str]:
    """Paths as the file system has them; those that are None are left out."""
    return {os.path.realpath(path) for path in paths if path}


def _reason(database: str) -> str:
    """Why the folder of a dataset that is not known must stay, or ""."""
    if not database:
        return (
            "version 0.1.0 made it, which does not say for which database; delete it by hand if it is yours"
        )
    if database != database_in_use():
        return f"it belongs to a dataset of another database, {database}"
    return ""


def _places(datasets: Sequence[fo.Dataset], deleted: bool, output_dir: str | Path | None) -> Iterator[Path]:
    """Where folders of runs may lie."""
    roots = {root for one in datasets for root in (default_root(one), *(d.parent for d in _directories(one)))}
    if deleted:
        roots |= set(_folders(Path(fo.config.default_dataset_dir) / "avs"))
    if output_dir is not None:
        asked = Path(output_dir).expanduser().absolute()
        yield asked
        roots |= {asked, *_folders(asked)}
    for root in roots:
        yield from _folders(root)


def _folders(root: Path) -> list[Path]:
    """The folders in a folder; none if it is not there."""
    try:
        return [path for path in root.iterdir() if path.is_dir() and not path.is_symlink()]
    except OSError:
        return []


def _directories(dataset: fo.Dataset) -> list[Path]:
    """The folders that the records of a dataset's runs name."""
    keys = dataset.list_runs(method=METHOD)
    return [Path(dataset.get_run_info(key).config.directory) for key in keys]
