"""Predictions of image samples into files, by threads, and then into fields, in bulk."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import fiftyone as fo

from fiftyone_avs.fo.runs.folder import stem_of
from fiftyone_avs.fo.runs.labels import Files, status_text, store_files
from fiftyone_avs.fo.runs.start_or_resume import OpenRun
from fiftyone_avs.fo.schema.documents import StoredRow, check_writable, document, read_fields, write_fields
from fiftyone_avs.types import Prediction

WRITERS = 4
"""Threads that compress and write files; PNG compression leaves Python free meanwhile."""

Statuses = dict[str, str]
"""How the predictions of one sample ended, by run key."""


@dataclass(frozen=True)
class _Prediction:
    """A prediction whose files are being written."""

    run: OpenRun
    prediction: Prediction
    files: Future[Files]


_Block = dict[str, tuple[StoredRow, list[_Prediction]]]
"""The samples of a block by id, with what their fields held and what they are to hold."""


class Saver:
    """Stores predictions block by block: a block's files are written while the next one is predicted.

    All fields of a sample, of all its runs, are stored at once, in one bulk write with those of its block, after
    its files.

    Args:
        dataset: the dataset of the samples.
        runs: whose predictions come.
    """

    def __init__(self, dataset: fo.Dataset, runs: Sequence[OpenRun]) -> None:
        self._dataset, self._runs = dataset, runs
        self._captions = list(dict.fromkeys(name for run in runs for name in run.fields.captions))
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="write")
        self._blocks: deque[_Block] = deque()

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
                _discard(block)

    def load(self, ids: Sequence[str]) -> dict[str, StoredRow]:
        """The captions that are stored of a few samples, by sample id; those deleted meanwhile are left out."""
        for run in self._runs:
            check_writable(self._dataset, run.fields)
        return read_fields(self._dataset, ids, self._captions)

    def put(
        self, rows: Mapping[str, StoredRow], predictions: Sequence[tuple[OpenRun, Prediction]]
    ) -> list[tuple[str, Statuses]]:
        """Begin to write a block's files, and store the fields of the block before; return the latter's statuses.

        Args:
            rows: what ``load`` gave.
            predictions: for these samples, in any order.
        """
        block: _Block = {name: (row, []) for name, row in rows.items()}
        for run, found in predictions:
            files = self._writers.submit(store_files, found, run.folder, stem_of(found.id))
            block[found.id][1].append(_Prediction(run, found, files))
        self._blocks.append(block)
        return self._store() if len(self._blocks) > 1 else []

    def finish(self) -> list[tuple[str, Statuses]]:
        """Store what is left; return the statuses."""
        return [status for _ in range(len(self._blocks)) for status in self._store()]

    def _store(self) -> list[tuple[str, Statuses]]:
        """Write the first block's fields once its files are there. Samples deleted meanwhile leave nothing behind."""
        block = self._blocks[0]
        written = {name: _values(row, found) for name, (row, found) in block.items()}
        for run in self._runs:
            check_writable(self._dataset, run.fields)
        write_fields(self._dataset, written)
        left = read_fields(self._dataset, list(block), [])
        _discard({name: gone for name, gone in block.items() if name not in left})
        self._blocks.popleft()
        return [
            (name, {each.run.key: status_text(each.prediction) for each in found})
            for name, (_, found) in block.items()
            if name in left
        ]


def _values(row: StoredRow, predictions: Sequence[_Prediction]) -> dict[str, Any]:
    """What a sample's fields are to hold."""
    values: dict[str, Any] = {}
    for each in predictions:
        run, files = each.run, each.files.result()
        values |= run.keeper.labels(row, each.prediction, run.fields, files, document)
    return values


def _discard(block: _Block) -> None:
    for name, (_, predictions) in block.items():
        for each in predictions:
            each.run.folder.discard(stem_of(name))
