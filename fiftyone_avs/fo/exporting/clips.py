"""Clips: short videos to watch and hear what a run found, one for each sample."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import fiftyone as fo
from fiftyone.core.collections import SampleCollection

from fiftyone_avs.drawing.clip_frames import FrameView, Strip, compose_frame
from fiftyone_avs.drawing.tints import MASK_COLOUR, TRUTH_COLOUR
from fiftyone_avs.errors import ConfigurationError, DatasetError, MediaError
from fiftyone_avs.fo.evaluate.backend import AVSEvaluationConfig
from fiftyone_avs.fo.exporting.output_folders import open_folder, unique_stems
from fiftyone_avs.fo.runs.listing import run_info
from fiftyone_avs.fo.runs.outcomes import (
    Outcome,
    check_run_fields,
    load_each,
    mask_label,
    outcome_of,
    read_label,
)
from fiftyone_avs.fo.schema.checks import check_audio_field, media_of, root_dataset
from fiftyone_avs.fo.schema.eval_fields import IOU_LABELS
from fiftyone_avs.fo.schema.fields import FRAMES, RunFields, value_of
from fiftyone_avs.media import read_image, read_sound, read_video_sound, video_info
from fiftyone_avs.media.streaming import stream_frames, write_video
from fiftyone_avs.media.writing import placed
from fiftyone_avs.progress import Progress, track
from fiftyone_avs.types import Image, Mask, Sound

MAX_SECONDS = 60.0
"""Longer sounds and videos are cut to so many seconds."""


@dataclass(frozen=True)
class ClipsSummary:
    """What ``make_clips`` did. The two counts add up to the samples.

    Attributes:
        run: the run key.
        written: how many clips were written.
        failed: how many samples could not be shown.
        reasons: why, by sample id.
        directory: the folder that was written to.
    """

    run: str
    written: int
    failed: int
    reasons: Mapping[str, str] = field(repr=False)
    directory: str

    def __str__(self) -> str:
        return f"run {self.run!r}: {self.written} clips written to {self.directory}, {self.failed} failed"


def make_clips(
    samples: SampleCollection,
    run: str,
    out: str | Path,
    *,
    gt: str | None = None,
    eval_key: str | None = None,
    fps: float = 10.0,
    overwrite: bool = False,
    progress: Progress = True,
) -> ClipsSummary:
    """Write a video for each sample that shows and plays what a run found: ``<out>/<stem>.mp4``.

    A clip shows the picture with the run's mask in red, the ground truth in green beside it, and beneath them
    the referring expression, the status and the scores. Images are shown as long as their sound lasts; videos
    play, each labelled frame's mask and ground truth staying until the next one's. Clips are cut after 60 s,
    and pictures scaled to fit 1280 x 720 pixels. A sample without a mask is shown with the status that says
    why. The stem is the name of the sample's file; samples of one name get their ids added.

    Clips are mp4 files (H.264, AAC) that browsers play. Each appears whole or not at all. A sample whose
    picture, sound or masks cannot be read gets no clip and never ends the job.

    Args:
        samples: a dataset or view.
        run: the run key.
        out: the folder to write to.
        gt: the field of the ground truth, ``fo.Segmentation``; with or without ``frames.`` for videos. A frame's
            stays until the next frame that has one.
        eval_key: an evaluation of the run, whose IoUs are shown.
        fps: frames per second of the clips. A video is never shown at more than its own rate.
        overwrite: write into a folder that is not empty. Files of the same names are replaced, no other is
            deleted.
        progress: show a progress bar, or a function called with (samples done, samples to do).

    Raises:
        DatasetError: if there is no such run, ground truth or evaluation.
        ConfigurationError: if fps is not positive, the evaluation is of something else, or the folder is not
            empty and ``overwrite`` is not set, or holds the dataset's own files.
        AVSError: if a file cannot be written (a full disk).
    """
    if not (math.isfinite(fps) and fps > 0):
        raise ConfigurationError(f"fps must be positive, not {fps!r}")
    dataset = root_dataset(samples)
    on_frames = media_of(samples) == "video"
    run = run.removeprefix(FRAMES)
    audio_field = run_info(dataset, run).settings["audio_field"]
    fields = RunFields(run, on_frames)
    check_run_fields(dataset, fields)
    if audio_field is not None:
        check_audio_field(dataset, audio_field)
    shown = _Shown(
        fields, None if gt is None else gt.removeprefix(FRAMES), _shown_scores(dataset, fields, eval_key)
    )
    _check_fields(dataset, shown)
    folder = open_folder(out, dataset, audio_field, ["."], overwrite=overwrite)
    ids = samples.values("id")
    stems = unique_stems(dataset)
    prefix = FRAMES if on_frames else ""
    paths = [*fields.paths, *(prefix + name for name in shown.extra), *([audio_field] if audio_field else [])]
    reasons: dict[str, str] = {}
    for sample_id, sample in track(load_each(dataset, ids, paths), len(ids), progress, f"clips of {run}"):
        try:
            if sample is None:
                raise MediaError("the sample was deleted from the dataset meanwhile")
            with (
                _open_clip(sample, shown, audio_field) as clip,
                placed(folder / f"{stems[sample_id]}.mp4") as path,
            ):
                write_video(
                    clip.frame_at, path, duration=clip.duration, fps=min(fps, clip.rate), sound=clip.sound
                )
        except MediaError as error:
            reasons[sample_id] = str(error)
    return ClipsSummary(run, len(ids) - len(reasons), len(reasons), reasons, str(folder))


@dataclass(frozen=True)
class _Shown:
    """What is shown of a sample or frame.

    Attributes:
        fields: the run's fields.
        truth: the field of the ground truth, without ``frames.``, or None.
        scores: the fields of the shown scores and what they are called.
    """

    fields: RunFields
    truth: str | None
    scores: Mapping[str, str]

    @property
    def extra(self) -> list[str]:
        """Fields to load besides the run's own."""
        return [*([] if self.truth is None else [self.truth]), *self.scores]

    def read(self, document: Any, number: int = 0, before: _State | None = None) -> _State:
        """What there is to be shown of a sample or frame.

        Args:
            document: the sample or frame.
            number: of the frame.
            before: what was shown of the video before this frame; it stays where the frame has nothing.

        Raises:
            MediaError: if a mask cannot be read.
        """
        label = None if self.truth is None else mask_label(document, self.truth)
        truth = None if label is None else read_label(label)
        if before is not None and truth is None:
            truth = before.truth
        found = outcome_of(document, self.fields)
        if before is not None and found.status == "missing" and found.label is None:
            return replace(before, truth=truth)
        mask = found.mask if found.label is not None or found.status == "ok" else None
        values = {name: value_of(document, field) for field, name in self.scores.items()}
        scores = {name: value for name, value in values.items() if value is not None}
        return _State(found, mask, truth, scores, number)

    def draw(self, picture: Image, state: _State, origin: str) -> Image:
        """A frame of the clip; see ``compose_frame``."""
        found, run = state.found, self.fields.run
        views = [FrameView(run if state.mask is not None else f"{run}: no mask", MASK_COLOUR, state.mask)]
        if self.truth is not None:
            title = self.truth if state.truth is not None else f"{self.truth}: none"
            views.append(FrameView(title, TRUTH_COLOUR, state.truth))
        expression = f"\u201c{found.expression}\u201d" if found.expression else "no referring expression"
        if found.confidence is not None:
            expression += f" {found.confidence:.2f}"
        status = f"{found.status}: {found.reason}" if found.reason else found.status
        scores = ", ".join(f"{name} {value:.2f}" for name, value in state.scores.items())
        if self.scores and not scores:
            scores = "not scored"
        return compose_frame(picture, views, Strip(expression, status, found.status == "ok", scores, origin))


