"""Small datasets of images with sounds, and of videos, on a real database."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import fiftyone as fo
import numpy as np
import pytest
import soundfile
from fiftyone.core.odm import get_db_conn
from PIL import Image

RATE = 8000
SIZE = (48, 64)


def write_picture(path: Path, shift: int = 0) -> None:
    """A dark picture that brightens towards the right, with few equal values."""
    height, width = SIZE
    ramp = np.linspace(0, 255, height * width).reshape(width, height).T
    values = np.roll(ramp, shift, axis=1).astype(np.uint8)
    Image.fromarray(np.repeat(values[..., None], 3, axis=-1)).save(path)


def write_truth(path: Path, size: tuple[int, int] = SIZE) -> None:
    """The right half of the picture is the object."""
    mask = np.zeros(size, np.uint8)
    mask[:, size[1] // 2 :] = 255
    Image.fromarray(mask).save(path)


def write_tone(path: Path, seconds: float = 0.5, level: float = 0.5) -> None:
    """A tone of 440 Hz."""
    time = np.arange(int(RATE * seconds)) / RATE
    soundfile.write(path, (level * np.sin(2 * np.pi * 440 * time)).astype(np.float32), RATE, subtype="FLOAT")


@pytest.fixture
def dataset() -> Iterator[fo.Dataset]:
    """An empty dataset that is deleted afterwards."""
    dataset = fo.Dataset()
    yield dataset
    if not dataset.deleted:
        dataset.delete()


@pytest.fixture
def no_datasets_stay() -> Iterator[None]:
    """Datasets that a test makes are deleted after it."""
    before = set(fo.list_datasets())
    yield
    for name in set(fo.list_datasets()) - before:
        fo.delete_dataset(name)


def add_images(dataset: fo.Dataset, folder: Path, count: int) -> None:
    """Fill a dataset with so many images with sounds and ground truths, written into a folder."""
    samples = []
    for index in range(count):
        picture, sound, truth = (folder / f"{index}{end}" for end in (".png", ".wav", "_gt.png"))
        write_picture(picture)
        write_tone(sound)
        write_truth(truth)
        samples.append(
            fo.Sample(
                filepath=str(picture),
                audio_path=str(sound),
                ground_truth=fo.Segmentation(mask_path=str(truth)),
            )
        )
    dataset.add_samples(samples, progress=False)


@pytest.fixture
def make_images(dataset: fo.Dataset, tmp_path: Path) -> Callable[[int], fo.Dataset]:
    """Fill the dataset with so many images with sounds and ground truths."""

    def make(count: int) -> fo.Dataset:
        add_images(dataset, tmp_path, count)
        return dataset

    return make


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Where runs put their files."""
    return tmp_path / "out"


def files_of(folder: Path) -> set[str]:
    """Names of the masks and maps in a run's folder, temporary ones included."""
    return {path.name for path in folder.iterdir()} - {"run.json"} if folder.is_dir() else set()


def new_process(code: str) -> subprocess.Popen[str]:
    """Run code in another process that uses this process's database."""
    host, port = get_db_conn().client.address
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "FIFTYONE_DATABASE_URI": f"mongodb://{host}:{port}"},
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
