"""The demo, as a user runs it: one command, a table, a report, a contact sheet and datasets for the App."""

from __future__ import annotations

import json

import fiftyone as fo
import pytest
from PIL import Image

from fiftyone_avs.cli import main
from fiftyone_avs.fo.studies.demo import IMAGES, VIDEOS
from fiftyone_avs.tiny.trial import CONTROLS, STRATEGIES, SUBSETS

SAMPLES = 8


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo")
    arguments = ["--samples", str(SAMPLES), "--videos", "1", "--seed", "21"]
    assert main(["demo", *arguments, "--out", str(out), "--json", str(out / "report.json")]) == 0
    return out


def test_the_report_has_a_row_for_every_name_and_subset(demo):
    report = json.loads((demo / "report.json").read_text())
    assert (report["seed"], report["protocol"]) == (21, "baav")
    assert {(row["name"], row["subset"]) for row in report["rows"]} == {
        (name, subset) for name in (*STRATEGIES, *CONTROLS) for subset in SUBSETS
    }


def test_counts_add_up_and_scores_are_fractions(demo):
    for row in json.loads((demo / "report.json").read_text())["rows"]:
        assert row["ok"] + row["abstained"] + row["failed"] == row["n"]
        assert row["failed"] == 0
        for score in ("ciou", "auc", "miou", "f", "j", "f_threshold"):
            assert row[score] is None or 0 <= row[score] <= 1
        if row["subset"] == "all":
            assert row["n"] == SAMPLES


def test_single_and_pair_share_the_scenes_between_them(demo):
    rows = json.loads((demo / "report.json").read_text())["rows"]
    sizes = {row["subset"]: row["n"] for row in rows if row["name"] == "vcap_acls"}
    assert sizes["single"] + sizes["pair"] == sizes["all"]
    assert 0 < sizes["unseen_style"] < sizes["all"]


def test_the_contact_sheet_is_a_picture(demo):
    with Image.open(demo / "contact-sheet.png") as sheet:
        assert sheet.width > 1000


def test_the_datasets_hold_runs_evaluations_and_the_demo_mark(demo):
    dataset = fo.load_dataset(IMAGES)
    assert set(dataset.list_runs()) == {*STRATEGIES, *CONTROLS}
    assert len(dataset.list_evaluations()) == len(STRATEGIES) + len(CONTROLS)
    assert dataset.match(fo.ViewField("vcap_acls_eval_iou") <= 1).count() == SAMPLES
    assert dataset.first().vcap_acls_query.label
    videos = fo.load_dataset(VIDEOS)
    assert videos.first().vcap_acls_status == "ok"
    assert videos.count("frames.vcap_acls") == 10  # two seconds at five frames per second


def test_a_second_demo_replaces_the_first(demo, capsys):
    assert main(["demo", "--samples", "2", "--videos", "0", "--out", str(demo)]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in (*STRATEGIES, *CONTROLS, "cIoU", "abstained"))
    assert len(fo.load_dataset(IMAGES)) == 2
