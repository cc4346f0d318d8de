"""Masks and soft maps that other programs wrote, stored as a run."""

from __future__ import annotations

from fiftyone_avs.integrations.predictions.importing import check_predictions, import_predictions
from fiftyone_avs.integrations.predictions.storing import ImportSummary

__all__ = ["ImportSummary", "check_predictions", "import_predictions"]
