"""The folder that files for others are written to, and how the files of each sample are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import fiftyone as fo

from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.fo.schema.fields import AUDIO, FRAMES
from fiftyone_avs.fo.schema.findings import Finding, finding_of, raise_first
from fiftyone_avs.media.places import check_place

_LONGEST_STEM = 180  # bytes; leaves room for an id, a number and an ending in the 255 of most file systems


def unique_stems(dataset: fo.Dataset) -> dict[str, str]:
    """A name for the files of each sample, by sample id.

    It is the name of the sample's file without ending. Where several samples of the dataset have the same,
    their ids are added to all of them, so that a sample is called the same whatever the view. Names that
    differ in upper and lower case only count as the same. Leading dots are dropped and overlong names cut.
    """
    ids, paths = dataset.values(["id", "filepath"])
    names = {sample_id: _stem(path) or sample_id for sample_id, path in zip(ids, paths, strict=True)}
    while True:
        counts = Counter(name.casefold() for name in names.values())
        shared = [sample_id for sample_id, name in names.items() if counts[name.casefold()] > 1]
        if not shared:
            return names
        names |= {sample_id: f"{names[sample_id]}_{sample_id}" for sample_id in shared}


def open_folder(
    out: str | Path, dataset: fo.Dataset, audio_field: str | None, rooms: Sequence[str], *, overwrite: bool
) -> Path:
    """Make sure that files can be written into a folder without harm, and return it.

    Args:
        out: the folder; it is made if it does not exist.
        dataset: its own files (media, sounds, masks, maps) must not be in the rooms.
        audio_field: the field with the sounds' paths, if there is one.
        rooms: the folders below ``out`` that will be written to; "." for the folder itself.
        overwrite: allow a folder that holds something already.

    Raises:
        ConfigurationError: if the folder holds something and ``overwrite`` is not set, files of the dataset
            itself could be overwritten, or the folder cannot be made.
    """
    raise_first(check_output(out, overwrite=overwrite))
    folder = Path(out).expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        filled = any(folder.iterdir())
    except OSError as error:
        raise ConfigurationError(
            f"cannot write to {folder}: {error.strerror}; choose another folder"
        ) from error
    if filled:
        _check_own_files(dataset, [(folder / room).resolve() for room in rooms], audio_field)
    return folder


def check_output(out: str | Path, *, overwrite: bool = False, from_app: bool = False) -> list[Finding]:
    """What would stop ``export_run`` or ``make_clips`` from writing to a folder: it is none, or holds something.

    Args:
        out: the folder; it need not exist.
        overwrite: allow a folder that holds something already.
        from_app: it was typed in the App, where relative folders are refused.
    """
    misplaced = [*finding_of("out", lambda: check_place(out, from_app=from_app))]
    if misplaced:
        return misplaced
    folder = Path(out).expanduser().absolute()
    try:
        filled = folder.exists() and any(folder.iterdir())
    except OSError as error:
        return [Finding("out", f"cannot write to {folder}: {error.strerror}; choose another folder")]
    if filled and not overwrite:
        message = (
            f"{folder} is not empty; choose another folder, or pass overwrite=True (--overwrite) to replace files"
            " of the same names in it"
        )
        return [Finding("out", message)]
    return []


def check_not_own(dataset: fo.Dataset, target: Path) -> None:
    """Raise ConfigurationError if a file to be written is one that the dataset refers to."""
    if not target.exists():
        return
    name = target.name.casefold()  # most paths differ in it, and no disk need be asked
    for path in map(Path, _own_files(dataset, AUDIO)):
        if path.name.casefold() == name and path.exists() and path.samefile(target):
            raise ConfigurationError(
                f"{target} is a file of dataset {dataset.name!r} itself, which would be overwritten; choose another"
                " name"
            )


def _stem(path: str) -> str:
    stem = Path(path).stem.lstrip(".")
    return stem.encode()[:_LONGEST_STEM].decode(errors="ignore")


def _check_own_files(dataset: fo.Dataset, rooms: Sequence[Path], audio_field: str | None) -> None:
    """Raise ConfigurationError if a file that the dataset refers to lies in one of the rooms."""
    for folder in {Path(path).parent for path in _own_files(dataset, audio_field)}:
        home = folder.resolve()
        if any(room == home or room in home.parents for room in rooms):
            raise ConfigurationError(
                f"{folder} holds files of dataset {dataset.name!r} itself, which could be overwritten; choose"
                " another folder"
            )


def _own_files(dataset: fo.Dataset, audio_field: str | None) -> Iterator[str | Path]:
    """The files of a dataset: pictures or videos, sounds, masks and maps."""
    media = dataset.values("filepath")
    yield from media
    if audio_field is not None and dataset.get_field(audio_field) is not None:
        sounds = zip(media, dataset.values(audio_field), strict=True)
        yield from (Path(picture).parent / sound for picture, sound in sounds if sound)
    for label, attribute in ((fo.Segmentation, "mask_path"), (fo.Heatmap, "map_path")):
        for prefix, schema in (("", dataset.get_field_schema), (FRAMES, dataset.get_frame_field_schema)):
            for name in schema(ftype=fo.EmbeddedDocumentField, embedded_doc_type=label) or ():
                paths = dataset.values(f"{prefix}{name}.{attribute}", unwind=True)
                yield from (path for path in paths if path)
