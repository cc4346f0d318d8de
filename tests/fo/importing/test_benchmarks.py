"""Benchmarks as datasets: samples, ground truth, videos, what is left out, and how much memory it takes."""

from __future__ import annotations

import csv
import json
import os
import tracemalloc
from pathlib import Path

import fiftyone as fo
import numpy as np
import pytest
from PIL import Image

from fiftyone_avs.benchmarks.records import Box, Record
from fiftyone_avs.errors import ConfigurationError, DatasetError
from fiftyone_avs.fo import benchmark_of
from fiftyone_avs.fo.importing.benchmarks.import_benchmark import check_data, import_benchmark, import_data
from fiftyone_avs.fo.importing.benchmarks.truth import TruthFiles
from fiftyone_avs.fo.importing.benchmarks.types import (
    DATASET_TYPES,
    IMPORT_RECORD,
    AVSBenchMS3Dataset,
    FlickrSoundNetDataset,
    IS3Dataset,
)
from fiftyone_avs.fo.schema.fields import MASK_TARGETS
from fiftyone_avs.media import read_mask
from tests.benchmarks.trees import (
    IS3_CLASSES,
    SIZE,
    Scene,
    Video,
    make_avss,
    make_is3,
    make_ms3,
    make_s4,
    right_half,
    write_clip,
    write_mask,
    write_picture,
    write_table,
)
from tests.benchmarks.trees_boxes import make_flickr, make_folder, make_list, make_vggss, make_vpo

pytestmark = pytest.mark.usefixtures("no_datasets_stay")


def take(key, root, **options):
    return import_benchmark(key, root, **{"progress": False, "persistent": False, **options})


def values(label):
    """The values of a mask that FiftyOne shows."""
    return np.asarray(Image.open(label.mask_path))


def test_is3_becomes_samples_with_sound_mask_class_and_pair(tmp_path):
    report = take("is3", make_is3(tmp_path))
    dataset = report.dataset
    assert str(report) == "dataset 'is3': 4 samples from 4 rows: 4 imported, 0 left out"
    assert dataset.values("sample_name") == list(IS3_CLASSES)
    assert dataset.values("label.label") == list(IS3_CLASSES.values())
    assert dataset.values("pair_id") == ["accordion_baby_10467"] * 2 + ["fox_train"] * 2
    sample = dataset.first()
    assert sample.audio_path == str(tmp_path / "audio_waw" / f"{sample.sample_name}.wav")
    assert sample.ground_truth.mask_path == str(tmp_path / "gt_segmentation" / f"{sample.sample_name}.jpg")
    assert dataset.mask_targets == {"ground_truth": MASK_TARGETS}
    assert benchmark_of(dataset) == "is3"
    assert (
        dataset.info["fiftyone_avs_pair_field"] == "pair_id"
        and "fiftyone_avs_video_field" not in dataset.info
    )
    pairs = dataset.load_saved_view("by_pair")
    assert [len(pairs.get_dynamic_group(key)) for key in ("accordion_baby_10467", "fox_train")] == [2, 2]


def test_s4_is_the_test_split_unless_another_one_is_asked_for(tmp_path):
    root = make_s4(tmp_path)
    dataset = take("s4", root).dataset
    assert dataset.name == "avsbench-s4-test" and len(dataset) == 10
    assert dataset.count_sample_tags() == {"test": 10} and benchmark_of(dataset) == "avsbench-s4"
    assert dataset.values("t")[:6] == [1, 2, 3, 4, 5, 1]
    assert dataset.info["fiftyone_avs_video_field"] == "video_id"
    clips = dataset.load_saved_view("by_video")
    assert len(clips) == 2
    assert clips.get_dynamic_group("0d9u2CymIxc").values("t") == [1, 2, 3, 4, 5]
    everything = take("s4", root, split="all").dataset
    assert everything.count_sample_tags() == {"test": 10, "val": 5, "train": 1}
    assert benchmark_of(everything) is None and benchmark_of(take("s4", root, split="val").dataset) is None


def test_ms3_masks_become_masks_of_0_and_255(tmp_path):
    report = take("ms3", make_ms3(tmp_path), masks_dir=tmp_path / "masks")
    empty, first = (values(sample.ground_truth) for sample in report.dataset.limit(2))
    assert not empty.any() and (first == right_half() * np.uint8(255)).all()
    written = sorted(path.name for path in (tmp_path / "masks" / "test").iterdir())
    assert written == [f"rq5RDUm2Hnk_1_{t}.png" for t in range(1, 6)]
    assert report.dataset.info["fiftyone_avs_benchmark"] == "avsbench-ms3"


