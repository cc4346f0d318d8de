"""Registers the operators and panels. FiftyOne runs this file at every event, so it imports nothing heavy.

All logic is in the package ``fiftyone_avs``: operators read a form, call it and show what it returns.
"""

from __future__ import annotations

import importlib.util
from typing import Any


def register(plugin: Any) -> None:
    """Called by FiftyOne."""
    if importlib.util.find_spec("fiftyone_avs") is None:
        from .operators.missing import PackageIsMissing

        plugin.register(PackageIsMissing)
        return
    from .operators import OPERATORS
    from .panels import PANELS

    for kind in (*OPERATORS, *PANELS):
        plugin.register(kind)
