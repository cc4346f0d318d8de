"""How batches are run: isolation of failures, progress. No model and no I/O in here."""

from __future__ import annotations

from fiftyone_avs.engine.batching import Failure, run_stage

__all__ = ["Failure", "run_stage"]