def test_converted_masks_lie_with_fiftyones_datasets_and_are_the_same_again(tmp_path):
    root = make_ms3(tmp_path)
    first, second = (take("ms3", root, dataset_name=f"ms3-{number}").dataset for number in (1, 2))
    paths = first.values("ground_truth.mask_path")
    assert paths == second.values("ground_truth.mask_path")
    assert all(Path(path).is_relative_to(Path(fo.config.default_dataset_dir) / "avs") for path in paths)
    assert {path.suffix for path in Path(paths[0]).parent.iterdir()} == {".png"}


def test_avss_has_semantic_masks_and_the_classes_of_each_frame(tmp_path):
    numbers = np.zeros(SIZE, np.uint8)
    numbers[:, :8], numbers[:, 8:16] = 2, 5
    video = Video("vvvvvvvvvvv_0_10000", "test", "guitar_man", "v2", [Scene(mask=numbers)] * 10)
    dataset = take("avss", make_avss(tmp_path, [video])).dataset
    sample = dataset.first()
    assert (values(sample.ground_truth) == (numbers > 0) * np.uint8(255)).all()
    assert sample.ground_truth_semantic.mask_path.endswith("labels_rgb/0.png")
    assert [one.label for one in sample.classes.classifications] == ["guitar", "man"]
    targets = dataset.mask_targets["ground_truth_semantic"]
    assert len(targets) == 70 and targets["#008000"] == "guitar" and targets["#800080"] == "man"
    assert dataset.count("classes.classifications") == 20 and sample.tags == ["test", "v2"]


def test_vpo_keeps_ignored_pixels_apart(tmp_path):
    dataset = take("vpo-ss", make_vpo(tmp_path)).dataset
    sample = dataset.first()
    truth, ignored = values(sample.ground_truth), values(sample.ignored)
    assert (ignored[:, 0] == 255).all() and not ignored[:, 1:].any() and not truth[:, 0].any()
    assert (truth == right_half() * np.uint8(255)).all()
    assert dataset.mask_targets["ignored"] == {0: "counted", 255: "ignored"}
    assert benchmark_of(dataset) == "vpo-ss"


def test_boxes_are_detections_and_a_drawn_mask(tmp_path):
    dataset = take("vgg-ss", make_vggss(tmp_path)).dataset
    one, two = dataset
    (box,) = one.ground_truth_boxes.detections
    assert box.bounding_box == [0.25, 0.25, 0.25, 0.5]
    assert (box.label, box.annotator) == ("elk bugling", 0)
    mask = np.zeros(SIZE, np.uint8)
    mask[12:36, 16:32] = 255
    assert (values(one.ground_truth) == mask).all()
    assert len(two.ground_truth_boxes.detections) == 2


def test_boxes_of_several_annotators_keep_them_apart(tmp_path):
    dataset = take("flickr-soundnet", make_flickr(tmp_path)).dataset
    boxes = dataset.first().ground_truth_boxes.detections
    assert len({box.annotator for box in boxes}) == len(boxes) == 3
    assert {box.label for box in boxes} == {"sounding object"}
    assert dataset.distinct("ground_truth_boxes.detections.annotator") == [0, 1, 2]


def test_pairs_in_which_nothing_sounds_are_added_on_request(tmp_path):
    root = make_vggss(tmp_path)
    clips = [entry["file"] for entry in json.loads((root / "vggss.json").read_text())]
    rows = [(clips[0], clips[0], "sounding"), (clips[0], clips[1], "non-sounding")]
    write_table(root / "vggss_test_plus_silent.csv", ("video", "audio", "label"), rows)
    dataset = take("vgg-ss", root, negatives=True).dataset
    (negative,) = dataset.load_saved_view("negatives")
    assert len(dataset) == 3 and negative.sample_name == f"{clips[0]}+{clips[1]}"
    assert not negative.ground_truth_boxes.detections and not values(negative.ground_truth).any()
    assert len(take("vgg-ss", root, dataset_name="without").dataset) == 2


