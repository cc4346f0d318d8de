"""VGG-SS: boxes with their faults, two ways to name files, and negatives."""

from __future__ import annotations

from pathlib import Path

import pytest

from fiftyone_avs.benchmarks.layouts.vggss import read_vgg_ss
from fiftyone_avs.benchmarks.records import Box
from fiftyone_avs.errors import DatasetError
from tests.benchmarks.trees import write_table
from tests.benchmarks.trees_boxes import VGGSS_ENTRIES, make_vggss, read_all, write_json

FAR = -2.8823037615171176e16  # as the published file has it


def entry(boxes: object, name: str = "MKC9LvRivTM_000030") -> dict[str, object]:
    return {"file": name, "class": "playing french horn", "bbox": boxes}


def test_entries_become_records_with_boxes(tmp_path: Path) -> None:
    records, problems = read_all(read_vgg_ss(make_vggss(tmp_path), split="test"))
    assert not problems
    elk, woman = records
    assert (elk.name, elk.label, elk.split) == ("zpWuikVorYg_000032", "elk bugling", "test")
    assert elk.boxes == (Box(0.25, 0.25, 0.5, 0.75),)
    assert elk.image == tmp_path / "frames/zpWuikVorYg_000032.jpg"
    assert elk.sound == tmp_path / "audio/zpWuikVorYg_000032.wav"
    assert elk.mask is None
    assert woman.boxes == (Box(0, 0.5, 0.25, 1), Box(0.5, 0.5, 1, 1))


def test_files_may_be_named_by_milliseconds(tmp_path: Path) -> None:
    records, _ = read_all(read_vgg_ss(make_vggss(tmp_path, milliseconds=True)))
    assert records[0].name == "zpWuikVorYg_000032"
    assert records[0].image == tmp_path / "zpWuikVorYg_32000_42000.jpg"
    assert records[0].sound == tmp_path / "zpWuikVorYg_32000_42000.wav"


def test_the_list_may_lie_in_metadata(tmp_path: Path) -> None:
    make_vggss(tmp_path)
    (tmp_path / "metadata").mkdir()
    (tmp_path / "vggss.json").rename(tmp_path / "metadata/vggss.json")
    assert len(read_all(read_vgg_ss(tmp_path))[0]) == 2


@pytest.mark.parametrize(
    ("boxes", "kept", "said"),
    [
        ([[-0.5, 0.25, 0.5, 1.5]], (Box(0, 0.25, 0.5, 1),), ["it is clipped"]),
        (
            [[0.5, 0.5, FAR, 1], [0, 0, 0.5, 0.5]],
            (Box(0, 0, 0.5, 0.5),),
            ["no area in the picture; it is dropped"],
        ),
        ([[0.2, 0.2, 0.2, 0.4], [0, 0, 1, 1]], (Box(0, 0, 1, 1),), ["no area"]),
        ([[0, 0, 1, 1], [0, 0, 1]], (Box(0, 0, 1, 1),), ["is not four numbers"]),
        ([["a", 0, 1, 1], [0, 0, 1, 1]], (Box(0, 0, 1, 1),), ["is not four numbers"]),
        ([[0, 0, float("nan"), 1], [0, 0, 1, 1]], (Box(0, 0, 1, 1),), ["is not four numbers"]),
        ([[0, 0, 10**400, 1], [0, 0, 1, 1]], (Box(0, 0, 1, 1),), ["is not four numbers"]),
        ([[0, 0, True, 1], [0, 0, 2, 1], [0, 0, 1, 1]], (Box(0, 0, 1, 1),) * 2, ["not four", "clipped"]),
    ],
)
def test_faulty_boxes_are_reported_and_others_kept(tmp_path: Path, boxes, kept, said) -> None:
    records, problems = read_all(read_vgg_ss(make_vggss(tmp_path, [entry(boxes)])))
    assert records[0].boxes == kept
    for problem, words in zip(problems, said, strict=True):
        assert not problem.left_out and words in problem.reason and "MKC9LvRivTM_000030" in problem.row


