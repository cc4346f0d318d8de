"""The plugin, installed where these tests' FiftyOne looks for it, and small datasets of the demo world."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import fiftyone as fo
import pytest
from fiftyone.operators.delegated import DelegatedOperationService

import fiftyone_avs as avs
from fiftyone_avs import dataset_from_folder
from fiftyone_avs.fo import DEMO_MARK, install_plugin
from fiftyone_avs.fo.studies.demo import VIDEOS, make_videos
from fiftyone_avs.tiny.scenes import make_scenes, write_scenes

SAMPLES = 8
PATIENCE = 120  # seconds
_NUMBERS = itertools.count(1)  # the App remembers what was open on a dataset of some name


@pytest.fixture(scope="session", autouse=True)
def plugin() -> Path:
    """The installed plugin."""
    return install_plugin()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder with pictures, sounds and ground truth, and what sounds in each, by the files' stem."""
    folder = tmp_path_factory.mktemp("world")
    rows = write_scenes(folder, make_scenes(21, SAMPLES))
    return folder, {row["id"]: row["label"] for row in rows}


@pytest.fixture
def images(world: tuple[Path, dict[str, str]]) -> Iterator[fo.Dataset]:
    """The world as a dataset of this test's own, without any run."""
    folder, labels = world
    dataset = as_dataset(folder, labels, name=new_name())
    yield dataset
    dataset.delete()


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> fo.Dataset:
    """A clip of the world with ground truth, a run and an evaluation, made as the demo makes it."""
    make_videos(tmp_path_factory.mktemp("videos"), avs.load_models("tiny"), seed=21, count=1)
    return fo.load_dataset(VIDEOS)


def new_name() -> str:
    """A name that no dataset of these tests had."""
    return f"sounding-objects-{next(_NUMBERS)}"


def wait_until_scheduled(dataset_name: str) -> None:
    """Wait until a delegated operation of a dataset waits for a worker; there must be no other."""
    service = DelegatedOperationService()
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and not service.list_operations(dataset_name=dataset_name):
        time.sleep(0.1)
    (operation,) = service.list_operations(dataset_name=dataset_name)
    assert operation.run_state == "queued"


def wait_until_done(dataset_name: str) -> None:
    """Wait until a worker has done all delegated operations of a dataset; they must have succeeded."""
    service = DelegatedOperationService()
    deadline = time.monotonic() + PATIENCE
    states: list[str] = []
    while time.monotonic() < deadline:
        states = [operation.run_state for operation in service.list_operations(dataset_name=dataset_name)]
        if states and all(state in ("completed", "failed") for state in states):
            break
        time.sleep(0.3)
    assert set(states) == {"completed"}, states


def as_dataset(folder: Path, labels: dict[str, str], name: str | None = None) -> fo.Dataset:
    """A dataset of a written world, known as one of the demo's."""
    dataset = dataset_from_folder(folder, name=name, persistent=True)
    dataset.set_values(
        "label", [fo.Classification(label=labels[Path(path).stem]) for path in dataset.values("filepath")]
    )
    dataset.info[DEMO_MARK] = True
    dataset.save()
    return dataset
