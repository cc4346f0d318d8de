"""Numbers of the paper (Lee & Seo, Interspeech 2025), to be shown beside one's own evaluations."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fiftyone_avs.errors import ConfigurationError

TABLE = Path(__file__).with_name("published.csv")
"""The scores as the paper prints them, times 100."""

PUBLISHED_DATASETS = {"is3": "IS3", "avsbench-s4": "AVSBench-S4", "vpo-ss": "VPO-SS"}
"""The data sets with published rows, and how the paper calls them."""


@dataclass(frozen=True)
class PublishedRow:
    """One published row: scores in [0, 1], named as those of an evaluation.

    Attributes:
        table: the paper's table: 1 (strategies), 2 (self-supervised baselines) or 3 (segmentation models
            under VCap+ACls).
        dataset: a key of ``PUBLISHED_DATASETS``.
        name: the strategy, method or model, as the paper spells it.
        kind: "strategy", "self-supervised" or "RIS model".
        ciou: share of samples with an adaptive IoU of 0.5 or more.
        auc: area under that share over the IoU thresholds 0, 0.05, ..., 1.
        miou: mean adaptive IoU.
        f: mean adaptive F.
        j: mean IoU at the threshold.
        f_threshold: mean F at the threshold.
        note: what a reader must know of this row, or "".
        protocol: how the paper evaluates; only evaluations with the same are comparable.
        adaptive_rule: likewise.
    """

    table: int
    dataset: str
    name: str
    kind: str
    ciou: float
    auc: float
    miou: float
    f: float
    j: float
    f_threshold: float
    note: str = ""
    protocol: str = "baav"
    adaptive_rule: str = "official"

    @property
    def source(self) -> str:
        """Where the row is printed."""
        return f"Lee & Seo, Interspeech 2025, Table {self.table}"


def published_rows(dataset: str) -> list[PublishedRow]:
    """The published rows of a data set, in the order of the paper's tables.

    Args:
        dataset: a key of ``PUBLISHED_DATASETS``.

    Raises:
        ConfigurationError: if nothing is published for it.
    """
    if dataset not in PUBLISHED_DATASETS:
        known = ", ".join(PUBLISHED_DATASETS)
        raise ConfigurationError(
            f"there are no published numbers for {dataset!r}; there are some for {known}"
        )
    return [row for row in _all_rows() if row.dataset == dataset]


@cache
def _all_rows() -> tuple[PublishedRow, ...]:
    with TABLE.open(newline="", encoding="utf-8") as file:
        return tuple(_read(row) for row in csv.DictReader(file))


def _read(row: Mapping[str, str]) -> PublishedRow:
    def score(name: str) -> float:
        return round(float(row[name]) / 100, 4)

    return PublishedRow(
        table=int(row["table"]),
        dataset=row["dataset"],
        name=row["name"],
        kind=row["kind"],
        ciou=score("ciou"),
        auc=score("auc"),
        miou=score("miou"),
        f=score("f"),
        j=score("j"),
        f_threshold=score("f_threshold"),
        note=row["note"],
    )
