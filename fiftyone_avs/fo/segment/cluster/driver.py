"""Runs on several machines, or in several processes of one, with Ray.

The driver (the process that called ``segment``) sends blocks of sample ids to workers. A worker has the models in
memory, reads the media itself and writes files and fields itself; only ids and statuses travel. Ray is
imported when it is first needed.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import fiftyone as fo

from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.fo.segment.cluster.job import ClusterJob, for_device
from fiftyone_avs.fo.segment.cluster.nodes import database_environment, joined, room_for
from fiftyone_avs.fo.segment.cluster.pool import WorkerPool, cut
from fiftyone_avs.fo.segment.cluster.statuses import StatusStore
from fiftyone_avs.fo.segment.loop import Outcomes, Todo
from fiftyone_avs.pipeline import Pipeline

WITNESSES = 100
"""How many samples are looked at to find a media file that workers must see, too."""


@dataclass(frozen=True)
class RayRunner:
    """How ``segment`` runs on a Ray cluster.

    Attributes:
        workers: how many worker processes; None starts as many as fit: one per GPU if the cluster has GPUs
            (and ``device`` does not say otherwise), else one per ``cpus`` CPUs.
        cpus: CPUs per worker, which is also how many threads torch gets there. None takes the CPUs that
            there are per GPU, or 4 (all, if a machine has fewer) without GPUs.
        gpus: GPUs per worker; 0.5 lets two workers share one. None takes 1 if the cluster has GPUs and
            ``device`` is None or "cuda", else 0.
        block: how many samples a worker gets at once, rounded up to whole batches. Small runs get smaller
            blocks, so that all workers have something to do.
        address: the cluster's address, as for ``ray.init``. None joins the cluster that ``RAY_ADDRESS``
            names, or else starts one on this machine, which ends with the run. If Ray is initialised in this
            process already, that cluster is used in any case, and stays.
        restarts: how often the same block may lose its worker (killed, out of memory, machine lost) and is
            simply done again. After that it is halved, again and again, until the sample that takes its
            worker down is alone and fails.

    Raises:
        ConfigurationError: if a number cannot be.
    """

    workers: int | None = None
    cpus: int | None = None
    gpus: float | None = None
    block: int = 256
    address: str | None = None
    restarts: int = 2

    def __post_init__(self) -> None:
        for name, least in (("workers", 1), ("cpus", 1), ("block", 1), ("restarts", 0)):
            value = getattr(self, name)
            optional = name in ("workers", "cpus")
            if value is None and optional:
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                choice = ", or None" if optional else ""
                raise ConfigurationError(
                    f"RayRunner: {name} must be a whole number, {least} or more{choice}, not {value!r}"
                )
        if self.gpus is not None and not self._can_be_gpus(self.gpus):
            raise ConfigurationError(
                f"RayRunner: gpus must be 0, a fraction below 1, a whole number or None, not {self.gpus!r}"
            )

    @staticmethod
    def _can_be_gpus(gpus: float) -> bool:
        """Ray gives a share of one GPU, or whole ones."""
        number = isinstance(gpus, int | float) and not isinstance(gpus, bool)
        return number and (0 <= gpus < 1 or (float(gpus).is_integer() and gpus >= 1))


def ray_options(runner: str | RayRunner) -> RayRunner | None:
    """What ``segment``'s argument ``runner`` means: a ``RayRunner``, or None for this process.

    Raises:
        ConfigurationError: if it means nothing, or Ray is needed and not installed.
    """
    if runner == "local":
        return None
    options = RayRunner() if runner == "ray" else runner
    if not isinstance(options, RayRunner):
        raise ConfigurationError(f"runner must be 'local', 'ray' or a RayRunner, not {runner!r}")
    _import_ray()
    return options


def check_worker_device(device: str | None) -> None:
    """Raise ConfigurationError if not every worker can have a device."""
    if device is not None and ":" in device:
        raise ConfigurationError(
            f"device {device!r}: Ray gives every worker GPUs of its own; use device='cuda' and"
            " RayRunner(gpus=...)"
        )


def for_workers(pipeline: Pipeline, device: str | None) -> Pipeline:
    """A pipeline that can be sent to workers, which load its models.

    Args:
        pipeline: what to run; loaded models stay behind, their cards are sent.
        device: must be one that every worker can have.

    Raises:
        ConfigurationError: if it cannot be sent to another process.
        ModelError: if users have to get a model themselves that is not on this machine.
    """
    check_worker_device(device)
    models = pipeline.models
    own = [role for role in pipeline.roles if role in models.cards and not models.cards[role].adapter]
    if own:
        raise ConfigurationError(
            f"models: an object of your own plays {', '.join(own)}, and a loaded model cannot be sent to Ray's"
            " workers. Name models by role, as in models={'segmenter': <card, folder or hub id>}; give your own"
            " an adapter and a card (docs/adding-a-model.md)"
        )
    models.check(pipeline.roles)
    return for_device(pipeline, "cpu")


def ray_outcomes(job: ClusterJob, todo: Todo, options: RayRunner) -> Outcomes:
    """Do samples on a Ray cluster; yield each one's id and statuses once they are stored, in any order.

    Every sample comes exactly once. Close the generator to stop: the workers end, what they stored stays, and
    samples without a status are done by the next call of ``segment``.

    Args:
        job: what to do.
        todo: ids of the samples with the runs that have to do them. Statuses that these have already, of earlier
            failures, are removed first.
        options: where and how.

    Raises:
        ConfigurationError: if there is no cluster or no room, or a machine does not see the database, the folder
            or the media. Other errors that concern every sample come as in a run in this process.
        AVSError: if workers die again and again before they have done anything, or the cluster is lost.
    """
    if not todo:
        return
    ray = _import_ray()
    ids = list(todo)
    with joined(ray, options.address):
        room = room_for(ray, options.workers, options.cpus, options.gpus, job.device)
        environment = database_environment(ray)
        statuses = StatusStore(fo.load_dataset(job.dataset), job.runs)
        statuses.forget(todo)
        job = replace(job, device=job.device or ("cuda" if room.gpus else "cpu"), cpus=room.cpus)
        packed = _pack(ray, job, _witness(statuses.dataset, ids))
        pool = WorkerPool(ray, packed, room, environment, statuses, options.restarts)
        # Whole batches, the same as in one process; a video has batches of its own.
        first = job.runs[0]
        whole = (
            1 if first.fields.on_frames or first.pipeline.batch_size is None else first.pipeline.batch_size
        )
        yield from pool.outcomes(cut(ids, options.block, whole, room.workers))


def _import_ray() -> Any:
    """The module ``ray``, quiet and without usage reports."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise ConfigurationError(
            "runs on a cluster need Ray, which is not installed: pip install 'fiftyone-avs[ray]'"
        ) from error


def _pack(ray: Any, job: ClusterJob, witness: str | None) -> bytes:
    """What a worker is told at its start, pickled here to be able to say what cannot be."""
    try:
        packed: bytes = ray.cloudpickle.dumps((job, witness))
    except Exception as error:
        names = " or ".join(repr(run.pipeline.strategy.name) for run in job.runs)
        raise ConfigurationError(
            f"strategy {names} cannot be sent to Ray's workers ({error}); a strategy may hold plain values only"
        ) from error
    return packed


def _witness(dataset: fo.Dataset, ids: Sequence[str]) -> str | None:
    """A media file of the run that this machine sees, and so every other one should."""
    paths = dataset.select(list(ids[:WITNESSES])).values("filepath")
    return next((path for path in paths if Path(path).is_file()), None)
