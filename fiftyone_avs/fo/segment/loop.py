"""The loop of one or several runs: pending samples -> clips -> pipelines -> files -> fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import fiftyone as fo
from fiftyone.core.collections import SampleCollection
from tqdm import tqdm

from fiftyone_avs.engine import reused_memory
from fiftyone_avs.errors import MediaError
from fiftyone_avs.fo.runs.calls import Call
from fiftyone_avs.fo.runs.changes import note_change
from fiftyone_avs.fo.runs.folder import stem_of
from fiftyone_avs.fo.runs.labels import failed, status_text, store_files
from fiftyone_avs.fo.runs.lost_files import Waiting, waiting_samples
from fiftyone_avs.fo.runs.start_or_resume import OpenRun
from fiftyone_avs.fo.schema.documents import StoredRow
from fiftyone_avs.fo.schema.fields import FRAMES
from fiftyone_avs.fo.segment.blocks import Blocks, together
from fiftyone_avs.fo.segment.saving import Saver, Statuses
from fiftyone_avs.fo.segment.summaries import RunSummary
from fiftyone_avs.media import Unread
from fiftyone_avs.media.frame_clips import FRAMES_AT_ONCE, FrameClip, read_frame_clips
from fiftyone_avs.pipeline import Task, predict_together
from fiftyone_avs.progress import Progress, say
from fiftyone_avs.types import Clip, Prediction

GONE = "the sample was deleted from the dataset during the run"

Item = TypeVar("Item")
Todo = Mapping[str, Sequence[str]]
"""Ids of samples with the keys of the runs that have to do them, in the order of the work."""

Outcomes = Generator[tuple[str, Statuses], None, None]
"""Ids of samples with their statuses, each once they are stored."""


def never() -> bool:
    """Nobody asks to stop."""
    return False


@dataclass(frozen=True)
class SegmentLoop:
    """Takes samples through the pipelines of one or several runs and stores what comes out.

    Media are read once for all runs, and what runs share is computed once; see ``predict_together``.

    Attributes:
        runs: what to do with each sample.
        dataset: the dataset of the samples.
        audio_field: the field with the sound's path (images only).
        fps: frames per second to label (videos only).
        frames_of: label the frames that have this field (videos only); None labels by fps.
        processes: how many processes read images and their sounds ahead; 0 reads them in a thread of this one.
        asked_to_stop: is asked between batches; once it says yes, what is computed is stored, and no more is done.
    """

    runs: Sequence[OpenRun]
    dataset: fo.Dataset
    audio_field: str
    fps: float
    frames_of: str | None = None
    processes: int = 0
    asked_to_stop: Callable[[], bool] = never

    def run(
        self,
        samples: SampleCollection,
        *,
        retry_failed: bool,
        max_samples: int | None,
        progress: Progress,
        outcomes: Callable[[Todo], Outcomes] | None = None,
        call: Call | None = None,
    ) -> list[RunSummary]:
        """Do the samples that have no status yet or lost files; see ``segment``. Returns a summary per run.

        ``outcomes`` does them elsewhere; by default this process does. ``call`` is told of the progress.
        """
        waiting = self.waiting(samples, retry_failed)
        pending = self.pending(samples, waiting)
        todo = dict(islice(pending.items(), max_samples))
        lost = {key: len(found.lost & todo.keys()) for key, found in waiting.items()}
        for run in self.runs:
            own = [name for name, keys in todo.items() if run.key in keys and name not in run.cleared]
            note_change(self.dataset, run.fields, own)
        if call is not None:
            call.begin(len(todo))
        say(_plan(len(todo), len(pending), len(samples)))
        counts: dict[str, Counter[str]] = {run.key: Counter() for run in self.runs}
        reasons: dict[str, dict[str, str]] = {run.key: {} for run in self.runs}
        stream = (outcomes or self.outcomes)(todo)
        with closing(stream) as told:  # closed at once when the run is interrupted
            reported = _report(told, len(todo), progress, ", ".join(counts))
            for done, (sample_id, statuses) in enumerate(reported, start=1):
                if call is not None:
                    call.tell(done)
                for key in todo[sample_id]:
                    kind, _, reason = statuses[key].partition(": ")
                    counts[key][kind] += 1
                    if kind != "ok":
                        reasons[key][sample_id] = reason
                if outcomes is not None and self.asked_to_stop():
                    break
        asked = call is not None and call.stopped
        left = {key: len(waiting[key].ids) - n.total() for key, n in counts.items()}
        return [
            RunSummary(
                key,
                n["ok"],
                n["abstained"],
                n["failed"],
                len(samples) - len(waiting[key].ids),
                reasons[key],
                lost=lost[key],
                left=left[key],
                stopped=asked and left[key] > 0,  # or the word came when all was done
            )
            for key, n in counts.items()
        ]

    def outcomes(self, todo: Todo) -> Outcomes:
        """Do these samples; yield each one's id and statuses once they are stored."""
        with reused_memory(self.runs[0].pipeline.models.device):
            yield from self._videos(todo) if self.runs[0].fields.on_frames else self._images(todo)

    def waiting(self, samples: SampleCollection, retry_failed: bool) -> dict[str, Waiting]:
        """The samples that each run has to do, by run key."""
        ids = samples.values("id")
        return {
            run.key: waiting_samples(self.dataset, run.fields, ids, retry_failed=retry_failed)
            for run in self.runs
        }

    def pending(self, samples: SampleCollection, waiting: Mapping[str, Waiting]) -> dict[str, list[str]]:
        """The samples to do and by which runs, in the collection's order; those that share a picture come together."""
        todo = {}
        for sample_id in together(*samples.values(["id", "filepath"])):
            keys = [key for key, found in waiting.items() if sample_id in found.ids]
            if keys:
                todo[sample_id] = keys
        return todo

    def _images(self, todo: Todo) -> Outcomes:
        """Do image samples block by block; yield each sample's id and statuses."""
        gone = dict(todo)
        for sample_id, statuses in self._stored(todo):
            del gone[sample_id]
            yield sample_id, statuses
        if self.asked_to_stop():
            return
        for sample_id, keys in gone.items():
            yield sample_id, dict.fromkeys(keys, f"failed: {GONE}")

    def _stored(self, todo: Todo) -> Outcomes:
        """Read, predict and store what is in the dataset; a block is stored while the next one is predicted."""
        size = self.runs[0].pipeline.batch_size
        blocks = Blocks(self.dataset, self.audio_field, size, self.processes, len(self.runs))
        with Saver(self.dataset, self.runs) as saver:
            with closing(blocks.of(list(todo))) as found:
                for block in found:
                    if self.asked_to_stop():
                        break
                    rows = saver.load([clip.id for clip in block])
                    yield from saver.put(rows, self._predict(block, rows, todo))
            yield from saver.finish()

    def _predict(
        self, block: Sequence[Clip | Unread], rows: Mapping[str, StoredRow], todo: Todo
    ) -> list[tuple[OpenRun, Prediction]]:
        """What each run predicts for those clips of a block that it has to do and whose sample is still there."""
        tasks, unread = [], []
        for run in self.runs:
            own = [clip for clip in block if clip.id in rows and run.key in todo[clip.id]]
            clips = [clip for clip in own if isinstance(clip, Clip)]
            tasks.append(
                Task(run.pipeline, clips, {clip.id: run.keeper.known(rows[clip.id]) for clip in clips})
            )
            unread += [(run, failed(clip.id, clip.reason)) for clip in own if isinstance(clip, Unread)]
        found = zip(self.runs, predict_together(tasks), strict=True)
        return [(run, prediction) for run, predictions in found for prediction in predictions] + unread

    def _videos(self, todo: Todo) -> Outcomes:
        """Do videos one by one; yield each sample's id and statuses."""
        for sample_id, keys in todo.items():
            if self.asked_to_stop():
                return
            runs = [run for run in self.runs if run.key in keys]
            sample = self._select(sample_id, runs)
            if sample is None:
                yield sample_id, dict.fromkeys(keys, f"failed: {GONE}")
                continue
            statuses = self._video(sample, runs)
            for run in runs:
                sample[run.fields.status] = statuses[run.key]
            sample.save()  # writes the frames before the sample, whose status marks the video as done
            yield sample_id, statuses

    def _select(self, sample_id: str, runs: Sequence[OpenRun]) -> Any:
        """Load a video with only the fields that its runs read or write; None if it was deleted."""
        names = {name: None for run in runs for name in run.fields.paths}
        names |= {FRAMES + name: None for run in runs for name in run.fields.captions}
        if self.frames_of is not None:
            names[FRAMES + self.frames_of] = None
        return next(iter(self.dataset.select([sample_id]).select_fields(list(names))), None)

    def _video(self, sample: Any, runs: Sequence[OpenRun]) -> Statuses:
        """Predict and label the frames of one video; return what its statuses are to be."""
        statuses: dict[str, list[str]] = {run.key: [] for run in runs}
        try:
            clips = read_frame_clips(sample.id, sample.filepath, self.fps, self._numbers(sample))
            for batch in _batches(clips, runs[0].pipeline.batch_size or max(1, FRAMES_AT_ONCE // len(runs))):
                for key, status in self._frames(sample, batch, runs):
                    statuses[key].append(status)
        except MediaError as error:
            return {run.key: f"failed: {error}" for run in runs}
        return {key: video_status(found) for key, found in statuses.items()}

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

    def _frames(
        self, sample: Any, batch: Sequence[FrameClip], runs: Sequence[OpenRun]
    ) -> Iterator[tuple[str, str]]:
        """Predict and label a batch of frames of one video; yield the run and the status of each."""
        clips = {frame.number: frame.clip for frame in batch if frame.clip is not None}
        tasks = [
            Task(
                run.pipeline,
                list(clips.values()),
                {clip.id: run.keeper.known(sample.frames[number]) for number, clip in clips.items()},
            )
            for run in runs
        ]
        for run, predictions in zip(runs, predict_together(tasks), strict=True):
            found = dict(zip(clips, predictions, strict=True))
            for frame in batch:
                name = f"{sample.id}/{frame.number}"
                prediction = failed(name, frame.reason) if frame.clip is None else found[frame.number]
                document = sample.frames[frame.number]
                files = store_files(prediction, run.folder, stem_of(sample.id, frame.number))
                for field_name, value in run.keeper.labels(document, prediction, run.fields, files).items():
                    document[field_name] = value
                yield run.key, status_text(prediction)


def _plan(todo: int, pending: int, samples: int) -> str:
    """How many samples are to be done now, and how many are not."""
    later = f", {pending - todo} left for later" if pending > todo else ""
    done = f", {samples - pending} done already" if samples > pending else ""
    return f"{todo} sample{'' if todo == 1 else 's'} to do{later}{done}"


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
    outcomes: Iterable[tuple[str, Statuses]], total: int, progress: Progress, runs: str
) -> Iterator[tuple[str, Statuses]]:
    """Pass outcomes on, telling a progress bar or a function about each."""
    counts: Counter[str] = Counter()
    with tqdm(total=total, desc=runs, unit="sample", disable=progress is not True) as bar:
        for done, (sample_id, statuses) in enumerate(outcomes, start=1):
            counts.update(status.partition(":")[0] for status in statuses.values())
            bar.set_postfix(counts, refresh=False)
            bar.update()
            if callable(progress):
                progress(done, total)
            yield sample_id, statuses
