"""Export a run as plain files that other programs read: pictures, sounds, masks and a table of every text."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from fiftyone.core.collections import SampleCollection

from fiftyone_avs.errors import MediaError
from fiftyone_avs.fo.exporting.output_folders import open_folder, unique_stems
from fiftyone_avs.fo.runs.labels import is_caption_of
from fiftyone_avs.fo.runs.listing import RunInfo, run_info
from fiftyone_avs.fo.runs.outcomes import Outcome, check_run_fields, load_each, outcome_of
from fiftyone_avs.fo.schema.checks import check_audio_field, media_of, root_dataset
from fiftyone_avs.fo.schema.fields import CAPTION_FIELDS, FRAMES, RunFields, value_of
from fiftyone_avs.formats.export_folder import (
    IMAGE_ROOMS,
    VIDEO_ROOMS,
    Source,
    frame_mask_path,
    image_mask_path,
    open_source,
    write_frame,
    write_image,
    write_track,
)
from fiftyone_avs.media import video_info
from fiftyone_avs.media.writing import placed
from fiftyone_avs.progress import Progress, track

Kind: TypeAlias = Literal["exported", "without_mask", "failed"]
"""How the export of a sample or frame ended."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets take for the start of a formula


@dataclass(frozen=True)
class ExportSummary:
    """What ``export_run`` did. The three counts add up to the lines of the table.

    Attributes:
        run: the run key.
        exported: how many image samples, or labelled frames of videos, were written with all their files.
        without_mask: how many have no mask, because the run abstained, failed or never came to them.
        failed: how many have a mask, but could not be exported.
        reasons: why samples or frames were not exported, by sample id or "<sample id>/<frame number>".
        directory: the folder that was written to.
    """

    run: str
    exported: int
    without_mask: int
    failed: int
    reasons: Mapping[str, str] = field(repr=False)
    directory: str

    def __str__(self) -> str:
        return (
            f"run {self.run!r}: {self.exported} exported to {self.directory}, {self.without_mask} without a"
            f" mask, {self.failed} failed"
        )