@pytest.mark.parametrize(
    "boxes", [[[0.4, 0.6, FAR, 0.9]], [[0.2, 1.0, 0.7, 1.0]], [], "none", None, {"x": 1}, [0, 0, 1, 1]]
)
def test_a_row_without_a_box_left_is_left_out(tmp_path: Path, boxes) -> None:
    make_vggss(tmp_path, [entry(boxes), *VGGSS_ENTRIES])
    records, problems = read_all(read_vgg_ss(tmp_path))
    assert len(records) == 2
    assert [problem.left_out for problem in problems] == [True]
    assert "box" in problems[0].reason


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("not an entry", "no text 'file'"),
        ({"class": "dog", "bbox": [[0, 0, 1, 1]]}, "no text 'file'"),
        ({"file": 7, "class": "dog", "bbox": [[0, 0, 1, 1]]}, "no text 'file'"),
        ({"file": "zpWuikVorYg_000032", "bbox": [[0, 0, 1, 1]]}, "no text 'class'"),
        (entry([[0, 0, 1, 1]], "zpWuikVorYg_000032"), "is that of vggss.json, entry 1"),
        (entry([[0, 0, 1, 1]], "missing-xx_000001"), "missing-xx_000001.jpg"),
        (entry([[0, 0, 1, 1]], "../../etc/passwd"), "leaves"),
        (entry([[0, 0, 1, 1]], "a\0b"), "cannot be a file's name"),
        (entry([[0, 0, 1, 1]], "x" * 400), "too long"),
    ],
)
def test_bad_entries_are_left_out_with_their_reason(tmp_path: Path, bad, reason: str) -> None:
    make_vggss(tmp_path)
    write_json(tmp_path / "vggss.json", [*VGGSS_ENTRIES, bad])
    records, problems = read_all(read_vgg_ss(tmp_path))
    assert len(records) == 2
    assert problems[0].left_out and reason in problems[0].reason


def test_subsets_become_tags(tmp_path: Path) -> None:
    make_vggss(tmp_path)
    (tmp_path / "vggss_heard_test.csv").write_text("zpWuikVorYg_000032\r\n")
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata/vggss_unheard_test.csv").write_text("gEvCUcZ6w88_000030\nnot-there\n")
    records, _ = read_all(read_vgg_ss(tmp_path))
    assert [record.tags for record in records] == [("heard",), ("unheard",)]


def test_negatives_are_pairs_in_which_nothing_sounds(tmp_path: Path) -> None:
    make_vggss(tmp_path)
    elk, woman = (one["file"] for one in VGGSS_ENTRIES)
    rows = [
        (elk, woman, "non-sounding"),
        (elk, elk, "sounding"),
        (elk, "", "non-sounding"),
        (elk, "gone", "non-sounding"),
    ]
    write_table(tmp_path / "vggss_test_plus_silent.csv", ("video", "audio", "label"), rows)
    records, problems = read_all(read_vgg_ss(tmp_path, negatives=True))
    negative = records[-1]
    assert len(records) == 3
    assert negative.name == f"{elk}+{woman}"
    assert (negative.boxes, negative.mask, negative.label, negative.tags) == ((), None, None, ("negative",))
    assert negative.image == tmp_path / f"frames/{elk}.jpg"
    assert negative.sound == tmp_path / f"audio/{woman}.wav"
    assert ["no sound" in problems[0].reason, "gone.wav" in problems[1].reason] == [True, True]


def test_negatives_are_left_alone_unless_asked_for(tmp_path: Path) -> None:
    elk = VGGSS_ENTRIES[0]["file"]
    write_table(
        make_vggss(tmp_path) / "vggss_test_plus_silent.csv",
        ("video", "audio", "label"),
        [(elk, elk, "non-sounding")],
    )
    assert len(read_all(read_vgg_ss(tmp_path))[0]) == 2


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"vggss\.json"):
        read_vgg_ss(tmp_path)
    make_vggss(tmp_path)
    with pytest.raises(DatasetError, match=r"vggss_test_plus_silent\.csv"):
        read_vgg_ss(tmp_path, negatives=True)
    with pytest.raises(DatasetError, match="'train'"):
        read_vgg_ss(tmp_path, split="train")


@pytest.mark.parametrize("content", [b"{}", b"[", b"\xff\xfe", b"[" * 100_000])
def test_a_list_that_is_none_is_an_error(tmp_path: Path, content: bytes) -> None:
    (make_vggss(tmp_path) / "vggss.json").write_bytes(content)
    with pytest.raises(DatasetError, match=r"vggss\.json"):
        read_vgg_ss(tmp_path)
