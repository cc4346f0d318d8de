"""What a run left on samples, to be written into a folder: outcomes, names of files, the folder itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import fiftyone as fo
from tqdm import tqdm

from fiftyone_avs.errors import ConfigurationError, DatasetError, MediaError
from fiftyone_avs.integrations.fields import FRAMES, RunFields, value_of
from fiftyone_avs.media import read_mask
from fiftyone_avs.types import Mask

SAMPLES_AT_ONCE = 16
"""How many samples are loaded from the database together."""

_LONGEST_STEM = 180  # bytes; leaves room for an id, a number and an ending in the 255 of most file systems

Item = TypeVar("Item")
Progress = bool | Callable[[int, int], None]


class Steps:
    """Progress over several calls that each report their own: every call is a step of the same length."""

    def __init__(self, progress: Progress, steps: int, length: int) -> None:
        self._progress, self._steps, self._length, self._step = progress, steps, max(1, length), -1

    def next(self) -> bool | Callable[[int, int], None]:
        """The progress argument of the next call."""
        self._step += 1
        told, start = self._progress, self._step * self._length
        if not callable(told):
            return told
        return lambda done, total: told(
            start + self._length * done // max(total, 1), self._steps * self._length
        )


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


def track(items: Iterable[Item], total: int, progress: Progress, name: str) -> Iterator[Item]:
    """Pass items on, telling a progress bar or a function when each is done."""
    with tqdm(total=total, desc=name, unit="sample", disable=progress is not True) as bar:
        for done, item in enumerate(items, start=1):
            yield item
            bar.update()
            if callable(progress):
                progress(done, total)


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
    folder = check_output(out, overwrite=overwrite)
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


def check_output(out: str | Path, *, overwrite: bool = False) -> Path:
    """Raise ConfigurationError if a folder is no folder, or holds something and that is not meant.

    Args:
        out: the folder; it need not exist.
        overwrite: allow a folder that holds something already.

    Returns:
        The folder's full path.
    """
    folder = Path(out).expanduser().absolute()
    try:
        filled = folder.exists() and any(folder.iterdir())
    except OSError as error:
        raise ConfigurationError(
            f"cannot write to {folder}: {error.strerror}; choose another folder"
        ) from error
    if filled and not overwrite:
        raise ConfigurationError(
            f"{folder} is not empty; choose another folder, or pass overwrite=True (--overwrite) to replace files"
            " of the same names in it"
        )
    return folder


def check_run_fields(dataset: fo.Dataset, fields: RunFields) -> None:
    """Raise DatasetError if the field of a run's masks was deleted."""
    if dataset.get_field(fields.paths[0]) is None:
        raise DatasetError(
            f"dataset {dataset.name!r} has a record of the run {fields.run!r}, but not its field"
            f" {fields.paths[0]!r}; segment again with overwrite=True"
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
