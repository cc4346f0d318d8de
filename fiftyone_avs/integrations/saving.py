"""Predictions of image samples into files, by threads, and then into fields, in bulk."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import fiftyone as fo

from fiftyone_avs.integrations.fields import RunFields
from fiftyone_avs.integrations.labels import CaptionKeeper, status_text, store_files
from fiftyone_avs.integrations.storage import RunFolder, stem_of
from fiftyone_avs.types import Prediction

WRITERS = 4
"""Threads that compress and write files; PNG compression leaves Python free meanwhile."""

Files = tuple[str, str] | None


@dataclass(frozen=True)
class _Waiting:
    """A block whose files are being written, and whose fields are not stored yet."""

    view: Any
    samples: Mapping[str, Any]
    predictions: Mapping[str, Prediction]
    files: Mapping[str, Future[Files]]


class Saver:
    """Stores predictions block by block: a block's files are written while the next one is predicted.

    All fields of a sample are stored together, in one bulk write with those of its block, after its files.

    Args:
        dataset: the dataset of the samples.
        fields: the run's fields, declared already.
        folder: where the run's files go.
        keeper: writes the captions that runs share.
        audio_field: the field with the sound's path, which has to be in the samples that are saved.
    """

    def __init__(
        self,
        dataset: fo.Dataset,
        fields: RunFields,
        folder: RunFolder,
        keeper: CaptionKeeper,
        audio_field: str,
    ) -> None:
        self._dataset, self._fields, self._folder, self._keeper = dataset, fields, folder, keeper
        self._names = [*fields.paths, *fields.captions, audio_field]
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="write")
        self._blocks: deque[_Waiting] = deque()

    def __enter__(self) -> Saver:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        """Leave no file without its fields: an interrupted run stores what it has, a broken one removes it."""
        try:
            if kind is not None and issubclass(kind, GeneratorExit | KeyboardInterrupt):
                self.finish()
        finally:
            self._writers.shutdown(cancel_futures=True)
            for block in self._blocks:
                for name in block.files:
                    self._folder.discard(stem_of(name))

    def load(self, ids: Sequence[str]) -> tuple[Any, dict[str, Any]]:
        """The view of a few samples with only the fields that a run reads or writes, and the samples by id."""
        view = self._dataset.select(ids).select_fields(self._names)
        return view, {sample.id: sample for sample in view}

    def put(
        self, view: Any, samples: Mapping[str, Any], predictions: Mapping[str, Prediction]
    ) -> list[tuple[str, str]]:
        """Begin to write a block's files, and store the fields of the block before; return the latter's statuses."""
        files = {
            name: self._writers.submit(store_files, predictions[name], self._folder, stem_of(name))
            for name in samples
        }
        self._blocks.append(_Waiting(view, samples, predictions, files))
        return self._store() if len(self._blocks) > 1 else []

    def finish(self) -> list[tuple[str, str]]:
        """Store what is left; return the statuses."""
        return [status for _ in range(len(self._blocks)) for status in self._store()]

    def _store(self) -> list[tuple[str, str]]:
        """Write the first block's fields once its files are there. Samples deleted meanwhile leave nothing behind."""
        block = self._blocks[0]
        files = {name: future.result() for name, future in block.files.items()}
        with block.view.save_context(batch_size=len(files) + 1) as context:  # one bulk write, at the end
            for name, sample in block.samples.items():
                self._keeper.label(sample, block.predictions[name], self._fields, files[name])
                context.save(sample)
        left = set(self._dataset.select(list(files)).values("id"))
        for name in files.keys() - left:
            self._folder.discard(stem_of(name))
        self._blocks.popleft()
        return [(name, status_text(block.predictions[name])) for name in files if name in left]
