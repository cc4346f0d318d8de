"""The loop of a run: pending samples -> clips -> pipeline -> files -> fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

import fiftyone as fo
from fiftyone.core.collections import SampleCollection
from tqdm import tqdm

from fiftyone_avs.errors import MediaError
from fiftyone_avs.integrations.clips import FrameClip, read_clip, read_frame_clips
from fiftyone_avs.integrations.fields import FRAMES, RunFields
from fiftyone_avs.integrations.labels import CaptionKeeper, failed, own_labels, status_text
from fiftyone_avs.integrations.storage import RunFolder, stem_of
from fiftyone_avs.pipeline import Captions, Pipeline
from fiftyone_avs.types import Clip, Prediction

GONE = "the sample was deleted from the dataset during the run"

Item = TypeVar("Item")
Progress = bool | Callable[[int, int], None]


@dataclass(frozen=True)
class RunSummary:
    """What a call of ``segment`` did.

    Attributes:
        run: the run key.
        ok: how many samples have a mask now that had none.
        abstained: how many samples the strategy declined.
        failed: how many samples failed.
        skipped: how many samples were done already.
        reasons: why samples abstained or failed, by sample id.
    """

    run: str
    ok: int
    abstained: int
    failed: int
    skipped: int
    reasons: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        text = f"run {self.run!r}: {self.ok} ok, {self.abstained} abstained, {self.failed} failed"
        return text + (f", {self.skipped} done already" if self.skipped else "")


@dataclass(frozen=True)
class Runner:
    """Takes samples through a pipeline and stores what comes out.

    Attributes:
        pipeline: predicts batches of clips.
        dataset: the dataset of the samples.
        fields: the run's fields, declared already.
        folder: where the run's files go.
        keeper: reads and writes the captions that runs share.
        audio_field: the field with the sound's path (images only).
        fps: frames per second to label (videos only).
        batch_size: clips per call of the pipeline.
        frames_of: label the frames that have this field (videos only); None labels by fps.
    """

    pipeline: Pipeline
    dataset: fo.Dataset
    fields: RunFields
    folder: RunFolder
    keeper: CaptionKeeper
    audio_field: str
    fps: float
    batch_size: int
    frames_of: str | None = None

    def run(
        self, samples: SampleCollection, *, retry_failed: bool, max_samples: int | None, progress: Progress
    ) -> RunSummary:
        """Do the samples that have no status yet; see ``segment``."""
        ids = self._pending(samples, retry_failed)
        skipped = len(samples) - len(ids)
        ids = ids[:max_samples]
        counts: Counter[str] = Counter()
        reasons: dict[str, str] = {}
        outcomes = self._videos(ids) if self.fields.on_frames else self._images(ids)
        for sample_id, status in _report(outcomes, len(ids), progress, self.fields.run):
            kind, _, reason = status.partition(": ")
            counts[kind] += 1
            if kind != "ok":
                reasons[sample_id] = reason
        return RunSummary(
            self.fields.run, counts["ok"], counts["abstained"], counts["failed"], skipped, reasons
        )

    def _pending(self, samples: SampleCollection, retry_failed: bool) -> list[str]:
        """Ids of the samples to do, in the collection's order."""
        ids = samples.values("id")
        done = dict(zip(*self.dataset.values(["id", self.fields.status]), strict=True))
        return [
            sample_id
            for sample_id in ids
            if (status := done.get(sample_id)) is None or (retry_failed and status.startswith("failed"))
        ]

    def _select(self, ids: Sequence[str]) -> dict[str, Any]:
        """Load samples with only the fields that a run reads or writes."""
        prefix = FRAMES if self.fields.on_frames else ""
        names = [*self.fields.paths, *(prefix + name for name in self.fields.captions)]
        if not self.fields.on_frames:
            names.append(self.audio_field)
        if self.frames_of is not None:
            names.append(FRAMES + self.frames_of)
        return {sample.id: sample for sample in self.dataset.select(ids).select_fields(names)}

    def _images(self, ids: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Do image samples batch by batch; yield each sample's id and status."""
        for batch in _batches(ids, self.batch_size):
            samples = self._select(batch)
            unread: dict[str, Prediction] = {}
            clips: list[Clip] = []
            for sample_id, sample in samples.items():
                audio_path = sample[self.audio_field]
                try:
                    clips.append(read_clip(sample_id, sample.filepath, audio_path, self.audio_field))
                except MediaError as error:
                    unread[sample_id] = failed(sample_id, str(error))
            known = {clip.id: self.keeper.known(samples[clip.id]) for clip in clips}
            found = {prediction.id: prediction for prediction in self.pipeline(clips, known)} | unread
            for sample_id in batch:
                if sample_id not in samples:
                    yield sample_id, f"failed: {GONE}"
                    continue
                sample, prediction = samples[sample_id], found[sample_id]
                self._label(sample, prediction, stem_of(sample_id))
                sample.save()
                yield sample_id, status_text(prediction)

    def _videos(self, ids: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Do videos one by one; yield each sample's id and status."""
        for sample_id in ids:
            sample = self._select([sample_id]).get(sample_id)
            if sample is None:
                yield sample_id, f"failed: {GONE}"
                continue
            try:
                clips = read_frame_clips(sample_id, sample.filepath, self.fps, self._numbers(sample))
                statuses = [
                    status
                    for batch in _batches(clips, self.batch_size)
                    for status in self._frames(sample, batch)
                ]
                status = video_status(statuses)
            except MediaError as error:
                status = f"failed: {error}"
            sample[self.fields.status] = status
            sample.save()  # writes the frames before the sample, whose status marks the video as done
            yield sample_id, status

    def _numbers(self, sample: Any) -> list[int] | None:
        """The frames to label if a field says which; None if the rate does.

        Raises:
            MediaError: if no frame of the video has the field.
        """
        if self.frames_of is None:
            return None
        numbers = [number for number, frame in sample.frames.items() if frame[self.frames_of] is not None]
        if not numbers:
            raise MediaError(f"no frame has a {self.frames_of!r} that says which frames to label")
        return numbers

    def _frames(self, sample: Any, batch: Sequence[FrameClip]) -> list[str]:
        """Predict and label a batch of frames of one video; return their statuses."""
        clips = [frame.clip for frame in batch if frame.clip is not None]
        known: dict[str, Captions] = {
            frame.clip.id: self.keeper.known(sample.frames[frame.number])
            for frame in batch
            if frame.clip is not None
        }
        found = {prediction.id: prediction for prediction in self.pipeline(clips, known)}
        statuses = []
        for frame in batch:
            name = f"{sample.id}/{frame.number}"
            prediction = failed(name, frame.reason) if frame.clip is None else found[frame.clip.id]
            self._label(sample.frames[frame.number], prediction, stem_of(sample.id, frame.number))
            statuses.append(status_text(prediction))
        return statuses

    def _label(self, document: Any, prediction: Prediction, stem: str) -> None:
        """Put a prediction's values on a sample or frame, without saving it."""
        values = own_labels(prediction, self.fields, self.folder, stem)
        values |= self.keeper.new_labels(prediction, document)
        for name, value in values.items():
            document[name] = value


def video_status(statuses: Sequence[str]) -> str:
    """Sum up the statuses of a video's frames: failed if any failed, abstained if all abstained, else ok."""
    bad = [status for status in statuses if status.startswith("failed")]
    if bad:
        return f"failed: {len(bad)} of {len(statuses)} frames, the first one: {bad[0].partition(': ')[2]}"
    if statuses and all(status.startswith("abstained") for status in statuses):
        return statuses[0]
    return "ok"


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _report(
    outcomes: Iterable[tuple[str, str]], total: int, progress: Progress, run: str
) -> Iterator[tuple[str, str]]:
    """Pass outcomes on, telling a progress bar or a function about each."""
    counts: Counter[str] = Counter()
    with tqdm(total=total, desc=run, unit="sample", disable=progress is not True) as bar:
        for done, (sample_id, status) in enumerate(outcomes, start=1):
            counts[status.partition(":")[0]] += 1
            bar.set_postfix(counts, refresh=False)
            bar.update()
            if callable(progress):
                progress(done, total)
            yield sample_id, status
