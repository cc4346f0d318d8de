"""Sounds of controls as fields of a dataset, to which runs can listen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import fiftyone as fo

from fiftyone_avs.controls.sounds import OwnSound, make_sound, swap_sounds
from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.fo.evaluate.choices import PAIR_KEY, VIDEO_KEY
from fiftyone_avs.fo.runs.class_fields import class_path
from fiftyone_avs.media.writing import placed, write_wav

MARK = "fiftyone_avs_control"
"""The key in a field's ``info`` that marks it as one of these and says how it was made."""

GROUP_MARKS = (PAIR_KEY, VIDEO_KEY)
"""The keys in ``dataset.info`` that name the fields of what samples share: a picture, a video."""


def control_field(kind: str) -> str:
    """The field that holds the paths of a kind of sounds."""
    return f"audio_{kind}"


def make_control_sounds(
    dataset: fo.Dataset,
    ids: Sequence[str],
    kind: str,
    folder: Path,
    *,
    audio_field: str,
    label_field: str | None,
    seed: int,
) -> None:
    """Fill the field of a kind of sounds for some samples; those that have a value keep it.

    Args:
        dataset: of images with sounds.
        ids: of samples whose own sounds can be read.
        kind: one of ``SOUND_KINDS``.
        folder: silence and noise are written here once.
        audio_field: the samples' own sounds.
        label_field: the samples' class; swapped sounds come from other classes where they can.
        seed: of the exchange and of the noise.

    Raises:
        ConfigurationError: if the field is taken by something else or was made with another seed, or there is
            no other sound to swap with.
        AVSError: if a file cannot be written.
    """
    field = control_field(kind)
    _declare(dataset, field, _made(kind, audio_field, seed))
    known = dict(zip(*dataset.values(["id", field]), strict=True))
    waiting = [sample_id for sample_id in ids if not known[sample_id]]
    if kind == "swapped":
        owned = _own_sounds(dataset, waiting, audio_field, label_field)
        values = dict(zip(waiting, swap_sounds(owned, seed), strict=True))
        alone = [sample_id for sample_id, path in values.items() if path is None]
        if alone:
            raise ConfigurationError(
                f"there is no other sound to swap with for {len(alone)} samples, the first one {alone[0]}: sounds"
                " of the same file, picture or video do not count. Leave out the control 'swapped', or take more"
                " samples"
            )
    else:
        path = folder / ("silence.wav" if kind == "silence" else f"noise-{seed}.wav")
        if not path.exists():
            with placed(path) as temporary:
                write_wav(make_sound(kind, seed), temporary)
        values = dict.fromkeys(waiting, str(path))
    dataset.set_values(field, values, key_field="id")


def delete_control_sounds(dataset: fo.Dataset, kind: str) -> None:
    """Delete the field of a kind of sounds if it was made here."""
    found = dataset.get_field(control_field(kind))
    if found is not None and MARK in (found.info or {}):
        dataset.delete_sample_field(control_field(kind))


def _declare(dataset: fo.Dataset, field: str, made: Mapping[str, Any]) -> None:
    """Add the field, or make sure that it is the same."""
    if dataset.get_field(field) is None:
        about = f"Sounds of the control '{made['kind']}' instead of {made['audio_field']}"
        dataset.add_sample_field(field, fo.StringField, description=about, info={MARK: dict(made)})
    else:
        _check_field(dataset, field, made)


def check_control_sounds(
    dataset: fo.Dataset, kind: str, *, audio_field: str, seed: int, overwrite: bool = False
) -> None:
    """Raise ConfigurationError, as ``make_control_sounds`` would, if the field of a kind of sounds cannot be had."""
    field = control_field(kind)
    if dataset.get_field(field) is not None:
        _check_field(dataset, field, None if overwrite else _made(kind, audio_field, seed))


def _made(kind: str, audio_field: str, seed: int) -> dict[str, Any]:
    """What a field says of how its sounds were made."""
    return {"kind": kind, "seed": None if kind == "silence" else seed, "audio_field": audio_field}


def _check_field(dataset: fo.Dataset, field: str, made: Mapping[str, Any] | None) -> None:
    """Raise ConfigurationError unless a field is of a control, and of one that was made in this way if it is told."""
    old = (dataset.get_field(field).info or {}).get(MARK)
    if old is None:
        raise ConfigurationError(
            f"dataset {dataset.name!r} has a field {field!r} that is not of a control; rename it first"
        )
    if made is not None and old != made:
        raise ConfigurationError(
            f"the field {field!r} of dataset {dataset.name!r} was made otherwise ({old}, now {dict(made)}); pass the"
            " same, or overwrite=True (--overwrite) to delete the old controls"
        )


def _own_sounds(
    dataset: fo.Dataset, ids: Sequence[str], audio_field: str, label_field: str | None
) -> list[OwnSound]:
    view = dataset.select(ids, ordered=True)
    pictures, sounds = view.values(["filepath", audio_field])
    labels = [None] * len(ids) if label_field is None else view.values(class_path(dataset, label_field))
    fields = [name for mark in GROUP_MARKS if (name := dataset.info.get(mark)) and dataset.get_field(name)]
    shared = [view.values(name) for name in fields]
    groups = zip(*shared, strict=True) if shared else [()] * len(ids)
    return [
        OwnSound(
            str((Path(picture).parent / sound).resolve()),
            frozenset(f"{name}:{value}" for name, value in zip(fields, values, strict=True) if value),
            label,
        )
        for picture, sound, label, values in zip(pictures, sounds, labels, groups, strict=True)
    ]
