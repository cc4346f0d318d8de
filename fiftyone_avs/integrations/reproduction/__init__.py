"""The paper's tables, made again."""

from __future__ import annotations

from fiftyone_avs.integrations.reproduction.plan import TABLES
from fiftyone_avs.integrations.reproduction.reproducing import check_reproduce, reproduce
from fiftyone_avs.integrations.reproduction.table import ReproducedRow, Reproduction

__all__ = ["TABLES", "ReproducedRow", "Reproduction", "check_reproduce", "reproduce"]
