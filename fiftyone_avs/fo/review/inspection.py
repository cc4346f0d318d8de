"""All that is known of one sample, or of one labelled frame of a video: for people who judge its masks.

Nothing here is written, and nothing that is wrong with a sample's files raises: it is named among the
problems, and the rest is shown.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import fiftyone as fo
from fiftyone.core.collections import SampleCollection

from fiftyone_avs.errors import DatasetError
from fiftyone_avs.fo.evaluate.listing import EvaluationInfo, find_evaluation, list_evaluations
from fiftyone_avs.fo.review.run_inspection import RunInspection, RunInspector, read_shown_mask
from fiftyone_avs.fo.review.verdicts import find_sample, verdict_of
from fiftyone_avs.fo.runs.listing import list_run_keys
from fiftyone_avs.fo.runs.records import find_record
from fiftyone_avs.fo.schema.checks import media_of, root_dataset
from fiftyone_avs.fo.schema.fields import AUDIO, FRAMES, GROUND_TRUTH, value_of
from fiftyone_avs.media.previews import header_rate, heard_part, read_audio, read_picture, read_video_audio
from fiftyone_avs.types import Image, Mask, Sound


@dataclass(frozen=True, eq=False)
class SampleInspection:
    """One sample, or one frame of a video, with all that runs left on it.

    Attributes:
        sample_id: the sample.
        filepath: of its picture or video.
        media: "image" or "video".
        tags: the sample's.
        frame_number: videos: the frame that is shown, from 1; None for images.
        frame_numbers: videos: the frames with labels, rising.
        picture: uint8 RGB, shape (H, W, 3), upright; None if it cannot be read.
        picture_problem: why not, or "".
        gt_field: the field of the ground truth, without ``frames.``; None if there is no such field.
        truth: the ground truth: bool, shape (H, W); None if there is none or it cannot be read.
        truth_problem: what is wrong with it, such as another size than the picture's, or "".
        audio: the path of a file that plays the sound; None if there is none.
        sound: the sound, its first 10 minutes at most, not to be written to; None if it cannot be read.
        sound_problem: why not, or "".
        heard: videos: start and end, in seconds, of the sound that was given with this frame; None if no run
            labelled it.
        runs: what each run left, in the order that was asked for.
    """

    sample_id: str
    filepath: str
    media: Literal["image", "video"]
    tags: tuple[str, ...]
    frame_number: int | None
    frame_numbers: tuple[int, ...]
    picture: Image | None
    picture_problem: str
    gt_field: str | None
    truth: Mask | None
    truth_problem: str
    audio: str | None
    sound: Sound | None
    sound_problem: str
    heard: tuple[float, float] | None
    runs: tuple[RunInspection, ...]

    @property
    def verdict(self) -> str | None:
        """What a person said of the sample; see ``set_verdict``."""
        return verdict_of(self.tags)

    @property
    def problems(self) -> tuple[str, ...]:
        """All that is wrong with the sample's files, in words."""
        named = {
            "picture": self.picture_problem,
            "sound": self.sound_problem,
            "ground truth": self.truth_problem,
            **{f"mask of {run.run}": run.problem for run in self.runs},
        }
        return tuple(f"{name}: {problem}" for name, problem in named.items() if problem)


def inspect_sample(
    samples: SampleCollection,
    sample_id: str,
    *,
    runs: Sequence[str] | None = None,
    gt_field: str | None = None,
    frame_number: int | None = None,
    eval_keys: Sequence[str] | None = None,
    audio_field: str | None = None,
) -> SampleInspection:
    """Gather what is known of one sample, or of one labelled frame of a video.

    Args:
        samples: the dataset, or a view of it.
        sample_id: the sample.
        runs: which runs; None takes all, oldest first.
        gt_field: the field of the ground truth, with or without ``frames.`` for videos; None takes that of the
            newest evaluation, else ``ground_truth`` if it holds masks, else none.
        frame_number: videos: the wanted frame, from 1; shown is the last labelled one up to it, see
            ``nearest_frame``. None takes the first labelled one.
        eval_keys: which evaluations; None takes all of each run.
        audio_field: images: the field of the sound's path; None takes ``audio_path`` if one of the runs heard it, or
            if none heard any, else that of the newest of the runs.

    Raises:
        DatasetError: if there is no such sample, run, evaluation or field of masks, or the samples are neither
            images nor videos.
    """
    dataset = root_dataset(samples)
    on_frames = media_of(dataset) == "video"
    view = find_sample(dataset, sample_id)
    evaluations = _evaluations(dataset, eval_keys)
    records = _records(dataset, runs, evaluations)
    truth_name = _truth_name(dataset, gt_field, evaluations, on_frames)
    if audio_field is None:
        used = [record.config.settings.get("audio_field") for record in records]
        newest = next((name for name in reversed(used) if name), AUDIO)
        audio_field = AUDIO if AUDIO in used else newest  # runs on other sounds beside it are controls
    names = [name for record in records for name in record.names] + ([truth_name] if truth_name else [])
    sample = _load(view, names, audio_field, on_frames)
    numbers = _labelled_frames(view, records, truth_name) if on_frames else ()
    number = (nearest_frame(numbers, frame_number) or max(1, frame_number or 1)) if on_frames else None
    document = sample if number is None else sample.frames[number]
    picture, picture_problem = read_picture(sample.filepath, number)
    truth, truth_problem = read_shown_mask(value_of(document, truth_name) if truth_name else None, picture)
    inspected = tuple(record.inspect(document, sample if on_frames else None, picture) for record in records)
    if on_frames:
        audio, sound, sound_problem = read_video_audio(sample.filepath)
    else:
        audio, sound, sound_problem = read_audio(sample.filepath, value_of(sample, audio_field))
    return SampleInspection(
        sample_id=sample_id,
        filepath=sample.filepath,
        media="video" if on_frames else "image",
        tags=tuple(sample.tags),
        frame_number=number,
        frame_numbers=numbers,
        picture=picture,
        picture_problem=picture_problem,
        gt_field=truth_name,
        truth=truth,
        truth_problem=truth_problem,
        audio=audio,
        sound=sound,
        sound_problem=sound_problem,
        heard=_heard(sample, number, sound, records, inspected),
        runs=inspected,
    )


