"""What has changed in a run since it was scored: which evaluations are stale, and why.

A run's record notes each time that samples are done which an evaluation has scored already: overwritten, tried again,
or not there when it was made. Whether an evaluation is stale follows from that, so that nothing has to be unmarked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import fiftyone as fo

from fiftyone_avs.fo.runs.records import AVSRunConfig, find_record
from fiftyone_avs.fo.schema.fields import FRAMES, RunFields
from fiftyone_avs.fo.schema.private import has_results

UNFINISHED = "it was interrupted before it was complete"
"""Why an evaluation without results is none."""


def evaluations_of(dataset: fo.Dataset, fields: RunFields) -> list[str]:
    """The keys of the evaluations of a run's masks, of FiftyOne's own kinds, too."""
    configs = {key: dataset.get_evaluation_info(key).config for key in dataset.list_evaluations()}
    return [key for key, config in configs.items() if getattr(config, "pred_field", None) == fields.paths[0]]


def note_change(dataset: fo.Dataset, fields: RunFields, ids: Sequence[str]) -> None:
    """Note in a run's record that samples get other results now, if an evaluation has scored some of them.

    To be called before the first of them is written: an interrupted run has changed, too.
    """
    keys = evaluations_of(dataset, fields) if ids else []
    config = find_record(dataset, fields.run) if keys else None
    if config is None:
        return
    wanted = set(ids)
    scores = {key: len(wanted & _scored(dataset, key)) for key in keys}
    if any(scores.values()):
        change = {"at": datetime.now(UTC).isoformat(), "samples": len(ids), "scores": scores}
        config.changes = [*_changes(config), change]
        dataset.update_run_config(fields.run, config)


def rename_in_changes(dataset: fo.Dataset, run: str, keys: Mapping[str, str]) -> None:
    """Let the changes of a run name its evaluations by their new keys."""
    config = find_record(dataset, run)
    if config is not None and _changes(config):
        config.changes = [
            {**one, "scores": {keys.get(key, key): count for key, count in one["scores"].items()}}
            for one in _changes(config)
        ]
        dataset.update_run_config(run, config)


def stale_reason(dataset: fo.Dataset, eval_key: str) -> str:
    """Why the scores of an evaluation are not all, or not those of its run now; "" if they are, or cannot be told."""
    if eval_key not in dataset.list_evaluations():
        return ""
    info = dataset.get_evaluation_info(eval_key)
    if not hasattr(info.config, "is_run"):  # another package's
        return ""
    if not has_results(dataset, eval_key):
        return UNFINISHED
    if not info.config.is_run:
        return ""
    run = str(info.config.pred_field).removeprefix(FRAMES)
    record = find_record(dataset, run)
    if record is None:
        return f"its run {run!r} was deleted"
    made = info.timestamp.replace(tzinfo=UTC)
    if datetime.fromisoformat(record.created) > made:
        return f"run {run!r} was deleted and made anew since"
    later = [one for one in _changes(record) if datetime.fromisoformat(one["at"]) > made]
    counts = [count for one in later if (count := _count(one, eval_key))]
    if not counts:
        return ""
    more = " or more" if len(counts) > 1 else ""
    return f"run {run!r} has other results since for {max(counts)}{more} of the samples it scored"


def _changes(config: AVSRunConfig) -> list[dict[str, Any]]:
    """The changes that a record notes; those of earlier versions note none."""
    return list(getattr(config, "changes", None) or [])


def _count(change: dict[str, Any], eval_key: str) -> int:
    """How many scores of an evaluation a change concerns; one that was renamed since may have all of them."""
    return int(change["scores"].get(eval_key, change["samples"]))


def _scored(dataset: fo.Dataset, eval_key: str) -> set[str]:
    """The samples that an evaluation has written a score to."""
    method = dataset.get_evaluation_info(eval_key).config.build()
    paths = [path for path in method.get_fields(dataset, eval_key) if not path.startswith(FRAMES)]
    known = [path for path in paths if dataset.get_field(path) is not None]
    if not known:
        return set()
    rows = zip(*dataset.values(["id", *known]), strict=True)
    return {row[0] for row in rows if any(value is not None for value in row[1:])}