def test_a_list_of_sslalign_says_by_its_name_what_it_has(tmp_path):
    rows = [
        (f"s4/dog_barking/abc/abc_{t}.png", "s4/dog_barking/abc.wav", truth)
        for t, truth in enumerate(([0, 0, 0, 0], [56, 0, 112, 224]), start=1)
    ]
    make_list(tmp_path, "s4_box.json", rows)
    pairs = [("is3/dog_cat_1_dog.jpg", "is3/dog_cat_1_dog.wav", "is3/masks/dog_cat_1_dog.jpg")]
    make_list(tmp_path, "synthetic3240_seg.json", pairs)
    frames = take("sslalign", tmp_path, index="s4_box.json", dataset_name="boxes").dataset
    silent, heard = frames
    assert not silent.ground_truth_boxes.detections and not values(silent.ground_truth).any()
    assert (values(heard.ground_truth)[:, 16:32] == 255).all()
    assert frames.info["fiftyone_avs_video_field"] == "video_id" and not frames.has_field("pair_id")
    pictures = take("sslalign", tmp_path, index="synthetic3240_seg.json", dataset_name="masks").dataset
    assert pictures.info["fiftyone_avs_pair_field"] == "pair_id" and not pictures.has_field("video_id")


def test_a_plain_folder_keeps_pictures_without_a_sound(tmp_path):
    root = make_folder(tmp_path)
    (root / "wav" / "b.wav").unlink()
    report = take("folder", root)
    assert report.dataset.count("audio_path") == 1 and len(report.dataset) == 2
    assert str(report).endswith("2 imported, 0 left out; 1 remarks")
    assert "fiftyone_avs_benchmark" not in report.dataset.info


BAD = {
    "a lost picture": lambda root, name: (root / "images" / f"{name}.jpg").unlink(),
    "an empty sound": lambda root, name: (root / "audio_waw" / f"{name}.wav").write_bytes(b""),
    "a cut mask": lambda root, name: (root / "gt_segmentation" / f"{name}.jpg").write_bytes(b"\xff\xd8\xff"),
    "a mask of another size": lambda root, name: write_mask(
        root / "gt_segmentation" / f"{name}.jpg", np.ones((9, 9))
    ),
}


def test_every_bad_row_is_in_the_report_and_counts_add_up(tmp_path):
    names = [f"dog_cat_{number}_dog" for number in range(len(BAD) + 2)]
    root = make_is3(tmp_path / "is3", classes=dict.fromkeys(names, "dog"))
    for spoil, name in zip(BAD.values(), names, strict=False):
        spoil(root, name)
    report = take("is3", root)
    assert (report.rows, report.imported, report.left_out, report.unread) == (6, 2, 4, 0)
    assert [any(name in problem.row for name in names) for problem in report.problems] == [True] * 4
    assert str(report) == "dataset 'is3': 2 samples from 6 rows: 2 imported, 4 left out"
    report.to_csv(tmp_path / "report.csv")
    with (tmp_path / "report.csv").open(newline="") as file:
        lines = list(csv.reader(file))
    assert lines[0] == ["row", "reason", "left_out"] and len(lines) == 5
    assert lines[1] == [report.problems[0].row, report.problems[0].reason, "True"]
    record = report.dataset.info[IMPORT_RECORD]
    assert (record["rows"], record["imported"], record["left_out"]) == (6, 2, 4)
    assert len(record["reasons"]) == 4 and all(reason["count"] == 1 for reason in record["reasons"])
    assert [problem["row"] for problem in record["problems"]] == [problem.row for problem in report.problems]


def test_the_dataset_keeps_the_first_thousand_problems_and_counts_all_by_their_kind(tmp_path):
    root = link_rows(tmp_path, 1)
    names = [f"dog_cat_{number}_dog" for number in range(1003)]
    (root / "IS3_annotation.json").write_text(json.dumps([{"image": name, "class": "dog"} for name in names]))
    report = take("is3", root)
    record = report.dataset.info[IMPORT_RECORD]
    assert len(report.problems) == 1002 and len(record["problems"]) == 1000
    assert [reason["count"] for reason in record["reasons"]] == [1002]
    assert record["reasons"][0]["reason"].startswith("the file does not exist")


def test_nothing_is_left_where_no_row_can_be_used(tmp_path):
    root = make_is3(tmp_path)
    for path in (root / "images").iterdir():
        path.unlink()
    with pytest.raises(
        DatasetError, match=r"none of the 4 rows below .* can be used: 4 x the file does not exist"
    ):
        take("is3", root)
    assert not fo.dataset_exists("is3")


