"""The script for a GPU does what it says: on small networks on the processor, without looking at how long it takes."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "performance"
SCRIPT = SCRIPTS / "gpu.py"

SECTIONS = ("parity", "speed", "bound", "batches", "pressure", "memory")
PRESETS = ("paper", "open")
NO_TIME = "not measured: no time left"

ABSENT = ("fiftyone", "pymongo", "psutil", "matplotlib", "joblib", "moviepy", "imageio_ffmpeg", "ray")
"""What a machine with a GPU may lack; importing any of these raises ImportError."""

PROGRAM = f"""
import runpy, sys
for name in {ABSENT!r}:
    sys.modules[name] = None
sys.argv = sys.argv[1:]
sys.path.insert(0, {str(SCRIPTS)!r})
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run_script(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the script as a user does, where nothing is installed that it can do without."""
    command = [sys.executable, "-c", PROGRAM, str(SCRIPT), "--cpu", "--small", "--threads", "1"]
    return subprocess.run(
        [*command, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> SimpleNamespace:
    """One run of everything: its process, its record, and what it left in the folder for temporary files."""
    folder = tmp_path_factory.mktemp("gpu")
    (folder / "work").mkdir()
    done = run_script("--budget", 3600, "--out", folder / "found.json", "--folder", folder / "work")
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((folder / "found.json").read_text())
    return SimpleNamespace(done=done, record=record, left=list((folder / "work").iterdir()))


@pytest.fixture(scope="module")
def script() -> Iterator[Callable[[str], ModuleType]]:
    """Import a module of the script by name, as Python finds it when the script is run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        yield importlib.import_module


def results(whole: SimpleNamespace, section: str, preset: str) -> dict[str, Any]:
    return whole.record["sections"][section][preset]["results"]


def test_every_section_is_measured_for_every_preset(whole):
    sections = whole.record["sections"]
    assert list(sections) == list(SECTIONS)
    for section in SECTIONS:
        assert list(sections[section]) == list(PRESETS)
        for part in sections[section].values():
            assert part["status"] == "ok", part
            assert part["results"] and part["seconds"] >= 0
    assert whole.left == []


def test_the_record_says_where_it_comes_from_and_that_it_is_a_trial(whole):
    environment = whole.record["environment"]
    assert environment["torch"] == torch.__version__
    assert set(environment) >= {"device", "transformers", "cuda", "flags", "threads"}
    assert "cudnn_allow_tf32" in environment["flags"]
    assert whole.record["random_weights"] and whole.record["small"] and not whole.record["cuda"]
    notes = " ".join(whole.record["notes"])
    assert "TRIAL" in notes and "noun phrases" in notes


@pytest.mark.parametrize("preset", PRESETS)
def test_masks_of_half_precisions_are_compared_and_could_differ(whole, preset):
    found = results(whole, "parity", preset)
    names = ["segmenter", *(["SAM 2, float32's boxes", "CLIPSeg"] if preset == "open" else [])]
    for name in names:
        for precision in ("bf16", "fp16"):
            masks = found[f"{name}, {precision}"]
            assert 0.01 <= masks["share_of_pixels_in_masks"] <= 0.99  # neither empty nor full
            assert masks["soft_map_largest_difference"] > 0  # it was another precision
            assert 0.3 < masks["mask_iou_lowest"] <= masks["mask_iou_mean"] <= 1
    for precision in ("bf16", "fp16"):
        assert 0 < found[f"audio-text scorer, {precision}"]["largest_difference"] < 0.1
        assert 0 < found[f"image-text scorer, {precision}"]["largest_difference"] < 0.1
        assert 0 < found[f"audio classifier, {precision}"]["largest_difference"] < 0.1
        assert 0 <= found[f"image captioner, {precision}"]["equal_texts"] <= 1
        assert 0 <= found[f"audio captioner, {precision}"]["equal_texts"] <= 1
        assert found[f"whole pipeline, {precision}"]["failures"] == []
        assert found[f"whole pipeline, {precision}"]["all"]["samples"] == 2
    assert "CUDA" in found["tf32"]


@pytest.mark.parametrize("preset", PRESETS)
def test_the_engine_finds_what_the_loop_finds(whole, preset):
    found = results(whole, "speed", preset)
    assert found["samples"] == {"loop": 1, "float32": 4, "bf16": 4}
    rates = found["samples_per_second"]
    for precision in ("float32", "bf16"):
        ratio = found["times_the_loop"][precision]
        assert ratio == pytest.approx(rates[precision] / rates["loop"], rel=0.02, abs=0.01)
    same = found["beside_the_loop"]["float32"]
    assert same["equal_expressions"] == 1
    assert same["with_equal_expressions"]["mask_iou_lowest"] >= 0.99
    assert 0.01 <= same["with_equal_expressions"]["share_of_pixels_in_masks"] <= 0.99


@pytest.mark.parametrize("preset", PRESETS)
def test_operations_are_counted_and_set_against_the_measured_peak(whole, preset):
    found = results(whole, "bound", preset)
    for precision in ("float32", "bf16"):
        peak = found[f"peak, {precision}"]["measured_teraflops"]
        for stage in whole.record["stages"][preset]:
            if stage != "SAM 2, float32's boxes":
                row = found[f"{stage}, {precision}"]
                assert row["batch"] == 2 and row["gflop_per_sample"] > 0
                share = row["gflop_per_sample"] / row["milliseconds_per_sample"] / peak
                assert row["share_of_bound"] == pytest.approx(share, rel=0.1, abs=1e-3)


@pytest.mark.parametrize("preset", PRESETS)
def test_batch_sizes_and_memory_of_each_stage(whole, preset):
    found = results(whole, "batches", preset)
    assert found["limits"] == {"first": 8, "most": 16, "samples_at_once": 4}
    assert set(found["sizes, vcap_acls"]) == {"image captioner", "strategy vcap_acls", "segmenter"}
    assert set(found["sizes, acap_vcls"]) == {"audio captioner", "strategy acap_vcls", "segmenter"}
    assert found["sizes, classification"]["segmenter"] == {"found": 8, "tried": [4]}
    assert found["memory, segmenter"]["process_peak_mb"] > 100
    assert results(whole, "memory", preset)["bf16"]["process_peak_mb"] > 100


@pytest.mark.parametrize("preset", PRESETS)
def test_a_batch_that_memory_does_not_hold_is_halved_until_it_does(whole, preset):
    found = results(whole, "pressure", preset)
    assert found["how"]["simulated"]
    assert found["sizes"] == [32, 16, 8, 4] and found["overflows"] == 3
    assert found["all_ok"] and found["reasons"] == []
    assert found["masks"]["samples"] == 32 and found["masks"]["mask_iou_lowest"] >= 0.99
    assert found["memory_is_free_again"]


def test_the_table_says_what_is_reached(whole):
    table = whole.record["table"]
    assert {row["measure"].split(":")[0] for row in table} == set(PRESETS)
    for row in table:
        assert set(row) == {"measure", "value", "goal", "reached"}
        if not row["goal"]:
            assert row["reached"] == ""
            continue
        wanted, value = row["goal"].removeprefix(">= "), row["value"]
        if wanted == "yes":
            assert row["reached"] == value
            continue
        scale = 0.01 if wanted.endswith("%") else 1
        reached = scale * float(value.rstrip("%")) >= scale * float(wanted.rstrip("%"))
        assert row["reached"] == ("yes" if reached else "no")
    printed = whole.done.stdout.splitlines()
    assert max(len(line) for line in printed if line.startswith(PRESETS)) <= 100
    assert "..." not in whole.done.stdout  # nothing is cut off
    assert sum(line.startswith(PRESETS) for line in printed) == len(table)


def test_without_time_everything_is_named_as_not_measured(script, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(script("on_gpu.budget"), "LEAST", 600)  # or a busy machine would end these tests
    out = tmp_path / "found.json"
    assert script("gpu").main(["--cpu", "--small", "--budget", "0", "--out", str(out)]) == 0
    record = json.loads(out.read_text())
    for section in SECTIONS:
        for preset in PRESETS:
            assert record["sections"][section][preset]["status"] == NO_TIME
    assert len(record["table"]) > 50
    assert {(row["value"], row["reached"]) for row in record["table"]} == {(NO_TIME, "not measured")}
    printed = capsys.readouterr().out
    assert printed.count(NO_TIME) == len(record["table"])


@pytest.fixture
def trial(script, tmp_path, monkeypatch) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Run some sections in this process with other code in their place, and without models."""
    gpu, running = script("gpu"), script("on_gpu.running")
    monkeypatch.setattr(running, "make_benches", lambda *_: dict.fromkeys(PRESETS))

    def call(*arguments: object, **sections: Callable[..., Iterator[tuple[str, Any]]]):
        for name, section in sections.items():
            monkeypatch.setitem(running.MEASURE, name, section)
        out = tmp_path / "found.json"
        given = ["--cpu", "--small", "--out", out, "--sections", *sections, *arguments]
        return gpu.main([*map(str, given)]), json.loads(out.read_text())

    return call


def test_a_section_that_fails_is_noted_and_the_others_are_measured(trial, capsys):
    def broken(*_):
        yield "all_ok", True
        raise RuntimeError("the card fell out")

    def whole(*_):
        yield "bf16", {"process_peak_mb": 5}

    status, record = trial(pressure=broken, memory=whole)

    assert status == 1
    part = record["sections"]["pressure"]["paper"]
    assert part["status"] == "failed" and part["error"] == "RuntimeError: the card fell out"
    assert part["results"] == {"all_ok": True}  # what it had found before stays
    assert part["where"][-1].startswith("test_gpu_script.py:")
    assert record["sections"]["memory"]["open"]["status"] == "ok"
    rows = {row["measure"]: row for row in record["table"]}
    assert rows["paper: out of memory: all samples ok"]["reached"] == "yes"
    assert rows["paper: out of memory: free again"]["value"] == "failed"
    assert rows["paper: out of memory: free again"]["reached"] == "not measured"
    assert rows["open: peak memory, bf16, MB"]["value"] == "5"
    assert "the card fell out" in capsys.readouterr().out


def test_time_that_ends_in_a_section_leaves_what_was_found(trial, script, monkeypatch):
    def slow(*_):
        yield "all_ok", True
        monkeypatch.setattr(script("on_gpu.budget").Budget, "spent", 1e9)
        yield "memory_is_free_again", True
        raise AssertionError("nothing more is measured")

    status, record = trial("--budget", 1000, pressure=slow, memory=slow)

    assert status == 0
    parts = record["sections"]["pressure"]
    assert parts["paper"]["status"] == parts["open"]["status"] == NO_TIME
    assert parts["paper"]["results"] == {"all_ok": True, "memory_is_free_again": True}
    assert record["sections"]["memory"]["open"] == {"status": NO_TIME, "results": {}, "seconds": 0.0}


def test_a_run_that_hangs_is_ended_in_time(trial, script, monkeypatch, tmp_path, capsys):
    """Nothing that Python raises could stop a GPU's work, so that the process ends itself."""
    ended, statuses = threading.Event(), []

    def end(status: int) -> None:
        statuses.append((status, json.loads((tmp_path / "found.json").read_text())))
        ended.set()

    def hang(*_):
        yield "bf16", {"process_peak_mb": 5}
        assert ended.wait(60)

    monkeypatch.setattr(script("on_gpu.budget"), "LEAST", 1)
    monkeypatch.setattr(script("on_gpu.budget"), "MARGIN", 1e9)
    monkeypatch.setattr(os, "_exit", end)
    work = tmp_path / "work"
    work.mkdir()
    trial("--budget", 1, "--presets", "paper", "--folder", work, memory=hang)

    ((status, record),) = statuses
    assert status == 0
    part = record["sections"]["memory"]["paper"]
    assert part == {"status": NO_TIME, "results": {"bf16": {"process_peak_mb": 5}}}
    assert "in the middle of a measurement" in capsys.readouterr().out
    assert not list(work.iterdir())


def test_a_machine_without_a_gpu_is_told_so(script, tmp_path):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(SystemExit, match="no CUDA GPU"):
        script("gpu").main(["--out", str(tmp_path / "found.json")])


def test_full_masks_are_compared_at_the_median(script):
    compare_maps = script("on_gpu.stages").compare_maps
    soft_map = np.linspace(0.4, 0.5, 200, dtype=np.float32).reshape(10, 20)

    near = compare_maps([soft_map], [soft_map + np.float32(1e-5)], 0.35)
    other = compare_maps([soft_map], [soft_map[::-1]], 0.35)
    assert (near["compared_at_the_median"], near["share_of_pixels_in_masks"]) == (1, 0.5)
    assert near["mask_iou_lowest"] >= 0.99
    assert other["mask_iou_lowest"] == 0


def test_without_spacys_model_the_record_names_what_stands_in(script, monkeypatch):
    weights = script("on_gpu.weights")
    monkeypatch.setattr(weights.spacy.util, "is_package", lambda _: False)
    given, note = weights.noun_extractor()
    assert given == "tiny/nouns" and note.startswith("FALLBACK")


def test_batch_sizes_remember_what_happened(script):
    sizes = script("on_gpu.sizes").WatchedSizes(8, 64)
    for _ in range(2):
        sizes.took("segmenter", 8, 0.8)
    sizes.overflowed("segmenter", 16)
    sizes.took("segmenter", 8, 1.6)
    assert sizes.tried("segmenter") == [8, 16, 8]
    assert sizes.found() == {"segmenter": 8}
    assert sizes.milliseconds() == {"segmenter": pytest.approx(1000 * 3.2 / 24, abs=0.01)}
