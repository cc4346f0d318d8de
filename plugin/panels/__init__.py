"""The panels."""

from __future__ import annotations

from .compare import AVSCompare
from .sample import AVSSample

PANELS = (AVSCompare, AVSSample)
