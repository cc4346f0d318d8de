"""Contact sheets of a dataset's runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fiftyone_avs import evaluate, segment
from fiftyone_avs.cli import EXIT_ERROR, EXIT_OK, main
from fiftyone_avs.drawing.contact_sheet import CELL, HEADER, MARGIN, TEXT_HEIGHT
from fiftyone_avs.errors import ConfigurationError, DatasetError
from fiftyone_avs.fo import browse_by_iou
from fiftyone_avs.fo.exporting.sheets import choose_samples, make_sheet
from fiftyone_avs.models import fake
from tests.fo.judged import judge_images


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """Eight samples with two runs and their evaluations; not to be changed."""
    dataset = judge_images(tmp_path_factory.mktemp("judged"))
    yield dataset
    dataset.delete()


def sheet_of(samples, path, runs=("plain", "striped"), **options):
    """The summary and the pixels of a sheet with cells of the usual size."""
    summary = make_sheet(samples, runs, path, cell=CELL, **options)
    with Image.open(path) as picture:
        return summary, np.asarray(picture.convert("RGB"))


def cell_of(pixels, row, column):
    """The pixels of a picture on a sheet."""
    top, left = HEADER + row * (CELL + TEXT_HEIGHT), MARGIN + column * (CELL + MARGIN)
    return pixels[top : top + CELL, left : left + CELL].astype(int)


def text_below(pixels, row, column):
    """The pixels of the text below a picture."""
    top, left = HEADER + row * (CELL + TEXT_HEIGHT) + CELL, MARGIN + column * (CELL + MARGIN)
    return pixels[top : top + TEXT_HEIGHT, left : left + CELL]


def is_tinted(cell, channel):
    """Whether the right half is tinted in a channel's colour."""
    right = cell[CELL // 2, CELL * 3 // 4]
    return right[channel] > right[[other for other in range(3) if other != channel]].max() + 20


def test_a_row_per_sample_and_a_column_per_run(judged, tmp_path):
    summary, pixels = sheet_of(judged[5:8], tmp_path / "sheet.png")
    assert (summary.rows, summary.left_out, summary.problems) == (3, 0, {})
    assert pixels.shape == (HEADER + 3 * (CELL + TEXT_HEIGHT) + MARGIN, MARGIN + 4 * (CELL + MARGIN), 3)
    assert is_tinted(cell_of(pixels, 0, 1), 1) and not is_tinted(cell_of(pixels, 0, 0), 1)
    assert any(is_tinted(cell_of(pixels, row, 2), 0) for row in range(3))
    assert not np.array_equal(cell_of(pixels, 0, 2), cell_of(pixels, 0, 3))


def test_scores_stand_below_masks_and_reasons_below_those_without(judged, tmp_path):
    _, scored = sheet_of(judged[5:6], tmp_path / "a.png")
    _, unscored = sheet_of(judged[5:6], tmp_path / "b.png", eval_keys=["striped_eval"])
    assert not np.array_equal(text_below(scored, 0, 2), text_below(unscored, 0, 2))
    assert np.array_equal(text_below(scored, 0, 3), text_below(unscored, 0, 3))
    _, abstained = sheet_of(judged[:1], tmp_path / "c.png")
    assert (text_below(abstained, 0, 2) < 128).any() and not is_tinted(cell_of(abstained, 0, 2), 0)


def test_the_ground_truth_can_be_left_out(judged, tmp_path):
    _, pixels = sheet_of(judged[5:6], tmp_path / "sheet.png", runs=["plain"], gt=None)
    assert pixels.shape[1] == MARGIN + 2 * (CELL + MARGIN)


def test_rows_have_a_limit_and_cells_a_size(judged, tmp_path):
    summary = make_sheet(judged, ["plain"], tmp_path / "sheet.png", max_rows=2, cell=2 * CELL)
    assert (summary.rows, summary.left_out) == (2, 6) and "6 more left out" in str(summary)
    with Image.open(tmp_path / "sheet.png") as picture:
        assert picture.size[0] == 2 * (MARGIN + 3 * (CELL + MARGIN))
        assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_a_pdf_has_300_dots_per_inch(judged, tmp_path):
    make_sheet(judged[:1], ["plain"], tmp_path / "new" / "sheet.pdf")
    content = (tmp_path / "new" / "sheet.pdf").read_bytes()
    assert content.startswith(b"%PDF") and b"/MediaBox" in content
    width = (2 * 6 * 320 / 176 + 3 * (320 + 6 * 320 / 176)) * 72 / 300
    box = content.split(b"/MediaBox")[1].split(b"]")[0].split()
    assert float(box[-2]) == pytest.approx(width, rel=0.05)


def test_texts_can_be_of_ones_own(judged, tmp_path):
    seen = []

    def describe(inspection):
        seen.append((inspection.sample_id, [run.run for run in inspection.runs]))
        return "mine"

    _, mine = sheet_of(judged[5:6], tmp_path / "a.png", describe=describe)
    _, usual = sheet_of(judged[5:6], tmp_path / "b.png")
    assert seen == [(judged[5:6].first().id, ["plain", "striped"])]
    assert not np.array_equal(text_below(mine, 0, 0), text_below(usual, 0, 0))
    _, kind = sheet_of(judged[5:6], tmp_path / "c.png", label_field="kind")
    assert np.array_equal(text_below(kind, 0, 1), text_below(usual, 0, 1))


def test_samples_are_chosen_by_id_and_by_score(judged):
    ids = judged.values("id")
    assert choose_samples(judged, ids=[ids[6], ids[2]]).values("id") == [ids[6], ids[2]]
    assert choose_samples(judged, limit=3).values("id") == ids[:3]
    for order in ("worst", "best"):
        chosen = choose_samples(judged, limit=2, **{order: "plain_eval"})
        assert chosen.values("id") == browse_by_iou(judged, "plain_eval", order=order, limit=2).values("id")
    for options in ({"worst": "plain_eval", "best": "plain_eval"}, {"limit": 0}):
        with pytest.raises(ConfigurationError):
            choose_samples(judged, **options)
    with pytest.raises(DatasetError, match="no sample 'nobody'"):
        choose_samples(judged, ids=["nobody"])


def test_what_cannot_be_drawn_is_refused_and_nothing_written(judged, tmp_path):
    path = tmp_path / "sheet.png"
    for options in ({"path": tmp_path / "sheet.gif"}, {"runs": []}, {"max_rows": 0}, {"cell": 10}):
        with pytest.raises(ConfigurationError):
            make_sheet(judged, **{"runs": ["plain"], "path": path, **options})
    with pytest.raises(ConfigurationError, match="too large"):
        make_sheet(judged, ["plain"] * 10, path, cell=1600)
    for options in ({"runs": ["nothing"]}, {"gt": "label"}, {"eval_keys": ["nothing"]}):
        with pytest.raises(DatasetError):
            make_sheet(judged, **{"runs": ["plain"], "path": path, **options})
    assert list(tmp_path.iterdir()) == []


def test_a_sample_that_cannot_be_read_has_its_row(make_images, output, tmp_path):
    dataset = make_images(2)
    segment(dataset, run="plain", models=fake.fake_models(), output_dir=output, progress=False)
    evaluate(dataset, "plain", progress=False)
    Path(dataset.first().filepath).write_bytes(b"no picture")
    summary, pixels = sheet_of(dataset, tmp_path / "sheet.png", runs=["plain"])
    assert summary.rows == 2 and list(summary.problems) == [dataset.first().id]
    assert "picture" in summary.problems[dataset.first().id]
    assert is_tinted(cell_of(pixels, 1, 2), 0)


def test_of_videos_a_labelled_frame_is_shown(videos, output, tmp_path):
    segment(videos[:1], run="plain", models=fake.fake_models(), output_dir=output, progress=False)
    _, first = sheet_of(videos[:1], tmp_path / "a.png", runs=["plain"], gt=None)
    _, later = sheet_of(videos[:1], tmp_path / "b.png", runs=["plain"], gt=None, frame_number=15)
    assert not np.array_equal(first, later)


def test_the_command_draws_the_worst(judged, tmp_path, capsys):
    out = tmp_path / "sheet.png"
    arguments = ["sheet", judged.name, "--runs", "plain", "striped", "--out", str(out), "--gt", "none"]
    assert main([*arguments, "--worst", "plain_eval", "--limit", "2", "--cell", "100"]) == EXIT_OK
    assert "sheet.png: 2 samples" in capsys.readouterr().out
    with Image.open(out) as picture:
        assert picture.height < 3 * 176
    assert main(["sheet", judged.name, "--runs", "nothing", "--out", str(out)]) == EXIT_ERROR
    assert "no run 'nothing'" in capsys.readouterr().err
