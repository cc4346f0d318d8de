"""SSLalignment's lists, whose paths are those of somebody else's machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fiftyone_avs.benchmarks.layouts.sslalign import read_sslalign
from fiftyone_avs.benchmarks.records import Box
from fiftyone_avs.errors import DatasetError
from tests.benchmarks.trees import write_mask, write_picture
from tests.benchmarks.trees_boxes import FOREIGN, make_list, read_all, write_json

IS3 = "fox_train_subway"
S4 = "Single-source/s4_data/{}/test/helicopter/0d9u2CymIxc"
MS3 = "Multi-sources/ms3_data/{}/rq5RDUm2Hnk_1"


def is3(truth: object = f"gt_masks/{IS3}.jpg") -> tuple[str, str, object]:
    return f"visual_frames/{IS3}.jpg", f"audio_wav/{IS3}.wav", truth


def s4(truth: object) -> tuple[str, str, object]:
    return f"{S4.format('visual_frames')}/0d9u2CymIxc_3.png", f"{S4.format('audio_wav')}.wav", truth


def ms3(truth: object) -> tuple[str, str, object]:
    frame = f"{MS3.format('visual_frames')}/rq5RDUm2Hnk_1.mp4_2.png"
    return frame, "Multi-sources/ms3_data/audio_wav/test/rq5RDUm2Hnk_1.wav", truth


def test_is3_gives_pairs_and_labels(tmp_path: Path) -> None:
    records, problems = read_all(read_sslalign(make_list(tmp_path, "synthetic3240_seg.json", [is3()])))
    assert not problems
    record = records[0]
    assert (record.name, record.pair, record.label, record.split) == (IS3, "fox_train", "subway", "test")
    assert record.image == tmp_path / f"visual_frames/{IS3}.jpg"
    assert record.sound == tmp_path / f"audio_wav/{IS3}.wav"
    assert record.mask is not None and record.mask.path == tmp_path / f"gt_masks/{IS3}.jpg"
    assert record.mask.kind == "grey" and record.boxes is None


def test_s4_gives_videos_and_labels(tmp_path: Path) -> None:
    mask = f"{S4.format('gt_masks')}/0d9u2CymIxc_3.png"
    records, _ = read_all(read_sslalign(make_list(tmp_path, "s4_seg.json", [s4(mask)])))
    record = records[0]
    assert (record.name, record.video, record.t) == ("0d9u2CymIxc_3", "0d9u2CymIxc", 3)
    assert (record.label, record.pair) == ("helicopter", None)
    assert record.mask is not None and record.mask.kind == "grey"


def test_ms3_gives_videos_and_masks_of_indices(tmp_path: Path) -> None:
    mask = "Multi-sources/ms3_data/gt_masks/test/rq5RDUm2Hnk_1/rq5RDUm2Hnk_1_2.png"
    records, _ = read_all(read_sslalign(make_list(tmp_path, "ms3_seg.json", [ms3(mask)])))
    record = records[0]
    assert (record.name, record.video, record.t) == ("rq5RDUm2Hnk_1_2", "rq5RDUm2Hnk_1", 2)
    assert record.label is None
    assert record.mask is not None and record.mask.kind == "indices"


def test_boxes_are_in_pixels_of_224(tmp_path: Path) -> None:
    make_list(tmp_path, "s4_box.json", [s4([56.0, 0.0, 112.0, 224.0])])
    records, problems = read_all(read_sslalign(tmp_path))
    assert records[0].boxes == (Box(0.25, 0, 0.5, 1),)
    assert records[0].mask is None and not problems


def test_a_box_of_zeros_says_that_nothing_sounds(tmp_path: Path) -> None:
    records, problems = read_all(
        read_sslalign(make_list(tmp_path, "ms3_box.json", [ms3([0.0, 0.0, 0.0, 0.0])]))
    )
    assert records[0].boxes == () and not problems


def test_a_box_out_of_the_picture_is_clipped_and_reported(tmp_path: Path) -> None:
    make_list(tmp_path, "synthetic3240_bbox.json", [is3([112, 112, 448, 224])])
    records, problems = read_all(read_sslalign(tmp_path))
    assert records[0].boxes == (Box(0.5, 0.5, 1, 1),)
    assert not problems[0].left_out and "clipped" in problems[0].reason


@pytest.mark.parametrize("truth", [[5, 5, 5, 9], [1, 2, 3], None, "", 7, [float("inf"), 0, 1, 1], {"a": 1}])
def test_what_is_neither_mask_nor_box_leaves_the_row_out(tmp_path: Path, truth: object) -> None:
    make_list(tmp_path, "s4_box.json", [s4([0, 0, 9, 9])])
    entries = json.loads((tmp_path / "s4_box.json").read_text())
    write_json(tmp_path / "s4_box.json", [*entries, entries[0] | {"gt_box": truth}])
    records, problems = read_all(read_sslalign(tmp_path))
    assert len(records) == 1
    assert problems[0].left_out and "gt_box" in problems[0].reason


@pytest.mark.parametrize("prefix", ["D:\\data", "../datasets", "/mnt/../somewhere", ""])
def test_any_foreign_prefix_is_understood(tmp_path: Path, prefix: str) -> None:
    make_list(tmp_path, "synthetic3240_seg.json", [is3()], prefix=prefix)
    if prefix.startswith("D:"):
        index = tmp_path / "synthetic3240_seg.json"
        index.write_text(index.read_text().replace("/", "\\\\"))
    records, problems = read_all(read_sslalign(tmp_path))
    assert records[0].name == IS3 and records[0].pair == "fox_train" and not problems


@pytest.mark.parametrize(
    ("key", "path", "reason"),
    [
        ("image", "/mnt/gone.jpg", "'/mnt/gone.jpg'"),
        ("audio", "../../etc/passwd", "no end of"),
        ("audio", "/etc/passwd", "no end of"),
        ("audio", "/mnt/secret.wav", "no end of"),
        ("gt_box", "/mnt/secret.wav", "no end of"),
        ("image", "a\0.jpg", "no end of"),
        ("image", 3, "no text 'image'"),
        ("audio", None, "no text 'audio'"),
        ("gt_box", f"{FOREIGN}/visual_frames/{IS3}.jpg", "both as the picture and as its mask"),
        ("gt_box", f"{FOREIGN}/masks/small.png", "the mask has 30 x 20 pixels"),
        ("gt_box", f"{FOREIGN}/masks/broken.png", "broken.png"),
        ("image", f"{FOREIGN}/visual_frames", "not a file"),
    ],
)
def test_bad_entries_are_left_out_with_their_reason(
    tmp_path: Path, key: str, path: object, reason: str
) -> None:
    root = make_list(tmp_path / "data", "synthetic3240_seg.json", [is3()])
    (tmp_path / "secret.wav").write_bytes(b"secret")
    (root / "secret.wav").symlink_to(tmp_path / "secret.wav")
    write_mask(root / "masks/small.png", [[True] * 30] * 20)
    (root / "masks/broken.png").write_bytes(b"no picture")
    entries = json.loads((root / "synthetic3240_seg.json").read_text())
    write_json(root / "synthetic3240_seg.json", [entries[0] | {key: path}, "no entry", *entries])
    records, problems = read_all(read_sslalign(root))
    assert [record.name for record in records] == [IS3]
    assert problems[0].left_out and reason in problems[0].reason
    assert "no text 'image'" in problems[1].reason


def test_an_entry_that_comes_twice_is_left_out(tmp_path: Path) -> None:
    make_list(tmp_path, "synthetic3240_seg.json", [is3(), is3()])
    records, problems = read_all(read_sslalign(tmp_path))
    assert len(records) == 1
    assert "is that of synthetic3240_seg.json, entry 1" in problems[0].reason


def test_of_several_lists_one_must_be_chosen(tmp_path: Path) -> None:
    make_list(tmp_path, "synthetic3240_seg.json", [is3()])
    make_list(tmp_path, "metadata/s4_box.json", [s4([0, 0, 9, 9])])
    with pytest.raises(DatasetError, match=r"s4_box\.json.*synthetic3240_seg\.json.*index"):
        read_sslalign(tmp_path)
    for index, name in (
        ("s4_box.json", "0d9u2CymIxc_3"),
        ("metadata/s4_box.json", "0d9u2CymIxc_3"),
        (tmp_path / "synthetic3240_seg.json", IS3),
    ):
        assert [record.name for record in read_all(read_sslalign(tmp_path, index=index))[0]] == [name]


def test_a_list_may_lie_elsewhere(tmp_path: Path) -> None:
    make_list(tmp_path / "data", "synthetic3240_seg.json", [is3()])
    index = (tmp_path / "data/synthetic3240_seg.json").rename(tmp_path / "synthetic3240_seg.json")
    records, _ = read_all(read_sslalign(tmp_path / "data", index=index))
    assert records[0].image.is_relative_to(tmp_path / "data")


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    write_picture(tmp_path / "picture.png")
    with pytest.raises(DatasetError, match=r"_seg\.json.*picture\.png"):
        read_sslalign(tmp_path)
    with pytest.raises(DatasetError, match=r"no list x\.json"):
        read_sslalign(tmp_path, index="x.json")
    make_list(tmp_path, "synthetic3240_seg.json", [is3()])
    with pytest.raises(DatasetError, match="'train'"):
        read_sslalign(tmp_path, split="train")
    write_json(tmp_path / "synthetic3240_seg.json", {"image": "x"})
    with pytest.raises(DatasetError, match="not a list"):
        read_sslalign(tmp_path)
