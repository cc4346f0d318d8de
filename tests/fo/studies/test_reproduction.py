"""The paper's tables made again, end to end, on small trees in the official layouts and with the embedded models."""

from __future__ import annotations

import csv
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import fiftyone as fo
import numpy as np
import pytest
from fiftyone.core.odm import get_db_conn
from PIL import Image

import fiftyone_avs as avs
from fiftyone_avs.errors import ConfigurationError, DatasetError, ModelError
from fiftyone_avs.fo import METRICS, benchmark_of, check_reproduce, list_run_keys
from fiftyone_avs.paper.published import published_rows
from fiftyone_avs.tiny.scenes import make_scenes
from tests.benchmarks.trees import Scene, Video, make_is3, make_s4

RATE = 16000
PATIENCE = 120  # seconds

pytestmark = [
    pytest.mark.usefixtures("no_datasets_stay"),
    pytest.mark.filterwarnings("ignore:preset 'tiny' knows the drawn demo world only"),
]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Tables that are given no folder go below the working folder, which is not to be this repository."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def scenes():
    """Eight scenes of the drawn world: four single ones and two pairs."""
    found = list(make_scenes(3, 8))
    assert {scene.sample_rate for scene in found} == {RATE}
    return found


@pytest.fixture(scope="module")
def is3(scenes, tmp_path_factory):
    """The two pairs in IS3's layout: four annotations of two pictures."""
    named = {}
    for scene in scenes:
        if scene.kind == "pair":
            number = scene.id.split("-")[1]
            named[f"{'_'.join(scene.objects[-2:])}_{number}_{scene.label}"] = scene
    pictures = {name: Scene(scene.image, scene.sound, scene.mask > 0) for name, scene in named.items()}
    classes = {name: scene.label for name, scene in named.items()}
    return make_is3(tmp_path_factory.mktemp("is3"), pictures, classes, rate=RATE)


@pytest.fixture(scope="module")
def s4(scenes, tmp_path_factory):
    """Two clips of five frames each in S4's layout, one of the training split beside them."""
    singles = [scene for scene in scenes if scene.kind == "single"]
    videos = [
        Video(
            f"clip{number}",
            "test" if number < 2 else "train",
            scene.label,
            frames=tuple(
                Scene(np.roll(scene.image, 3 * k, 1), None, np.roll(scene.mask > 0, 3 * k, 1))
                for k in range(5)
            ),
            sound=scene.sound,
        )
        for number, scene in enumerate(singles[:3])
    ]
    return make_s4(tmp_path_factory.mktemp("s4"), videos, rate=RATE)


def quietly(*arguments, **options):
    said = []
    found = avs.reproduce(*arguments, **{"preset": "tiny", "progress": False, "say": said.append, **options})
    return found, said


def test_table_1_of_is3_with_all_strategies(is3, tmp_path):
    found, said = quietly(1, is3, "is3", out=tmp_path)
    dataset = fo.load_dataset(found.dataset)
    assert dataset.name == "is3" and dataset.persistent and benchmark_of(dataset) == "is3"
    assert len(dataset) == 4 and len(set(dataset.values("pair_id"))) == 2
    strategies = ["classification", "captioning", "inversion", "vcap_acls", "acap_vcls"]
    assert list_run_keys(dataset) == [f"{strategy}_tiny" for strategy in strategies]
    published = [row for row in published_rows("is3") if row.table == 1]
    assert [row.name for row in found.rows] == [row.name for row in published]
    for row, printed in zip(found.rows, published, strict=True):
        results = dataset.load_evaluation_results(f"{row.run}_eval")
        assert row.published == printed and row.summary == results.summary and row.summary.n == 4
        assert sum(row.counts.values()) == 4
        wanted = [100 * (getattr(row.summary, name) - getattr(printed, name)) for name in METRICS]
        assert row.differences() == pytest.approx(wanted)
    by_name = {row.name: row for row in found.rows}
    assert by_name["VCap+ACls"].summary.miou > 0.5  # the drawn world is what these models know
    assert any("4 ok" in line for line in said)
    assert re.search(
        r"^VCap\+ACls: run .*; beyond the paper: IIoU [\d.]+, IAUC [\d.]+$", found.to_text(), re.M
    )

    lines = list(csv.DictReader(found.files[0].open(newline="")))
    assert [(line["name"], line["origin"]) for line in lines] == [
        (row.name, origin) for row in found.rows for origin in ("ours", "published")
    ]
    assert float(lines[6]["miou"]) == by_name["VCap+ACls"].summary.miou and lines[7]["miou"] == "0.591"
    assert lines[6]["ok"] == "4" and lines[6]["run"] == "vcap_acls_tiny"
    text = found.files[1].read_text()
    assert text.startswith("## Table 1, IS3") and "| VCap+ACls | ours |" in text and "difference" in text
    assert "protocol baav, preset tiny" in text and "demo world only" in text
    with Image.open(found.files[2]) as plot:
        assert plot.width > 500 and len(set(plot.convert("L").resize((64, 32)).getdata())) > 10


