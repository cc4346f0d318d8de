"""Importing benchmarks in the App: what the form offers, what it checks, and what is shown of bad rows."""

from __future__ import annotations

import asyncio

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from fiftyone.operators.executor import ExecutionContext, ExecutionError, execute_or_delegate_operator

from fiftyone_avs.benchmarks.registry import BENCHMARKS
from fiftyone_avs.fo.app.plugin_install import PLUGIN
from tests.benchmarks.trees import make_is3, make_s4

URI = f"{PLUGIN}/import_avs_dataset"


@pytest.fixture
def opened():
    """A dataset that is open in the App; what is imported is deleted with it."""
    before = set(fo.list_datasets())
    yield fo.Dataset()
    for name in set(fo.list_datasets()) - before:
        fo.delete_dataset(name)


def form(opened, **params):
    """The properties of the form, by name."""
    operator = foo.get_operator(URI)
    ctx = ExecutionContext({"dataset_name": opened.name, "params": params}, operator_uri=URI)
    return operator.resolve_input(ctx).type.properties


def in_the_app(opened, **params):
    """What the App is told, message by message."""
    request = {"operator_uri": URI, "dataset_name": opened.name, "params": params}
    done = asyncio.run(execute_or_delegate_operator(URI, request))
    assert done.is_generator
    return [message.body.params for message in done.result]


def test_the_form_offers_every_layout(opened):
    choices = form(opened)["layout"].type.values
    assert set(choices) == {"images", "videos", *BENCHMARKS} - {"folder"}


def test_the_form_asks_what_a_benchmark_has(opened):
    assert {"benchmark"} <= set(form(opened)) and not {"split", "limit"} & set(form(opened))
    s4 = form(opened, layout="avsbench-s4")
    assert {"split", "as_videos", "limit"} <= set(s4) and "benchmark" not in s4
    assert s4["split"].type.values == ["train", "val", "test", "all"] and s4["split"].default == "test"
    assert not {"split", "as_videos"} & set(form(opened, layout="is3"))
    assert "negatives" in form(opened, layout="vgg-ss") and "index" in form(opened, layout="sslalign")


def test_the_form_says_what_the_dataset_will_be_called(opened, tmp_path):
    s4 = form(opened, layout="avsbench-s4", folder=str(tmp_path), split="val")
    assert s4["name"].view.description == "By default avsbench-s4-val"
    stale = form(opened, layout="vgg-ss", folder=str(tmp_path), split="train")
    assert stale["name"].view.description == "By default vgg-ss-test" and "folder_problem" not in stale


def test_the_form_says_what_cannot_work(opened, tmp_path):
    assert form(opened, layout="is3", folder=str(tmp_path / "nowhere"))["folder_problem"].invalid
    assert form(opened, layout="is3", folder=str(tmp_path), limit=-1)["limit_problem"].invalid
    assert form(opened, layout="is3", folder=str(tmp_path), name=opened.name)["name_problem"].invalid


def test_the_app_sees_progress_and_the_rows_that_were_left_out(opened, tmp_path):
    root = make_is3(tmp_path)
    (root / "images" / "fox_train_fox.jpg").unlink()
    said = in_the_app(opened, layout="is3", folder=str(root))
    labels = [params.get("label") for params in said if "progress" in params]
    assert labels[0] == "importing" and labels[-2:] == ["importing: 4 of 4", "importing: done"]
    assert any("3 imported, 1 left out" in str(params.get("message")) for params in said)
    (rows,) = (params["results"]["rows"] for params in said if "results" in params)
    assert len(rows) == 1 and "fox_train_fox" in rows[0]["row"] and "does not exist" in rows[0]["reason"]
    assert len(fo.load_dataset("is3")) == 3


def test_python_can_import_clips(opened, tmp_path):
    root = make_s4(tmp_path, clips=True)
    params = {"layout": "avsbench-s4", "folder": str(root), "split": "val", "as_videos": True, "limit": 1}
    foo.execute_operator(URI, {"dataset": opened}, params=params)
    imported = fo.load_dataset("avsbench-s4-val")
    assert imported.media_type == "video" and len(imported) == 1
    assert imported.info["fiftyone_avs_import"]["left_out"] == 0


def test_a_folder_without_the_benchmark_is_an_error_that_says_so(opened, tmp_path):
    with pytest.raises(ExecutionError, match=r"does not hold s4_meta_data\.csv"):
        foo.execute_operator(
            URI, {"dataset": opened}, params={"layout": "avsbench-s4", "folder": str(tmp_path)}
        )
    assert not fo.dataset_exists("avsbench-s4-test")
