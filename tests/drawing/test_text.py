"""Text: letters of many alphabets, lines that fit, and nothing painted beyond its place in any picture."""

from __future__ import annotations

import ast
import io
import textwrap
import unicodedata
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image, ImageDraw

from fiftyone_avs.drawing import clip_frames, contact_sheet as sheets, panes, text as painter
from fiftyone_avs.drawing.clip_frames import FrameView, Strip, compose_frame
from fiftyone_avs.drawing.contact_sheet import CELL, HEADER, MARGIN, TEXT_HEIGHT, Cell, contact_sheet
from fiftyone_avs.drawing.panes import Pane, draw_panes
from fiftyone_avs.drawing.text import paint, readable, width, wrap
from tests.imports import PACKAGE, ROOT

LETTERS = "éüßñçøåÉÜαβγΩЖя„“–…"  # noqa: RUF001
PICTURE = np.full((48, 64, 3), 120, np.uint8)
NOTHING = Strip("", "", True, "", "")

LONG = {
    "sentence": "failed: the sound track is damaged " * 20,
    "path": "failed: " + "/a/very/long/path/without/spaces" * 20,
    "accents": "ÅÇŰẾgjpqy " * 60,
    "overhang": "j" * 500,
    "slanted": "f" * 500,
    "Arabic": "مرحبا بالعالم " * 40,
    "Chinese": "中文字幕" * 100,
    "marks": ("Z" + 40 * "\u0301" + 40 * "\u0323") * 60,
    "one tower": "Z" + 400 * "\u0301" + 400 * "\u0323",
}


def drawn_pane(**texts):
    """The fifth of six panes, and the boxes (left, top, right, bottom) of its caption and its picture."""
    views = [Pane("")] * 6
    views[4] = replace(views[4], **texts)
    jpeg = draw_panes(PICTURE, views, width=600)
    columns, (across, down) = panes._layout(6, 64 / 48, 600)
    row, column = divmod(4, columns)
    left, top = panes._GAP + column * (across + panes._GAP), row * (panes._CAPTION + down)
    middle = top + panes._CAPTION
    pixels = np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB")).astype(int)
    return pixels, (left, top, left + across, middle), (left, middle, left + across, middle + down)


def drawn_sheet(title="", caption=""):
    """A sheet with texts in the middle, and the boxes of title and caption."""
    rows = [[Cell(PICTURE, None, "")] * 3, [Cell(PICTURE, None, caption if i == 1 else "") for i in range(3)]]
    pixels = np.asarray(contact_sheet(["", title, ""], rows)).astype(int)
    left, top = 2 * MARGIN + CELL, HEADER + 2 * CELL + TEXT_HEIGHT
    return pixels, (left, 0, left + CELL, HEADER), (left, top, left + CELL, top + TEXT_HEIGHT)