def test_a_killed_reproduction_goes_on_where_it_was(s4, tmp_path):
    host, port = get_db_conn().client.address
    out = tmp_path / "out"
    options = [
        "--preset",
        "tiny",
        "--strategies",
        "classification",
        "vcap_acls",
        "--batch-size",
        "1",
        "--out",
        out,
    ]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "fiftyone_avs",
            "reproduce",
            "table1",
            "--data",
            s4,
            "--dataset",
            "s4",
            *options,
        ],
        env={**os.environ, "FIFTYONE_DATABASE_URI": f"mongodb://{host}:{port}"},
        cwd=Path(__file__).parents[3],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        done = wait_for_some(process, "avsbench-s4-test", "classification_tiny_status")
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    dataset = fo.load_dataset("avsbench-s4-test")
    dataset.reload()
    written = {sample.id: Path(sample["classification_tiny"].mask_path) for sample in dataset.select(done)}
    times = {name: path.stat().st_mtime_ns for name, path in written.items()}
    assert list(out.iterdir()) == []

    found, said = quietly(1, s4, "avsbench-s4", strategies=["classification", "vcap_acls"], out=out)
    assert said[0] == "going on with dataset 'avsbench-s4-test': 10 samples"
    assert {name: path.stat().st_mtime_ns for name, path in written.items()} == times
    assert dataset.count_values("classification_tiny_status") == {"ok": 10}
    assert [row.name for row in found.rows if row.summary] == ["Classification", "VCap+ACls"]
    assert all(row.summary.n == 10 for row in found.rows if row.summary)
    assert sorted(path.name for path in out.iterdir()) == ["table1.csv", "table1.md", "table1.png"]
    # rows that were not asked for stand with the published numbers alone
    assert found.rows[2].name == "Inversion" and found.rows[2].ours() == [None] * 6
    assert not any(row.incomplete for row in found.rows)


