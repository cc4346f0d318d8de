"""The runs and scores of a table's rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import fiftyone as fo

from fiftyone_avs.errors import ModelError
from fiftyone_avs.fo.evaluate.evaluation import evaluate
from fiftyone_avs.fo.evaluate.results import AVSResults
from fiftyone_avs.fo.importing.predictions.import_predictions import import_predictions
from fiftyone_avs.fo.segment.segmentation import segment_all
from fiftyone_avs.paper.plan import TableEntry
from fiftyone_avs.progress import Progress, Steps

Say = Callable[[str], None]


def make_rows(
    dataset: fo.Dataset,
    entries: Sequence[TableEntry],
    reasons: dict[str, str],
    options: Mapping[str, Any],
    prediction_options: Mapping[str, Any],
    progress: Progress,
    say: Say,
) -> dict[str, AVSResults]:
    """Run and score every row that has no reason not to be; a row that cannot be after all gets one."""
    groups = _groups([entry for entry in entries if entry.name not in reasons])
    tell = Steps(progress, len(groups) + len(entries), len(dataset))
    for group in groups:
        reasons |= _run(dataset, group, options, prediction_options, tell.next(), say)
    done: dict[str, AVSResults] = {}
    for entry in entries:
        scoring = tell.next()
        if entry.name in reasons:
            say(f"{entry.name}: {reasons[entry.name]}")
        else:
            done[entry.name] = evaluate(dataset, entry.run, coverage="all", progress=scoring)
    return done


def _groups(entries: Sequence[TableEntry]) -> list[list[TableEntry]]:
    """Rows that are made in one pass: strategies with the same models."""
    groups: list[list[TableEntry]] = []
    for entry in entries:
        same = (g for g in groups if entry.folder is g[0].folder is None and entry.models == g[0].models)
        group = next(same, None)
        if group is None:
            groups.append([entry])
        else:
            group.append(entry)
    return groups


def _run(
    dataset: fo.Dataset,
    group: Sequence[TableEntry],
    options: Mapping[str, Any],
    prediction_options: Mapping[str, Any],
    progress: Progress,
    say: Say,
) -> dict[str, str]:
    """Make the runs of a group of rows, or what is missing of them; returns why rows cannot be made, by name."""
    first = group[0]
    if first.folder is not None:
        imported = import_predictions(
            dataset, first.folder, first.run, source=first.name, progress=progress, **prediction_options
        )
        say(str(imported))
        return {}
    runs = {entry.run: entry.strategy for entry in group}
    try:
        for summary in segment_all(dataset, runs, models=first.models, progress=progress, **options):
            say(str(summary))
    except ModelError as error:
        if len(group) == 1:
            return {first.name: f"not run: {error}"}
        reasons: dict[str, str] = {}  # one by one, to make those that can be made
        for entry in group:
            reasons |= _run(dataset, [entry], options, prediction_options, progress, say)
        return reasons
    return {}
