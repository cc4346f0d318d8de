"""VPO-SS in both of its layouts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fiftyone_avs.benchmarks.layouts.vpo import read_vpo_ss
from fiftyone_avs.benchmarks.masks import decode_mask
from fiftyone_avs.errors import DatasetError
from tests.benchmarks.trees import right_half, write_picture
from tests.benchmarks.trees_boxes import VPO_ROWS, VpoRow, make_flat_vpo, make_vpo, read_all


@pytest.mark.parametrize("sounds", ["VGGSound/audios", "vggsound_bench/VGGSound/audios"])
@pytest.mark.parametrize("given", [".", "VPO-SS"])
def test_rows_of_the_test_split_become_records(tmp_path: Path, sounds: str, given: str) -> None:
    make_vpo(tmp_path, sounds=sounds)
    records, problems = read_all(read_vpo_ss(tmp_path / given, split="val"))
    assert not problems
    dog, phone = records
    assert dog.name == "000000062491_432356"
    assert dog.image == tmp_path / "VPO-SS/data/dog/000000062491.jpg"
    assert dog.sound == tmp_path / sounds / "aaaaaaaaaaa_000030.wav"
    assert dog.mask is not None
    assert dog.mask.path == tmp_path / "VPO-SS/mask/dog/000000062491_000000432356.png"
    assert (dog.label, dog.split, phone.label) == ("dog", "val", "cell phone")


def test_masks_tell_the_category_and_what_to_ignore(tmp_path: Path) -> None:
    records, _ = read_all(read_vpo_ss(make_vpo(tmp_path), split="train"))
    mask = records[0].mask
    assert mask is not None and mask.kind == "coco"
    decoded = decode_mask(mask)
    assert decoded.classes == (92,)
    assert decoded.ignored is not None and (decoded.ignored[:, 0] == 255).all()
    assert ((decoded.object == 255) == right_half()).all()


def test_all_splits_are_read_unless_one_is_asked_for(tmp_path: Path) -> None:
    records, _ = read_all(read_vpo_ss(make_vpo(tmp_path)))
    assert [record.split for record in records] == ["val", "val", "train"]


def test_a_table_may_have_a_mark_of_its_encoding_and_windows_lines(tmp_path: Path) -> None:
    index = make_vpo(tmp_path) / "VPO-SS/vpo_ss_data_stereo.csv"
    lines = index.read_text().splitlines()
    index.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode() + b"\r\n\r\n")
    records, problems = read_all(read_vpo_ss(tmp_path))
    assert len(records) == 3 and not problems


def test_several_annotations_are_one_mask_named_by_all_of_them(tmp_path: Path) -> None:
    rows = [replace(VPO_ROWS[0], annotation="12_34"), replace(VPO_ROWS[1], annotation="56_78")]
    make_vpo(tmp_path, rows)
    (tmp_path / "VPO-SS/mask/cell phone/000000053484_000000056_78.png").unlink()
    records, problems = read_all(read_vpo_ss(tmp_path))
    assert [record.name for record in records] == ["000000062491_12_34"]
    assert "000000053484_000000056_78.png" in problems[0].reason


def test_bad_rows_are_left_out_with_their_reason(tmp_path: Path) -> None:
    good = VPO_ROWS[0]
    rows = [
        good,
        replace(good, sound="ddddddddddd_000001"),  # the same annotation once more
        VpoRow("ddddddddddd_000001", "", 1, 1, 18),
        VpoRow("ddddddddddd_000002", "dog", 2, 2, 18),
        VpoRow("ddddddddddd_000003", "dog", 3, 3, 18),
        VpoRow("ddddddddddd_000004", "dog", 4, 4, 18),
        VpoRow("../../secret", "dog", 5, 5, 18),
    ]
    home = make_vpo(tmp_path / "data", rows) / "VPO-SS"
    (home / "mask/dog/000000000002_000000000002.png").write_bytes(b"no picture")
    write_picture(home / "data/dog/000000000003.jpg", right_half((20, 30)).astype("uint8"))
    (home / "data/dog/000000000004.jpg").unlink()
    records, problems = read_all(read_vpo_ss(tmp_path / "data", split="val"))
    assert [record.name for record in records] == ["000000062491_432356"]
    reasons = [
        "000000062491_432356",
        "the line names no category",
        "000000000002_000000000002.png",
        "the mask has 64 x 48 pixels, its picture 30 x 20",
        "000000000004.jpg",
        "leaves",
    ]
    for problem, reason in zip(problems, reasons, strict=True):
        assert problem.left_out and reason in problem.reason
    assert [problem.row.split(" (")[0] for problem in problems] == [
        f"vpo_ss_data_stereo.csv, line {number}" for number in range(3, 9)
    ]


def test_a_sound_behind_a_link_out_of_the_data_is_refused(tmp_path: Path) -> None:
    root = make_vpo(tmp_path / "data", VPO_ROWS[:1])
    sound = root / "VGGSound/audios/aaaaaaaaaaa_000030.wav"
    sound.rename(tmp_path / "elsewhere.wav")
    sound.symlink_to(tmp_path / "elsewhere.wav")
    records, problems = read_all(read_vpo_ss(root))
    assert not records and "leads out" in problems[0].reason


def test_the_flattened_layout_has_names_of_the_same_form(tmp_path: Path) -> None:
    records, problems = read_all(read_vpo_ss(make_flat_vpo(tmp_path), split="val"))
    assert not problems
    first = records[0]
    assert first.name == "000000062491_432356"
    assert first.image == tmp_path / "COCO_AV/visual_frames/000000062491_432356.jpg"
    assert first.sound == tmp_path / "COCO_AV/audio_wav/000000062491_432356.wav"
    assert first.mask is not None and first.mask.kind == "grey"
    assert (first.split, first.label, first.pair) == ("val", None, None)


@pytest.mark.parametrize("make", [make_vpo, make_flat_vpo])
def test_a_split_that_is_not_there_is_an_error(tmp_path: Path, make) -> None:
    with pytest.raises(DatasetError, match="test"):
        read_vpo_ss(make(tmp_path), split="test")


def test_what_was_looked_for_is_named(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").touch()
    with pytest.raises(DatasetError, match=r"vpo_ss_data_stereo\.csv.*readme\.txt.*vpo_ss_seg\.json"):
        read_vpo_ss(tmp_path)


def test_missing_sounds_are_one_error(tmp_path: Path) -> None:
    make_vpo(tmp_path, sounds="sounds")
    with pytest.raises(DatasetError, match="VGGSound/audios"):
        read_vpo_ss(tmp_path)
