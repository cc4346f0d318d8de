"""Flickr-SoundNet: boxes of annotators in XML, and negatives."""

from __future__ import annotations

from pathlib import Path

import pytest

from fiftyone_avs.benchmarks.layouts.flickr import read_flickr
from fiftyone_avs.benchmarks.records import Box
from fiftyone_avs.errors import DatasetError
from tests.benchmarks.trees import write_table
from tests.benchmarks.trees_boxes import FLICKR_BOXES, XML_HEAD, make_flickr, read_all, write_xml

FIRST, SECOND = FLICKR_BOXES

BOMB = (
    '<!DOCTYPE a [<!ENTITY x0 "ha">'
    + "".join(f'<!ENTITY x{n} "{f"&x{n - 1};" * 10}">' for n in range(1, 10))
    + "]><a><b><bbox><n/><x>&x9;</x><y>0</y><x>9</x><y>9</y></bbox></b></a>"
)
OUTSIDE = '<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]><a><b><bbox>&f;</bbox></b></a>'


def test_every_box_is_an_annotators(tmp_path: Path) -> None:
    records, problems = read_all(read_flickr(make_flickr(tmp_path), split="test"))
    assert not problems
    first, second = records
    assert first.name == FIRST
    assert first.boxes == (
        Box(0, 0.25, 0.5, 1, 0),
        Box(0.25, 0.25, 0.75, 1, 1),
        Box(0.125, 0.125, 0.25, 0.25, 2),
    )
    assert first.image == tmp_path / f"frames/{FIRST}.jpg"
    assert first.sound == tmp_path / f"audio/{FIRST}.wav"
    assert (first.label, first.mask, first.split) == (None, None, "test")
    assert second.boxes == (Box(0.5, 0, 1, 0.5, 0),)


def test_faulty_boxes_are_reported_and_annotators_keep_their_numbers(tmp_path: Path) -> None:
    make_flickr(tmp_path)
    boxes = [["", 0, 9, 9], [9, 9, 9, 9], ["nan", 0, 9, 9], ["abc", 0, 9, 9], [128, 128, 300, 256]]
    write_xml(tmp_path / f"Annotations/{FIRST}.xml", boxes)
    records, problems = read_all(read_flickr(tmp_path))
    assert records[0].boxes == (Box(0.5, 0.5, 1, 1, 4),)
    assert [problem.reason.split()[-1] for problem in problems] == ["dropped"] * 4 + ["clipped"]
    assert not any(problem.left_out for problem in problems)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (BOMB, "document type"),
        (OUTSIDE, "document type"),
        (XML_HEAD + "<!DOCTYPE annotation><annotation/>", "document type"),
        ("", "cannot be read as XML"),
        ("<a><b>", "cannot be read as XML"),
        ("no XML", "cannot be read as XML"),
        ('<?xml version="1.0" encoding="rot13"?><a/>', "cannot be read as XML"),
        ('<?xml version="1.0" encoding="utf-7"?><a/>', "cannot be read as XML"),
        ("<a>" + " " * (1 << 20) + "</a>", "too many"),
        ("<a/>", "no box"),
        ("<a><bbox><n/><x>0</x></bbox></a>", "no box"),
        ("<a><b><bbox><n/><x>0</x><y>0</y></bbox></b></a>", "not four numbers"),
        ("<a><b><bbox/></b></a>", "not four numbers"),
        ("<a>" * 5000 + "</a>" * 5000, "no box"),
    ],
)
def test_a_bad_annotation_file_leaves_its_row_out(tmp_path: Path, content: str, reason: str) -> None:
    make_flickr(tmp_path)
    (tmp_path / f"Annotations/{FIRST}.xml").write_text(content)
    records, problems = read_all(read_flickr(tmp_path))
    assert [record.name for record in records] == [SECOND]
    assert problems[0].left_out and reason in problems[0].reason


def test_missing_files_and_bad_lines_leave_their_rows_out(tmp_path: Path) -> None:
    index = make_flickr(tmp_path) / "metadata/flickr_test.csv"
    index.write_bytes(
        b"\xef\xbb\xbf" + index.read_bytes() + f"{FIRST},3\r\n,4\r\n\r\n../x,0\r\n77,1\r\n".encode()
    )
    (tmp_path / f"audio/{SECOND}.wav").unlink()
    records, problems = read_all(read_flickr(tmp_path))
    assert [record.name for record in records] == [FIRST]
    reasons = [f"{SECOND}.wav", "is that of flickr_test.csv, line 1", "no id", "leaves", "77.xml"]
    for problem, reason in zip(problems, reasons, strict=True):
        assert problem.left_out and reason in problem.reason


def test_an_annotation_file_behind_a_link_out_of_the_data_is_refused(tmp_path: Path) -> None:
    root = make_flickr(tmp_path / "data")
    file = root / f"Annotations/{FIRST}.xml"
    file.rename(tmp_path / "elsewhere.xml")
    file.symlink_to(tmp_path / "elsewhere.xml")
    records, problems = read_all(read_flickr(root))
    assert [record.name for record in records] == [SECOND]
    assert "leads out" in problems[0].reason


def test_negatives_pair_a_picture_with_the_sound_of_another(tmp_path: Path) -> None:
    make_flickr(tmp_path)
    table = tmp_path / "flickr_test_plus_silent.csv"
    write_table(
        table, ("video", "audio", "label"), [(FIRST, SECOND, "non-sounding"), (FIRST, "1", "non-sounding")]
    )
    records, problems = read_all(read_flickr(tmp_path, negatives=True))
    negative = records[-1]
    assert (negative.name, negative.boxes, negative.tags) == (f"{FIRST}+{SECOND}", (), ("negative",))
    assert negative.sound == tmp_path / f"audio/{SECOND}.wav"
    assert "1.wav" in problems[0].reason and len(records) == 3


@pytest.mark.parametrize("missing", ["frames", "audio", "Annotations"])
def test_a_missing_folder_is_named(tmp_path: Path, missing: str) -> None:
    (make_flickr(tmp_path) / missing).rename(tmp_path / "other")
    with pytest.raises(DatasetError, match=f"{missing}.*other"):
        read_flickr(tmp_path)


def test_a_missing_table_or_split_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"flickr_test\.csv"):
        read_flickr(tmp_path)
    with pytest.raises(DatasetError, match="'val'"):
        read_flickr(make_flickr(tmp_path), split="val")
