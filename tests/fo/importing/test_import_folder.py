"""Importing a folder as a dataset that stays, with a report, and saying which benchmark it is."""

from __future__ import annotations

import re
import warnings

import fiftyone as fo
import pytest

import fiftyone_avs as avs
from fiftyone_avs.errors import ConfigurationError, DatasetError
from fiftyone_avs.fo import benchmark_of, check_import
from tests.fo.samples import write_picture, write_tone, write_truth, write_video

NAME = "fiftyone-avs-imported"


pytestmark = pytest.mark.usefixtures("no_datasets_stay")


@pytest.fixture
def folder(tmp_path):
    """Two pictures with sound, of which one has a ground truth."""
    root = tmp_path / "My sounds"
    for name in ("img", "wav", "gt_seg"):
        (root / name).mkdir(parents=True)
    for stem in ("a", "b"):
        write_picture(root / "img" / f"{stem}.png")
        write_tone(root / "wav" / f"{stem}.wav")
    write_truth(root / "gt_seg" / "a.png")
    return root


def test_a_folder_becomes_a_dataset_that_stays(folder):
    report = avs.import_folder(folder, name=NAME)
    dataset = fo.load_dataset(NAME)
    assert report.dataset is dataset and dataset.persistent
    assert str(report) == f"dataset {NAME!r}: 2 samples"
    assert dataset.count("audio_path") == 2 and dataset.count("ground_truth") == 1
    assert benchmark_of(dataset) is None


def test_the_folders_name_is_the_default(folder, monkeypatch):
    assert avs.import_folder(folder).dataset.name == "My sounds"
    fo.delete_dataset("My sounds")
    monkeypatch.chdir(folder)
    assert avs.import_folder(".").dataset.name == "My sounds"


def test_what_files_lack_is_reported_and_not_warned_of(folder):
    (folder / "wav" / "b.wav").unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = avs.import_folder(folder, name=NAME)
    assert report.notes == ("1 files have no sound: b", "1 files have no ground truth: b")
    assert len(report.dataset) == 2


def test_every_import_reports_anew(folder):
    (folder / "wav" / "b.wav").unlink()
    first, second = (avs.import_folder(folder, name=f"{NAME}-{number}").notes for number in (1, 2))
    assert first == second != ()


def test_videos_are_taken_where_there_are_no_pictures_or_as_told(folder):
    write_video(folder / "clip.mp4", seconds=1)
    assert avs.import_folder(folder, name=NAME).dataset.media_type == "image"
    videos = avs.import_folder(folder, name=f"{NAME}-videos", kind="videos").dataset
    assert videos.media_type == "video" and len(videos) == 1
    assert videos.first().metadata.frame_rate == 10
    (folder / "videos").mkdir()
    (folder / "clip.mp4").rename(folder / "videos" / "clip.mp4")
    assert avs.import_folder(folder / "videos", name=f"{NAME}-2").dataset.media_type == "video"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "sounds"}, "kind must be one of images, videos, not 'sounds'"),
        ({"benchmark": "imagenet"}, "benchmark must be one of is3, .*, not 'imagenet'"),
        ({"name": "taken-name"}, "'taken-name' exists already"),
        ({"name": "Taken name"}, "'Taken name' is not available.*in use by dataset 'taken-name'"),
        ({"name": "?!"}, r"'\?!' has invalid slug-friendly name"),
    ],
)
def test_arguments_that_cannot_work_are_refused_before_anything_is_made(folder, options, message):
    fo.Dataset("taken-name")
    before = fo.list_datasets()
    options = {"name": NAME, **options}
    with pytest.raises(ConfigurationError, match=message):
        avs.import_folder(folder, **options)
    (found,) = check_import(folder, **options)
    assert found.blocks and found.argument in options and re.search(message, found.message)
    assert fo.list_datasets() == before


def test_folders_that_are_not_there_or_hold_nothing_leave_no_dataset(folder, tmp_path):
    with pytest.raises(ConfigurationError, match=r"there is no folder .*nowhere"):
        avs.import_folder(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="holds no videos"):
        avs.import_folder(tmp_path / "empty")
    with pytest.raises(DatasetError, match="holds no images"):
        avs.import_folder(tmp_path / "empty", kind="images")
    assert not {"nowhere", "empty"} & set(fo.list_datasets())
    assert check_import(folder, NAME) == []  # and makes nothing
    assert NAME not in fo.list_datasets()


def test_the_home_folder_may_be_a_tilde(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.parent))
    assert len(avs.import_folder(f"~/{folder.name}", name=NAME).dataset) == 2


def test_the_benchmark_can_be_said_changed_and_taken_back(folder):
    dataset = avs.import_folder(folder, name=NAME, benchmark="is3").dataset
    assert benchmark_of(dataset) == "is3"
    avs.set_benchmark(dataset, "vpo-ss")
    dataset.reload()
    assert benchmark_of(dataset) == "vpo-ss"
    with pytest.raises(ConfigurationError, match="not 'imagenet'"):
        avs.set_benchmark(dataset, "imagenet")
    assert benchmark_of(dataset) == "vpo-ss"
    for _ in range(2):
        avs.set_benchmark(dataset, None)
        dataset.reload()
        assert benchmark_of(dataset) is None


def test_a_benchmark_that_nobody_knows_is_none(dataset):
    dataset.info["fiftyone_avs_benchmark"] = "of a later version"
    assert benchmark_of(dataset) is None
