"""The machines of a Ray cluster: joining it, how many workers fit, and how they reach the database."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import fiftyone as fo

from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.fo.schema.private import database_address

THREADS = 4
"""CPUs per worker without GPUs: torch gains little from more, and each worker holds all models."""

OBJECT_STORE = 100 * 2**20
"""Bytes for Ray's shared objects on a cluster of our own: only ids and statuses travel."""

PASSED = (
    "FIFTYONE_AVS_MODELS",
    "HF_ENDPOINT",
    "HF_HOME",
    "HF_HUB_CACHE",
    "HF_HUB_OFFLINE",
    "TRANSFORMERS_OFFLINE",
)
"""Environment variables that say where models are; workers get them from the driver."""

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1", "0.0.0.0")


@dataclass(frozen=True)
class WorkerPlan:
    """How many workers to start, and what each gets."""

    workers: int
    cpus: int
    gpus: float


@contextmanager
def joined(ray: Any, address: str | None) -> Iterator[None]:
    """Be connected to a cluster: the one of this process, or that of an address, or a new one of our own.

    A cluster that was there before is left as it was; one of our own ends here.

    Raises:
        ConfigurationError: if there is no cluster at the address.
    """
    if ray.is_initialized():
        yield
        return
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    own = {"include_dashboard": False, "object_store_memory": OBJECT_STORE} if address == "local" else {}
    try:
        with _signals_kept():
            ray.init(address=address, log_to_driver=False, logging_level="ERROR", **own)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise ConfigurationError(f"cannot join a Ray cluster at {address!r}: {error}") from error
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray's start replaces what the process does on SIGTERM, for good; undo that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


def room_for(
    ray: Any, workers: int | None, cpus: int | None, gpus: float | None, device: str | None
) -> WorkerPlan:
    """Choose what was left open, and check that a worker fits on one of the machines.

    Args:
        ray: the module, connected.
        workers: as for ``RayRunner``, like the next two.
        cpus: CPUs per worker.
        gpus: GPUs per worker.
        device: the device that was asked for.

    Raises:
        ConfigurationError: if no machine has enough CPUs and GPUs, or the device needs GPUs that are not given.
    """
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if gpus is None:
        gpus = 1.0 if device in (None, "cuda") and any(_gpus(m) for m in machines) else 0.0
    if device == "cuda" and not gpus:
        raise ConfigurationError(
            "device 'cuda' needs a GPU for each worker, and there is none: the cluster has no GPU, or gpus=0"
        )
    able = [machine for machine in machines if _cpus(machine) >= 1 and _gpus(machine) >= gpus]
    if cpus is None:
        cpus = min((_share(machine, gpus) for machine in able), default=1)
    fitting = sum(_fitting(machine, cpus, gpus) for machine in able)
    if not fitting:
        have = "; ".join(f"{_cpus(m):g} CPUs, {_gpus(m):g} GPUs" for m in machines)
        raise ConfigurationError(
            f"no machine of the Ray cluster has the {cpus} CPUs and {gpus:g} GPUs that a worker was to get (they"
            f" have {have}); give workers less with RayRunner(cpus=..., gpus=...)"
        )
    return WorkerPlan(workers or fitting, cpus, gpus)


def _cpus(machine: Mapping[str, float]) -> float:
    return machine.get("CPU", 0.0)


def _gpus(machine: Mapping[str, float]) -> float:
    return machine.get("GPU", 0.0)


def _share(machine: Mapping[str, float], gpus: float) -> int:
    """CPUs per worker on a machine: those that go with a GPU, or a few."""
    if gpus:
        return max(1, int(_cpus(machine) / max(1, int(_gpus(machine) / gpus))))
    return min(THREADS, int(_cpus(machine)))


def _fitting(machine: Mapping[str, float], cpus: int, gpus: float) -> int:
    """How many workers a machine can hold."""
    by_cpus = int(_cpus(machine) / cpus)
    return min(by_cpus, int(_gpus(machine) / gpus + 1e-6)) if gpus else by_cpus


def database_environment(ray: Any) -> dict[str, str]:
    """The environment in which workers use the database of this process, and find models as it does.

    Raises:
        ConfigurationError: if the cluster has other machines, which cannot reach the database.
    """
    here = ray.util.get_node_ip_address()
    others = sorted({node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]} - {here})
    flags = ("database_validation", "database_admin", "do_not_track")
    return {
        "FIFTYONE_DATABASE_URI": _database_address(others),
        "FIFTYONE_DATABASE_NAME": fo.config.database_name,
        **{f"FIFTYONE_{flag.upper()}": str(bool(getattr(fo.config, flag))).lower() for flag in flags},
        **{name: os.environ[name] for name in PASSED if name in os.environ},
    }


def _database_address(others: Sequence[str]) -> str:
    """The address of the database, which these other machines must reach, too."""
    configured: str | None = fo.config.database_uri
    if configured is not None and not (others and urlsplit(configured).hostname in LOCAL_HOSTS):
        return configured
    if others:
        raise ConfigurationError(
            f"the Ray cluster has other machines ({', '.join(others)}), and FiftyOne's database is on this one"
            f" only ({configured or 'it started its own'}). Set FIFTYONE_DATABASE_URI to a MongoDB that all of"
            " them reach (docs/scaling.md)"
        )
    host, port = database_address()
    return f"mongodb://{host}:{port}"
