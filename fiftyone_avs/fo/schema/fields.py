"""The fields of a run on a dataset: their names, their types, and declaring and deleting them.

Every field is declared once, before the first sample is written: several processes that add new fields
at the same time can lose entries of the dataset's schema.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import fiftyone as fo

from fiftyone_avs.errors import ConfigurationError, DatasetError
from fiftyone_avs.fo.schema.private import (
    add_fields,
    add_to_sidebar,
    drop_from_sidebar,
    refresh,
    rename_in_sidebar,
)
from fiftyone_avs.fo.schema.shown import drop_shown, rename_shown
from fiftyone_avs.media.mask_files import BACKGROUND, SOUNDING

MASK_TARGETS = {BACKGROUND: "background", SOUNDING: "sounding object"}
"""The values of a stored mask, in words."""

CAPTION_FIELDS = {"image_captioner": "image_caption", "audio_captioner": "audio_caption"}
"""Where the captions that runs share are stored, by the role that made them."""

FRAMES = "frames."

LONGEST_KEY = 100
"""How many characters a run key can have."""

GROUND_TRUTH, AUDIO = "ground_truth", "audio_path"
"""The fields of ground truth and of sounds' paths, unless a call is told others."""

ATTEMPTS = 5
"""So often fields are added, until all of them are stored."""

_TEXT: Mapping[str, Any] = {"ftype": fo.StringField}  # arguments of ``add_fields``


@dataclass(frozen=True)
class RunFields:
    """Names of the fields that a run writes.

    Attributes:
        run: the run key.
        on_frames: True for videos, whose labels sit on frames; the status sits on the sample as well.
        captions: names of the shared caption fields that the run may write.
    """

    run: str
    on_frames: bool = False
    captions: tuple[str, ...] = ()

    @property
    def mask(self) -> str:
        """The mask, ``fo.Segmentation``."""
        return self.run

    @property
    def map(self) -> str:
        """The soft map, ``fo.Heatmap``."""
        return f"{self.run}_map"

    @property
    def query(self) -> str:
        """The referring expression, ``fo.Classification``."""
        return f"{self.run}_query"

    @property
    def candidates(self) -> str:
        """All candidates with their scores, ``fo.Classifications``."""
        return f"{self.run}_candidates"

    @property
    def status(self) -> str:
        """How the prediction ended: "ok", "abstained: reason" or "failed: reason"."""
        return f"{self.run}_status"

    @property
    def own(self) -> tuple[str, ...]:
        """The fields that belong to this run alone, without the prefix ``frames.``."""
        return (self.mask, self.map, self.query, self.candidates, self.status)

    @property
    def paths(self) -> list[str]:
        """The run's own fields as FiftyOne paths, the sample's status last for videos."""
        if not self.on_frames:
            return list(self.own)
        return [FRAMES + name for name in self.own] + [self.status]


def check_run_key(run: str) -> None:
    """Raise ConfigurationError unless a run key can name fields."""
    if not isinstance(run, str) or not run.isidentifier() or keyword.iskeyword(run) or run.startswith("_"):
        raise ConfigurationError(
            f"{run!r} cannot be a run key: use letters, digits and underscores, starting with a letter"
        )
    if len(run) > LONGEST_KEY:
        raise ConfigurationError(
            f"a run key names files and fields, so it can have {LONGEST_KEY} characters; {run[:20]!r}... has {len(run)}"
        )


def check_free(dataset: fo.Dataset, fields: RunFields) -> None:
    """Raise unless a new run can have its fields.

    Raises:
        ConfigurationError: if the key or one of the run's field names is taken.
        DatasetError: if a caption field holds something other than classifications.
    """
    if fields.run in dataset.list_runs():
        raise ConfigurationError(
            f"dataset {dataset.name!r} has a run {fields.run!r} that is not of this package; choose another run key"
        )
    schema = _schema(dataset, fields.on_frames)
    taken = sorted(set(fields.own) & set(schema))
    if fields.on_frames and fields.status in dataset.get_field_schema():
        taken.append(fields.status)
    if taken:
        raise ConfigurationError(
            f"run {fields.run!r} would write the field {taken[0]!r}, which dataset {dataset.name!r} has"
            " already and which is not of such a run; choose another run key"
        )
    for name in fields.captions:
        if name in schema and getattr(schema[name], "document_type", None) is not fo.Classification:
            raise DatasetError(
                f"field {name!r} of dataset {dataset.name!r} is not a Classification, and the run keeps"
                " captions there; rename yours first with dataset.rename_sample_field()"
            )


