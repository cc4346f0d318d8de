"""A small BEATs as its authors would save it, and a models folder of its own for every test."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch

PARITY = Path(__file__).parents[1] / "parity"
sys.path.insert(0, str(PARITY))

import fill  # noqa: E402 - the line above says where it is

MIDS = ("/m/09x0r", "/m/0bt9lr", "/m/01yrx", "/m/015lz1", "/m/0838f", "/m/07yv9")
MIDS += ("/m/0395lw", "/m/07y_7", "/m/0l14md", "/m/0342h", "/m/06mb1")


@pytest.fixture(autouse=True)
def models_home(tmp_path, monkeypatch):
    """Converted checkpoints go here, and none of the developer's own are found."""
    home = tmp_path / "models-home"
    monkeypatch.setenv("FIFTYONE_AVS_MODELS", str(home))
    return home


@pytest.fixture(scope="session")
def beats_content():
    """What the official file of a small BEATs holds."""
    keys = json.loads((PARITY / "cases" / "beats_small" / "keys.json").read_text())
    return {
        "cfg": keys["checkpoint"]["cfg"],
        "model": fill.state_dict_from_keys(keys),
        "label_dict": dict(enumerate(MIDS)),
    }


@pytest.fixture
def beats_file(tmp_path, beats_content):
    path = tmp_path / "BEATs.pt"
    torch.save(beats_content, path)
    return path


@pytest.fixture(scope="session")
def repositories(tmp_path_factory):
    """What the fake hub has: every repository that preset ``open`` names."""
    from tests.models.fake_hub import write_open

    return write_open(tmp_path_factory.mktemp("repositories"))


@pytest.fixture
def online(repositories, tmp_path, monkeypatch):
    """The fake hub as this process's hub, with a cache of its own."""
    from fiftyone_avs.models import transfer
    from tests.models.fake_hub import leave, serving, use

    monkeypatch.setattr(transfer, "PAUSE", 0.0)
    with serving(repositories) as served:
        use(monkeypatch, served.address, tmp_path / "hub")
        yield served
    leave()
