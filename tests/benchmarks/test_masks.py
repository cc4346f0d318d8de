"""Masks of every kind, and whether a record's files can be used."""

from __future__ import annotations

import json
import re
import struct

import numpy as np
import pytest
from PIL import Image

from fiftyone_avs.benchmarks.checks import check_media
from fiftyone_avs.benchmarks.masks import (
    decode_mask,
    hex_colour,
    palette_colours,
    read_class_names,
)
from fiftyone_avs.benchmarks.records import MaskFile, Record
from fiftyone_avs.errors import DatasetError, MediaError
from fiftyone_avs.media import picture_size, read_image
from tests.benchmarks.trees import (
    right_half,
    write_colours,
    write_indices,
    write_mask,
    write_picture,
    write_sound,
)


def same(pixels, mask):
    return pixels.dtype == np.uint8 and (pixels == mask * np.uint8(255)).all()


@pytest.mark.parametrize("ending", [".png", ".jpg"])
def test_grey_masks_are_cut_at_128(tmp_path, ending):
    path = tmp_path / f"m{ending}"
    write_mask(path)
    decoded = decode_mask(MaskFile(path))
    assert same(decoded.object, right_half()) and decoded.ignored is None and decoded.classes == ()
    Image.fromarray(np.array([[127, 128], [0, 255]], np.uint8)).save(tmp_path / "n.png")
    assert decode_mask(MaskFile(tmp_path / "n.png")).object.tolist() == [[0, 255], [0, 255]]


def test_palette_indices_count_whatever_their_colours(tmp_path):
    write_indices(tmp_path / "m.png")  # index 1 is a dark red, far below 128
    assert same(decode_mask(MaskFile(tmp_path / "m.png", "indices")).object, right_half())
    picture = Image.fromarray(np.array([[0, 3, 255]], np.uint8)).convert("P")
    picture.putpalette([0] * 768)
    picture.save(tmp_path / "n.png")
    assert decode_mask(MaskFile(tmp_path / "n.png", "indices")).object.tolist() == [[0, 255, 255]]
    write_mask(tmp_path / "grey.png")
    assert same(decode_mask(MaskFile(tmp_path / "grey.png", "indices")).object, right_half())


def test_coco_ids_are_object_and_255_is_ignored(tmp_path):
    values = np.array([[0, 1, 94, 255]], np.uint8)
    Image.fromarray(values).save(tmp_path / "m.png")
    Image.fromarray(np.repeat(values[..., None], 3, axis=-1)).save(tmp_path / "rgb.png")
    for name in ("m.png", "rgb.png"):
        decoded = decode_mask(MaskFile(tmp_path / name, "coco"))
        assert decoded.object.tolist() == [[0, 255, 255, 0]]
        assert decoded.ignored is not None and decoded.ignored.tolist() == [[0, 0, 0, 255]]
        assert decoded.classes == (1, 94)
    Image.fromarray(values[:, :3]).save(tmp_path / "none.png")
    assert decode_mask(MaskFile(tmp_path / "none.png", "coco")).ignored is None


@pytest.mark.parametrize("pixels", [np.dstack([np.full((2, 2), v, np.uint8) for v in (1, 2, 3)]), "wide"])
def test_colours_and_wide_numbers_are_no_coco_ids(tmp_path, pixels):
    if isinstance(pixels, str):
        pixels = np.full((2, 2), 300, np.uint16)
    Image.fromarray(pixels).save(tmp_path / "m.png")
    with pytest.raises(MediaError, match=r"m\.png: a mask of category ids must be a grey picture of 8 bits"):
        decode_mask(MaskFile(tmp_path / "m.png", "coco"))


def test_every_class_of_the_palette_is_told_apart(tmp_path):
    numbers = np.arange(71, dtype=np.uint8)[None]
    write_colours(tmp_path / "m.png", numbers)
    decoded = decode_mask(MaskFile(tmp_path / "m.png", "palette"))
    assert decoded.classes == tuple(range(1, 71))
    assert same(decoded.object, numbers > 0)


def test_the_palette_is_that_of_pascal_voc():
    known = {
        1: (128, 0, 0),
        2: (0, 128, 0),
        8: (64, 0, 0),
        15: (192, 128, 128),
        20: (0, 64, 128),
        64: (32, 0, 0),
    }
    assert {number: tuple(palette_colours()[number]) for number in known} == known
    assert hex_colour(15) == "#c08080"


