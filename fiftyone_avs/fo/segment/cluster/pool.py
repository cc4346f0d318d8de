"""A pool of Ray workers that does blocks of samples, and survives the death of any of them."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from fiftyone_avs._version import __version__
from fiftyone_avs.errors import AVSError, ConfigurationError
from fiftyone_avs.fo.segment.cluster.nodes import WorkerPlan
from fiftyone_avs.fo.segment.cluster.statuses import StatusStore
from fiftyone_avs.fo.segment.saving import Statuses

ROUNDS = 4
"""Every worker gets at least so many blocks, if there are batches enough, so that all end at about the same time."""

PATIENCE = 60.0
"""Seconds without a word from any worker after which people are told that none has begun."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Block:
    """Samples that a worker does at a stretch, and how many workers died of them so far."""

    ids: tuple[str, ...]
    deaths: int = 0


@dataclass
class _Worker:
    """A worker process, and what it is at.

    Attributes:
        actor: Ray's handle.
        block: the block that it does; None while it starts.
        told: the samples of the block of which it has told the outcome.
        lost: how many workers in its place died in a row before they had started.
    """

    actor: Any
    block: Block | None = None
    told: set[str] = field(default_factory=set)
    lost: int = 0


class _Died(Exception):
    """A worker's process, or its machine, is gone."""


def cut(ids: Sequence[str], most: int, whole: int, workers: int) -> list[Block]:
    """Cut samples into blocks.

    Args:
        ids: of the samples.
        most: samples per block.
        whole: blocks are multiples of this (but for the last one), even where that is more.
        workers: how many there will be; few samples are cut finer, for all of them to have some.
    """
    size = min(most, ceil(len(ids) / (workers * ROUNDS)))
    size = ceil(size / whole) * whole
    return [Block(tuple(ids[start : start + size])) for start in range(0, len(ids), size)]


