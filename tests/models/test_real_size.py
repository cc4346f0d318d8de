"""Preset ``open`` at real size, by its default names, on a CPU, within the memory of small machines."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fiftyone_avs.engine import free_memory
from tests.models.real_hub import GIGABYTES, write_real_open

ROOT = Path(__file__).parents[2]
LIMITS = {16: (2, 9.0), 8: (1, 7.0)}
"""Gigabytes of a limit: how many clips are done within it, and the most that may be in memory meanwhile."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("real-size")
    free = shutil.disk_usage(folder).free / 1e9
    if free < GIGABYTES + 2:
        pytest.skip(f"{GIGABYTES:.0f} GB of files do not fit onto a disk with {free:.0f} GB free")
    write_real_open(folder / "hub")
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
@pytest.mark.parametrize("limit", LIMITS)
def test_open_runs_within_the_memory_of_a_small_machine(home, limit, record_property):
    clips, most = LIMITS[limit]
    free = free_memory()
    if free is not None and free < 1e9 * most:
        pytest.skip(f"{most:.0f} GB are needed, and {free / 1e9:.1f} GB of memory are free")
    own = {**os.environ, "HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.models.real_size_run", str(limit), str(clips)]
    done = subprocess.run(command, env=own, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(done.stdout)
    record_property(
        f"open, vcap_acls, {limit} GB: loaded and peak in GB", (found["loaded_gb"], found["peak_gb"])
    )
    assert found["status"] == ["ok"] * clips, found["reasons"]
    assert found["peak_gb"] < most
    assert max(items for stage, items, _ in found["batches"] if stage == "segmenter") <= 4


@pytest.mark.parametrize("strategy", ["classification", "captioning"])
def test_the_other_models_of_open_run_too(home, strategy):
    own = {**os.environ, "HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.models.real_size_run", "16", "1", strategy]
    done = subprocess.run(command, env=own, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    assert json.loads(done.stdout)["status"] == ["ok"]
