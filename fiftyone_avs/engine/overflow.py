"""Errors that say that memory ran out, and what they leave behind."""

from __future__ import annotations

import errno
import gc
import sys
from collections.abc import Iterator

OUT_OF_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory: you tried to allocate",
    "alloc_failed",
    "allocation_failed",
    "bad_alloc",
)
"""How torch's CPU allocator, cuBLAS, cuDNN, Metal and C++ word it, whose errors have no type of their own."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, the machine's or a GPU's, or was raised because another one did."""
    return any(_says_so(link) for link in _chain(error))


def forget_frames(error: BaseException) -> None:
    """Take the frames off an error and all that it was raised from: they keep everything in memory that failed."""
    for link in _chain(error, hidden=True):
        link.__traceback__ = None


def release_memory() -> None:
    """Give back what a failed batch left behind, so that a smaller one finds room."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is None:
        return
    for there, kind in ((torch.cuda, torch.cuda), (torch.backends.mps, torch.mps), (torch.xpu, torch.xpu)):
        if there.is_available():
            kind.empty_cache()


def _says_so(error: BaseException) -> bool:
    torch = sys.modules.get("torch")
    if isinstance(error, MemoryError) or (torch and isinstance(error, torch.OutOfMemoryError)):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in OUT_OF_MEMORY)


def _chain(error: BaseException, *, hidden: bool = False) -> Iterator[BaseException]:
    """An error and those it was raised from; ``hidden`` ones are no reason, but keep their frames all the same."""
    waiting, seen = [error], set()
    while waiting:
        link = waiting.pop()
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        if isinstance(link, BaseExceptionGroup):
            waiting += link.exceptions
        if link.__cause__ is not None:
            waiting.append(link.__cause__)
        if link.__context__ is not None and (hidden or not link.__suppress_context__):
            waiting.append(link.__context__)