def drawn_frame(title="", **texts):
    """A frame of a clip, and the boxes of the second title and of the texts beneath."""
    views = [FrameView("", (9, 9, 9), None), FrameView(title, (9, 9, 9), None)]
    pixels = compose_frame(PICTURE, views, replace(NOTHING, **texts)).astype(int)
    gap, high, wide = clip_frames.GAP, *pixels.shape[:2]
    title_box = (2 * gap + 480, 0, 2 * gap + 960, clip_frames.TITLE)
    return pixels, title_box, (2 * gap, clip_frames.TITLE + 360 + gap // 2, wide - 2 * gap, high)


PLACES = {
    "title of a pane": lambda text: drawn_pane(title=text)[:2],
    "detail of a pane": lambda text: drawn_pane(detail=text)[:2],
    "message on a pane": lambda text: drawn_pane(message=text or " ")[::2],
    "title of a sheet": lambda text: drawn_sheet(title=text)[:2],
    "caption on a sheet": lambda text: drawn_sheet(caption=text)[::2],
    "title in a clip": lambda text: drawn_frame(title=text)[:2],
    "expression in a clip": lambda text: drawn_frame(expression=text)[::2],
    "status in a clip": lambda text: drawn_frame(status=text)[::2],
    "scores in a clip": lambda text: drawn_frame(scores=text)[::2],
    "origin in a clip": lambda text: drawn_frame(origin=text)[::2],
}


@pytest.fixture(autouse=True)
def sharp(monkeypatch):
    """Panes come as PNG, so that every changed pixel is one that was painted on."""

    def to_png(grid):
        file = io.BytesIO()
        grid.save(file, format="PNG")
        return file.getvalue()

    monkeypatch.setattr(panes, "_to_jpeg", to_png)


@pytest.fixture(params=PLACES)
def place(request):
    return PLACES[request.param]


def inked(picture, plain):
    return (picture != plain).any(axis=2)


def test_letters_of_many_alphabets_are_no_boxes(place, monkeypatch):
    pictures = {letter: place(letter)[0].tobytes() for letter in [*LETTERS, ""]}
    assert len(set(pictures.values())) == len(pictures)
    monkeypatch.setattr(painter, "readable", lambda text: text)
    box = place("中")[0].tobytes()
    assert box == place("文")[0].tobytes()  # the font's box for what it lacks
    assert box not in pictures.values()


def test_characters_that_the_font_lacks_differ(place):
    assert np.array_equal(place("a 中")[0], place("a [U+4E2D]")[0])
    assert not np.array_equal(place("中")[0], place("文")[0])


def test_letters_and_their_accents_may_come_apart(place):
    text = "Žluťoučký kůň, Übergröße, Ωμέγα"
    assert unicodedata.normalize("NFD", text) != text
    assert np.array_equal(place(unicodedata.normalize("NFD", text))[0], place(text)[0])


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_no_text_is_painted_beyond_its_place(place, text):
    picture, (left, top, right, bottom) = place(text)
    ink = inked(picture, place("")[0])
    inside = ink[top:bottom, left:right].copy()
    ink[top:bottom, left:right] = False
    assert inside.any() and not ink.any()


def test_texts_beside_and_below_each_other_do_not_touch():
    for text in (LONG["accents"], LONG["path"]):
        title, both = drawn_pane(title=text)[0], drawn_pane(title=text, detail=text)[0]
        assert not (inked(title, drawn_pane()[0]) & inked(both, title)).any()
        shown, before, taken = {}, drawn_frame()[0], False
        for name in ("expression", "status", "scores", "origin"):
            shown[name] = text
            after = drawn_frame(**shown)[0]
            assert not (inked(after, before) & taken).any(), name
            taken, before = taken | inked(after, before), after


def test_lines_of_a_caption_do_not_touch_each_other():
    picture, _, (left, top, right, bottom) = drawn_sheet(caption=LONG["accents"])
    rows = inked(picture, drawn_sheet()[0])[top:bottom, left:right].any(axis=1)
    assert np.count_nonzero(np.diff(rows.astype(int)) == 1) >= 4  # four lines with white between them


def test_a_caption_of_four_lines_of_thirty_letters_fits():
    caption = (
        "a photo of a motorcycle next to a guitar and a phone on a street in the rain, unseen style, IoU 0.83"
    )
    assert len(textwrap.wrap(caption, width=30)) == 4
    assert " ".join(wrap(caption, sheets._SMALL, CELL, sheets._LINES)) == caption


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        (" a\nphoto\r\n of\ta\x00dog.\u2028\x85 ", "a photo of a dog."),
        ("e\u0301 A\u030a", "é Å"),
        ("犬", "[U+72AC]"),
        ("a 🐕 barks", "a [U+1F415] barks"),
        ("中文x字", "[U+4E2D U+6587]x[U+5B57]"),
        ("日本 語", "[U+65E5 U+672C U+8A9E]"),
        ("日本語の 写真 IoU 0.5", "[U+65E5 U+672C U+8A9E and 3 more] IoU 0.5"),
        ("👩\u200d🔬\ufe0f", "[U+1F469 U+1F52C]"),
        ("a\u202egpj.exe\ufeff so\u00adft", "agpj.exe soft"),
        ("caf\udce9.png", "caf[U+DCE9].png"),  # a name of a file that is no UTF-8
        ("[a] <b> ^c \\d -", "[a] <b> ^c \\d -"),
    ],
)
def test_what_is_shown_of_a_text(text, shown):
    assert readable(text) == shown == readable(shown)


