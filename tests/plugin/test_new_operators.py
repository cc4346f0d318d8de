"""Importing predictions, controls, sheets and the paper's tables, as Python calls the operators."""

from __future__ import annotations

from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest
from fiftyone.operators.executor import ExecutionError
from PIL import Image

import fiftyone_avs as avs
from fiftyone_avs.fo.app.plugin_install import PLUGIN
from fiftyone_avs.tiny.scenes import make_scenes
from tests.benchmarks.trees import Scene, make_is3
from tests.plugin.test_operators import call


def form_of(name, dataset, /, **params):
    """The names of the fields of an operator's form, and its messages by name."""
    operator = foo.get_operator(f"{PLUGIN}/{name}")
    context = foo.executor.ExecutionContext(
        request_params={"dataset_name": dataset.name, "params": params}, operator_uri=operator.uri
    )
    properties = operator.resolve_input(context).to_json()["type"]["properties"]
    return {name: found["view"].get("description") for name, found in properties.items()}


@pytest.fixture
def maps(images, tmp_path):
    """A soft map for every image but the last, that brightens towards the right."""
    folder = tmp_path / "maps"
    folder.mkdir()
    ramp = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (64, 1))
    for path in images.values("filepath")[:-1]:
        np.save(folder / f"{Path(path).stem}.npy", ramp)
    return folder


def test_predictions_become_a_run(images, maps):
    call("import_avs_predictions", images, folder=str(maps), run="theirs", source="a paper")
    images.reload()
    assert images.count_values("theirs_status")["ok"] == len(images) - 1
    (info,) = avs.list_runs(images)
    assert info.settings["source"] == "a paper" and info.counts["failed"] == 1
    call("evaluate_avs", images, preds=["theirs"])
    assert images.count("theirs_eval_iou") == len(images)


def test_the_form_of_an_import_says_what_would_happen(images, maps):
    empty = form_of("import_avs_predictions", images)
    assert {"folder", "run", "activation", "first_frame", "name_field"} <= empty.keys()
    shown = form_of("import_avs_predictions", images, folder=str(maps), run="theirs")
    assert shown["folder_remark"] == f"{len(images) - 1} of {len(images)} samples of the dataset have a file"
    shown = form_of("import_avs_predictions", images, folder=str(maps / "nowhere"), run="theirs")
    assert "there is no folder" in shown["folder_problem"]
    shown = form_of("import_avs_predictions", images, folder=str(maps), run="ground_truth")
    assert "choose another run key" in shown["run_problem"]


def test_an_import_that_cannot_be_reaches_the_caller(images, tmp_path):
    with pytest.raises(ExecutionError, match="there is no folder"):
        call("import_avs_predictions", images, folder=str(tmp_path / "nowhere"), run="theirs")


def test_controls_are_run_beside_the_strategy(images):
    call("run_avs_controls", images, strategy="classification", controls=["swapped", "centre"])
    images.reload()
    assert {info.key for info in avs.list_runs(images)} == {
        "classification",
        "classification_swapped",
        "floor_centre",
    }
    assert images.count("classification_controls_iou") == len(images)
    assert None not in images.values("audio_swapped")


def test_the_form_of_controls_says_what_would_go_wrong(images):
    assert not [name for name in form_of("run_avs_controls", images) if name.endswith("_problem")]
    assert "no control" in form_of("run_avs_controls", images, controls=[])["controls_problem"]
    missing = form_of("run_avs_controls", images, preset="paper")
    assert "not on this machine" in missing["preset_problem"]


def test_controls_of_videos_are_refused(videos):
    assert "image samples" in form_of("run_avs_controls", videos)["samples_problem"]


def test_a_sheet_is_drawn_of_the_chosen_samples(images, tmp_path):
    assert list(form_of("make_avs_sheet", images)) == ["absent_problem"]  # there are no runs yet
    avs.segment(images, "classification", preset="tiny", progress=False)
    out = tmp_path / "sheet.png"
    assert not [name for name in form_of("make_avs_sheet", images, out=str(out)) if name.endswith("_problem")]
    wrong = form_of("make_avs_sheet", images, out=str(tmp_path / "sheet.gif"))
    assert "not 'sheet.gif'" in wrong["out_problem"]
    call("make_avs_sheet", images[:2], runs=["classification"], gt="ground_truth", out=str(out), cell=64)
    with Image.open(out) as two:
        call("make_avs_sheet", images[:1], runs=["classification"], out=str(tmp_path / "one.png"), cell=64)
        with Image.open(tmp_path / "one.png") as one:
            assert two.width > one.width and two.height > one.height


@pytest.fixture
def is3(tmp_path):
    """Two annotations of a picture of the drawn world in IS3's layout."""
    pair = [scene for scene in make_scenes(3, 4) if scene.kind == "pair"]
    named = {f"a_b_1_{scene.label}": Scene(scene.image, scene.sound, scene.mask > 0) for scene in pair}
    classes = dict(zip(named, (scene.label for scene in pair), strict=True))
    return make_is3(tmp_path / "is3", named, classes, rate=pair[0].sample_rate)


def test_a_table_of_the_paper_is_made_again(images, is3, tmp_path):
    options = {"table": "table3", "benchmark": "is3", "data": str(is3), "preset": "tiny", "limit": 2}
    assert "data_problem" not in form_of("reproduce_avs_table", images, **options)
    wrong = form_of("reproduce_avs_table", images, **{**options, "data": str(is3 / "nowhere")})
    assert "there is no folder" in wrong["data_problem"]
    assert "predictions" in form_of("reproduce_avs_table", images, table="table2")
    try:
        call("reproduce_avs_table", images, **options, out=str(tmp_path / "out"))
        dataset = fo.load_dataset("is3-first-2")
        assert dataset.count_values("vcap_acls_tiny_status") == {"ok": 2}
        assert (tmp_path / "out" / "table3.csv").is_file()
    finally:
        fo.delete_dataset("is3-first-2")


def test_the_form_of_a_download_says_what_and_how_much(images):
    shown = form_of("download_avs_models", images, preset="open", strategies=["vcap_acls"])
    assert shown["preset_remark"].startswith("about 3.3 GB to ") and "are free" in shown["preset_remark"]
    shown = form_of("download_avs_models", images, preset="paper")
    assert "asda_remark" in shown and "beats-as2m_remark" in shown
    assert form_of("download_avs_models", images, preset="tiny")["preset_remark"] == "nothing to download"


def test_a_download_ends_where_nothing_is_missing_and_fails_where_it_cannot_work(images):
    call("download_avs_models", images, preset="tiny")
    with pytest.raises(ExecutionError, match="HF_HUB_OFFLINE forbids to download"):
        call("download_avs_models", images, preset="open")


def test_the_form_of_segment_says_what_is_downloaded_first(images):
    shown = form_of("segment_sounding_objects", images, strategies=["vcap_acls"], preset="open")
    assert shown["download_remark"].startswith("about 3.3 GB to ")
    assert "download_remark" not in form_of("segment_sounding_objects", images, preset="tiny")
