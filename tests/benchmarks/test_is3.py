"""IS3: names, classes, pairs and the spellings of its JSON."""

from __future__ import annotations

import json

import pytest

from fiftyone_avs.benchmarks.layouts.is3 import INDEX, read_is3
from fiftyone_avs.errors import DatasetError
from tests.benchmarks.trees import IS3_CLASSES, make_is3, write_picture
from tests.benchmarks.trees_boxes import read_all


def rewrite(root, content):
    (root / INDEX).write_text(json.dumps(content))


def listed(root):
    return json.loads((root / INDEX).read_text())


@pytest.mark.parametrize("sounds", ["audio_waw", "audio_wav"])
@pytest.mark.parametrize("masks", [".jpg", ".png"])
def test_every_annotation_is_a_record(tmp_path, sounds, masks):
    root = make_is3(tmp_path, sounds=sounds, masks=masks)
    records, problems = read_all(read_is3(root))
    assert not problems and [record.name for record in records] == list(IS3_CLASSES)
    first = records[0]
    assert first.image == root / "images" / f"{first.name}.jpg"
    assert first.sound == root / sounds / f"{first.name}.wav"
    assert first.mask is not None and first.mask.kind == "grey"
    assert first.mask.path == root / "gt_segmentation" / f"{first.name}{masks}"
    assert first.split is None and first.video is None


def test_classes_come_from_the_json_and_pairs_from_the_name(tmp_path):
    records, _ = read_all(read_is3(make_is3(tmp_path)))
    assert {record.name: record.label for record in records} == IS3_CLASSES
    assert [record.pair for record in records] == ["accordion_baby_10467"] * 2 + ["fox_train"] * 2


def test_the_parent_folder_will_do(tmp_path):
    records, _ = read_all(read_is3(make_is3(tmp_path / "IS3").parent))
    assert len(records) == 4


def as_named(entries):
    return {entry["image"]: {"category": entry["class"], "bbox": entry["bbox"]} for entry in entries}


def as_classes(entries):
    return {entry["image"].removesuffix(".jpg"): entry["class"] for entry in entries}


def as_paths(entries):
    base = "/mnt/somewhere/synthetic3241"
    return [
        {
            "file_name": f"{base}/visual_frames/{one['image']}",
            "sound": f"{base}\\audio\\{one['audio']}",
            "label": one["class"],
        }
        for one in entries
    ]


def as_held(entries):
    return {"info": "IS3", "annotations": entries}


@pytest.mark.parametrize("spelt", [as_named, as_classes, as_paths, as_held])
def test_the_json_may_be_spelt_otherwise(tmp_path, spelt):
    root = make_is3(tmp_path)
    rewrite(root, spelt(listed(root)))
    records, problems = read_all(read_is3(root))
    assert not problems and {record.name: record.label for record in records} == IS3_CLASSES
    assert records[0].sound == root / "audio_waw" / f"{records[0].name}.wav"


def test_pictures_may_be_png(tmp_path):
    root = make_is3(tmp_path)
    (root / "images" / "fox_train_fox.jpg").unlink()
    write_picture(root / "images" / "fox_train_fox.png")
    records, problems = read_all(read_is3(root))
    assert not problems and records[2].image.name == "fox_train_fox.png"


def test_bad_entries_are_left_out_each_with_its_reason(tmp_path):
    root = make_is3(tmp_path)
    good = listed(root)
    bad = [
        "accordion",
        {"class": "dog"},
        {"image": "../secret.jpg"},
        {"image": ".."},
        good[0],
        {"image": 7},
        None,
    ]
    rewrite(root, [*good, *bad])
    (root / "gt_segmentation" / "accordion_baby_10467_baby.jpg").write_bytes(b"")
    records, problems = read_all(read_is3(root))
    assert len(records) == 3 and len(problems) == 1 + len(bad)
    reasons = {problem.row: problem.reason for problem in problems}
    assert reasons[f"{INDEX}, entry 2 (accordion_baby_10467_baby)"].endswith("copy or download it again")
    assert "names no picture under any of image, " in reasons[f"{INDEX}, entry 5"]
    assert "accordion_baby_10467_accordion" in reasons[f"{INDEX}, entry 9 (accordion_baby_10467_accordion)"]


def test_an_entry_without_a_class_is_kept_and_reported(tmp_path):
    root = make_is3(tmp_path)
    entries = listed(root)
    del entries[0]["class"]
    rewrite(root, entries)
    records, problems = read_all(read_is3(root))
    assert records[0].label is None and len(records) == 4
    assert [problem.left_out for problem in problems] == [False]


@pytest.mark.parametrize("content", [[], {}, "is3", 3])
def test_a_json_that_lists_nothing_is_refused(tmp_path, content):
    root = make_is3(tmp_path)
    rewrite(root, content)
    with pytest.raises(DatasetError, match="lists no annotations"):
        read_is3(root)


def test_what_is_missing_is_named_with_what_is_there(tmp_path):
    with pytest.raises(DatasetError, match=r"does not hold IS3_annotation\.json.*it holds nothing"):
        read_is3(tmp_path)
    root = make_is3(tmp_path)
    with pytest.raises(DatasetError, match="split 'test'"):
        read_is3(root, split="test")
    (root / "audio_waw").rename(root / "sounds")
    with pytest.raises(DatasetError, match="audio_waw or audio_wav"):
        read_is3(root)
    (root / INDEX).write_text("{")
    (root / "sounds").rename(root / "audio_wav")
    with pytest.raises(DatasetError, match="cannot be read as JSON"):
        read_is3(root)