def test_texts_that_are_too_long_are_wrapped_and_cut():
    for text in (LONG["sentence"], LONG["path"], "Ünïcödé " * 90):
        lines = wrap(text, 16, 600, 2)
        assert len(lines) == 2 and lines[1].endswith("...")
        assert all(500 < width(line, 16) <= 600 for line in lines)
        assert text.startswith(lines[0])
    assert wrap("a photo\nof  dog.", 16, 600, 2) == ["a photo of dog."]
    assert wrap("", 16, 600, 1) == [""]


def test_lines_break_between_words_where_they_can():
    assert wrap("a photograph of elephants", 10, 80, 3) == ["a photograph", "of elephants"]
    room = width("a photograph of", 10)
    assert wrap("a photograph of elephants", 10, room, 3) == ["a photograph of", "elephants"]
    room = width("at /12345678", 10)
    assert wrap("at /1234567890/1234567890", 10, room, 3) == ["at /12345678", "90/12345678", "90"]


@given(
    st.text(st.one_of(st.characters(), st.sampled_from(" abcÉ\u0301中")), max_size=300),
    st.integers(40, 300),
    st.integers(1, 5),
)
def test_any_text_is_wrapped(text, room, most):
    dots = width("...", 10)
    lines = wrap(text, 10, room, most)
    assert 1 <= len(lines) <= most
    assert all(width(line, 10) <= max(room, dots) or len(line) == 1 for line in lines)
    assert all(line == line.strip() for line in lines)
    whole = "".join(wrap(text, 10, room, 10_000))
    assert whole.replace(" ", "") == readable(text).replace(" ", "")


def test_no_letter_is_parted_from_its_marks():
    wide = "l\u035c\u0303" * 40  # the marks are wider than the letter
    for room in range(20, 60):
        assert all(line[0] == "l" for line in wrap(wide, 14, room, 30))


def test_a_very_long_text_is_not_measured_whole(monkeypatch):
    measured = []
    monkeypatch.setattr(painter, "width", lambda text, size: measured.append(text) or width(text, size))
    wrap("word " * 100_000, 12, 280, 4)
    assert max(map(len, measured)) < 1000


def painted(text, place, room=None, **options):
    canvas = Image.new("L", (200, 60)).convert("RGB")
    paint(canvas, text, place, 20, (255, 255, 255), room=room, **options)
    return np.asarray(canvas)


@pytest.mark.parametrize("anchor", ["la", "ra", "ma", "ls", "rs", "rm", "mm"])
@pytest.mark.parametrize("halo", [None, (90, 0, 0)])
def test_letters_are_painted_whole(anchor, halo):
    expected = Image.new("RGB", (200, 60))
    stroke = {} if halo is None else {"stroke_width": 3, "stroke_fill": halo}
    font = painter._font(20)
    ImageDraw.Draw(expected).text((100.25, 30), "ÄẾÇgpqy", "white", font, anchor=anchor, **stroke)
    assert np.array_equal(painted("ÄẾÇgpqy", (100.25, 30), anchor=anchor, halo=halo), expected)


def test_overhanging_letters_stay_on_their_side_of_the_place():
    assert not painted("jolly", (50, 20), room=100)[:, :50].any()
    whole, font = Image.new("RGB", (200, 60)), painter._font(20)
    ImageDraw.Draw(whole).text((50 - font.getbbox("jolly")[0], 20), "jolly", "white", font)
    assert np.array_equal(painted("jolly", (50, 20), room=100), whole)
    assert not painted("off", (150, 20), room=100, anchor="ra")[:, 150:].any()
    assert not painted("word " * 40, (150, 20), room=100, anchor="ra")[:, :50].any()


def test_text_is_painted_in_one_module_only():
    own = PACKAGE / "drawing" / "text.py"
    for path in [*PACKAGE.rglob("*.py"), *(ROOT / "plugin").rglob("*.py")]:
        source = path.read_text()
        assert ("ImageFont" in source) == (path == own), path
        assert "putText" not in source, path
        if path != own and "ImageDraw" in source:
            used = {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
            assert not used & {"text", "multiline_text", "textbbox", "textlength"}, path
