"""Import a folder as a dataset that stays, with a report of what its files lack."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fiftyone as fo
from fiftyone.core.dataset import _validate_dataset_name

from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.integrations.folder import FolderWarning, dataset_from_folder, dataset_from_videos
from fiftyone_avs.published import PUBLISHED_DATASETS

BENCHMARK_MARK = "fiftyone_avs_benchmark"
"""The key in ``dataset.info`` that says which published numbers a dataset's scores can be put beside."""

KINDS: Mapping[str, Callable[..., fo.Dataset]] = {
    "images": dataset_from_folder,
    "videos": dataset_from_videos,
}


@dataclass(frozen=True)
class ImportReport:
    """What an import made.

    Attributes:
        dataset: the new dataset.
        notes: what files lack, such as pictures without a sound.
    """

    dataset: fo.Dataset
    notes: tuple[str, ...]

    def __str__(self) -> str:
        return f"dataset {self.dataset.name!r}: {len(self.dataset)} samples"


def import_folder(
    folder: str | Path, *, name: str | None = None, kind: str | None = None, benchmark: str | None = None
) -> ImportReport:
    """Make a persistent dataset of a folder.

    Args:
        folder: as for ``dataset_from_folder`` or ``dataset_from_videos``.
        name: of the dataset; None takes the folder's.
        kind: "images" or "videos"; None takes images if there is a folder ``img``.
        benchmark: the benchmark that it is, if its published numbers are to be shown beside its scores: a key
            of ``fiftyone_avs.published.PUBLISHED_DATASETS``.

    Raises:
        ConfigurationError: if an argument is unknown or a dataset of that name exists.
        DatasetError: if the folder holds nothing to import.
    """
    root = Path(folder).expanduser()
    name = name or root.resolve().name
    check_import(root, name, kind=kind, benchmark=benchmark)
    make = KINDS[kind or ("images" if (root / "img").is_dir() else "videos")]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        dataset = make(root, name=name, persistent=True)
    notes = tuple(str(one.message) for one in caught if issubclass(one.category, FolderWarning))
    if benchmark is not None:
        set_benchmark(dataset, benchmark)
    return ImportReport(dataset, notes)


def check_import(
    folder: str | Path, name: str, *, kind: str | None = None, benchmark: str | None = None
) -> None:
    """Raise, as ``import_folder`` would, if a folder cannot be imported; the files are not looked at."""
    if kind is not None and kind not in KINDS:
        raise ConfigurationError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")
    if benchmark is not None:
        _check_benchmark(benchmark)
    if not Path(folder).expanduser().is_dir():
        raise ConfigurationError(f"there is no folder {folder} on the machine where FiftyOne runs")
    if fo.dataset_exists(name):
        raise ConfigurationError(f"a dataset named {name!r} exists already; choose another name")
    try:
        _validate_dataset_name(name)  # to FiftyOne, "my data" and "my-data" are the same name
    except ValueError as error:
        raise ConfigurationError(f"{error}; choose another name") from error


def set_benchmark(dataset: fo.Dataset, benchmark: str | None) -> None:
    """Say which benchmark a dataset is, or with None that it is none.

    Raises:
        ConfigurationError: if no numbers of such a benchmark are published.
    """
    if benchmark is None:
        dataset.info.pop(BENCHMARK_MARK, None)
    else:
        _check_benchmark(benchmark)
        dataset.info[BENCHMARK_MARK] = benchmark
    dataset.save()


def benchmark_of(dataset: fo.Dataset) -> str | None:
    """Which benchmark a dataset is, if it is known."""
    mark: Any = dataset.info.get(BENCHMARK_MARK)
    return mark if mark in PUBLISHED_DATASETS else None


def _check_benchmark(benchmark: str) -> None:
    if benchmark not in PUBLISHED_DATASETS:
        known = ", ".join(PUBLISHED_DATASETS)
        raise ConfigurationError(f"benchmark must be one of {known}, not {benchmark!r}")
