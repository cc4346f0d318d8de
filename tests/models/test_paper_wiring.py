"""The preset "paper" at real size: five strategies, official file formats, three samples."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
STRATEGIES = ("vcap_acls", "classification", "captioning", "acap_vcls", "inversion")


def run(script, *arguments):
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    command = [sys.executable, str(HERE / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("paper")
    roles = folder / "roles.json"
    roles.write_text(run("paper_files.py", folder / "models"))
    return json.loads(run("paper_run.py", folder, roles))


@pytest.mark.slow
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_labels_three_samples(report, strategy):
    found = report[strategy]
    assert found["summary"] == f"run {strategy!r}: 3 ok, 0 abstained, 0 failed", found["reasons"]
    for sample in found["samples"]:
        assert sample["status"] == "ok"
        assert sample["kinds"] == ["Segmentation", "Heatmap", "Classification"]
        assert sample["same_size"]
        assert set(sample["mask_values"]) <= {0, 255}
        low, high = sample["map_range"]
        assert low < high
        assert sample["query"][0]


@pytest.mark.slow
def test_texts_go_the_way_of_their_strategy(report):
    for sample in report["vcap_acls"]["samples"]:
        assert sample["candidates"] and sample["query"][0] == f"a photo of {sample['candidates'][0]}."
        assert all(noun in sample["image_caption"] for noun in sample["candidates"])
        assert -1 <= sample["query"][1] <= 1
    for sample in report["acap_vcls"]["samples"]:
        assert sample["candidates"] and sample["query"][0] == f"a photo of {sample['candidates'][0]}."
        assert all(noun in sample["audio_caption"] for noun in sample["candidates"])
    for sample in report["captioning"]["samples"]:
        assert sample["query"] == [sample["audio_caption"], None]
    for sample in report["classification"]["samples"]:
        assert sample["query"][0] == f"a photo of {sample['candidates'][0]}."
        assert 0 <= sample["query"][1] <= 1
    for sample in report["inversion"]["samples"]:
        assert sample["query"][0].startswith("<") and -1 <= sample["query"][1] <= 1


@pytest.mark.slow
def test_models_are_loaded_when_a_strategy_needs_them(report):
    assert set(report["vcap_acls"]["loaded"]) == {
        "image_captioner",
        "noun_extractor",
        "audio_text_scorer",
        "segmenter",
    }
    loaded = [set(report[strategy]["loaded"]) for strategy in STRATEGIES]
    assert loaded[1] - loaded[0] == {"audio_classifier"}
    assert loaded[2] - loaded[1] == {"audio_captioner"}
    assert loaded[3] - loaded[2] == {"image_text_scorer"}
    assert loaded[4] - loaded[3] == {"text_inverter"}


@pytest.mark.slow
def test_memory_is_what_the_weights_take(report, record_property):
    for strategy in STRATEGIES:
        found = report[strategy]
        record_property(f"paper, {strategy}", f"peak {found['peak_mb']} MB, {found['seconds']} s")
    assert report["vcap_acls"]["peak_mb"] < 4500  # 0.6 billion parameters, 2.4 GB in float32
    assert report["inversion"]["peak_mb"] < 7000  # all roles: 1.0 billion parameters, 4.1 GB
