"""What the App shows of a dataset when it is opened: which fields, and in which colours.

Ground truth is green, every run has a colour of its own. What a user chose stays: fields are chosen only as long as
nobody but this package chose any, and a field with a colour keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import fiftyone as fo

from fiftyone_avs.drawing.palette import TRUTH, run_colour
from fiftyone_avs.fo.runs.records import METHOD
from fiftyone_avs.fo.schema.fields import CAPTION_FIELDS, FRAMES, GROUND_TRUTH, RunFields
from fiftyone_avs.fo.schema.shown import OURS, activate, add_colours, colour_entries, field_colours


@dataclass(frozen=True)
class Shown:
    """Fields to be shown in the App now.

    Attributes:
        fields: paths to be active.
        instead_of: paths to be active no more: those of other runs, whose masks would lie over these.
        colours: entries of the dataset's color scheme for all of them.
    """

    fields: tuple[str, ...]
    instead_of: tuple[str, ...]
    colours: tuple[Mapping[str, Any], ...]


def show_truth(dataset: fo.Dataset, truths: Sequence[str], texts: Sequence[str] = ()) -> None:
    """Let the App show the ground truth of a new dataset, which it hides like all masks, and its classes.

    Args:
        dataset: the dataset.
        truths: paths of the ground truth's fields; those that are not there are left out.
        texts: paths of labels to show beside it.
    """
    there = [path for path in truths if dataset.get_field(path) is not None]
    add_colours(dataset, dict.fromkeys(there, TRUTH))
    activate(dataset, [*there, *texts])
    dataset.save()


def show_runs(
    dataset: fo.Dataset, runs: Sequence[str], truth: str | None = None, *, stay: bool = False
) -> Shown:
    """Let the App show the masks of runs and their ground truth, each in its colour, when the dataset is opened.

    Args:
        dataset: the dataset.
        runs: keys of runs, or names of other fields of masks, without ``frames.``.
        truth: the path of the ground truth; None takes the one that can be told.
        stay: let what was chosen before be shown at the beginning; only the colours are new.

    Returns:
        What to show at once where the dataset is open.
    """
    prefix = FRAMES if dataset.media_type == "video" else ""
    truths = [path for path in (truth or truth_of_dataset(dataset),) if path is not None]
    for run in runs:
        own = [
            prefix + name for name in (RunFields(run).mask, RunFields(run).query, RunFields(run).candidates)
        ]
        colour = field_colours(dataset).get(own[0]) or _free_colour(dataset)
        add_colours(dataset, dict.fromkeys((path for path in own if dataset.get_field(path)), colour))
    add_colours(
        dataset,
        {path: TRUTH for truth in truths for path in (truth, f"{truth}_boxes") if dataset.get_field(path)},
    )
    texts = [f"{prefix}{RunFields(run).query}" for run in runs] if len(runs) == 1 else []
    fields = [*truths, *(prefix + run for run in runs), *(path for path in texts if dataset.get_field(path))]
    others = _of_runs(dataset)
    kept = [path for path in _base(dataset) if path not in others and path not in fields]
    if not (stay and OURS in dataset.info):
        activate(dataset, [*fields, *kept])
    dataset.save()
    gone = tuple(path for path in others if path not in fields)
    return Shown(tuple(fields), gone, tuple(colour_entries(dataset)))


def truth_of_dataset(dataset: fo.Dataset) -> str | None:
    """The path of the ground truth: ``ground_truth``, or the one field of masks that no run made; None if unclear."""
    on_frames = dataset.media_type == "video"
    schema = dataset.get_frame_field_schema if on_frames else dataset.get_field_schema
    masks = schema(ftype=fo.EmbeddedDocumentField, embedded_doc_type=fo.Segmentation) or {}
    runs = set(dataset.list_runs(method=METHOD))
    found = [name for name in masks if name not in runs]
    name = GROUND_TRUTH if GROUND_TRUTH in found else found[0] if len(found) == 1 else None
    return None if name is None else f"{FRAMES if on_frames else ''}{name}"


def _base(dataset: fo.Dataset) -> list[str]:
    """What is shown beside runs: what this package chose before, else FiftyOne's own choice without captions."""
    chosen = dataset.info.get(OURS)
    if chosen is None:
        chosen = fo.DatasetAppConfig.default_active_fields(dataset).paths
    captions = {f"{prefix}{name}" for prefix in ("", FRAMES) for name in CAPTION_FIELDS.values()}
    return [path for path in chosen if path not in captions and dataset.get_field(path) is not None]


def _of_runs(dataset: fo.Dataset) -> list[str]:
    """The paths of all runs' labels."""
    on_frames = dataset.media_type == "video"
    runs = dataset.list_runs(method=METHOD)
    paths = [path for run in runs for path in RunFields(run, on_frames).paths]
    return [*paths, *(f"{FRAMES if on_frames else ''}{name}" for name in CAPTION_FIELDS.values())]


def _free_colour(dataset: fo.Dataset) -> str:
    """The first colour that no field has."""
    taken = set(field_colours(dataset).values())
    return next(colour for index in count() if (colour := run_colour(index)) not in taken)
