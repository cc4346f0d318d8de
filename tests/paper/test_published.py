"""The paper's numbers as they are shipped."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.fo import METRICS
from fiftyone_avs.paper.published import PUBLISHED_DATASETS, published_rows

ROWS = [row for dataset in PUBLISHED_DATASETS for row in published_rows(dataset)]


def scores(row):
    return tuple(getattr(row, name) for name in METRICS)


def one(table, dataset, name):
    (row,) = (row for row in published_rows(dataset) if (row.table, row.name) == (table, name))
    return row


def test_every_row_of_the_tables_is_there_once():
    for dataset in PUBLISHED_DATASETS:
        rows = published_rows(dataset)
        assert Counter(row.table for row in rows) == {1: 5, 2: 7, 3: 3}
        assert len({(row.table, row.name) for row in rows}) == len(rows) == 15
        assert [row.name for row in rows[:5]] == [
            "Classification",
            "Captioning",
            "Inversion",
            "VCap+ACls",
            "ACap+VCls",
        ]
    assert {row.table: row.kind for row in ROWS} == {1: "strategy", 2: "self-supervised", 3: "RIS model"}


def test_rows_are_fractions_with_their_source():
    assert all(0.1 < value < 0.8 for row in ROWS for value in scores(row))
    row = one(1, "is3", "VCap+ACls")
    assert scores(row) == (0.654, 0.596, 0.591, 0.652, 0.542, 0.607)
    assert row.source == "Lee & Seo, Interspeech 2025, Table 1"
    assert (row.protocol, row.adaptive_rule, row.note) == ("baav", "official", "")
    assert scores(one(2, "vpo-ss", "LVS")) == (0.146, 0.214, 0.205, 0.286, 0.188, 0.224)


def test_auc_and_miou_track_one_another_except_where_a_note_says_so():
    apart = [row for row in ROWS if not -0.001 <= row.auc - row.miou <= 0.0101]
    assert apart == [one(2, "avsbench-s4", "SSL-TIE")]
    assert "misprint" in apart[0].note


def test_the_best_strategy_is_the_asda_row_of_the_third_table():
    for dataset in PUBLISHED_DATASETS:
        assert scores(one(1, dataset, "VCap+ACls")) == scores(one(3, dataset, "ASDA"))
    assert "Table 1" in one(3, "vpo-ss", "ASDA").note
    assert sum(bool(row.note) for row in ROWS) == 2


def test_an_unknown_data_set_is_refused():
    with pytest.raises(ConfigurationError, match=r"'ms3'.*is3, avsbench-s4, vpo-ss"):
        published_rows("ms3")


def test_the_documented_tables_are_the_shipped_ones():
    text = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text()
    printed = [
        [cell.strip() for cell in line.strip("| \n").split("|")]
        for line in text[text.index("### Published numbers") :].splitlines()
        if line.startswith("|")
    ]
    for row in ROWS:
        wanted = [f"{100 * score:.1f}" for score in scores(row)]
        found = [
            cells for cells in printed if cells[0] == PUBLISHED_DATASETS[row.dataset] and cells[2:] == wanted
        ]
        assert any(cells[1].split(" [")[0] == row.name for cells in found), row
        assert not row.note or row.note in text