def frame_at(samples: SampleCollection, sample_id: str, time: float) -> int:
    """The number, from 1, of the frame that a video shows at a time in seconds.

    Raises:
        DatasetError: if there is no such sample.
    """
    sample = find_sample(root_dataset(samples), sample_id).select_fields().first()
    return int(max(0.0, time) * (_frame_rate(sample) or 1.0) + 1e-4) + 1


def nearest_frame(frame_numbers: Sequence[int], wanted: int | None) -> int | None:
    """The last labelled frame at or before a wanted one, else the first labelled one; None if there is none.

    Args:
        frame_numbers: of the labelled frames, rising.
        wanted: a frame's number; None takes the first labelled one.
    """
    if not frame_numbers:
        return None
    index = 0 if wanted is None else bisect_right(frame_numbers, wanted) - 1
    return frame_numbers[max(0, index)]


def _evaluations(dataset: fo.Dataset, eval_keys: Sequence[str] | None) -> list[EvaluationInfo]:
    """The evaluations to show, the newest first."""
    for key in eval_keys or ():
        find_evaluation(dataset, key)  # raises if there is none
    return [
        info for info in reversed(list_evaluations(dataset)) if eval_keys is None or info.key in eval_keys
    ]


def _records(
    dataset: fo.Dataset, runs: Sequence[str] | None, evaluations: Sequence[EvaluationInfo]
) -> list[RunInspector]:
    """The runs to show; raises DatasetError if one does not exist."""
    known = list_run_keys(dataset)
    records = []
    for run in known if runs is None else runs:
        config = find_record(dataset, run)
        if config is None:
            raise DatasetError(
                f"dataset {dataset.name!r} has no run {run!r}; its runs: {', '.join(known) or 'none'}"
            )
        records.append(RunInspector(run, config, [info for info in evaluations if info.run == run]))
    return records


def _truth_name(
    dataset: fo.Dataset, asked: str | None, evaluations: Sequence[EvaluationInfo], on_frames: bool
) -> str | None:
    """The field of the ground truth without ``frames.``; raises DatasetError if the one asked for has no masks."""
    prefix = FRAMES if on_frames else ""
    candidates = [info.gt_field for info in evaluations[:1]] + [GROUND_TRUTH] if asked is None else [asked]
    for candidate in candidates:
        name = candidate.removeprefix(prefix)
        if getattr(dataset.get_field(prefix + name), "document_type", None) is fo.Segmentation:
            return name
    if asked is None:
        return None
    raise DatasetError(
        f"field {prefix + name!r} of dataset {dataset.name!r} is not there or does not hold masks"
        " (fo.Segmentation)"
    )


def _load(view: fo.DatasetView, names: Sequence[str], audio_field: str, on_frames: bool) -> Any:
    """The sample with no more than the fields that are shown."""
    wanted = [*names, *(FRAMES + name for name in names if on_frames), audio_field]
    present = [path for path in dict.fromkeys(wanted) if view.get_field(path) is not None]
    return view.select_fields(present).first()


def _labelled_frames(
    view: fo.DatasetView, records: Sequence[RunInspector], truth_name: str | None
) -> tuple[int, ...]:
    """The frames that one of the runs did, or if there are none, the frames with a ground truth."""
    statuses = [f"{FRAMES}{record.run}_status" for record in records]
    truths = [f"{FRAMES}{truth_name}.id"] if truth_name else []
    for paths in (statuses, truths):
        present = [path for path in paths if view.get_field(path) is not None]
        numbers, *marks = (values[0] or [] for values in view.values([f"{FRAMES}frame_number", *present]))
        labelled = [
            number
            for number, *found in zip(numbers, *marks, strict=True)
            if any(mark is not None for mark in found)
        ]
        if labelled:
            return tuple(sorted(labelled))
    return ()


def _heard(
    sample: Any,
    number: int | None,
    sound: Sound | None,
    records: Sequence[RunInspector],
    inspected: Sequence[RunInspection],
) -> tuple[float, float] | None:
    """The part of a video's sound that the first run that labelled the frame was given."""
    if number is None or sound is None:
        return None
    for record, run in zip(records, inspected, strict=True):
        if run.status != "missing":
            fps = float(record.config.settings["fps"])
            return heard_part(sound, (number - 1) / (_frame_rate(sample) or fps), fps)
    return None


def _frame_rate(sample: Any) -> float | None:
    """Frames per second of a video: from its metadata, else from its header; None if neither tells."""
    known = getattr(sample.metadata, "frame_rate", None)
    return float(known) if known else header_rate(sample.filepath)
