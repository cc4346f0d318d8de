"""The field that says which class a sample belongs to, by which scores are broken down."""

from __future__ import annotations

import fiftyone as fo
from fiftyone.core.collections import SampleCollection

from fiftyone_avs.errors import DatasetError
from fiftyone_avs.fo.runs.records import METHOD
from fiftyone_avs.fo.schema.fields import AUDIO, CAPTION_FIELDS, RunFields, string_fields
from fiftyone_avs.fo.schema.private import is_of_frames, own_dataset


def sample_class_fields(dataset: fo.Dataset) -> list[str]:
    """Names of the fields that can serve as a sample's class: classifications first, then texts.

    Fields that runs wrote and those with paths of files are left out.
    """
    written = {*CAPTION_FIELDS.values(), AUDIO}
    for run in dataset.list_runs(method=METHOD):
        written.update(RunFields(run).own)
        written.add(dataset.get_run_info(run).config.settings.get("audio_field"))
    labels = dataset.get_field_schema(ftype=fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    return [name for name in (*labels, *string_fields(dataset)) if name not in written]


def class_path(samples: SampleCollection, class_field: str) -> str:
    """The path of the text that names a sample's class, such as ``label.label``.

    Args:
        samples: a dataset or view.
        class_field: a field of the samples: ``fo.Classification`` or text.

    Raises:
        DatasetError: if the collection has no such field; the message names those that would do.
    """
    found = None if is_of_frames(samples, class_field) else samples.get_field(class_field)
    if isinstance(found, fo.StringField):
        return class_field
    if getattr(found, "document_type", None) is fo.Classification:
        return f"{class_field}.label"
    dataset = own_dataset(samples)
    others = ", ".join(repr(name) for name in sample_class_fields(dataset)) or "none"
    raise DatasetError(
        f"field {class_field!r} of dataset {dataset.name!r} cannot be a sample's class: it must be a field of"
        f" the samples that holds a Classification or text; fields that would do: {others}"
    )
