"""What happens in a worker process of a Ray cluster: check that the machine sees everything, then do blocks."""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import fiftyone as fo

from fiftyone_avs._version import __version__
from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.fo.runs.folder import OWNER, RunFolder
from fiftyone_avs.fo.segment.cluster.statuses import StatusStore
from fiftyone_avs.fo.segment.loop import SegmentLoop
from fiftyone_avs.fo.segment.saving import Statuses

if TYPE_CHECKING:
    from fiftyone_avs.fo.segment.cluster.job import ClusterJob

NEWS_EVERY = 0.5
"""Seconds between two messages of a worker, so that many of them do not flood the driver."""


@dataclass(frozen=True)
class WorkerTask:
    """A job in a worker, with its models loaded."""

    runner: SegmentLoop
    statuses: StatusStore

    def do(self, ids: Sequence[str]) -> Iterator[list[tuple[str, Statuses]]]:
        """Do samples; yield ids with their statuses now and then, once they are stored.

        What has a status is done: another worker got so far with this block before it died.
        """
        stored = self.statuses.stored(ids)
        keys = [run.key for run in self.runner.runs]
        lacking = {name: [key for key in keys if key not in stored.get(name, {})] for name in ids}
        found = [(name, stored[name]) for name, left in lacking.items() if not left]
        told = time.monotonic()
        for name, statuses in self.runner.outcomes({name: left for name, left in lacking.items() if left}):
            found.append((name, stored.get(name, {}) | statuses))
            if time.monotonic() - told > NEWS_EVERY:
                yield found
                found, told = [], time.monotonic()
        if found:
            yield found


def start_work(packed: bytes, version: str) -> WorkerTask:
    """Unpack a job, check that this machine can do it, and load the models.

    Args:
        packed: the pickled ``ClusterJob``, and a media file that must be here (or None).
        version: of this package, in the driver.

    Raises:
        ConfigurationError: if this machine lacks something; the message names the machine.
        ModelError: if a model is missing here.
    """
    here = socket.gethostname()
    if version != __version__:
        raise ConfigurationError(
            f"worker on {here}: fiftyone-avs {__version__} is installed there, the driver has {version}; use the"
            " same version on all machines"
        )
    job, witness = _unpack(packed, here)
    _set_threads(job.cpus)
    _check_database(job, here)
    for run in job.runs:
        _check_folder(run.folder, here)
    if witness is not None and not Path(witness).is_file():
        raise ConfigurationError(
            f"worker on {here}: {witness} is not there; all machines must see the media under the same path"
        )
    runner = job.runner()
    return WorkerTask(runner, StatusStore(runner.dataset, runner.runs))


def _unpack(packed: bytes, here: str) -> tuple[ClusterJob, str | None]:
    from ray import cloudpickle

    try:
        unpacked: tuple[ClusterJob, str | None] = cloudpickle.loads(packed)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"worker on {here}: the run's strategy cannot be imported there ({error}); install the module that"
            " defines it on all machines"
        ) from error
    return unpacked


def _set_threads(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)


def _check_database(job: ClusterJob, here: str) -> None:
    if not fo.dataset_exists(job.dataset):
        raise ConfigurationError(
            f"worker on {here}: its FiftyOne database has no dataset {job.dataset!r}. Set FIFTYONE_DATABASE_URI to a"
            " MongoDB that all machines reach, before you start the run (docs/scaling.md)"
        )


def _check_folder(folder: RunFolder, here: str) -> None:
    """The driver claimed the folder, so its note must be here if this is the same folder."""
    remedy = "choose an output_dir that all machines see under the same path and can write to"
    if not (folder.path / OWNER).is_file():
        raise ConfigurationError(f"worker on {here}: the run's folder {folder.path} is not there; {remedy}")
    try:
        with tempfile.TemporaryFile(dir=folder.path):
            pass
    except OSError as error:
        raise ConfigurationError(
            f"worker on {here}: cannot write to {folder.path} ({error.strerror or error}); {remedy}"
        ) from error
