"""Storing other people's predictions on samples and frames, file by file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import fiftyone as fo
from fiftyone.core.collections import SampleCollection

from fiftyone_avs.errors import MediaError
from fiftyone_avs.fo.importing.predictions.targets import Targets
from fiftyone_avs.fo.runs.changes import note_change
from fiftyone_avs.fo.runs.folder import RunFolder, stem_of
from fiftyone_avs.fo.runs.labels import failed, own_labels, status_text, store_files
from fiftyone_avs.fo.runs.lost_files import waiting_samples
from fiftyone_avs.fo.runs.outcomes import load_each
from fiftyone_avs.fo.runs.records import find_record
from fiftyone_avs.fo.schema.fields import RunFields
from fiftyone_avs.fo.segment.loop import GONE, video_status
from fiftyone_avs.fo.segment.summaries import RunSummary
from fiftyone_avs.media import picture_size, video_info
from fiftyone_avs.predictions.files import Activation, PredictionFiles, read_prediction
from fiftyone_avs.predictions.matching import Matching, listed
from fiftyone_avs.progress import Progress, track
from fiftyone_avs.types import Prediction


@dataclass(frozen=True)
class ImportSummary(RunSummary):
    """What a call of ``import_predictions`` did; counts and reasons as those of ``segment``.

    Attributes:
        notes: what to know of the files: those that fit no sample, and whether they are hard masks.
        masks: how many of the files read now are hard masks: two values at most.
    """

    notes: tuple[str, ...] = field(default=(), repr=False)
    masks: int = 0

    @property
    def only_masks(self) -> bool:
        """Whether all that was read is hard masks, to which the official adaptive rule gives 0 or nearly 0."""
        return self.masks == self.ok > 0


@dataclass(frozen=True)
class Importer:
    """Takes samples through their files.

    Attributes:
        dataset: the dataset of the samples.
        fields: the run's fields, declared already.
        folder: where the run's own files go.
        found: the files.
        matching: target -> file.
        targets: what files can belong to.
        activation: how values become a map.
        threshold: values above this are the mask.
        kinds: counts the maps that were read: "masks" and "soft_maps".
    """

    dataset: fo.Dataset
    fields: RunFields
    folder: RunFolder
    found: PredictionFiles
    matching: Matching
    targets: Targets
    activation: Activation
    threshold: float
    kinds: Counter[str] = field(default_factory=Counter)

    def run(
        self, samples: SampleCollection, progress: Progress, cleared: frozenset[str] = frozenset()
    ) -> ImportSummary:
        """Do the samples that have no status yet, or lost files; that some were cleared is noted already."""
        ids = samples.values("id")
        waiting = waiting_samples(self.dataset, self.fields, ids)
        pending = [sample_id for sample_id in ids if sample_id in waiting.ids]
        note_change(self.dataset, self.fields, [one for one in pending if one not in cleared])
        counts: Counter[str] = Counter()
        reasons: dict[str, str] = {}
        try:
            for sample_id, status in track(self._each(pending), len(pending), progress, self.fields.run):
                kind, _, reason = status.partition(": ")
                counts[kind] += 1
                if kind != "ok":
                    reasons[sample_id] = reason
        finally:
            self._record_kinds()
        return ImportSummary(
            self.fields.run,
            counts["ok"],
            counts["abstained"],
            counts["failed"],
            len(ids) - len(pending),
            reasons,
            len(waiting.lost),
            notes=(*extra_note(self.matching), *self._mask_note()),
            masks=self.kinds["masks"],
        )

    def _each(self, ids: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Store each sample's prediction; yield its id and status."""
        for sample_id, sample in load_each(self.dataset, ids, self.fields.paths):
            if sample is None:
                yield sample_id, f"failed: {GONE}"
                continue
            status = self._frames(sample) if self.fields.on_frames else self._image(sample)
            sample[self.fields.status] = status
            sample.save()  # writes the frames before the sample, whose status marks the video as done
            yield sample_id, status

    def _image(self, sample: Any) -> str:
        return self._label(sample, sample.id, sample.filepath, stem_of(sample.id))

    def _frames(self, sample: Any) -> str:
        numbers = self.targets.frames.get(sample.id)
        if not numbers:
            return "failed: no prediction file can be told apart, because no frame has a ground truth"
        statuses = []
        for number in numbers:
            stem, target = stem_of(sample.id, number), f"{sample.id}/{number}"
            statuses.append(self._label(sample.frames[number], target, sample.filepath, stem))
        return video_status(statuses)

    def _label(self, document: Any, target: str, media: str, stem: str) -> str:
        """Put a prediction on a sample or frame, without saving it; return its status."""
        prediction = self._predict(target, media)
        files = store_files(prediction, self.folder, stem)
        for name, value in own_labels(prediction, self.fields, files).items():
            document[name] = value
        return status_text(prediction)

    def _predict(self, target: str, media: str) -> Prediction:
        name = self.matching.files.get(target)
        if name is None:
            return failed(target, self.matching.reasons.get(target, "no prediction file: it has no name"))
        paths = self.found.files[name]
        if len(paths) > 1:
            return failed(
                target, f"two prediction files have its name: {', '.join(map(str, paths))}; keep one"
            )
        try:
            found = read_prediction(paths[0], self.activation)
            size = _video_size(media) if self.fields.on_frames else picture_size(media)
        except MediaError as error:
            return failed(target, str(error))
        self.kinds["masks" if found.is_mask else "soft_maps"] += 1
        mask = found.at(size) > self.threshold
        # the map keeps its own size, so that the official evaluators' numbers come out of it
        return Prediction(target, "ok", "", None, found.values, mask, self.threshold)

    def _record_kinds(self) -> None:
        """Add to the record how many masks and soft maps were read; what is read again counts again."""
        config = find_record(self.dataset, self.fields.run)
        if config is not None and self.kinds:
            config.settings = {
                **config.settings,
                **{kind: config.settings[kind] + self.kinds[kind] for kind in ("masks", "soft_maps")},
            }
            self.dataset.update_run_config(self.fields.run, config)

    def _mask_note(self) -> list[str]:
        masks, read = self.kinds["masks"], self.kinds.total()
        if not masks:
            return []
        return [
            f"{masks} of {read} files are hard masks; the official adaptive rule gives masks 0 or nearly 0, so"
            " evaluate with adaptive_rule='topk' (--adaptive-rule topk) for adaptive scores that mean something"
        ]


def extra_note(matching: Matching) -> list[str]:
    """A line on the files that fit no sample, if there are any."""
    extra = matching.extra
    return [f"{len(extra)} files fit no sample: {listed(extra)}"] if extra else []


@lru_cache(maxsize=1)
def _video_size(path: str) -> tuple[int, int]:
    """Height and width of a video's frames; raises MediaError if its header cannot be read."""
    info = video_info(path)
    return info.height, info.width