def test_colours_that_are_none_of_the_palettes_are_background(tmp_path):
    write_picture(
        tmp_path / "m.png", np.array([[[128, 0, 0], [129, 0, 0], [0, 255, 0], [224, 224, 224]]], np.uint8)
    )
    decoded = decode_mask(MaskFile(tmp_path / "m.png", "palette"))
    assert decoded.object.tolist() == [[255, 0, 0, 0]] and decoded.classes == (1,)


def test_a_mask_that_changes_is_read_again(tmp_path):
    path = tmp_path / "m.png"
    write_mask(path)
    assert decode_mask(MaskFile(path)).object.any()
    write_mask(path, np.zeros((5, 7)))
    assert decode_mask(MaskFile(path)).object.shape == (5, 7)


def test_sizes_are_those_of_the_picture_as_it_is_shown(tmp_path):
    picture = Image.new("RGB", (6, 4))
    exif = picture.getexif()
    exif[0x0112] = 6
    for name in ("turned.jpg", "turned.png"):
        picture.save(tmp_path / name, exif=exif)
        assert picture_size(tmp_path / name) == (6, 4)
    picture.save(tmp_path / "plain.png")
    assert picture_size(tmp_path / "plain.png") == (4, 6)


@pytest.mark.parametrize(("tag", "kind"), [(0x0100, 1), (0x011A, 2), (0x010E, 11)])
def test_turned_pictures_with_exif_data_without_sense_are_damaged(tmp_path, tag, kind):
    entries = [(0x0112, 3, 1, b"\0\x06\0\0"), (tag, kind, 1, b"ab\0\1")]
    packed = b"".join(struct.pack(">HHI", *entry[:3]) + entry[3] for entry in entries)
    exif = b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">H", len(entries)) + packed + bytes(4)
    Image.new("L", (6, 4)).save(tmp_path / "m.jpg", exif=exif)
    with pytest.raises(MediaError, match=r"m\.jpg: its EXIF data is damaged"):
        decode_mask(MaskFile(tmp_path / "m.jpg"))
    with pytest.raises(MediaError, match=r"m\.jpg: its EXIF data is damaged"):
        read_image(tmp_path / "m.jpg")


def test_class_names(tmp_path):
    path = tmp_path / "label2idx.json"
    path.write_text(json.dumps({"background": 0, "dog": 70}))
    assert read_class_names(path) == {0: "background", 70: "dog"}
    for wrong in ("[]", '{"dog": "1"}', '{"dog": 71}', '{"dog": 1, "cat": 1}', '{"dog": true}', "{", ""):
        path.write_text(wrong)
        with pytest.raises(DatasetError, match=r"label2idx\.json"):
            read_class_names(path)


@pytest.fixture
def record(tmp_path):
    for name, write in (("p.jpg", write_picture), ("s.wav", write_sound), ("m.png", write_mask)):
        write(tmp_path / name)
    return Record("a", tmp_path / "p.jpg", tmp_path / "s.wav", MaskFile(tmp_path / "m.png"))


def truncate(path):
    path.write_bytes(path.read_bytes()[:-30])


DAMAGES = {
    "a missing picture": ("p.jpg", lambda path: path.unlink(), "does not exist"),
    "an empty picture": ("p.jpg", lambda path: path.write_bytes(b""), "empty"),
    "no picture at all": ("p.jpg", lambda path: path.write_text("<html>"), "not an image"),
    "a missing sound": ("s.wav", lambda path: path.unlink(), "does not exist"),
    "an empty sound": ("s.wav", lambda path: path.write_bytes(b""), "empty"),
    "a folder as sound": ("s.wav", lambda path: (path.unlink(), path.mkdir()), "not a file"),
    "a missing mask": ("m.png", lambda path: path.unlink(), "does not exist"),
    "a cut mask": ("m.png", truncate, "damaged"),
    "a mask of another size": ("m.png", lambda path: write_mask(path, np.zeros((3, 5))), "5 x 3.*64 x 48"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_files_that_cannot_be_used_are_named_with_the_reason(record, tmp_path, damage):
    assert check_media(record) is None
    name, spoil, reason = DAMAGES[damage]
    spoil(tmp_path / name)
    found = check_media(record)
    assert found is not None and found.startswith(str(tmp_path / name))
    assert re.search(reason, found)


def test_pictures_without_a_sound_or_a_mask_can_be_used(record, tmp_path):
    assert check_media(Record("a", record.image, None)) is None
