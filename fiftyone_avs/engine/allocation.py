"""How a CPU's memory is handed out while networks compute."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

TRIM_THRESHOLD, TOP_PAD, MMAP_MAX = -1, -2, -4
"""What ``mallopt`` sets, by glibc's numbers: when to give memory back, how much to fetch at once, how many
tensors may have pages of their own."""

KEEP = {TRIM_THRESHOLD: 2**31 - 1, TOP_PAD: 2**28, MMAP_MAX: 0}
USUAL = {TRIM_THRESHOLD: 2**26, TOP_PAD: 2**17, MMAP_MAX: 2**16}
"""Settings that keep what is freed, and those that a process begins with (or has after its first large tensors)."""


_lock = threading.Lock()
_users = 0


@contextmanager
def reused_memory(device: str) -> Iterator[None]:
    """Keep the memory of freed tensors for the next ones, instead of asking the system for new pages each time.

    The C library gives every large tensor fresh pages, which the system has to clear and map one by one; with
    large networks that takes a quarter of the time. Contexts can be nested: the outermost one gives
    the memory back at its end.

    Args:
        device: of the networks. Nothing happens for one other than "cpu", nor where the library is not glibc.
    """
    library = _glibc() if device == "cpu" else None
    if library is None:
        yield
        return
    _enter(library, 1)
    try:
        yield
    finally:
        _enter(library, -1)


def _enter(library: Any, change: int) -> None:
    """Count those who need the memory; the settings are those of the whole process."""
    global _users
    with _lock:
        before, _users = _users, _users + change
        if before and _users:
            return
        for name, value in (KEEP if _users else USUAL).items():
            library.mallopt(name, value)
        if not _users:
            library.malloc_trim(0)


@lru_cache
def _glibc() -> Any:
    """The C library, if it is glibc."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") and hasattr(library, "malloc_trim") else None