def export_run(
    samples: SampleCollection,
    run: str,
    out: str | Path,
    *,
    media: bool = True,
    overwrite: bool = False,
    progress: Progress = True,
) -> ExportSummary:
    """Write a run's masks with their pictures and sounds into a folder, and a table of what it found.

    Images are laid out as ``dataset_from_folder`` reads them: ``img/<stem>.jpg``, ``wav/<stem>.wav`` and
    ``gt_seg/<stem>.png``. Videos are laid out as AVSBench is: ``visual_frames/<stem>/<stem>_<k>.png``,
    ``gt_masks/<stem>/<stem>_<k>.png`` and ``audio_wav/<stem>.wav``, where k counts the frames that the run
    looked at, from 1. The stem is the name of the sample's file; samples of one name get their ids added.
    Masks are PNG of 8 bits and one channel, 0 and 255: the run's own, or what somebody made of them in the
    run's field since. Pictures and sounds are copied; those of a kind that ``dataset_from_folder`` does not
    read become PNG and (mono) WAV.

    ``<run>.csv`` has one line for every image sample or labelled frame, whatever its status, and
    ``<run>.json`` the run's record: strategy, preset, models, threshold and all other settings. A sample
    without a mask has a line with the reason and no files, not even its picture, so that what is imported
    again is complete. So has a sample whose mask, picture or sound cannot be read: it never ends the export.
    In the table, a text that a spreadsheet would take for a formula (it begins with = + - @ or a tab) has an
    apostrophe in front, candidates are a JSON object of names and scores, best first, and ``mask`` is the
    mask's file in the folder, empty where there is none.

    Every file appears whole or not at all, the table and the record last.

    Args:
        samples: a dataset or view.
        run: the run key.
        out: the folder to write to.
        media: copy pictures and sounds; otherwise masks and table only.
        overwrite: write into a folder that is not empty. Files of the same names are replaced, no other is
            deleted.
        progress: show a progress bar, or a function called with (samples done, samples to do).

    Raises:
        DatasetError: if there is no such run, or its fields are gone.
        ConfigurationError: if the folder is not empty and ``overwrite`` is not set, or holds the dataset's own
            files where the export would write.
        AVSError: if a file cannot be written (a full disk).
    """
    dataset = root_dataset(samples)
    on_frames = media_of(samples) == "video"
    run = run.removeprefix(FRAMES)
    info = run_info(dataset, run)
    captions = tuple(CAPTION_FIELDS[role] for role in info.models if role in CAPTION_FIELDS)
    fields = RunFields(run, on_frames, captions)
    check_run_fields(dataset, fields)
    audio_field = info.settings["audio_field"]
    if media and audio_field is not None:
        check_audio_field(dataset, audio_field)
    rooms = VIDEO_ROOMS if on_frames else IMAGE_ROOMS
    folder = open_folder(out, dataset, audio_field, rooms, overwrite=overwrite)
    exporter = _Exporter(folder, fields, info.settings, media)
    counts: Counter[str] = Counter()
    reasons: dict[str, str] = {}
    ids = samples.values("id")
    stems = unique_stems(dataset)
    prefix = FRAMES if on_frames else ""
    paths = [*fields.paths, *(prefix + name for name in captions), *([audio_field] if audio_field else [])]
    with placed(folder / f"{run}.csv") as path, path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, exporter.columns)
        table.writeheader()
        for sample_id, sample in track(load_each(dataset, ids, paths), len(ids), progress, f"export {run}"):
            for line in exporter.lines(sample_id, sample, stems.get(sample_id, sample_id)):
                counts[line.kind] += 1
                if line.kind != "exported":
                    reasons[line.name] = line.reason
                table.writerow({column: _cell(value) for column, value in line.cells.items()})
    _write_record(folder / f"{run}.json", info, dataset.name, counts)
    return ExportSummary(
        run, counts["exported"], counts["without_mask"], counts["failed"], reasons, str(folder)
    )


@dataclass(frozen=True)
class _Line:
    """A line of the table, and how the export of its sample or frame ended."""

    name: str
    kind: Kind
    reason: str
    cells: Mapping[str, Any]