@dataclass(frozen=True, eq=False)
class _State:
    """What a clip shows at a time.

    Attributes:
        found: what the run left.
        mask: its mask: bool, shape (H, W), or None.
        truth: the ground truth, or None.
        scores: by name.
        number: of the labelled frame that this is from; 0 for an image, and before the first one.
    """

    found: Outcome
    mask: Mask | None
    truth: Mask | None
    scores: Mapping[str, float]
    number: int


class _Timeline:
    """What is shown of a video at each of its frames, asked for forwards."""

    def __init__(self, sample: Any, shown: _Shown) -> None:
        self._shown = shown
        self._state = _State(outcome_of(sample, shown.fields), None, None, {}, 0)
        self._frames = iter(list(sample.frames.items()))
        self._next = next(self._frames, None)

    def at(self, number: int) -> _State:
        """The state at a frame, by FiftyOne's number (from 1)."""
        while self._next is not None and self._next[0] <= number:
            number, frame = self._next
            self._state = self._shown.read(frame, number, self._state)
            self._next = next(self._frames, None)
        return self._state


@dataclass(frozen=True)
class _Clip:
    """What a clip is made of: a frame for every time, a length in seconds, a highest rate and a sound."""

    frame_at: Callable[[float], Image]
    duration: float
    rate: float
    sound: Sound | None


