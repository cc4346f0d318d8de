"""The statuses of a run in the database: who is done, who is tried again, and who is given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import fiftyone as fo

from fiftyone_avs.integrations.fields import RunFields
from fiftyone_avs.integrations.storage import RunFolder, stem_of


@dataclass(frozen=True)
class Statuses:
    """The statuses of one run, as several processes write and read them.

    Attributes:
        dataset: the dataset of the samples.
        fields: the run's fields, declared already.
        folder: where the run's files are.
    """

    dataset: fo.Dataset
    fields: RunFields
    folder: RunFolder

    def stored(self, ids: Sequence[str]) -> dict[str, str]:
        """The statuses of those of a few samples that have one."""
        found = zip(*self.dataset.select(list(ids)).values(["id", self.fields.status]), strict=True)
        return {sample_id: status for sample_id, status in found if status is not None}

    def forget(self, ids: Sequence[str]) -> None:
        """Remove the statuses of samples that are tried again, so that from now on a status means done."""
        stored = dict(zip(*self.dataset.values(["id", self.fields.status]), strict=True))
        old = {sample_id: None for sample_id in ids if stored.get(sample_id) is not None}
        if old:
            self.dataset.set_values(self.fields.status, old, key_field="id")

    def give_up(self, sample_id: str, status: str) -> None:
        """Give a sample the status of a failure, and remove what was written of an image's files."""
        if not self.fields.on_frames:
            self.folder.discard(stem_of(sample_id))
        view = self.dataset.select([sample_id])  # an empty one if the sample was deleted
        view.set_values(self.fields.status, [status] * len(view))
