"""The earlier address of ``fiftyone_avs.fo``: records that FiftyOne stored name classes of three modules here.

Every other name is there for one more release.
"""

from __future__ import annotations

import warnings as _warnings

import fiftyone_avs as _above
import fiftyone_avs.fo as _fo

__all__ = [*_fo.__all__, *_fo._DEPRECATED, "compare", "evaluate", "segment"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    face = _above if name in (*_above.__all__, *_above._DEPRECATED) else _fo
    _warnings.warn(
        f"fiftyone_avs.integrations is called fiftyone_avs.fo now: take {name} from {face.__name__}",
        DeprecationWarning,
        stacklevel=2,
    )
    return getattr(face, name)


def __dir__() -> list[str]:
    return sorted(__all__)
