"""Results that say "ok" but whose mask or soft map is not there any more, or cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import fiftyone as fo

from fiftyone_avs.engine.ordered import in_order
from fiftyone_avs.errors import MediaError
from fiftyone_avs.fo.runs.overwriting import views_of
from fiftyone_avs.fo.schema.fields import FRAMES, RunFields
from fiftyone_avs.fo.schema.private import aggregate_documents
from fiftyone_avs.media import read_mask
from fiftyone_avs.media.files import check_file
from fiftyone_avs.media.mask_files import read_map
from fiftyone_avs.progress import Progress, track

Look = Callable[[str], object]
"""Looks at a file; raises MediaError if something is wrong with it."""


class StoredResult(NamedTuple):
    """What a run left on a sample or a frame that says "ok"."""

    sample_id: str
    frame: int | None
    mask: str | None
    """The mask's path."""
    soft_map: str | None
    """The soft map's path."""
    in_database: bool
    """Whether the mask is in the database instead of a file."""


@dataclass(frozen=True)
class Waiting:
    """The samples that a run has to do.

    Attributes:
        ids: all of them.
        lost: those among them that were done, but their files are not there any more.
    """

    ids: frozenset[str]
    lost: frozenset[str] = frozenset()


def waiting_samples(
    dataset: fo.Dataset, fields: RunFields, ids: Sequence[str], *, retry_failed: bool = False
) -> Waiting:
    """Which of some samples a run has to do: those without a status, and those that say "ok" but lost their files.

    Args:
        dataset: the dataset of the samples.
        fields: the run's, declared already.
        ids: of the samples that are asked for.
        retry_failed: add those that failed.
    """
    stored = dict(zip(*dataset.values(["id", fields.status]), strict=True))
    undone = {
        sample_id
        for sample_id in ids
        if (status := stored.get(sample_id)) is None or (retry_failed and status.startswith("failed"))
    }
    lost = lost_results(dataset, fields, [sample_id for sample_id in ids if sample_id not in undone])
    return Waiting(frozenset({*undone, *lost}), frozenset(lost))


def lost_results(
    dataset: fo.Dataset,
    fields: RunFields,
    ids: Sequence[str],
    *,
    read: bool = False,
    progress: Progress = False,
) -> dict[str, str]:
    """Which samples have a result "ok" without its files, and what is the matter.

    Args:
        dataset: the dataset of the samples.
        fields: the run's; a field that is gone counts as empty.
        ids: of the samples to look at.
        read: decode every file, which finds damaged ones, too; otherwise they have to be there and not be empty.
        progress: show a progress bar, or a function called with (results seen, results to see).

    Returns:
        Sample id -> the first thing that is wrong; samples that are well, or have no mask, are left out.
    """
    results = [one for part in views_of(dataset, ids) for one in stored_results(part, fields)]
    if read:
        problems = in_order(partial(_problem, mask_look=read_mask, map_look=read_map), results)
    else:
        problems = map(partial(_problem, mask_look=check_file, map_look=check_file), results)
    lost: dict[str, str] = {}
    found = zip(results, problems, strict=True)
    for one, problem in track(found, len(results), progress, fields.run):
        if problem:
            where = "" if one.frame is None else f"frame {one.frame}: "
            lost.setdefault(one.sample_id, where + problem)
    return lost


def stored_results(samples: Any, fields: RunFields) -> Iterator[StoredResult]:
    """The results of a dataset or view that say "ok"; those of videos frame by frame."""
    prefix = FRAMES if fields.on_frames else ""
    mask, soft_map = f"${prefix}{fields.mask}", f"${prefix}{fields.map}"
    stages: list[dict[str, Any]] = [{"$unwind": "$frames"}] if fields.on_frames else []
    stages += [
        {"$match": {prefix + fields.status: "ok"}},
        {
            "$project": {
                "frame": "$frames.frame_number" if fields.on_frames else None,
                "mask": f"{mask}.mask_path",
                "soft_map": f"{soft_map}.map_path",
                "in_database": {"$gt": [f"{mask}.mask", None]},
            }
        },
    ]
    for row in aggregate_documents(samples, stages, frames=fields.on_frames):
        yield StoredResult(
            str(row["_id"]),
            row.get("frame"),
            row.get("mask"),
            row.get("soft_map"),
            bool(row["in_database"]),
        )


def _problem(one: StoredResult, *, mask_look: Look, map_look: Look) -> str:
    """What is wrong with a result's files, or ""."""
    try:
        if one.mask is not None:
            mask_look(one.mask)
        elif not one.in_database:
            return "it says ok, but its mask is not there"
        if one.soft_map is not None:
            map_look(one.soft_map)
        elif not one.in_database:
            return "it says ok, but its soft map is not there"
    except MediaError as error:
        return str(error)
    return ""
