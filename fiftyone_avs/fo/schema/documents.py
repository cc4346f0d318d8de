"""Labels as the database keeps them, and storing them in bulk.

A run writes a dozen labels per sample. FiftyOne's objects for them, and saving samples that hold these, take ten times
as long as all else that the database is asked for (``performance/fiftyone_overhead.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import fiftyone as fo
from bson import ObjectId
from pymongo import UpdateOne

from fiftyone_avs.errors import DatasetError
from fiftyone_avs.fo.schema.fields import RunFields
from fiftyone_avs.fo.schema.private import write_documents

Make = Callable[..., Any]
"""Makes a label of a class, with attributes: ``label`` or ``document``."""


def label(kind: type, **attributes: Any) -> fo.Label:
    """A label as FiftyOne's object."""
    return kind(**attributes)


def document(kind: type, **attributes: Any) -> dict[str, Any]:
    """What the database keeps of the label that ``label`` makes."""
    identity = {"_id": ObjectId()} if "_id" in _blank(kind) else {}
    given = {name: value for name, value in attributes.items() if value is not None}
    return {**_blank(kind), **identity, **given}


@cache
def _blank(kind: type) -> dict[str, Any]:
    """The document of a label without attributes."""
    return dict(kind().to_dict())


class StoredRow(dict[str, Any]):
    """Fields of one sample, read without building the sample."""

    def has_field(self, name: str) -> bool:
        """Whether the field was read."""
        return name in self


def read_fields(dataset: fo.Dataset, ids: Sequence[str], names: Sequence[str]) -> dict[str, StoredRow]:
    """Some fields of a few samples, by sample id. Samples that are not in the dataset (any more) are left out."""
    columns = dataset.select(list(ids)).values(["id", *names])
    return {row[0]: StoredRow(zip(names, row[1:], strict=True)) for row in zip(*columns, strict=True)}


def write_fields(dataset: fo.Dataset, rows: Mapping[str, Mapping[str, Any]]) -> None:
    """Store fields of image samples in one bulk write, those of a sample all at once.

    Args:
        dataset: the dataset of the samples; its schema has the fields.
        rows: sample id -> field -> document, text, or None for nothing. Samples that are not in the dataset (any more)
            are left out.
    """
    now = datetime.now(UTC)
    writes = []
    for sample_id, row in rows.items():
        values = {name: value for name, value in row.items() if value is not None}
        change: dict[str, Any] = {"$set": values | {"last_modified_at": now}}
        if len(values) < len(row):
            change["$unset"] = dict.fromkeys(row.keys() - values.keys(), "")
        writes.append(UpdateOne({"_id": ObjectId(sample_id)}, change))
    write_documents(dataset, writes, list(rows))


def check_writable(dataset: fo.Dataset, fields: RunFields) -> None:
    """Raise DatasetError if the run's own fields are not there any more, or must not be written.

    A document with fields that the schema lacks could not be read again.
    """
    for name in fields.own:
        found = dataset.get_field(name)
        if found is None:
            raise DatasetError(
                f"field {name!r} of dataset {dataset.name!r} was deleted while run {fields.run!r} went on; delete the"
                " run and start it again"
            )
        if found.read_only:
            raise DatasetError(
                f"field {name!r} of dataset {dataset.name!r} is read-only, and run {fields.run!r} has to write it"
            )
