"""How work is run: batches and their sizes, media read ahead, failures that stay alone. No model in here."""

from __future__ import annotations

from fiftyone_avs.engine.allocation import reused_memory
from fiftyone_avs.engine.batching import Failure, run_stage
from fiftyone_avs.engine.fitting import BatchSizes, sizes_for
from fiftyone_avs.engine.memory import free_memory
from fiftyone_avs.engine.ordered import in_order
from fiftyone_avs.engine.overflow import is_out_of_memory, release_memory
from fiftyone_avs.engine.reading import read_ahead, reading_processes

__all__ = [
    "BatchSizes",
    "Failure",
    "free_memory",
    "in_order",
    "is_out_of_memory",
    "read_ahead",
    "reading_processes",
    "release_memory",
    "reused_memory",
    "run_stage",
    "sizes_for",
]
