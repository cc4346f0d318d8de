"""Which runs a dataset has, and what is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import fiftyone as fo

from fiftyone_avs.fo.runs.records import METHOD, record_of, run_fields


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
        masks: how many masks it has; those of videos are on frames.
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
    masks: int = 0

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
    config = record_of(dataset, run)
    settings = config.settings
    mask = run_fields(run, config).paths[0]
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
        masks=dataset.count(mask) if dataset.get_field(mask) is not None else 0,
    )


def count_statuses(dataset: fo.Dataset, status_field: str) -> dict[str, int]:
    """How many samples are "ok", "abstained" and "failed"."""
    counts = {"ok": 0, "abstained": 0, "failed": 0}
    if dataset.get_field(status_field) is None:  # deleted by hand; see check_runs
        return counts
    for status, number in dataset.count_values(status_field).items():
        if status is not None:
            counts[status.partition(":")[0]] += number
    return counts