def declare(dataset: fo.Dataset, fields: RunFields) -> None:
    """Add the run's fields to the dataset's schema and sidebar, and name the values of its masks."""
    labels = (fo.Segmentation, fo.Heatmap, fo.Classification, fo.Classifications)
    wanted = [(name, _label_of(kind)) for name, kind in zip(fields.own, labels, strict=False)]
    wanted.append((fields.status, _TEXT))
    for name in fields.captions:
        wanted.append((name, _label_of(fo.Classification)))
        wanted.append((f"{name}.alternatives", {"ftype": fo.ListField, "subfield": fo.StringField}))
        wanted += [(f"{name}.{attribute}", _TEXT) for attribute in ("model", "revision", "source")]
    for _ in range(ATTEMPTS):
        added = add_fields(dataset, wanted, on_frames=fields.on_frames)
        if fields.on_frames:
            added = add_fields(dataset, [(fields.status, _TEXT)], on_frames=False) or added
        if not added:
            break
        refresh(
            dataset
        )  # shows what is stored: another thread that reloads meanwhile can undo what was added
    dataset.mask_targets[fields.mask] = MASK_TARGETS  # a key with a dot, as in frames.x, cannot be stored
    add_to_sidebar(dataset, fields.paths, fields.run)  # saves the dataset, too


def _label_of(kind: type) -> Mapping[str, Any]:
    """A field of labels, as arguments of ``add_fields``."""
    return {"ftype": fo.EmbeddedDocumentField, "embedded_doc_type": kind}


def delete_fields(dataset: fo.Dataset, fields: RunFields) -> None:
    """Delete the run's own fields; fields that are gone already are no error."""
    if fields.on_frames:
        dataset.delete_frame_fields(list(_present(_schema(dataset, True), fields.own)))
        dataset.delete_sample_fields(list(_present(_schema(dataset, False), (fields.status,))))
    else:
        dataset.delete_sample_fields(list(_present(_schema(dataset, False), fields.own)))
    dataset.mask_targets.pop(fields.mask, None)
    drop_from_sidebar(dataset, fields.run)
    drop_shown(dataset, fields.paths)
    dataset.save()


def rename_fields(dataset: fo.Dataset, fields: RunFields, run: str) -> None:
    """Rename the run's own fields to those of another run key."""
    new = RunFields(run, fields.on_frames)
    names = dict(zip(fields.own, new.own, strict=True))
    if fields.on_frames:
        dataset.rename_frame_fields(names)
        dataset.rename_sample_fields({fields.status: new.status})
    else:
        dataset.rename_sample_fields(names)
    dataset.mask_targets.pop(fields.mask, None)
    dataset.mask_targets[new.mask] = MASK_TARGETS
    rename_in_sidebar(dataset, fields.run, run)
    rename_shown(dataset, dict(zip(fields.paths, new.paths, strict=True)))
    dataset.save()


def value_of(document: Any, name: str) -> Any:
    """The value of a field of a sample, a frame or a label, or None if it lacks the field."""
    return document[name] if document.has_field(name) else None


def string_fields(dataset: fo.Dataset) -> list[str]:
    """Names of the dataset's text fields, for messages."""
    return sorted(name for name in dataset.get_field_schema(ftype=fo.StringField) if name != "filepath")


def _schema(dataset: fo.Dataset, on_frames: bool) -> dict[str, fo.Field]:
    schema: dict[str, fo.Field] = (
        dataset.get_frame_field_schema() if on_frames else dataset.get_field_schema()
    )
    return schema


def _present(schema: Iterable[str], names: Sequence[str]) -> Iterable[str]:
    known = set(schema)
    return (name for name in names if name in known)
