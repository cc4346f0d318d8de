"""Public faces whose names are imported when they are first used, so that asking for one does not import everything."""

from __future__ import annotations

import importlib
import importlib.util
import threading
import warnings
from collections.abc import Callable, Mapping
from typing import Any

_ONE_AT_A_TIME = threading.RLock()
"""Held while a name is imported: threads that enter a library with circular imports at two places would lock up."""


def lazily(
    face: str, homes: Mapping[str, str], deprecated: Mapping[str, str] | None = None
) -> Callable[[str], Any]:
    """A package's ``__getattr__`` that imports each name from the module where it is defined, and rooms by their names.

    Args:
        face: the package's name.
        homes: public name -> the module that defines it.
        deprecated: old name -> the new one, which it still stands for; asking for it warns.
    """

    def __getattr__(name: str) -> Any:
        new = (deprecated or {}).get(name)
        if new is not None:
            warnings.warn(
                f"{face}.{name} is called {new} now; the old name goes with the next release",
                DeprecationWarning,
                stacklevel=2,
            )
        home = homes.get(new or name)
        with _ONE_AT_A_TIME:
            if home is not None:
                return getattr(importlib.import_module(home), new or name)
            is_room = name.isidentifier() and not name.startswith("_")
            if is_room and importlib.util.find_spec(f"{face}.{name}") is not None:
                return importlib.import_module(f"{face}.{name}")
        raise AttributeError(f"module {face!r} has no attribute {name!r}")

    return __getattr__
