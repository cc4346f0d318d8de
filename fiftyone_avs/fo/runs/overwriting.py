"""What goes when results that are there are to be made anew: those of some samples, or the whole run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import fiftyone as fo
from fiftyone.core.collections import SampleCollection

from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.fo.runs.folder import RunFolder, stem_of
from fiftyone_avs.fo.schema.fields import FRAMES, RunFields
from fiftyone_avs.fo.schema.private import root_of

Overwrite = bool | Literal["run"]
"""False goes on with a run, True makes the samples of the call anew, "run" deletes the whole run first."""

WHOLE_RUN: Literal["run"] = "run"

AT_ONCE = 10_000
"""How many samples are named in one query."""


@dataclass(frozen=True)
class OldResults:
    """Results of a run that are there when somebody asks to overwrite.

    Attributes:
        masks: how many masks the run has; those of videos are on frames.
        inside: how many of these are of the samples of the call.
        ids: samples of the call that have a result: a mask, or a reason why there is none.
        outside: how many other samples have one.
    """

    masks: int
    inside: int
    ids: tuple[str, ...]
    outside: int

    def going(self, run: str, overwrite: Overwrite) -> str:
        """What will be deleted, in words."""
        if overwrite == WHOLE_RUN or not self.outside:
            return f"the whole run {run!r} will be deleted first: {self.masks} masks"
        return (
            f"{self.inside} of the {self.masks} masks of run {run!r} will be made anew, those of the"
            f" {len(self.ids)} samples chosen; the other {self.outside} samples keep theirs"
        )


def check_overwrite(overwrite: Overwrite) -> None:
    """Raise ConfigurationError if the argument ``overwrite`` means nothing."""
    if not isinstance(overwrite, bool) and overwrite != WHOLE_RUN:
        raise ConfigurationError(
            f"overwrite must be False, True (the samples of this call) or {WHOLE_RUN!r} (the whole run), not"
            f" {overwrite!r}"
        )


def pinned(samples: SampleCollection) -> SampleCollection:
    """The samples that a view has now: one that asks for results would be empty once the old ones are gone."""
    if not isinstance(samples, fo.DatasetView):
        return samples
    return root_of(samples).select(list(samples.values("id")), ordered=True)


def old_results(dataset: fo.Dataset, fields: RunFields, samples: SampleCollection) -> OldResults:
    """What a run has, in some samples and elsewhere; fields that are gone hold nothing."""
    mask = fields.paths[0]
    has_masks = dataset.get_field(mask) is not None
    masks = dataset.count(mask) if has_masks else 0
    if dataset.get_field(fields.status) is None:
        return OldResults(masks, masks, (), 0)
    stored = zip(*dataset.values(["id", fields.status]), strict=True)
    done = {sample_id for sample_id, status in stored if status is not None}
    ids = tuple(sample_id for sample_id in samples.values("id") if sample_id in done)
    outside = len(done) - len(ids)
    parts = views_of(dataset, ids) if outside and has_masks else ()
    inside = sum(part.count(mask) for part in parts) if outside else masks
    return OldResults(masks, inside, ids, outside)


def clear_results(
    dataset: fo.Dataset, fields: RunFields, folder: RunFolder | None, ids: Sequence[str]
) -> None:
    """Take a run's results from samples: all their statuses first, then the other fields, then the files.

    Whenever this is interrupted, what has lost anything has no status and is done by the next call.

    Args:
        dataset: the dataset of the samples.
        fields: the run's.
        folder: of the run's own files; None if they are all those of a clone's original, which stay.
        ids: of the samples.
    """
    stems = [] if folder is None else list(_files_of(dataset, fields, folder, ids))
    for part in views_of(dataset, ids):
        part.clear_sample_fields([fields.status])
    others = [name for name in fields.own if fields.on_frames or name != fields.status]
    for part in views_of(dataset, ids):
        if fields.on_frames:
            part.clear_frame_fields(others)
        else:
            part.clear_sample_fields(others)
    if folder is not None:
        for stem in stems:
            folder.discard(stem)


def _files_of(dataset: fo.Dataset, fields: RunFields, folder: RunFolder, ids: Sequence[str]) -> Iterator[str]:
    """The stems of the samples' files in the run's folder."""
    if not fields.on_frames:
        yield from (stem_of(sample_id) for sample_id in ids)
        return
    for part in views_of(dataset, ids):
        for paths in part.values(f"{FRAMES}{fields.mask}.mask_path"):
            inside = (Path(path) for path in paths or () if path)
            yield from (path.stem.removesuffix("_mask") for path in inside if path.parent == folder.path)


def views_of(dataset: fo.Dataset, ids: Sequence[str]) -> Iterator[Any]:
    """Views of a dataset's samples, not too many at once."""
    for start in range(0, len(ids), AT_ONCE):
        yield dataset.select(list(ids[start : start + AT_ONCE]))
