"""How much memory this process may still take: of the machine, of its container, and by its own limits."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/")
NO_LIMIT = 1 << 60
"""Version 1 of Linux's control groups has no word for "no limit", but numbers above this."""


def free_memory(root: Path = ROOT) -> int | None:
    """Bytes that this process can still take before it fails or is killed, or None where that is not known.

    On Linux the least of what the machine has free (swap left out: a network in it does not end), what the limits
    of control groups leave, by which containers and clusters share a machine, and what ``ulimit -v`` and ``-d``
    leave. Elsewhere what psutil says of the machine, if it is installed.

    Args:
        root: where /proc and /sys are.

    Example:
        >>> from fiftyone_avs.engine import free_memory
        >>> free = free_memory()
        >>> free is None or free > 0
        True
    """
    found = [*_machine(root), *_control_groups(root), *_own_limits(root)]
    return max(0, min(found)) if found else _by_psutil()


def held_memory(root: Path = ROOT) -> tuple[int, int] | None:
    """Bytes in memory of this process now, and the most there ever were; None where that is not known."""
    facts = _sizes(root / "proc/self/status")
    return (facts["VmRSS"], facts["VmHWM"]) if {"VmRSS", "VmHWM"} <= facts.keys() else None


def _machine(root: Path) -> Iterator[int]:
    facts = _sizes(root / "proc/meminfo")
    if "MemAvailable" in facts:
        yield facts["MemAvailable"]


def _control_groups(root: Path) -> Iterator[int]:
    """What every group that this process is in leaves, those around it included."""
    for line in _lines(root / "proc/self/cgroup"):
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            top, names = root / "sys/fs/cgroup", ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            top = root / "sys/fs/cgroup/memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        own = top / path.lstrip("/")
        # Seen from inside a container, the path may be the host's; then the top is the container's own group.
        for group in (own, *own.parents) if own.is_dir() else (top,):
            yield from _left(group, *names)
            if group == top:
                break


def _left(group: Path, limit_file: str, usage_file: str, cached: str) -> Iterator[int]:
    limit, usage = _number(group / limit_file), _number(group / usage_file)
    if limit is None or usage is None or limit >= NO_LIMIT:
        return
    stat = dict(line.split()[:2] for line in _lines(group / "memory.stat") if " " in line)
    yield limit - usage + int(stat.get(cached, 0))  # files that were read are let go first


def _own_limits(root: Path) -> Iterator[int]:
    """What ``ulimit`` leaves."""
    if sys.platform == "win32":
        return
    import resource

    facts = _sizes(root / "proc/self/status")
    for kind, name in ((resource.RLIMIT_AS, "VmSize"), (resource.RLIMIT_DATA, "VmData")):
        limit = resource.getrlimit(kind)[0]
        if limit != resource.RLIM_INFINITY and name in facts:
            yield limit - facts[name]


def _by_psutil() -> int | None:
    try:
        import psutil
    except ImportError:
        return None
    return int(psutil.virtual_memory().available)


def _sizes(path: Path) -> dict[str, int]:
    """The lines "Name: 12 kB" of a file, in bytes."""
    found = {}
    for line in _lines(path):
        name, _, value = line.partition(":")
        words = value.split()
        if len(words) == 2 and words[1] == "kB":
            found[name] = int(words[0]) * 1024
    return found


def _number(path: Path) -> int | None:
    """The number in a file; None for "max", and if there is no such file."""
    text = " ".join(_lines(path)).strip()
    return int(text) if text.isdigit() else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
