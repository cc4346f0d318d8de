"""Sounds with captions from a FiftyOne dataset: what a bridge is trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import fiftyone as fo
from fiftyone.core.collections import SampleCollection

from fiftyone_avs.errors import DatasetError
from fiftyone_avs.fo.schema.checks import check_audio_field, media_of, root_dataset
from fiftyone_avs.training.captions import CaptionedSound, CaptionTable


def captioned_sounds(
    samples: SampleCollection, caption_field: str = "caption", *, audio_field: str = "audio_path"
) -> CaptionTable:
    """The sounds of a dataset or view with their captions, for `train_bridge`.

    Args:
        samples: images with the paths of their sounds in a field, or videos with sound.
        caption_field: a text field, a list of texts, or a ``fo.Classification`` whose label is the caption.
        audio_field: images: the field with the sound's path, relative to the picture or absolute.

    Returns:
        The pairs, and the samples that could not be used with the reason.

    Raises:
        DatasetError: if a field does not exist, or not one sample can be used.
    """
    dataset = root_dataset(samples)
    media = media_of(samples)
    if media == "image":
        check_audio_field(dataset, audio_field)
    field = dataset.get_field(caption_field)
    if field is None:
        raise DatasetError(f"dataset {dataset.name!r} has no field {caption_field!r} with captions")
    label = isinstance(field, fo.EmbeddedDocumentField)
    names = ["id", "filepath", f"{caption_field}.label" if label else caption_field]
    names.append(audio_field if media == "image" else "filepath")
    pairs: list[CaptionedSound] = []
    skipped: list[str] = []
    for sample_id, picture, value, sound in zip(*samples.values(names), strict=True):
        texts = list(_texts(value))
        if not sound or not texts:
            skipped.append(f"sample {sample_id}: no {'caption' if sound else 'sound'}")
        pairs.extend(CaptionedSound(Path(picture).parent / sound, text) for text in texts if sound)
    if not pairs:
        raise DatasetError(
            f"no sample of dataset {dataset.name!r} has both a sound and a caption in {caption_field!r}"
        )
    return CaptionTable(pairs, skipped)


def _texts(value: Any) -> Iterator[str]:
    """The captions in a field's value, without empty ones."""
    values: Sequence[Any] = value if isinstance(value, list | tuple) else [value]
    yield from (text.strip() for text in values if isinstance(text, str) and text.strip())