class WorkerPool:
    """Workers of one run. Each has one block at a time, so that it is known which one it died of.

    Args:
        ray: the module, connected.
        packed: what each worker is told at its start; see ``start_work``.
        room: how many workers, and what each gets.
        environment: their environment variables.
        statuses: of the runs.
        restarts: how many workers a block may lose before it is halved.
    """

    def __init__(
        self,
        ray: Any,
        packed: bytes,
        room: WorkerPlan,
        environment: Mapping[str, str],
        statuses: StatusStore,
        restarts: int,
    ) -> None:
        self._ray = ray
        self._packed = packed
        self._workers = room.workers
        self._actor = ray.remote(_actor_class()).options(
            num_cpus=room.cpus,
            num_gpus=room.gpus,
            max_restarts=0,
            runtime_env={"env_vars": dict(environment)},
        )
        self._statuses = statuses
        self._restarts = restarts
        self._busy: dict[Any, _Worker] = {}
        self._waiting: deque[Block] = deque()

    def outcomes(self, blocks: Sequence[Block]) -> Iterator[tuple[str, Statuses]]:
        """Do blocks; yield the id and statuses of every sample once, when they are stored.

        Raises:
            AVSError: if no worker can start, or the cluster is lost. Errors that concern every sample come as
                the worker raised them.
        """
        self._waiting.extend(blocks)
        try:
            for _ in range(min(self._workers, len(blocks))):
                self._start()
            while self._busy:
                source = self._wait()
                try:
                    found = self._take(source)
                except _Died as death:
                    yield from self._bury(self._busy.pop(source), death)
                    continue
                if found is None:
                    self._hand_on(self._busy.pop(source))
                else:
                    self._busy[source].told.update(sample_id for sample_id, _ in found)
                    yield from found
        finally:
            for worker in self._busy.values():
                self._ray.kill(worker.actor)
            self._busy.clear()

    def _start(self, lost: int = 0) -> None:
        """Start a worker; it loads the models."""
        actor = self._actor.remote()
        self._busy[actor.start.remote(self._packed, __version__)] = _Worker(actor, lost=lost)

    def _hand_on(self, worker: _Worker) -> None:
        """Give a worker its next block, or let it go if there is none."""
        if self._waiting:
            block = self._waiting.popleft()
            outcomes = worker.actor.do.options(num_returns="streaming").remote(block.ids)
            self._busy[outcomes] = _Worker(worker.actor, block)
        else:
            self._ray.kill(worker.actor)

    def _wait(self) -> Any:
        """Where the next answer of any worker is: the object of its start, or the stream of its block."""
        told = False
        while True:
            ready, _ = self._ray.wait(list(self._busy), num_returns=1, timeout=PATIENCE)
            if ready:
                return ready[0]
            if not told and all(worker.block is None for worker in self._busy.values()):
                logger.warning("no worker has begun yet: the Ray cluster is full, or models are being loaded")
                told = True

    def _take(self, source: Any) -> list[tuple[str, Statuses]] | None:
        """What a worker has to tell: outcomes, or None when it has started or has done its block.

        Raises:
            _Died: if the worker is gone.
            AVSError: if the cluster is. What the worker raised comes as it is.
        """
        errors = self._ray.exceptions
        gone = (errors.RayActorError, errors.NodeDiedError, errors.OutOfMemoryError, errors.ObjectLostError)
        starting = self._busy[source].block is None
        try:
            found: list[tuple[str, Statuses]] | None = self._ray.get(source if starting else next(source))
            return found
        except StopIteration:
            return None
        except errors.RayTaskError as error:
            cause = error.cause
            if starting and not isinstance(cause, AVSError):
                reason = f"{type(cause).__name__}: {cause}"
                raise ConfigurationError(f"a worker on {error.ip} could not start: {reason}") from error
            raise cause from error
        except gone as error:
            raise _Died(" ".join(str(error).split())[:300]) from error
        except errors.RayError as error:
            raise AVSError(
                f"the Ray cluster failed ({error}). Samples done so far are kept: run again to resume"
            ) from error

    def _bury(self, worker: _Worker, death: _Died) -> Iterable[tuple[str, Statuses]]:
        """Replace a worker that died; return the outcomes of its samples that are settled."""
        self._ray.kill(worker.actor)  # in case that it only cannot be reached
        if worker.block is None:
            logger.warning("a worker died while it started: %s", death)
            self._replace(worker.lost + 1, death)
            return ()
        untold = [sample_id for sample_id in worker.block.ids if sample_id not in worker.told]
        settled = self._statuses.settled(untold)
        left = tuple(sample_id for sample_id in untold if sample_id not in settled)
        deaths = worker.block.deaths + 1
        logger.warning("a worker died; %d samples that it had are done again: %s", len(left), death)
        if deaths <= self._restarts:
            self._again(left, deaths)
        elif len(left) > 1:
            middle = len(left) // 2
            self._again(left[middle:], deaths)
            self._again(left[:middle], deaths)
        elif left:
            settled[left[0]] = self._statuses.give_up(
                left[0],
                f"failed: {deaths} worker processes died while they did this sample, the last one with no other"
                " left to do (out of memory, or a crash in native code?)",
            )
        if self._waiting:
            self._start()
        return settled.items()

    def _again(self, ids: tuple[str, ...], deaths: int) -> None:
        """Do samples again before all others, so that what kills workers is found early."""
        if ids:
            self._waiting.appendleft(Block(ids, deaths))

    def _replace(self, lost: int, death: _Died) -> None:
        """Start another worker for one that died at its start, unless that has happened too often."""
        if lost <= self._restarts:
            self._start(lost)
        elif not self._busy:
            raise AVSError(
                f"{lost} workers in a row died while they loaded the models (too little memory?): {death}. Use fewer"
                " workers (RayRunner(workers=...)) or smaller models, then run again to resume"
            )


def _actor_class() -> type:
    """The class of the workers.

    Ray sends a class that is made in a function as it is, instead of importing its module. So a machine without
    this package, or without a database, fails in ``start``, where the reason can be told, and not before.
    """

    class AVSWorker:
        def start(self, packed: bytes, version: str) -> None:
            from fiftyone_avs.fo.segment.cluster.worker import start_work

            self.work = start_work(packed, version)

        def do(self, ids: Sequence[str]) -> Iterator[list[tuple[str, Statuses]]]:
            yield from self.work.do(ids)

    return AVSWorker
