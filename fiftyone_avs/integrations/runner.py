"""The loop of a run: pending samples -> clips -> pipeline -> files -> fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

import fiftyone as fo
from fiftyone.core.collections import SampleCollection
from tqdm import tqdm

from fiftyone_avs.engine import reused_memory
from fiftyone_avs.errors import MediaError
from fiftyone_avs.integrations.blocks import Blocks, together
from fiftyone_avs.integrations.clips import FRAMES_AT_ONCE, FrameClip, read_frame_clips
from fiftyone_avs.integrations.fields import FRAMES, RunFields
from fiftyone_avs.integrations.labels import CaptionKeeper, failed, status_text, store_files
from fiftyone_avs.integrations.saving import Saver
from fiftyone_avs.integrations.storage import RunFolder, stem_of
from fiftyone_avs.media import Unread
from fiftyone_avs.pipeline import Captions, Pipeline
from fiftyone_avs.types import Clip

GONE = "the sample was deleted from the dataset during the run"

Item = TypeVar("Item")
Progress = bool | Callable[[int, int], None]
Outcomes = Generator[tuple[str, str], None, None]
"""Ids of samples with their statuses, each once it is stored."""


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
        frames_of: label the frames that have this field (videos only); None labels by fps.
        processes: how many processes read images and their sounds ahead; 0 reads them in a thread of this one.
    """

    pipeline: Pipeline
    dataset: fo.Dataset
    fields: RunFields
    folder: RunFolder
    keeper: CaptionKeeper
    audio_field: str
    fps: float
    frames_of: str | None = None
    processes: int = 0

    def run(
        self,
        samples: SampleCollection,
        *,
        retry_failed: bool,
        max_samples: int | None,
        progress: Progress,
        outcomes: Callable[[Sequence[str]], Outcomes] | None = None,
    ) -> RunSummary:
        """Do the samples that have no status yet; see ``segment``.

        ``outcomes`` does them elsewhere; by default this process does.
        """
        ids = self.pending(samples, retry_failed)
        skipped = len(samples) - len(ids)
        ids = ids[:max_samples]
        counts: Counter[str] = Counter()
        reasons: dict[str, str] = {}
        with closing((outcomes or self.outcomes)(ids)) as found:  # closed at once when the run is interrupted
            for sample_id, status in _report(found, len(ids), progress, self.fields.run):
                kind, _, reason = status.partition(": ")
                counts[kind] += 1
                if kind != "ok":
                    reasons[sample_id] = reason
        return RunSummary(
            self.fields.run, counts["ok"], counts["abstained"], counts["failed"], skipped, reasons
        )

    def outcomes(self, ids: Sequence[str]) -> Outcomes:
        """Do these samples; yield each one's id and status once it is stored."""
        with reused_memory(self.pipeline.models.device):
            yield from self._videos(ids) if self.fields.on_frames else self._images(ids)

    def pending(self, samples: SampleCollection, retry_failed: bool) -> list[str]:
        """Ids of the samples to do, in the collection's order; those that share a picture come together."""
        ids = together(*samples.values(["id", "filepath"]))
        done = dict(zip(*self.dataset.values(["id", self.fields.status]), strict=True))
        return [
            sample_id
            for sample_id in ids
            if (status := done.get(sample_id)) is None or (retry_failed and status.startswith("failed"))
        ]

    def _select(self, ids: Sequence[str]) -> dict[str, Any]:
        """Load videos with only the fields that a run reads or writes."""
        names = [*self.fields.paths, *(FRAMES + name for name in self.fields.captions)]
        if self.frames_of is not None:
            names.append(FRAMES + self.frames_of)
        return {sample.id: sample for sample in self.dataset.select(ids).select_fields(names)}

    def _images(self, ids: Sequence[str]) -> Outcomes:
        """Do image samples block by block; yield each sample's id and status."""
        gone = dict.fromkeys(ids)
        for sample_id, status in self._stored(ids):
            del gone[sample_id]
            yield sample_id, status
        for sample_id in gone:
            yield sample_id, f"failed: {GONE}"

    def _stored(self, ids: Sequence[str]) -> Outcomes:
        """Read, predict and store what is in the dataset; a block is stored while the next one is predicted."""
        blocks = Blocks(self.dataset, self.audio_field, self.pipeline.batch_size, self.processes)
        with Saver(self.dataset, self.fields, self.folder, self.keeper, self.audio_field) as saver:
            with closing(blocks.of(ids)) as found:
                for block in found:
                    view, samples = saver.load([clip.id for clip in block])
                    clips = [clip for clip in block if isinstance(clip, Clip) and clip.id in samples]
                    known = {clip.id: self.keeper.known(samples[clip.id]) for clip in clips}
                    predictions = {found.id: found for found in self.pipeline(clips, known)}
                    predictions |= {c.id: failed(c.id, c.reason) for c in block if isinstance(c, Unread)}
                    yield from saver.put(view, samples, predictions)
            yield from saver.finish()

    def _videos(self, ids: Sequence[str]) -> Outcomes:
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
                    for batch in _batches(clips, self.pipeline.batch_size or FRAMES_AT_ONCE)
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
            files = store_files(prediction, self.folder, stem_of(sample.id, frame.number))
            self.keeper.label(sample.frames[frame.number], prediction, self.fields, files)
            statuses.append(status_text(prediction))
        return statuses


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
