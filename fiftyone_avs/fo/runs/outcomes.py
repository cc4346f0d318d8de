"""What a run left on samples and frames: outcomes, read a few samples at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import fiftyone as fo

from fiftyone_avs.errors import DatasetError, MediaError
from fiftyone_avs.fo.schema.fields import RunFields, value_of
from fiftyone_avs.media import read_mask
from fiftyone_avs.types import Mask

SAMPLES_AT_ONCE = 16
"""How many samples are loaded from the database together."""


@dataclass(frozen=True)
class Outcome:
    """What a run left on a sample or on a frame of a video.

    Attributes:
        status: "ok", "abstained", "failed", or "missing" where the run never came.
        reason: why it has no mask, or "".
        expression: the referring expression, or "".
        confidence: its score, or None.
        candidates: every candidate with its score, best first.
        label: the mask, ``fo.Segmentation``, or None.
    """

    status: str
    reason: str
    expression: str
    confidence: float | None
    candidates: Mapping[str, float | None]
    label: Any

    @property
    def mask(self) -> Mask:
        """The mask as it is now, corrected by hand or not: bool, shape (H, W).

        Raises:
            MediaError: if it cannot be read, or there is none.
        """
        if self.label is None:
            raise MediaError("the run says ok, but its mask is not there any more; was the label deleted?")
        return read_label(self.label)


def outcome_of(document: Any, fields: RunFields) -> Outcome:
    """Read what a run left on a sample or frame; fields that are gone count as empty."""
    text = value_of(document, fields.status)
    status, _, reason = ("missing: the run has not come here" if text is None else text).partition(": ")
    query = value_of(document, fields.query)
    candidates = value_of(document, fields.candidates)
    found = [] if candidates is None else candidates.classifications
    return Outcome(
        status=status,
        reason=reason,
        expression="" if query is None else query.label or "",
        confidence=None if query is None else query.confidence,
        candidates={one.label: one.confidence for one in found},
        label=mask_label(document, fields.mask),
    )


def mask_label(document: Any, name: str) -> Any:
    """The ``fo.Segmentation`` in a field of a sample or frame, or None if it holds no mask."""
    label = value_of(document, name)
    return None if label is None or (label.mask is None and label.mask_path is None) else label


def read_label(label: Any) -> Mask:
    """The mask of a ``fo.Segmentation``, in the database or in a file: bool, shape (H, W).

    Raises:
        MediaError: if it cannot be read.
    """
    return read_mask(label.mask_path if label.mask is None else label.mask)


def load_each(dataset: fo.Dataset, ids: Sequence[str], paths: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """Load samples a few at a time; no cursor of the database stays open while one is worked on.

    Args:
        dataset: the dataset of the samples.
        ids: of the samples, in the order in which they are wanted.
        paths: FiftyOne paths of the fields to load; those that the dataset lacks are left out.

    Yields:
        Each id with its sample, or with None if the sample was deleted meanwhile.
    """
    known = [path for path in paths if dataset.get_field(path) is not None]
    for start in range(0, len(ids), SAMPLES_AT_ONCE):
        part = ids[start : start + SAMPLES_AT_ONCE]
        found = {sample.id: sample for sample in dataset.select(part).select_fields(known)}
        yield from ((sample_id, found.get(sample_id)) for sample_id in part)


def check_run_fields(dataset: fo.Dataset, fields: RunFields) -> None:
    """Raise DatasetError if the field of a run's masks was deleted."""
    if dataset.get_field(fields.paths[0]) is None:
        raise DatasetError(
            f"dataset {dataset.name!r} has a record of the run {fields.run!r}, but not its field"
            f" {fields.paths[0]!r}; segment again with overwrite='run'"
        )