@contextmanager
def _open_clip(sample: Any, shown: _Shown, audio_field: str | None) -> Iterator[_Clip]:
    """What a sample's clip is made of, as long as its video is open."""
    name = Path(sample.filepath).name
    if not shown.fields.on_frames:
        yield _image_clip(sample, shown, str(audio_field), name)
        return
    info = video_info(sample.filepath)
    if not (info.duration > 0 and info.fps > 0):
        raise MediaError("the header does not tell how long it is; convert it to MP4", path=sample.filepath)
    sound = read_video_sound(sample.filepath, max_seconds=MAX_SECONDS)
    timeline = _Timeline(sample, shown)
    with stream_frames(sample.filepath) as stream:

        def frame_at(time: float) -> Image:
            number = int(time * info.fps + 1e-4)
            state = timeline.at(number + 1)
            labelled = f", labelled at {(state.number - 1) / info.fps:.1f} s" if state.number else ""
            return shown.draw(stream.forward_to(number), state, f"{time:.1f} s{labelled} | {name}")

        yield _Clip(frame_at, min(info.duration, MAX_SECONDS), info.fps, sound)


def _image_clip(sample: Any, shown: _Shown, audio_field: str, name: str) -> _Clip:
    """The clip of an image sample: a still."""
    audio_path = value_of(sample, audio_field)
    if not audio_path:
        raise MediaError(f"the field {audio_field!r} is empty, so there is no sound to play")
    sound = read_sound(Path(sample.filepath).parent / audio_path, max_seconds=MAX_SECONDS)
    frame = shown.draw(read_image(sample.filepath), shown.read(sample), name)
    return _Clip(lambda _time: frame, sound.duration, math.inf, sound)


def _check_fields(dataset: fo.Dataset, shown: _Shown) -> None:
    """Raise unless the ground truth is there."""
    prefix = FRAMES if shown.fields.on_frames else ""
    if shown.truth is not None:
        path = prefix + shown.truth
        if getattr(dataset.get_field(path), "document_type", None) is not fo.Segmentation:
            raise DatasetError(
                f"field {path!r} of dataset {dataset.name!r} does not exist or does not hold masks"
                " (fo.Segmentation); name the ground truth with gt"
            )


def _shown_scores(dataset: fo.Dataset, fields: RunFields, eval_key: str | None) -> dict[str, str]:
    """The fields of an evaluation's IoUs and what they are called; raises unless it is one of the run."""
    if eval_key is None:
        return {}
    if eval_key not in dataset.list_evaluations():
        known = ", ".join(dataset.list_evaluations()) or "none"
        raise DatasetError(
            f"dataset {dataset.name!r} has no evaluation {eval_key!r}; its evaluations: {known}"
        )
    config = dataset.get_evaluation_info(eval_key).config
    mask = fields.paths[0]
    if not isinstance(config, AVSEvaluationConfig) or config.pred_field != mask:
        raise ConfigurationError(
            f"{eval_key!r} is not an evaluation of {mask!r} by this package; make one with evaluate()"
        )
    scores = config.fields(eval_key)
    found = {scores.iou: IOU_LABELS["mask"]}
    return found if scores.iou_adaptive is None else {**found, scores.iou_adaptive: IOU_LABELS["adaptive"]}
