"""The preset "paper": five strategies, official file formats; in small, and at real size.

In small every strategy labels three samples at once; at real size one, which takes minutes with the writing of files of
four gigabytes, so that it runs with ``pytest -m slow`` only.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from fiftyone_avs.models import CARDS
from tests.models import paper_files, small_official
from tests.models.builders import weights
from tests.models.paper_run import run_strategies

STRATEGIES = ("vcap_acls", "classification", "captioning", "acap_vcls", "inversion")
SAMPLES = {"small": dict.fromkeys(STRATEGIES, 3), "real": dict.fromkeys(STRATEGIES, 1)}


@pytest.fixture(scope="module")
def small(tmp_path_factory, beats_content):
    """What the strategies left with small variants of the preset's networks, from files like the real ones."""
    folder = tmp_path_factory.mktemp("small-paper")
    given = {"image_captioner": str(weights("blip")), "image_text_scorer": str(weights("clip"))}
    with pytest.MonkeyPatch.context() as patch:
        for role, card in paper_files.OFFICIAL.items():
            (folder / card).mkdir()
            if card == "beats-as2m":  # a small one is what its file says; it needs no card of its own
                torch.save(beats_content, folder / card / "official.pth")
            else:
                small_official.write(folder / card, card)
                patch.setitem(CARDS, card, small_official.small_card(card, folder / card))
            given[role] = f"{card}:{folder / card / 'official.pth'}"
        return run_strategies(folder, given, SAMPLES["small"])


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """What the strategies left at real size, in a process of its own."""
    folder = tmp_path_factory.mktemp("paper")
    given = paper_files.write_all(folder / "models")
    script = Path(__file__).with_name("paper_run.py")
    command = [sys.executable, str(script), str(folder), json.dumps(given), json.dumps(SAMPLES["real"])]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(params=["small", pytest.param("real", marks=pytest.mark.slow)])
def size(request):
    return request.param


@pytest.fixture
def report(request, size):
    return request.getfixturevalue(size)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_labels_its_samples(report, size, strategy):
    found, count = report[strategy], SAMPLES[size][strategy]
    assert found["summary"] == f"run {strategy!r}: {count} ok, 0 abstained, 0 failed", found["reasons"]
    assert len(found["samples"]) == count
    for sample in found["samples"]:
        assert sample["status"] == "ok"
        assert sample["kinds"] == ["Segmentation", "Heatmap", "Classification"]
        assert sample["same_size"]
        assert set(sample["mask_values"]) <= {0, 255}
        low, high = sample["map_range"]
        assert low < high
        assert sample["query"][0]


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
def test_memory_is_what_the_weights_take(real, record_property):
    for strategy in STRATEGIES:
        found = real[strategy]
        record_property(f"paper, {strategy}", f"peak {found['peak_mb']} MB, {found['seconds']} s")
    # 0.6 billion parameters, 2.4 GB in float32; kernels in Winograd's form, 0.4 GB; and memory of freed tensors that is
    # kept for the next ones.
    assert real["vcap_acls"]["peak_mb"] < 5500
    assert real["inversion"]["peak_mb"] < 7000  # all roles: 1.0 billion parameters, 4.1 GB
