"""Import a folder as a dataset that stays, and the report of any import: what was imported, and what was not."""

from __future__ import annotations

import csv
import re
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fiftyone as fo

from fiftyone_avs.benchmarks.pairing import find_pairs
from fiftyone_avs.benchmarks.records import Problem
from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.fo.importing.folders import FolderWarning, dataset_from_folder, dataset_from_videos
from fiftyone_avs.fo.schema.findings import Finding, finding_of, raise_first
from fiftyone_avs.fo.schema.private import check_dataset_name
from fiftyone_avs.media.writing import placed
from fiftyone_avs.paper.published import PUBLISHED_DATASETS
from fiftyone_avs.progress import Progress

BENCHMARK_MARK = "fiftyone_avs_benchmark"
"""The key in ``dataset.info`` that says which published numbers a dataset's scores can be put beside."""

KINDS: Mapping[str, Callable[..., fo.Dataset]] = {
    "images": dataset_from_folder,
    "videos": dataset_from_videos,
}

_PATH = re.compile(r"^(?:[A-Za-z]:)?[/\\].*?: ")
_PARTICULARS = re.compile(r"'[^']*'|\[[^]]*\]|\S*[/\\]\S*|\d+(?:\.\d+)?")


@dataclass(frozen=True)
class ImportReport:
    """What an import made.

    Every row of a benchmark's index was imported, left out or, with a limit, not read.

    Attributes:
        dataset: the new dataset.
        notes: what files lack, such as pictures without a sound.
        problems: rows that were left out, and what is wrong with rows that were imported all the same.
        rows: how many rows the benchmark's index has; 0 for plain folders, which have none.
        imported: how many of them were imported; of videos, every labelled frame is a row.
    """

    dataset: fo.Dataset
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    rows: int = 0
    imported: int = 0

    @property
    def left_out(self) -> int:
        """How many rows were left out."""
        return sum(problem.left_out for problem in self.problems)

    @property
    def unread(self) -> int:
        """How many rows a limit kept from being read."""
        return self.rows - self.imported - self.left_out

    def __str__(self) -> str:
        text = f"dataset {self.dataset.name!r}: {len(self.dataset)} samples"
        if self.rows:
            text += f" from {self.rows} rows: {self.imported} imported, {self.left_out} left out"
        if self.unread:
            text += f", {self.unread} not read"
        remarks = len(self.problems) - self.left_out
        return f"{text}; {remarks} remarks" if remarks else text

    def to_csv(self, path: str | Path) -> None:
        """Write the problems as CSV: row, reason, and whether the row was left out (True or False).

        Raises:
            AVSError: if the file cannot be written.
        """
        with placed(Path(path).expanduser()) as temporary, temporary.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["row", "reason", "left_out"])
            writer.writerows((problem.row, problem.reason, problem.left_out) for problem in self.problems)


def kinds_of(problems: tuple[Problem, ...]) -> dict[str, int]:
    """How many problems have the same reason but for names, paths and numbers; the most frequent one first."""
    counts = Counter(_PARTICULARS.sub("...", _PATH.sub("", problem.reason)) for problem in problems)
    return dict(counts.most_common())


def import_folder(
    folder: str | Path,
    *,
    name: str | None = None,
    kind: str | None = None,
    benchmark: str | None = None,
    progress: Progress = False,
) -> ImportReport:
    """Make a persistent dataset of a folder.

    Args:
        folder: as for ``dataset_from_folder`` or ``dataset_from_videos``.
        name: of the dataset; None takes the folder's.
        kind: "images" or "videos"; None takes images if there are any.
        benchmark: the benchmark that it is, if its published numbers are to be shown beside its scores: a key
            of ``fiftyone_avs.paper.published.PUBLISHED_DATASETS``.
        progress: show a progress bar, or a function called with (files done, files to do).

    Raises:
        ConfigurationError: if an argument is unknown or a dataset of that name exists.
        DatasetError: if the folder holds nothing to import.
    """
    root = Path(folder).expanduser()
    name = name or root.resolve().name
    raise_first(check_import(root, name, kind=kind, benchmark=benchmark))
    make = KINDS[kind or ("images" if find_pairs(root).pairs else "videos")]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        dataset = make(root, name=name, persistent=True, progress=progress)
    notes = tuple(str(one.message) for one in caught if issubclass(one.category, FolderWarning))
    if benchmark is not None:
        set_benchmark(dataset, benchmark)
    return ImportReport(dataset, notes)


def check_import(
    folder: str | Path, name: str, *, kind: str | None = None, benchmark: str | None = None
) -> list[Finding]:
    """What would stop ``import_folder``; arguments as there, the files are not looked at."""
    found: list[Finding] = []
    if kind is not None and kind not in KINDS:
        found.append(Finding("kind", f"kind must be one of {', '.join(KINDS)}, not {kind!r}"))
    if benchmark is not None:
        found += finding_of("benchmark", lambda: _check_benchmark(benchmark))
    if not Path(folder).expanduser().is_dir():
        found.append(Finding("folder", f"there is no folder {folder} on the machine where FiftyOne runs"))
    if fo.dataset_exists(name):
        taken = f"a dataset named {name!r} exists already; choose another name"
        return [*found, Finding("name", taken)]
    return [*found, *finding_of("name", lambda: check_dataset_name(name))]


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
