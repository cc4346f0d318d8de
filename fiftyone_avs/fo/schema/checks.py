"""Checks of the samples that a run is asked to work on."""

from __future__ import annotations

import fiftyone as fo
from fiftyone.core.collections import SampleCollection

from fiftyone_avs.errors import ConfigurationError, DatasetError
from fiftyone_avs.fo.schema.fields import string_fields
from fiftyone_avs.fo.schema.private import is_of_own_samples, root_of


def root_dataset(samples: SampleCollection) -> fo.Dataset:
    """The dataset behind a dataset or a view.

    Raises:
        DatasetError: if it is grouped, or the view's samples are not the dataset's own.
    """
    dataset = root_of(samples)
    if dataset.media_type == "group":
        raise DatasetError(
            f"dataset {dataset.name!r} is grouped, which is not supported; make a flat one first:"
            " dataset.select_group_slices('<slice>').clone('<name>')"
        )
    if not is_of_own_samples(samples):
        raise DatasetError(
            "views of patches, frames or clips are not supported; pass the dataset or a view of its samples"
        )
    return dataset


def media_of(samples: SampleCollection) -> str:
    """What the samples are: "image" or "video".

    Raises:
        DatasetError: if there are no samples, or they are of another kind.
    """
    dataset = root_dataset(samples)
    if len(samples) == 0:
        raise DatasetError(f"there are no samples to work on (dataset {dataset.name!r})")
    media = str(dataset.media_type)
    if media not in ("image", "video"):
        raise DatasetError(f"dataset {dataset.name!r} holds {media} samples; images or videos are needed")
    return media


def check_audio_field(dataset: fo.Dataset, audio_field: str) -> None:
    """Raise DatasetError unless the field of the sounds' paths exists and holds text, or another error for no name."""
    if not isinstance(audio_field, str):
        raise ConfigurationError(f"audio_field must be the name of a field, not {audio_field!r}")
    found = dataset.get_field(audio_field)
    if isinstance(found, fo.StringField):
        return
    problem = "does not exist" if found is None else "does not hold text"
    others = ", ".join(repr(name) for name in string_fields(dataset)) or "none"
    raise DatasetError(
        f"field {audio_field!r}, which should hold the paths of the sounds, {problem} on dataset"
        f" {dataset.name!r}; its text fields: {others}. Name yours with audio_field=..."
    )
