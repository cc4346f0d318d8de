"""The statuses of runs in the database: what is done, what is tried again, and what is given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import fiftyone as fo

from fiftyone_avs.fo.runs.folder import stem_of
from fiftyone_avs.fo.runs.start_or_resume import OpenRun
from fiftyone_avs.fo.segment.loop import Todo
from fiftyone_avs.fo.segment.saving import Statuses


@dataclass(frozen=True)
class StatusStore:
    """The statuses of runs that are done together, as several processes write and read them.

    Attributes:
        dataset: the dataset of the samples.
        runs: open already.
    """

    dataset: fo.Dataset
    runs: Sequence[OpenRun]

    def stored(self, ids: Sequence[str] | None = None) -> dict[str, Statuses]:
        """The statuses that a few samples have, or all; samples that were deleted are left out."""
        samples = self.dataset if ids is None else self.dataset.select(list(ids))
        keys = [run.key for run in self.runs]
        columns = samples.values(["id", *(run.fields.status for run in self.runs)])
        return {
            sample_id: {key: status for key, status in zip(keys, row, strict=True) if status is not None}
            for sample_id, *row in zip(*columns, strict=True)
        }

    def settled(self, ids: Sequence[str]) -> dict[str, Statuses]:
        """The statuses of those of a few samples that have one of every run."""
        return {name: found for name, found in self.stored(ids).items() if len(found) == len(self.runs)}

    def forget(self, todo: Todo) -> None:
        """Remove the statuses of what is tried again, so that from now on a status means done."""
        stored = self.stored()
        for run in self.runs:
            again = [
                name for name, keys in todo.items() if run.key in keys and run.key in stored.get(name, {})
            ]
            if again:
                self.dataset.set_values(run.fields.status, dict.fromkeys(again), key_field="id")

    def give_up(self, sample_id: str, status: str) -> Statuses:
        """Give a sample the status of a failure wherever it has none, and remove what was written of an image's files.

        Returns:
            The sample's statuses now.
        """
        statuses = self.stored([sample_id]).get(sample_id, {})
        for run in self.runs:
            if run.key in statuses:
                continue
            statuses[run.key] = status
            if not run.fields.on_frames:
                run.folder.discard(stem_of(sample_id))
            view = self.dataset.select([sample_id])  # an empty one if the sample was deleted
            view.set_values(run.fields.status, [status] * len(view))
        return statuses
