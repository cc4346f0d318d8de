"""The earlier address of ``fiftyone_avs.fo``: records that FiftyOne stored name classes of three modules here.

Every other name is there for one more release.
"""

from __future__ import annotations

import warnings
from typing import Any

import fiftyone_avs
import fiftyone_avs.fo


def __getattr__(name: str) -> Any:
    face = next((face for face in (fiftyone_avs, fiftyone_avs.fo) if name in face.__all__), None)
    if face is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(
        f"fiftyone_avs.integrations is called fiftyone_avs.fo now: take {name} from {face.__name__}",
        DeprecationWarning,
        stacklevel=2,
    )
    return getattr(face, name)
