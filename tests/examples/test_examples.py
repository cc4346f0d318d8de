"""The examples run as the docs say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from fiftyone_avs.tiny.scenes import make_scenes, write_scenes

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("world")
    write_scenes(root, make_scenes(seed=5, samples=5))
    return root


def run(script, *arguments):
    command = [sys.executable, str(EXAMPLES / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=EXAMPLES)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_strategy_of_ones_own(world):
    lines = run("custom_strategy.py", world).splitlines()
    assert len(lines) == 5
    assert all(
        re.search(r" ok a photo of [a-z ]+\.$| abstained nothing that is heard is seen$", x) for x in lines
    )
    assert any(" ok " in line for line in lines)


def test_a_model_of_ones_own(world):
    lines = run("custom_model.py", world).splitlines()
    assert len(lines) == 5
    assert all(re.search(r" ok \d+\.\d% of the picture$", line) for line in lines)


def test_files_without_fiftyone(world, tmp_path):
    scene = sorted((world / "img").glob("*.png"))[0]
    mask = tmp_path / "mask.png"
    text = run("segment_files.py", scene, world / "wav" / f"{scene.stem}.wav", mask, "tiny")
    assert "a photo of" in text
    assert mask.is_file()
