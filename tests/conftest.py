"""Settings of all tests: no network, no telemetry, a FiftyOne database server of their own, the longest files first.

FiftyOne joins any of its database servers that runs already, whatever folder it was told to use. So that
tests never meet the datasets of a person who has the App open, they start a server themselves.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

_HOME = Path(tempfile.mkdtemp(prefix="fiftyone-avs-tests-"))
_PATIENCE = 60  # seconds

_LONGEST = (
    "plugin/test_app.py",
    "fo/segment/test_cluster.py",
    "parity/test_parity.py",
    "tiny/test_tiny_models.py",
    "fo/studies/test_reproduction.py",
    "examples/test_notebook.py",
    "performance/test_whole_runs.py",
    "performance/test_gpu_script.py",
    "training/test_tiny_training.py",
    "models/test_official_adapters.py",
    "plugin/test_operators.py",
    "fo/exporting/test_clips.py",
    "fo/segment/test_real_models.py",
    "fo/runs/test_changing.py",
    "fo/studies/test_demo.py",
    "fo/studies/test_controls.py",
)
"""Test files that take longest, longest first. Several processes end together only if none begins one of these late."""


def _find_mongod() -> str:
    """The server that came with FiftyOne, or one on the path."""
    spec = importlib.util.find_spec("fiftyone")
    assert spec is not None and spec.origin is not None, "fiftyone is not installed"
    own = Path(spec.origin).parent / "db" / "bin" / "mongod"
    found = str(own) if own.is_file() else shutil.which("mongod")
    assert found, "there is no mongod: run tools/ensure_mongod.py"
    return found


def _start_mongod() -> str:
    """Start a server on a free port, to be stopped when the tests end; return its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (_HOME / "database").mkdir()
    command = [_find_mongod(), "--dbpath", str(_HOME / "database"), "--port", str(port)]
    server = subprocess.Popen(
        [*command, "--bind_ip", "127.0.0.1", "--nounixsocket"],
        stdout=(_HOME / "mongod.log").open("w"),
        stderr=subprocess.STDOUT,
    )
    atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
    atexit.register(server.wait)
    atexit.register(server.terminate)
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return f"mongodb://127.0.0.1:{port}"
        time.sleep(0.1)
    raise RuntimeError(f"mongod did not start: {(_HOME / 'mongod.log').read_text()[-2000:]}")


def pytest_configure(config):
    """Let pytest-xdist start files in their order here; its own, by how many tests they hold, is not by time."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(config, items):
    """Put the files that take longest first, and leave out what takes minutes unless it is asked for."""
    if "slow" not in config.getoption("markexpr"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="takes minutes; run with `pytest -m slow`"))
    here = Path(__file__).parent
    places = {here / name: place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_terminal_summary(terminalreporter):
    """Print what tests measured and recorded with ``record_property``."""
    reports = [report for found in terminalreporter.stats.values() for report in found]
    lines = [
        f"{name}: {value}" for report in reports for name, value in getattr(report, "user_properties", ())
    ]
    if lines:
        terminalreporter.section("measured")
        terminalreporter.write_line("\n".join(dict.fromkeys(lines)))


# FiftyOne reads these once, when it is imported, so they are set before any test module is.
os.environ["FIFTYONE_DATABASE_URI"] = _start_mongod()
os.environ["FIFTYONE_DEFAULT_DATASET_DIR"] = str(_HOME / "datasets")
os.environ["FIFTYONE_PLUGINS_DIR"] = str(_HOME / "plugins")
os.environ["FIFTYONE_DO_NOT_TRACK"] = "true"
os.environ["FIFTYONE_SHOW_PROGRESS_BARS"] = "false"
os.environ["FIFTYONE_DATABASE_VALIDATION"] = "false"  # no notes about mongod's age on stdout
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads only slow such small models down
