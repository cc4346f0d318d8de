"""Calls of ``segment`` that are under way or were left unfinished: what they do, how to stop them, what to go on with.

A note of each call is kept beside the dataset in FiftyOne's execution store, where other processes see it: the App's
server, a worker, a command line. It goes when the call has done all it was asked to do.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import fiftyone as fo
from bson import ObjectId
from fiftyone.core.collections import SampleCollection
from fiftyone.operators.store import ExecutionStore

from fiftyone_avs.errors import ConfigurationError, DatasetError
from fiftyone_avs.fo.schema.private import dataset_id, serialized_view
from fiftyone_avs.progress import listening, say

STORE = "fiftyone_avs_calls"

OFTEN = 0.5
"""Seconds between two looks at whether somebody asked to stop, and between two notes of the progress."""

SILENT = 600.0
"""Seconds without a word after which a call on another machine counts as interrupted."""

STOPPING = "stopping after this batch; what is done is stored"


@dataclass(frozen=True)
class UnfinishedCall:
    """A call of ``segment`` or ``segment_all`` that has not done all it was asked to do.

    Attributes:
        id: of the call.
        runs: the keys of its runs.
        state: "running", "stopped" by ``stop_run``, or "interrupted": its process ended otherwise.
        doing: what it does, or did last.
        done: how many samples it has done.
        total: how many samples it was to do; 0 if it did not come that far.
        started: when it was made (UTC).
        arguments: of ``segment_all``, to be called again with; None if it was given objects, which cannot be noted.
        view: the stages of the view that it was given; None for the whole dataset.
    """

    id: str
    runs: tuple[str, ...]
    state: str
    doing: str
    done: int
    total: int
    started: datetime
    arguments: Mapping[str, Any] | None = field(repr=False)
    view: Sequence[Any] | None = field(repr=False)

    @property
    def left(self) -> int:
        """How many samples it still has to do."""
        return self.total - self.done

    @property
    def settings(self) -> str:
        """What it was asked for, in words, but for what was left open."""
        given = {
            name: value for name, value in (self.arguments or {}).items() if value not in (None, False, {})
        }
        strategies = ", ".join(given.pop("strategies", {}).values())
        return ", ".join([strategies, *(f"{name} {value}" for name, value in given.items())])

    def __str__(self) -> str:
        what = (
            f"{self.done} of {self.total} samples done, {self.left} left"
            if self.total
            else "nothing done yet"
        )
        doing = f", {self.doing}" if self.state == "running" and self.doing else ""
        return f"{', '.join(self.runs)}: {self.state}{doing}; {what}"


def list_unfinished(dataset: fo.Dataset) -> list[UnfinishedCall]:
    """The calls of ``segment`` on a dataset that are under way, were stopped, or were interrupted; newest first.

    Example:
        >>> for call in avs.list_unfinished(dataset): print(call)
        vcap_acls: running, loading models, 2 of 4; nothing done yet
    """
    store = _store(dataset)
    notes = [(name, store.get(name)) for name in store.list_keys() if name.startswith("call:")]
    found = [_read(name.removeprefix("call:"), note) for name, note in notes if note]
    there = set(dataset.list_runs())
    kept = [call for call in found if call.state == "running" or not call.total or there & set(call.runs)]
    return sorted(kept, key=lambda call: call.started, reverse=True)


def stop_run(dataset: fo.Dataset, run: str | None = None) -> list[str]:
    """Let calls of ``segment`` that are under way, in this process or another one, end after the batch they are at.

    Before the first batch that is once its models are downloaded, or after the model that is being loaded.
    What is done is stored; ``resume_run`` goes on with the same settings. The call ends with a summary that says how
    many samples are left.

    Args:
        dataset: the dataset that they work on.
        run: the key of a run; None stops all.

    Returns:
        The keys of the runs that are told to stop.

    Raises:
        DatasetError: if nothing is under way, or not this run.
    """
    running = [call for call in list_unfinished(dataset) if call.state == "running"]
    chosen = [call for call in running if run is None or run in call.runs]
    if not chosen:
        known = ", ".join(key for call in running for key in call.runs) or "none"
        what = "there is no run" if run is None else f"run {run!r} is not"
        raise DatasetError(f"{what} under way on dataset {dataset.name!r}; under way: {known}")
    for call in chosen:
        _store(dataset).set(f"stop:{call.id}", True)
    return [key for call in chosen for key in call.runs]


def check_not_under_way(dataset: fo.Dataset, run: str) -> None:
    """Raise ConfigurationError while a call makes a run: it would go on writing under the old name."""
    call = next((one for one in list_unfinished(dataset) if one.state == "running" and run in one.runs), None)
    if call is not None:
        raise ConfigurationError(
            f"run {run!r} is under way ({call}): wait for its end, or stop it first with stop_run (fiftyone-avs stop)"
        )


class Call:
    """A call that is under way: told of its progress, it keeps the note and knows whether to stop.

    Args:
        store: where the note is kept.
        name: of the call.
        note: what is noted of it.
    """

    def __init__(self, store: ExecutionStore, name: str, note: dict[str, Any]) -> None:
        self._store, self._name, self._note = store, name, note
        self._looked = self._noted = 0.0
        self.stopped = False

    def hear(self, what: str) -> None:
        """Note what is being done."""
        self._note["doing"] = what
        self._write()

    def begin(self, total: int) -> None:
        """Note how many samples are to be done, now that the old results are gone if they had to."""
        if self._note["arguments"] is not None:
            self._note["arguments"]["overwrite"] = False
        self._note |= {"total": total, "done": 0}
        self._write()

    def tell(self, done: int) -> None:
        """Note how many samples are done, not more often than anybody would look."""
        self._note["done"] = done
        if time.monotonic() - self._noted > OFTEN:
            self._write()

    def asked_to_stop(self) -> bool:
        """Whether somebody wants it to stop; not asked more often than needed."""
        if not self.stopped and time.monotonic() - self._looked > OFTEN:
            self._looked = time.monotonic()
            self.stopped = self._store.has(f"stop:{self._name}")
            if self.stopped:
                say(STOPPING)
        return self.stopped

    def end(self, state: str) -> None:
        """Note how it ended, or with "done" forget it."""
        self._store.delete(f"stop:{self._name}")
        if state == "done":
            self._store.delete(f"call:{self._name}")
            return
        arguments = self._note["arguments"]
        if arguments is not None and arguments.get("max_samples") is not None:
            arguments["max_samples"] = max(0, arguments["max_samples"] - self._note["done"])
        self._note["state"] = state
        self._write()

    def _write(self) -> None:
        self._noted = time.monotonic()
        self._note["told"] = time.time()
        self._store.set(f"call:{self._name}", self._note)


@contextmanager
def noted(
    samples: SampleCollection, dataset: fo.Dataset, runs: Sequence[str], arguments: Mapping[str, Any] | None
) -> Iterator[Call]:
    """Keep a note of a call as long as this block lasts, and after it unless all was done.

    Args:
        samples: what the call was given.
        dataset: theirs.
        runs: keys of the call's runs. Notes of earlier calls of them are forgotten.
        arguments: to call ``segment_all`` with again, or None.
    """
    store = _store(dataset)
    view = list(serialized_view(samples)) if isinstance(samples, fo.DatasetView) else None
    note: dict[str, Any] = {
        "runs": list(runs),
        "state": "running",
        "doing": "",
        "done": 0,
        "total": 0,
        "started": datetime.now(UTC).isoformat(),
        "host": socket.gethostname(),
        "process": os.getpid(),
        "arguments": None if arguments is None else dict(arguments),
        "view": view,
    }
    forget(dataset, runs)
    call = Call(store, uuid.uuid4().hex, note)
    call.hear("starting")
    try:
        with listening(call.hear):
            yield call
    except Exception:
        call.end(
            "interrupted" if note["total"] else "done"
        )  # it could not begin: there is nothing to go on with
        raise
    except BaseException:  # Ctrl-C, or the App's tab was closed
        with suppress(Exception):
            call.end("interrupted")
        raise
    call.end("stopped" if call.stopped and note["done"] < note["total"] else "done")


def forget(dataset: fo.Dataset, runs: Sequence[str]) -> None:
    """Forget unfinished calls of runs, because they are begun again or gone; other runs of these calls stay noted."""
    store = _store(dataset)
    for name in store.list_keys():
        note = store.get(name) if name.startswith("call:") else None
        if not note or not set(note["runs"]) & set(runs):
            continue
        note["runs"] = [run for run in note["runs"] if run not in runs]
        if note["runs"]:
            store.set(name, note)
        else:
            store.delete(name)


def _read(name: str, note: Mapping[str, Any]) -> UnfinishedCall:
    state = note["state"]
    if state == "running" and not _lives(note):
        state = "interrupted"
    return UnfinishedCall(
        id=name,
        runs=tuple(note["runs"]),
        state=state,
        doing=note["doing"],
        done=note["done"],
        total=note["total"],
        started=datetime.fromisoformat(note["started"]),
        arguments=note["arguments"],
        view=note["view"],
    )


def _lives(note: Mapping[str, Any]) -> bool:
    """Whether the process of a call is still there."""
    if note["host"] != socket.gethostname() or os.name == "nt":  # where signal 0 is no question
        return bool(time.time() - note["told"] < SILENT)
    try:
        os.kill(note["process"], 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is another user's
        return True
    return True


def _store(dataset: fo.Dataset) -> ExecutionStore:
    return ExecutionStore.create(STORE, ObjectId(dataset_id(dataset)))