def wait_for_some(process, name, field):
    """The ids of the samples that are done, as soon as there are some."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        if fo.dataset_exists(name):
            dataset = fo.load_dataset(name)
            dataset.reload()
            if dataset.get_field(field) is not None:
                done = dataset.match({field: {"$ne": None}}).values("id")
                if done:
                    return done
        time.sleep(0.05)
    raise AssertionError("the process did nothing that could be seen")


def test_an_import_that_was_killed_is_started_anew(is3, tmp_path):
    half = fo.Dataset("is3-first-2-importing", persistent=True)
    half.add_sample(fo.Sample(filepath=str(tmp_path / "gone.png")))
    found, _ = quietly(1, is3, "is3", strategies=["vcap_acls"], limit=2, out=tmp_path)
    assert found.dataset == "is3-first-2" and len(fo.load_dataset(found.dataset)) == 2
    assert not fo.dataset_exists("is3-first-2-importing")
    assert "TRIAL: the first 2 samples only" in found.to_text()


def test_table_2_takes_the_predictions_of_others(is3, tmp_path):
    maps = tmp_path / "maps"
    maps.mkdir()
    for mask in (is3 / "gt_segmentation").iterdir():
        truth = np.asarray(Image.open(mask).convert("L")) >= 128
        ramp = np.linspace(0, 0.4, truth.size, dtype=np.float32).reshape(truth.shape)
        np.save(maps / f"{mask.stem}.npy", ramp + 0.5 * truth)
    found, _ = quietly(2, is3, "is3", predictions={"LVS": maps, "My method": maps}, out=tmp_path / "out")
    by_name = {row.name: row for row in found.rows}
    assert list(by_name)[:2] == ["LVS", "EZ-VSL"] and list(by_name)[-2:] == ["VCap+ACls", "My method"]
    assert by_name["LVS"].summary.miou > 0.95 and by_name["LVS"].published.miou == 0.239
    assert by_name["My method"].run == "my_method" and by_name["My method"].published is None
    assert by_name["EZ-VSL"].summary is None and by_name["EZ-VSL"].published is not None
    assert "LVS: run 'lvs', n = 4 (4 ok)" in found.to_text()


def test_table_3_runs_the_segmenters_that_are_named(is3, tmp_path):
    told = []
    found, _ = quietly(
        3,
        is3,
        "is3",
        segmenters={"Mine": "tiny/clipseg"},
        limit=2,
        out=tmp_path,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == sorted(told) and told[-1] == (4, 4)  # two samples are run, and two are scored
    assert [row.name for row in found.rows] == ["ASDA", "ETRIS", "CRIS", "Mine"]
    assert found.rows[-1].run == "vcap_acls_tiny" and found.rows[-1].summary.n == 2


def test_rows_without_models_say_so_and_the_others_are_made(is3, tmp_path):
    segmenters = {"Mine": "tiny/clipseg", "ETRIS": "etris-r101"}
    found, said = quietly(3, is3, "is3", segmenters=segmenters, limit=2, out=tmp_path)
    etris = found.rows[1]
    assert etris.incomplete and etris.reason.startswith("not run: ") and "etris" in etris.reason
    assert etris.published.miou == 0.568 and any(etris.reason in line for line in said)
    assert found.rows[-1].summary.n == 2
    lines = list(csv.DictReader(found.files[0].open(newline="")))
    assert [line["note"] for line in lines if line["name"] == "ETRIS" and line["origin"] == "ours"] == [
        etris.reason
    ]


def test_nothing_is_imported_if_no_row_can_be_made(is3, tmp_path):
    before = fo.list_datasets()
    with pytest.raises(ModelError, match="ETRIS: not run"):
        quietly(3, is3, "is3", segmenters={"ETRIS": "etris-r101"}, out=tmp_path)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigurationError, match=r"cannot write to .*file: .*; choose another out"):
        quietly(1, is3, "is3", out=tmp_path / "file")
    with pytest.raises(ConfigurationError, match=r"no folder .*nowhere with the predictions of LVS"):
        quietly(2, is3, "is3", predictions={"LVS": tmp_path / "nowhere"}, out=tmp_path)
    assert fo.list_datasets() == before


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((4, "is3"), {}, "table must be one of 1, 2, 3, not 4"),
        ((1, "vgg-ss"), {}, "no numbers for 'vgg-ss'; it has some for is3"),
        ((1, "imagenet"), {}, "imagenet"),
        ((1, "is3"), {"preset": "best"}, "best"),
        ((1, "is3"), {"strategies": ["telepathy"]}, "table 1 has no strategy 'telepathy'"),
        ((1, "is3"), {"predictions": {"LVS": "."}}, "predictions belongs to table 2, not to table 1"),
        ((2, "is3"), {"segmenters": {"ASDA": "asda"}}, "segmenters belongs to table 3"),
    ],
)
def test_arguments_that_cannot_work_are_refused_before_anything_is_imported(is3, arguments, options, message):
    before = fo.list_datasets()
    table, benchmark = arguments
    with pytest.raises(ConfigurationError, match=message):
        quietly(table, is3, benchmark, **options)
    assert fo.list_datasets() == before


def test_the_form_is_told_what_the_call_would_say(is3, tmp_path):
    fo.Dataset("is3", persistent=True)
    with pytest.raises(ConfigurationError, match="'is3' exists already; choose another name"):
        quietly(1, is3, "is3")
    (found,) = check_reproduce(1, is3, "is3")
    assert found.argument == "name" and "'is3' exists already; choose another name" in found.message
    (found,) = check_reproduce(1, tmp_path / "nowhere", "is3")
    assert found.argument == "data" and "there is no folder" in found.message
    assert check_reproduce(1, is3, "is3", name="another") == []
    with pytest.raises(DatasetError):
        quietly(1, tmp_path, "is3", name="another")
    assert not [name for name in fo.list_datasets() if name.startswith("another")]


def test_a_dataset_of_other_data_is_not_taken_for_this_one(is3, s4, tmp_path):
    quietly(1, is3, "is3", strategies=["classification"], limit=1, name="mine", out=tmp_path)
    with pytest.raises(ConfigurationError, match=r"'mine' exists already of .*is3.* \(limit 1\)"):
        quietly(1, is3, "is3", limit=2, name="mine", out=tmp_path)
    with pytest.raises(ConfigurationError, match="'mine' exists already"):
        quietly(1, s4, "s4", limit=1, name="mine", out=tmp_path)
