"""The notebook runs from the first cell to the last, and does what it says."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import fiftyone as fo
import pytest
import yaml

import fiftyone_avs as avs
from fiftyone_avs.fo import METRICS
from fiftyone_avs.media import video_info
from fiftyone_avs.tiny.scenes import make_scenes, write_scenes

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples" / "app_workflow.ipynb"
NAME = "avs-workflow"
SAMPLES = 10
KEPT = "runs: ['vcap_acls'] evaluations: ['vcap_acls_eval']"
ONLY_IN_THE_APP = {"open_avs_sample"}
EARLIER_NAMES = {"make_review_clips"}
NEEDS_A_BENCHMARK = {"reproduce_avs_table"}
NEEDS_A_RUN_UNDER_WAY = {"stop_avs_run", "resume_avs_run"}
NEEDS_THE_HUB = {"download_avs_models"}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """The folder in which the notebook ran without the App, and what it printed.

    It runs as on data of one's own first, then as it stands, on top of what the first round left. The process
    has a plugins folder of its own, in which there is no plugin yet.
    """
    folder = tmp_path_factory.mktemp("notebook")
    write_scenes(folder / NAME / "world", make_scenes(seed=3, samples=3))
    script = Path(__file__).with_name("notebook_run.py")
    done = subprocess.run(
        [sys.executable, str(script), str(NOTEBOOK), "app,demo-world", "app"],
        env={**os.environ, "FIFTYONE_PLUGINS_DIR": str(folder / "plugins")},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    yield folder, done.stdout
    for name in (NAME, f"{NAME}-again"):
        fo.delete_dataset(name)


def cells(kind):
    return [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == kind]


def test_the_dataset_is_left_with_the_run_that_was_kept(outcome):
    dataset = fo.load_dataset(NAME)
    assert dataset.persistent and len(dataset) == SAMPLES
    [info] = avs.list_runs(dataset)
    assert (info.key, info.preset, info.counts["failed"]) == ("vcap_acls", "tiny", 0)
    assert sum(info.counts.values()) == SAMPLES
    assert dataset.list_evaluations() == ["vcap_acls_eval"]
    results = dataset.load_evaluation_results("vcap_acls_eval")
    assert results.summary.n == SAMPLES and results.config.class_field == "label"
    others = ("classification", "sound_", "floor_", "theirs", "vcap_acls_swapped", "vcap_acls_controls")
    assert not [name for name in dataset.get_field_schema() if name.startswith(others)]


def test_the_worst_are_a_view_and_the_one_that_was_looked_at_has_a_verdict(outcome):
    dataset = fo.load_dataset(NAME)
    worst = dataset.load_saved_view("worst")
    ious = dataset.values("vcap_acls_eval_iou")
    assert worst.values("vcap_acls_eval_iou") == sorted(ious)[:4]
    assert dataset.match_tags("bad mask").values("id") == [worst.first().id]


def test_what_was_exported_is_imported_with_the_same_masks(outcome):
    folder, _ = outcome
    dataset, again = fo.load_dataset(NAME), fo.load_dataset(f"{NAME}-again")
    found = dataset.match({"vcap_acls_status": "ok"})
    assert len(again) == again.count("ground_truth") == again.count("audio_path") == len(found) > 0
    masks = {Path(sample.filepath).stem: sample["vcap_acls"].get_mask() for sample in found}
    for sample in again:
        assert (sample["ground_truth"].get_mask() == masks[Path(sample.filepath).stem]).all()
    with (folder / NAME / "export" / "vcap_acls.csv").open(newline="") as table:
        assert len(list(csv.DictReader(table))) == SAMPLES


def test_what_was_shown_and_written_can_be_seen_and_heard(outcome):
    folder, printed = outcome
    shown = json.loads(printed.splitlines()[-1])
    assert [kind for kind, _ in shown] == ["Image", "Image", "Image", "Audio", "Image"]
    assert all(min(size) > 100 for kind, size in shown if kind == "Image")
    clips = sorted((folder / NAME / "clips").glob("*.mp4"))
    assert len(clips) == 2 and all(video_info(clip).has_sound for clip in clips)
    assert (folder / NAME / "comparison.png").is_file()
    scores = {key: float(score) for key, score in re.findall(r"(\w+): mIoU ([\d.]+)", printed)}
    assert scores["vcap_acls"] > max(score for key, score in scores.items() if key != "vcap_acls")
    assert re.search(r"theirs: J \d", printed)
    assert "Protocol baav" in printed
    assert "'sound_only_eval': 'sound_only'" in printed


def test_it_runs_on_a_folder_of_ones_own_without_the_cells_of_the_demo_world(outcome):
    _, printed = outcome
    own, _, demo = printed.partition(f"{SAMPLES} scenes: ")
    assert "3 samples, 3 with a ground truth" in own and KEPT in own
    assert f"{SAMPLES} samples, {SAMPLES} with a ground truth" in demo and KEPT in demo


def test_every_operator_is_shown_but_those_that_only_open_something(outcome):
    manifest = yaml.safe_load((ROOT / "plugin" / "fiftyone.yml").read_text())
    source = "".join("".join(cell["source"]) for cell in cells("code"))
    used = set(re.findall(rf"{re.escape(manifest['name'])}/(\w+)", source))
    metrics = {f"avs_{name}" for name in METRICS}  # of FiftyOne's own evaluation
    elsewhere = ONLY_IN_THE_APP | EARLIER_NAMES | NEEDS_A_BENCHMARK | NEEDS_A_RUN_UNDER_WAY | NEEDS_THE_HUB
    assert used == set(manifest["operators"]) - elsewhere - metrics


def test_the_file_is_clean():
    for cell in cells("code"):
        assert cell["outputs"] == [] and cell["execution_count"] is None
    assert not re.search(r"/(home|Users|tmp|root)/|[A-Z]:\\\\", NOTEBOOK.read_text())
    assert [cell["metadata"].get("tags") for cell in cells("code")][-1] == ["app"]
    assert "launch_app" not in "".join("".join(cell["source"]) for cell in cells("code")[:-1])
