from __future__ import annotations

import warnings

import fiftyone as fo
import pytest

from fiftyone_avs.errors import ConfigurationError, DatasetError
from fiftyone_avs.fo import dataset_from_folder, dataset_from_videos
from fiftyone_avs.fo.importing.folders import FolderWarning
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
