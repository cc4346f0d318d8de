"""The operators as Python calls them: by their URIs, with plain arguments, on a real database."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from fiftyone.core.odm import get_db_conn
from fiftyone.operators.executor import ExecutionContext, ExecutionError

import fiftyone_avs as avs
from fiftyone_avs.fo.app.plugin_install import PLUGIN
from tests.plugin.conftest import wait_until_done


def call(name, samples, /, *, delegate=False, **params):
    target = {"dataset": samples} if isinstance(samples, fo.Dataset) else {"view": samples}
    return foo.execute_operator(f"{PLUGIN}/{name}", target, params=params, request_delegation=delegate)


def segment(samples, *strategies, **params):
    return call("segment_sounding_objects", samples, strategies=list(strategies) or ["vcap_acls"], **params)


def test_segment_takes_the_demo_models_for_demo_data_and_makes_a_run_per_strategy(images):
    segment(images, "classification", "captioning")
    assert images.count_values("classification_status") == {"ok": len(images)}
    assert images.count_values("captioning_status") == {"ok": len(images)}
    assert {info.preset for info in avs.list_runs(images)} == {"tiny"}


def test_segment_does_the_samples_of_a_view_only_and_goes_on_with_the_rest(images):
    segment(images.limit(3), "classification", run="mine")
    assert images.count("mine_status") == 3
    segment(images, "classification", run="mine")
    assert images.count("mine_status") == len(images)


def test_segment_runs_on_ray_if_it_is_told_so(images):
    segment(images.limit(2), "classification", runner="ray", ray_workers=1, ray_cpus=1, batch_size=2)
    assert images.count_values("classification_status")["ok"] == 2
    with pytest.raises(ExecutionError, match="gpus must be 0, a fraction below 1"):
        segment(images, "captioning", runner="ray", ray_gpus=1.5)


def test_operators_can_be_called_like_functions(images):
    operator = foo.get_operator(f"{PLUGIN}/segment_sounding_objects")
    operator(images.limit(2), strategies=["classification"], max_samples=1)
    assert images.count("classification_status") == 1


def test_an_error_reaches_the_caller(images):
    with pytest.raises(ExecutionError, match="cannot be a run key"):
        segment(images, "classification", run="not a key")
    assert avs.list_runs(images) == []


def test_a_missing_checkpoint_is_told_and_leaves_no_run(images):
    with pytest.raises(ExecutionError, match="checkpoint is not on this machine"):
        segment(images, "vcap_acls", preset="paper")
    assert avs.list_runs(images) == []


def test_evaluate_writes_scores_and_keeps_the_class_field(images):
    segment(images, "vcap_acls")
    call("evaluate_avs", images, preds=["vcap_acls"], class_field="label")
    assert images.count("vcap_acls_eval_iou") == len(images)
    assert images.get_evaluation_info("vcap_acls_eval").config.class_field == "label"


def test_fiftyone_s_own_evaluation_knows_our_metrics(images):
    segment(images, "vcap_acls")
    ours = avs.evaluate(images, "vcap_acls", progress=False).summary
    images.mask_targets = {}
    names = ("ciou", "auc", "miou", "f", "j", "f_threshold")
    made = images.evaluate_segmentations(
        "vcap_acls",
        gt_field="ground_truth",
        eval_key="own",
        custom_metrics=[f"{PLUGIN}/avs_{name}" for name in names],
        progress=False,
    )
    metrics = made.metrics()
    for name in names:
        assert metrics[f"avs_{name}"] == pytest.approx(getattr(ours, name), abs=1e-12)
    entry = made.custom_metrics[f"{PLUGIN}/avs_miou"]
    assert entry["lower_is_better"] is False


def test_evaluate_without_a_run_says_so(images):
    with pytest.raises(ExecutionError, match="Run 'Segment sounding objects' first"):
        call("evaluate_avs", images, preds=["vcap_acls"])
    segment(images, "classification")
    with pytest.raises(ExecutionError, match="choose at least one run"):
        call("evaluate_avs", images, preds=[])


def test_browse_saves_a_sorted_view(images):
    segment(images, "vcap_acls")
    call("evaluate_avs", images, preds=["vcap_acls"])
    found = call("browse_by_iou", images, eval_key="vcap_acls_eval", limit=3, save_as="worst three")
    assert found.result == {"count": 3}
    ious = images.load_saved_view("worst three").values("vcap_acls_eval_iou")
    assert ious == sorted(images.values("vcap_acls_eval_iou"))[:3]


def test_rename_takes_fields_and_evaluations_along_and_delete_removes_them(images):
    segment(images, "vcap_acls")
    call("evaluate_avs", images, preds=["vcap_acls"])
    call("rename_avs_run", images, run="vcap_acls", new_run="first")
    images.reload()
    assert images.count("first") == len(images)
    assert not images.has_field("vcap_acls")
    assert images.get_evaluation_info("first_eval").config.pred_field == "first"
    folder = Path(avs.list_runs(images)[0].directory)
    assert any(folder.iterdir())
    call("delete_avs_run", images, run="first")
    images.reload()
    assert avs.list_runs(images) == []
    assert images.list_evaluations() == []
    assert not [name for name in images.get_field_schema() if name.startswith(("first", "vcap_acls"))]
    assert not folder.exists()


def test_rename_to_a_field_that_is_there_is_refused(images):
    segment(images, "classification")
    with pytest.raises(ExecutionError, match="ground_truth"):
        call("rename_avs_run", images, run="classification", new_run="ground_truth")
    assert images.count("classification") == len(images)


def test_import_opens_a_dataset_that_export_wrote(images, tmp_path):
    segment(images, "vcap_acls")
    call("export_avs_run", images, run="vcap_acls", out=str(tmp_path / "out"))
    call("import_avs_dataset", images, folder=str(tmp_path / "out"), name="imported-again", benchmark="is3")
    imported = fo.load_dataset("imported-again")
    assert imported.persistent and len(imported) == len(images)
    assert imported.count("ground_truth") == len(images)
    imported.delete()


def test_clips_are_made(images, tmp_path):
    segment(images.limit(1), "vcap_acls")
    call("make_avs_clips", images.limit(1), run="vcap_acls", out=str(tmp_path / "clips"))
    assert len(list((tmp_path / "clips").glob("*.mp4"))) == 1


def test_model_status_says_how_to_get_what_is_missing(images):
    found = call("show_avs_models", images, preset="paper").result["models"]
    asda = next(row for row in found if row["name"].startswith("asda"))
    assert asda["state"] == "missing"
    assert "fiftyone-avs models convert asda" in asda["how"]
    tiny = call("show_avs_models", images, preset="tiny").result["models"]
    assert {row["state"] for row in tiny} == {"ready"}


def test_a_delegated_run_waits_for_a_worker_and_is_done_by_one(images):
    segment(images, "classification", delegate=True)
    assert avs.list_runs(images) == []
    host, port = get_db_conn().client.address
    worker = [Path(sys.executable).with_name("fiftyone"), "delegated", "launch", "-t", "local"]
    environment = {**os.environ, "FIFTYONE_DATABASE_URI": f"mongodb://{host}:{port}"}
    with subprocess.Popen(worker, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            wait_until_done(images.name)
        finally:
            process.terminate()
    images.reload()
    assert images.count_values("classification_status") == {"ok": len(images)}


def test_the_operators_come_in_the_order_of_the_work():
    listed = [
        operator for operator in foo.list_operators(builtin=False) if operator.uri.startswith(f"{PLUGIN}/")
    ]
    assert len({operator.config.description[0] for operator in listed if not operator.config.unlisted}) == 1
    names = [operator.name for operator in listed if not operator.config.unlisted]
    first = ["import_avs_dataset", "show_avs_models", "download_avs_models", "segment_sounding_objects"]
    assert names[:4] == first and names[-3:] == ["check_avs_runs", "rename_avs_run", "delete_avs_run"]


def test_what_is_typed_for_a_folder_to_write_to_must_be_a_full_path(images):
    avs.segment(images, "captioning", preset="tiny", progress=False)
    uri = f"{PLUGIN}/export_avs_run"
    for folder, fine in (("exported", False), ("/proc/exported", False), ("/tmp/no-such-folder", True)):
        params = {"run": "captioning", "out": folder}
        ctx = ExecutionContext({"dataset_name": images.name, "params": params}, operator_uri=uri)
        shown = foo.get_operator(uri).resolve_input(ctx).type.properties
        assert ("out_problem" not in shown) == fine, folder