@pytest.mark.parametrize("key", ["s4", "ms3"])
def test_videos_carry_the_ground_truth_on_the_frames_that_avsbench_took(tmp_path, key):
    root = (make_s4 if key == "s4" else make_ms3)(tmp_path, clips=True)
    report = take(key, root, as_videos=True, masks_dir=tmp_path / "masks")
    dataset = report.dataset
    clip = dataset.first()
    assert dataset.media_type == "video" and report.imported == 5 * len(dataset) == report.rows
    assert list(clip.frames) == [8, 16, 24, 32, 40]  # 8 frames per second, FiftyOne counts from 1
    mask = values(clip.frames[16].ground_truth)
    assert (mask == right_half((96, 128)) * np.uint8(255)).all()
    assert (clip.metadata.frame_width, clip.metadata.frame_rate) == (128, 8)
    assert clip.video_id == clip.sample_name and clip.tags == ["test"]
    assert dataset.mask_targets == {"ground_truth": MASK_TARGETS}


def test_masks_of_the_clips_own_size_are_used_where_they_are(tmp_path):
    root = make_s4(tmp_path)
    for video in (root / "Single-source" / "s4_data" / "audio_wav" / "test").rglob("*.wav"):
        write_clip(tmp_path / "clips" / "test" / video.parent.name / f"{video.stem}.mp4", size=SIZE)
    report = take("s4", root, as_videos=True, clips_dir=tmp_path / "clips", masks_dir=tmp_path / "masks")
    assert "gt_masks" in report.dataset.first().frames.first().ground_truth.mask_path
    assert not (tmp_path / "masks").exists()


def test_clips_that_cannot_be_used_leave_their_rows_out(tmp_path):
    root = make_s4(tmp_path, clips=True)
    clips = root / "Single-source" / "s4_data" / "raw_videos" / "test"
    (clips / "helicopter" / "0d9u2CymIxc.mp4").unlink()
    write_clip(clips / "dog_barking" / "-9VmZdbOPQU.mp4", seconds=3)
    report = take("s4", root, as_videos=True)
    assert (report.rows, report.imported, report.left_out, len(report.dataset)) == (10, 3, 7, 1)
    assert list(report.dataset.first().frames) == [8, 16, 24]
    assert "does not exist" in report.problems[0].reason
    assert report.problems[-1].reason.endswith("the clip ends before: frame 24 has a label already")


def test_files_of_odd_names_are_written_below_the_folder_of_masks(tmp_path):
    record = Record("../a/../b%2F:x", tmp_path / "p.jpg", None, boxes=(Box(0, 0, 1, 1),))
    write_picture(record.image)
    path = Path(TruthFiles(tmp_path / "masks").mask(record).mask_path)
    assert path.parent == tmp_path / "masks" / "all" and path.is_file()


def test_a_limit_looks_at_the_first_rows_only(tmp_path):
    root = make_s4(tmp_path, clips=True)
    report = take("s4", root, limit=3)
    assert (
        str(report)
        == "dataset 'avsbench-s4-test': 3 samples from 10 rows: 3 imported, 0 left out, 7 not read"
    )
    videos = take("s4", root, limit=1, as_videos=True, dataset_name="clips")
    assert (len(videos.dataset), videos.imported, videos.unread) == (1, 5, 5)


def test_progress_is_told_row_by_row(tmp_path):
    root = make_is3(tmp_path)
    (root / "images" / "fox_train_fox.jpg").unlink()
    told = []
    take("is3", root, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_an_import_that_is_stopped_leaves_no_dataset(tmp_path):
    def stop(done, _total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take("is3", make_is3(tmp_path), progress=stop)
    assert not fo.dataset_exists("is3")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"key": "imagenet"}, "no benchmark 'imagenet'"),
        ({"split": "test"}, "IS3 has no split 'test'"),
        ({"as_videos": True}, "IS3 has no clips"),
        ({"negatives": True}, "IS3 has no negatives"),
        ({"clips_dir": "/clips"}, "IS3 has no clips"),
        ({"limit": 0}, "limit must be 1 or more"),
        ({"dataset_name": "taken"}, "'taken' exists already"),
        ({"root": "/nowhere"}, "there is no folder /nowhere"),
    ],
)
def test_arguments_that_cannot_work_leave_no_dataset(tmp_path, options, message):
    fo.Dataset("taken")
    options = {"key": "is3", "root": make_is3(tmp_path), **options}
    with pytest.raises(ConfigurationError, match=message):
        take(options.pop("key"), options.pop("root"), **options)
    assert not fo.dataset_exists("is3")


