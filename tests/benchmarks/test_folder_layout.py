"""The plain layout of pictures, sounds and masks."""

from __future__ import annotations

from pathlib import Path

import pytest

from fiftyone_avs.benchmarks.layouts.folder import read_folder
from fiftyone_avs.errors import DatasetError
from tests.benchmarks.trees import write_mask, write_picture, write_sound
from tests.benchmarks.trees_boxes import make_folder, read_all


def test_files_of_one_name_belong_together(tmp_path: Path) -> None:
    records, problems = read_all(read_folder(make_folder(tmp_path)))
    assert not problems
    assert [record.name for record in records] == ["a", "b"]
    first = records[0]
    assert first.image == tmp_path / "img/a.jpg"
    assert first.sound == tmp_path / "wav/a.wav"
    assert first.mask is not None and first.mask.path == tmp_path / "gt_seg/a.png"
    assert (first.mask.kind, first.split, first.label, first.boxes) == ("grey", None, None, None)


def test_pictures_without_sound_or_truth_are_kept_and_reported(tmp_path: Path) -> None:
    make_folder(tmp_path)
    write_picture(tmp_path / "img/c.PNG")
    records, problems = read_all(read_folder(tmp_path))
    assert records[-1].name == "c" and records[-1].sound is None and records[-1].mask is None
    assert [(problem.row, problem.reason, problem.left_out) for problem in problems] == [
        ("img/c.PNG", "has no sound", False),
        ("img/c.PNG", "has no ground truth", False),
    ]


def test_a_folder_without_any_truth_reports_none(tmp_path: Path) -> None:
    write_picture(tmp_path / "img/a.png")
    write_sound(tmp_path / "wav/a.wav")
    records, problems = read_all(read_folder(tmp_path))
    assert len(records) == 1 and not problems


def test_files_that_differ_in_their_ending_only_are_reported(tmp_path: Path) -> None:
    make_folder(tmp_path, ["a"])
    write_picture(tmp_path / "img/a.png")
    write_sound(tmp_path / "wav/a.flac")
    write_mask(tmp_path / "gt_seg/a.jpg")
    records, problems = read_all(read_folder(tmp_path))
    assert [record.image.name for record in records] == ["a.jpg"]
    assert records[0].sound == tmp_path / "wav/a.flac"
    assert records[0].mask is not None and records[0].mask.path.name == "a.jpg"
    said = {problem.reason: problem.left_out for problem in problems}
    assert said == {
        "wav/a.wav is left out: a.flac has the same name": False,
        "gt_seg/a.png is left out: a.jpg has the same name": False,
        "a.jpg has the same name but for the ending and is taken instead": True,
    }


def test_damaged_files_leave_their_rows_out(tmp_path: Path) -> None:
    make_folder(tmp_path, ["a", "b", "c", "d", "e"])
    (tmp_path / "img/a.jpg").write_bytes(b"no picture")
    (tmp_path / "wav/b.wav").write_bytes(b"")
    (tmp_path / "gt_seg/c.png").write_bytes(b"no picture")
    write_mask(tmp_path / "gt_seg/d.png", [[True] * 30] * 20)
    records, problems = read_all(read_folder(tmp_path))
    assert [record.name for record in records] == ["e"]
    for problem, name in zip(
        problems, ["img/a.jpg", "wav/b.wav", "gt_seg/c.png", "gt_seg/d.png"], strict=True
    ):
        assert problem.left_out and name in problem.reason


def test_other_files_are_not_looked_at(tmp_path: Path) -> None:
    make_folder(tmp_path, ["a"])
    (tmp_path / "img/notes.txt").write_text("notes")
    assert read_folder(tmp_path).total == 1


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="img"):
        read_folder(tmp_path)
    (tmp_path / "img").mkdir()
    with pytest.raises(DatasetError, match="no pictures"):
        read_folder(tmp_path)
    with pytest.raises(DatasetError, match="'test'"):
        read_folder(make_folder(tmp_path), split="test")
