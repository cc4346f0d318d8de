"""AVSBench-object and AVSBench-semantic: which frames there are, where their files lie, what their masks say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fiftyone_avs.benchmarks.layouts.avsbench import labelled_frame, read_ms3, read_s4
from fiftyone_avs.benchmarks.layouts.avss import class_names_file, read_avss
from fiftyone_avs.benchmarks.masks import decode_mask
from fiftyone_avs.errors import DatasetError
from tests.benchmarks.trees import (
    AVSS_VIDEOS,
    S4_VIDEOS,
    Scene,
    make_avss,
    make_ms3,
    make_s4,
    write_table,
)
from tests.benchmarks.trees_boxes import read_all


def test_s4_has_five_frames_a_clip_and_one_of_training_clips(tmp_path):
    records, problems = read_all(read_s4(make_s4(tmp_path)))
    assert not problems
    frames = {video.name: [one.t for one in records if one.video == video.name] for video in S4_VIDEOS}
    assert frames == {
        "0d9u2CymIxc": [1, 2, 3, 4, 5],
        "-9VmZdbOPQU": [1, 2, 3, 4, 5],
        "aaaaaaaaaaa": [1, 2, 3, 4, 5],
        "bbbbbbbbbbb": [1],
    }


@pytest.mark.parametrize("nested", [True, False])
def test_s4_files_lie_in_folders_of_split_and_category(tmp_path, nested):
    root = make_s4(tmp_path, nested=nested)
    records, _ = read_all(read_s4(root, split="test"))
    assert len(records) == 10 and {record.split for record in records} == {"test"}
    second = records[1]
    data = (root / "Single-source" if nested else root) / "s4_data"
    place = data / "visual_frames" / "test" / "helicopter" / "0d9u2CymIxc"
    assert second.name == "0d9u2CymIxc_2" and second.image == place / "0d9u2CymIxc_2.png"
    assert second.sound == data / "audio_wav" / "test" / "helicopter" / "0d9u2CymIxc.wav"
    assert second.mask is not None and second.mask.kind == "grey"
    assert second.mask.path == data / "gt_masks" / "test" / "helicopter" / "0d9u2CymIxc" / "0d9u2CymIxc_2.png"
    assert second.clip == data / "raw_videos" / "test" / "helicopter" / "0d9u2CymIxc.mp4"
    assert (second.label, second.video) == ("helicopter", "0d9u2CymIxc")


@pytest.mark.parametrize(
    "header",
    [
        ("name", "Start Time", "category", "split"),
        ("video id", "start time", "category", "split"),
        ("YouTube", "from", "kind", "part"),  # by position, as official readers do
    ],
)
def test_s4_columns_may_be_called_otherwise(tmp_path, header):
    root = make_s4(tmp_path)
    rows = [(video.name, 0, video.category, video.split) for video in S4_VIDEOS]
    write_table(root / "Single-source" / "s4_meta_data.csv", header, rows)
    records, problems = read_all(read_s4(root))
    assert len(records) == 16 and not problems


def test_s4_columns_may_stand_in_another_order(tmp_path):
    root = make_s4(tmp_path)
    rows = [(video.split, video.name, video.category) for video in S4_VIDEOS]
    write_table(root / "Single-source" / "s4_meta_data.csv", ("split", "name", "category"), rows)
    assert len(read_all(read_s4(root))[0]) == 16


def test_ms3_frames_lie_in_no_folder_of_their_split(tmp_path):
    root = make_ms3(tmp_path)
    records, problems = read_all(read_ms3(root))
    assert not problems and len(records) == 10
    data = root / "Multi-sources" / "ms3_data"
    first = records[0]
    assert first.name == "rq5RDUm2Hnk_1_1"
    assert first.image == data / "visual_frames" / "rq5RDUm2Hnk_1" / "rq5RDUm2Hnk_1.mp4_1.png"
    assert first.sound == data / "audio_wav" / "test" / "rq5RDUm2Hnk_1.wav"
    assert first.clip == data / "raw_videos" / "rq5RDUm2Hnk_1.mp4"
    assert first.label is None


def test_ms3_masks_are_palette_pictures_and_may_be_empty(tmp_path):
    records, _ = read_all(read_ms3(make_ms3(tmp_path), split="test"))
    masks = [decode_mask(record.mask).object for record in records]
    assert not masks[0].any() and all((mask[:, -1] == 255).all() for mask in masks[1:])


def test_clips_may_lie_elsewhere(tmp_path):
    records, _ = read_all(read_s4(make_s4(tmp_path), split="test", clips=tmp_path / "mine"))
    assert records[0].clip == tmp_path / "mine" / "test" / "helicopter" / "0d9u2CymIxc.mp4"


def test_bad_lines_and_files_are_left_out_each_with_its_reason(tmp_path):
    root = make_s4(tmp_path)
    data = root / "Single-source" / "s4_data"
    rows = [(video.name, 0, video.category, video.split) for video in S4_VIDEOS]
    (data / "visual_frames" / "test" / "dog_barking" / "-9VmZdbOPQU" / "-9VmZdbOPQU_3.png").unlink()
    wrong = [
        ("short",),
        ("zzzzzzzzzzz", 0, "dog_barking", "holiday"),
        ("yyyyyyyyyyy", 0, "../../etc", "train"),
        rows[0],
    ]
    write_table(
        root / "Single-source" / "s4_meta_data.csv", ("name", "start", "category", "split"), [*rows, *wrong]
    )
    records, problems = read_all(read_s4(root))
    assert len(records) == 15
    reasons = [f"{problem.row}: {problem.reason}" for problem in problems]
    assert len(reasons) == 1 + 1 + 1 + 1 + 5
    assert reasons[0].startswith("s4_meta_data.csv, line 3 (-9VmZdbOPQU, frame 3): ")
    assert (
        reasons[1].startswith("s4_meta_data.csv, line 6 (short, frame 1): ") and "no category" in reasons[1]
    )
    assert "'holiday', which is none of train, val, test" in reasons[2]
    assert "leaves" in reasons[3]
    assert all("0d9u2CymIxc" in reason for reason in reasons[4:])


def test_pickles_are_never_opened(tmp_path):
    root = make_s4(tmp_path)
    for path in list(root.rglob("*.pkl")):
        path.unlink()
        path.mkdir()  # which nobody can open
    assert len(read_all(read_s4(root))[0]) == 16


@pytest.mark.parametrize(("read", "make"), [(read_s4, make_s4), (read_ms3, make_ms3), (read_avss, make_avss)])
def test_what_is_not_there_is_named(tmp_path, read, make):
    with pytest.raises(DatasetError, match=r"does not hold .*it holds nothing"):
        read(tmp_path)
    make(tmp_path)
    with pytest.raises(DatasetError, match=r"nothing of the split 'exam'; it lists .*test"):
        read(tmp_path, split="exam")


def test_media_are_read_when_their_turn_comes(tmp_path):
    root = make_s4(tmp_path)
    rows = read_s4(root)
    assert rows.total == 16
    for path in (root / "Single-source" / "s4_data" / "gt_masks").rglob("*.png"):
        path.unlink()
    assert next(rows.items).left_out


def test_avss_has_five_or_ten_frames_from_0_and_one_of_training_clips_of_v1s(tmp_path):
    root = make_avss(tmp_path)
    records, problems = read_all(read_avss(root))
    assert not problems
    frames = {one.name: [record.t for record in records if record.video == one.name] for one in AVSS_VIDEOS}
    assert list(frames.values()) == [list(range(10)), list(range(5)), [0]]
    first = records[0]
    folder = root / "v2" / "vvvvvvvvvvv_0_10000"
    assert (first.image, first.sound) == (folder / "frames" / "0.jpg", folder / "audio.wav")
    assert first.mask is not None and first.mask.path == folder / "labels_rgb" / "0.png"
    assert (first.label, first.split, first.tags) == ("dog_guitar", "test", ("v2",))
    assert decode_mask(first.mask).classes == (1,)
    assert class_names_file(root) == root / "label2idx.json"


def test_avss_lines_that_make_no_sense_are_one_row_each(tmp_path):
    videos = [*AVSS_VIDEOS, replace(AVSS_VIDEOS[0], name="other_0_1", frames=[Scene()] * 10)]
    root = make_avss(tmp_path, videos)
    header = ("vid", "uid", "s_min", "s_sec", "a_obj", "split", "label")
    rows = [("v", one.name, 0, 0, one.category, one.split, one.subset) for one in videos]
    rows[0] = (*rows[0][:6], "v3")
    rows[3] = (*rows[3][:1], "", *rows[3][2:])
    write_table(root / "metadata.csv", header, rows)
    records, problems = read_all(read_avss(root))
    assert len(records) == 6
    assert [problem.reason for problem in problems] == [
        "has the subset 'v3', which is none of v1s, v1m, v2",
        "names no clip",
    ]


@pytest.mark.parametrize("folder", ["AVSBench-semantic", "avs_released"])
def test_avss_may_lie_below_the_root(tmp_path, folder):
    make_avss(tmp_path / folder)
    assert len(read_all(read_avss(tmp_path, split="val"))[0]) == 5


@pytest.mark.parametrize(
    ("t", "fps", "n_frames", "frame"),
    [
        (1, 25, 125, 23),  # int(15 / 16 * 25)
        (5, 25, 125, 123),
        (2, 29.97, 150, 58),
        (5, 30, 140, 139),  # the clip ends before
        (1, 8, 40, 7),
        (3, 23.976, 120, 70),
    ],
)
def test_labels_belong_to_the_last_of_16_frames_of_a_second(t, fps, n_frames, frame):
    assert labelled_frame(t, fps, n_frames) == frame