def test_every_benchmark_is_a_type_of_fiftyone(tmp_path):
    roots = {
        "is3": make_is3(tmp_path / "is3"),
        "avsbench-s4": make_s4(tmp_path / "s4"),
        "avsbench-ms3": make_ms3(tmp_path / "ms3"),
        "avsbench-avss": make_avss(tmp_path / "avss"),
        "vpo-ss": make_vpo(tmp_path / "vpo"),
        "vgg-ss": make_vggss(tmp_path / "vggss"),
        "flickr-soundnet": make_flickr(tmp_path / "flickr"),
        "folder": make_folder(tmp_path / "folder"),
    }
    for key, root in roots.items():
        by_type = fo.Dataset.from_dir(dataset_dir=str(root), dataset_type=DATASET_TYPES[key])
        ours = take(key, root).dataset
        assert by_type.values("sample_name") == ours.values("sample_name") and len(ours)
        assert by_type.values("ground_truth.mask_path") == ours.values("ground_truth.mask_path")
        shown = {"fiftyone_avs_shown": ["ground_truth", "label"]}  # what ours lets the App show
        assert by_type.mask_targets == ours.mask_targets and by_type.info | shown == ours.info
        assert set(by_type.get_field_schema()) <= set(ours.get_field_schema())


def test_types_take_the_arguments_of_the_import(tmp_path):
    root = make_ms3(tmp_path / "ms3", clips=True)
    options = {"split": "train", "as_videos": True, "masks_dir": str(tmp_path / "masks"), "max_samples": 1}
    dataset = fo.Dataset.from_dir(dataset_dir=str(root), dataset_type=AVSBenchMS3Dataset, **options)
    assert dataset.media_type == "video" and dataset.values("tags") == [["train"]]
    assert list((tmp_path / "masks" / "train").iterdir())
    with pytest.raises(DatasetError, match=r"does not hold IS3_annotation\.json"):
        fo.Dataset.from_dir(dataset_dir=str(root), dataset_type=IS3Dataset)
    flickr = make_flickr(tmp_path / "flickr")
    assert (
        len(fo.Dataset.from_dir(dataset_dir=str(flickr), dataset_type=FlickrSoundNetDataset, max_samples=1))
        == 1
    )


def link_rows(root, count):
    """IS3 with so many rows; their files are the same three under other names."""
    names = [f"dog_cat_{number}_dog" for number in range(count)]
    make_is3(root, classes={names[0]: "dog"})
    for folder, ending in (("images", ".jpg"), ("audio_waw", ".wav"), ("gt_segmentation", ".jpg")):
        for name in names[1:]:
            os.link(root / folder / f"{names[0]}{ending}", root / folder / f"{name}{ending}")
    (root / "IS3_annotation.json").write_text(json.dumps([{"image": name, "class": "dog"} for name in names]))
    return root


def test_samples_are_added_while_rows_are_read(tmp_path):
    added = []
    take("is3", link_rows(tmp_path, 60), progress=lambda *_: added.append(fo.load_dataset("is3").count()))
    assert added == sorted(added) and 0 < added[30] < 60


@pytest.mark.slow
def test_ten_thousand_rows_take_little_memory(tmp_path, record_property):
    """As a list, the samples would take more than 45 MB."""
    root = link_rows(tmp_path, 10_000)
    tracemalloc.start()
    try:
        report = take("is3", root)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert report.imported == 10_000 == len(report.dataset)
    record_property("peak memory of importing 10,000 rows (MB)", round(peak / 1e6, 1))
    assert peak < 20e6


def test_a_plain_folder_may_be_a_benchmark_all_the_same(tmp_path):
    root = make_folder(tmp_path / "mine")
    plain = import_data(root, benchmark="is3", progress=False)
    assert plain.dataset.name == "mine" and benchmark_of(plain.dataset) == "is3" and plain.rows == 0
    own = import_data(make_is3(tmp_path / "is3"), benchmark="is3", progress=False)
    assert own.dataset.name == "is3" and own.rows == 4
    with pytest.raises(ConfigurationError, match="limit is for benchmarks in their own layout"):
        import_data(root, limit=3, name="other")
    (found,) = check_data(tmp_path / "is3", "other", benchmark="s4", split="exam")
    assert found.argument == "split" and "no split 'exam'" in found.message
    assert check_data(root, "other", benchmark="is3", kind="images") == []


def test_masks_that_are_used_where_they_are_can_be_read(tmp_path):
    sample = take("is3", make_is3(tmp_path)).dataset.first()
    assert (read_mask(sample.ground_truth.mask_path) == right_half()).all()