@dataclass(frozen=True)
class _Exporter:
    """Writes the files of samples and says what stands in the table.

    Attributes:
        folder: where to.
        fields: the run's fields.
        settings: the run's.
        media: whether to write pictures and sounds, too.
    """

    folder: Path
    fields: RunFields
    settings: Mapping[str, Any]
    media: bool

    @property
    def audio_field(self) -> str | None:
        """Image samples: the field with the sound's path."""
        field: str | None = self.settings["audio_field"]
        return field

    @property
    def columns(self) -> list[str]:
        """The columns of the table."""
        place = ["k", "frame", "time"] if self.fields.on_frames else []
        found = ["status", "reason", "expression", "confidence", *CAPTION_FIELDS.values(), "candidates"]
        return ["stem", "mask", "sample_id", "filepath", *place, *found]

    def lines(self, sample_id: str, sample: Any, stem: str) -> Iterator[_Line]:
        """Write the files of a sample and give its lines of the table; None is a sample that is gone."""
        if sample is None:
            reason = "the sample was deleted from the dataset during the export"
            yield _Line(sample_id, "failed", reason, {"sample_id": sample_id, "reason": reason})
        elif self.fields.on_frames:
            yield from self._video(sample, stem)
        else:
            yield self._image(sample, stem)

    def _image(self, sample: Any, stem: str) -> _Line:
        found = outcome_of(sample, self.fields)

        def write() -> None:
            write_image(self.folder, stem, found.mask, self._media_of(sample) if self.media else None)

        kind, reason = _attempt(found, write)
        place = _place(sample, stem, image_mask_path(stem) if kind == "exported" else None)
        return _Line(sample.id, kind, reason, {**place, **self._texts(sample, found), "reason": reason})

    def _video(self, sample: Any, stem: str) -> Iterator[_Line]:
        """Write the labelled frames of a video and its sound; give a line for each frame."""
        frames = [(number, frame, outcome_of(frame, self.fields)) for number, frame in sample.frames.items()]
        frames = [one for one in frames if one[2].status != "missing" or one[2].label is not None]
        if not frames:
            found = outcome_of(sample, self.fields)
            reason = found.reason or "not one frame of the video is labelled"
            cells = {**_place(sample, stem, None), "status": found.status, "reason": reason}
            yield _Line(sample.id, "without_mask", reason, cells)
            return
        rate = _frame_rate(sample.filepath)
        written = False
        with open_source(sample.filepath) if self.media else nullcontext() as source:
            for k, (number, frame, found) in enumerate(frames, start=1):

                def write(k: int = k, number: int = number, found: Outcome = found) -> None:
                    write_frame(self.folder, stem, k, found.mask, source, number)

                kind, reason = _attempt(found, write)
                written = written or kind == "exported"
                place = _place(sample, stem, frame_mask_path(stem, k) if kind == "exported" else None)
                time = round((number - 1) / rate, 3) if rate else None
                when = {"k": k, "frame": number, "time": time}
                cells = {**place, **when, **self._texts(frame, found), "reason": reason}
                yield _Line(f"{sample.id}/{number}", kind, reason, cells)
            if written and isinstance(source, Source):
                write_track(self.folder, stem, source)

    def _media_of(self, sample: Any) -> tuple[Path, Path]:
        """The picture and the sound of an image sample."""
        picture, sound = Path(sample.filepath), value_of(sample, str(self.audio_field))
        if not sound:
            raise MediaError(f"the field {self.audio_field!r} is empty, so there is no sound file to export")
        return picture, picture.parent / sound

    def _texts(self, document: Any, found: Outcome) -> dict[str, Any]:
        """The cells with what the run found on a sample or frame."""
        captions = {name: value_of(document, name) for name in self.fields.captions}
        roles = {name: role for role, name in CAPTION_FIELDS.items()}
        scores = {text: _finite(score) for text, score in found.candidates.items()}
        return {
            "status": found.status,
            "expression": found.expression,
            "confidence": _finite(found.confidence),
            **{
                name: caption.label
                for name, caption in captions.items()
                if caption is not None and is_caption_of(caption, roles[name], self.settings)
            },
            "candidates": json.dumps(scores, ensure_ascii=False) if scores else None,
        }


def _place(sample: Any, stem: str, mask: Path | None) -> dict[str, Any]:
    """The cells that say which sample a line is of, and where its mask is, if it was exported."""
    return {
        "stem": stem,
        "mask": None if mask is None else mask.as_posix(),
        "sample_id": sample.id,
        "filepath": sample.filepath,
    }


def _attempt(found: Outcome, write: Callable[[], None]) -> tuple[Kind, str]:
    """Write the files of a sample or frame that has a mask; say how that ended and why."""
    if found.label is None and found.status != "ok":
        return "without_mask", found.reason
    try:
        write()
    except MediaError as error:
        return "failed", str(error)
    return "exported", ""


def _write_record(path: Path, info: RunInfo, dataset: str, counts: Mapping[str, int]) -> None:
    """Write what is known of the run as JSON."""
    record = {
        "run": info.key,
        "dataset": dataset,
        "created": info.created.isoformat(),
        "package_version": info.package_version,
        "note": info.note,
        **info.settings,
        "counts": {kind: counts[kind] for kind in get_args(Kind)},
    }
    with placed(path) as temporary:
        temporary.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _frame_rate(path: str) -> float | None:
    """Frames per second of a video, or None if it cannot be told."""
    try:
        return video_info(path).fps or None
    except MediaError:
        return None


def _cell(value: Any) -> Any:
    """A value as the table holds it: texts that look like formulas get an apostrophe in front."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value
