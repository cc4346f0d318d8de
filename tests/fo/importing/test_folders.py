from __future__ import annotations

import warnings

import fiftyone as fo
import pytest

from fiftyone_avs.errors import ConfigurationError, DatasetError
from fiftyone_avs.fo import dataset_from_folder, dataset_from_videos, import_folder, preview_import
from fiftyone_avs.fo.importing.folders import FolderWarning
from tests.benchmarks.trees import make_is3
from tests.fo.samples import write_picture, write_tone, write_truth


@pytest.fixture
def root(tmp_path):
    for name in ("img", "wav", "gt_seg"):
        (tmp_path / name).mkdir()
    for stem in ("a", "b"):
        write_picture(tmp_path / "img" / f"{stem}.png")
        write_tone(tmp_path / "wav" / f"{stem}.wav")
        write_truth(tmp_path / "gt_seg" / f"{stem}.png")
    (tmp_path / "img" / "notes.txt").write_text("not a picture")
    return tmp_path


def test_files_of_one_name_belong_together(root):
    with warnings.catch_warnings():
        warnings.simplefilter("error", FolderWarning)
        dataset = dataset_from_folder(root)
    assert [path.rsplit("/", 1)[1] for path in dataset.values("audio_path")] == ["a.wav", "b.wav"]
    assert dataset.first()["ground_truth"].mask_path == str(root / "gt_seg" / "a.png")
    assert dataset.media_type == "image" and not dataset.persistent
    dataset.delete()


def test_missing_sounds_are_kept_and_reported(root):
    (root / "wav" / "b.wav").unlink()
    with pytest.warns(FolderWarning, match="1 files have no sound: b"):
        dataset = dataset_from_folder(root)
    assert len(dataset) == 2 and dataset.last().audio_path is None
    dataset.delete()


def test_folders_without_media_are_refused(tmp_path):
    with pytest.raises(DatasetError, match="no images"):
        dataset_from_folder(tmp_path)
    with pytest.raises(DatasetError, match="no videos"):
        dataset_from_videos(tmp_path)


def test_names_are_not_reused(root):
    dataset = dataset_from_folder(root, name="fiftyone-avs-test")
    try:
        with pytest.raises(ConfigurationError, match="exists already"):
            dataset_from_folder(root, name="fiftyone-avs-test")
    finally:
        fo.delete_dataset(dataset.name)


def test_files_that_share_a_stem_are_not_dropped_silently(tmp_path):
    (tmp_path / "img").mkdir()
    (tmp_path / "wav").mkdir()
    write_tone(tmp_path / "wav" / "a.wav")
    write_picture(tmp_path / "img" / "a.jpg")
    write_picture(tmp_path / "img" / "a.png")
    with pytest.warns(FolderWarning, match=r"a\.png"):
        dataset = dataset_from_folder(tmp_path)
    assert dataset.first().filename == "a.jpg"
    assert len(dataset) == 1
    dataset.delete()


@pytest.fixture
def flat(tmp_path):
    (tmp_path / "walks").mkdir()
    write_picture(tmp_path / "dog.jpg")
    write_tone(tmp_path / "dog.wav")
    write_picture(tmp_path / "walks" / "cat.png")
    write_tone(tmp_path / "walks" / "cat.wav")
    write_picture(tmp_path / "walks" / "bird.png")
    write_tone(tmp_path / "fox.wav")
    return tmp_path


@pytest.mark.usefixtures("no_datasets_stay")
def test_a_flat_folder_of_pictures_and_sounds_is_previewed_and_imported(flat):
    before = fo.list_datasets()
    preview = preview_import(flat)
    assert preview.splitlines()[0] == "3 pictures side by side, 2 with a sound, 0 with a ground truth"
    assert fo.list_datasets() == before, "nothing is made"
    told = []
    report = import_folder(flat, name="flat", progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
    sounds = [path and path.removeprefix(f"{flat}/") for path in report.dataset.values("audio_path")]
    assert sounds == ["dog.wav", None, "walks/cat.wav"]
    assert report.notes == (
        "1 files have no sound: walks/bird",
        "1 files have no picture, and are left out: fox.wav",
    )


def test_a_preview_says_what_cannot_be_imported(tmp_path):
    with pytest.raises(DatasetError, match="neither images nor videos"):
        preview_import(tmp_path)
    with pytest.raises(ConfigurationError, match="there is no folder"):
        preview_import(tmp_path / "nowhere")
    (tmp_path / "a.mp4").touch()
    assert preview_import(tmp_path) == "1 videos: a"


def test_a_benchmark_is_previewed_too(tmp_path):
    root = make_is3(tmp_path)
    (root / "images" / "fox_train_fox.jpg").unlink()
    lines = preview_import(root, benchmark="is3").splitlines()
    assert lines[0] == "IS3: 4 rows, 3 with their picture and sound" and "fox_train_fox" in lines[1]


@pytest.mark.usefixtures("no_datasets_stay")
def test_the_app_shows_the_ground_truth_of_an_imported_folder_at_first(root):
    dataset = import_folder(root, name="shown").dataset
    assert dataset.app_config.active_fields.paths == ["ground_truth"]
