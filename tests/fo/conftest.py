"""Small datasets of images with sounds, and of videos, on a real database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fiftyone as fo
import pytest

from fiftyone_avs import dataset_from_videos
from fiftyone_avs.fo.importing.folders import FolderWarning
from tests.fo.samples import add_images, segment_with_fakes, write_video


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


@pytest.fixture
def make_segmented(make_images: Callable[[int], fo.Dataset], output: Path) -> Callable[..., fo.Dataset]:
    """Fill the dataset with so many images and run the fake models on them."""

    def make(count: int, **options: Any) -> fo.Dataset:
        dataset = make_images(count)
        segment_with_fakes(dataset, output, **options)
        return dataset

    return make


@pytest.fixture
def videos(tmp_path: Path) -> Iterator[fo.Dataset]:
    """Three videos of three seconds: with sound, without, and one that is no video."""
    folder = tmp_path / "videos"
    folder.mkdir()
    write_video(folder / "a_sound.mp4")
    write_video(folder / "b_mute.mp4", sound=False)
    (folder / "c_broken.mp4").write_bytes(b"no video")
    with pytest.warns(FolderWarning, match="c_broken"):
        dataset = dataset_from_videos(tmp_path)
    yield dataset
    dataset.delete()


@pytest.fixture
def segmented_videos(videos: fo.Dataset, output: Path) -> fo.Dataset:
    """These with a run of the fake models."""
    segment_with_fakes(videos, output)
    return videos
