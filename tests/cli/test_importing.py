"""``fiftyone-avs import`` on benchmarks: what it prints, and its exit codes."""

from __future__ import annotations

import csv

import fiftyone as fo
import pytest

from fiftyone_avs.cli import EXIT_ERROR, EXIT_OK, EXIT_SOME_FAILED, EXIT_USAGE, main
from tests.benchmarks.trees import make_is3, make_ms3, make_s4
from tests.benchmarks.trees_boxes import make_folder

pytestmark = pytest.mark.usefixtures("no_datasets_stay")


def test_a_benchmark_is_imported_and_what_comes_next_is_said(tmp_path, capsys):
    make_s4(tmp_path)
    assert main(["import", str(tmp_path), "--benchmark", "s4", "--split", "val", "--limit", "4"]) == EXIT_OK
    assert (
        "dataset 'avsbench-s4-val': 4 samples from 5 rows: 4 imported, 0 left out, 1 not read."
        " Next: fiftyone-avs segment avsbench-s4-val"
    ) in capsys.readouterr().out
    assert fo.load_dataset("avsbench-s4-val").persistent


def test_rows_that_were_left_out_are_shown_written_and_told_by_the_exit_code(tmp_path, capsys):
    names = [f"dog_cat_{number}_dog" for number in range(13)]
    root = make_is3(tmp_path / "is3", classes=dict.fromkeys(names, "dog"))
    for name in names[1:]:
        (root / "audio_waw" / f"{name}.wav").unlink()
    report = tmp_path / "problems.csv"
    command = ["import", str(root), "--benchmark", "is3", "--name", "mine", "--report", str(report)]
    assert main(command) == EXIT_SOME_FAILED
    printed = capsys.readouterr()
    assert "dataset 'mine': 1 samples from 13 rows: 1 imported, 12 left out" in printed.out
    assert printed.err.count("the file does not exist") == 10 and "and 2 more" in printed.err
    with report.open(newline="") as file:
        assert len(list(csv.reader(file))) == 13


def test_clips_are_imported_as_videos(tmp_path):
    make_ms3(tmp_path, clips=True)
    masks = tmp_path / "masks"
    options = ["--benchmark", "ms3", "--as", "videos", "--name", "clips", "--masks", str(masks)]
    assert main(["import", str(tmp_path), *options]) == EXIT_OK
    assert fo.load_dataset("clips").media_type == "video" and (masks / "test").is_dir()


def test_what_cannot_work_is_said(tmp_path, capsys):
    make_folder(tmp_path)
    assert main(["import", str(tmp_path), "--split", "val"]) == EXIT_USAGE
    assert "split is for benchmarks in their own layout" in capsys.readouterr().err
    assert main(["import", str(tmp_path), "--benchmark", "vgg-ss"]) == EXIT_ERROR
    assert "does not hold vggss.json" in capsys.readouterr().err
    assert main(["import", str(tmp_path), "--benchmark", "ms3", "--split", "exam"]) == EXIT_USAGE
    assert "no split 'exam'" in capsys.readouterr().err


def test_a_dry_run_says_what_would_be_paired_and_makes_nothing(tmp_path, capsys):
    root = make_folder(tmp_path / "plain")
    before = fo.list_datasets()
    assert main(["import", str(root), "--dry-run"]) == EXIT_OK
    assert "in img/, wav/ and gt_seg/" in capsys.readouterr().out
    assert fo.list_datasets() == before
