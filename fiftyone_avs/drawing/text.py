"""Text in pictures: the one place where it is measured, broken into lines, cut and painted.

The font is DejaVu Sans, which matplotlib brings: it has accents, Greek, Cyrillic, Arabic and many symbols, where
Pillow's own has boxes. It has no Chinese, Japanese or Korean and few emoji; ``readable`` says what is shown for
those.
"""

from __future__ import annotations

import math
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path

from PIL import Image as PILImage, ImageDraw, ImageFont

from fiftyone_avs.drawing.tints import Colour

SPELLED = 3
"""So many characters in a row that the font lacks are told by their codes."""

_DOTS = "..."
_HALO = 3  # how far a halo reaches around the letters, in pixels


def readable(text: str) -> str:
    """A text as it is painted: on one line, and without the font's box for characters that it lacks.

    Line breaks and other control characters count as spaces, and spaces in a row as one. Invisible characters,
    such as marks of direction, are left out. Letters and accents of their own become accented letters.

    Characters that the font lacks are told by their codes, so that two texts that differ do so in a picture too
    and can be looked up: ``a [U+1F415] barks``. Of more than three in a row the rest is counted:
    ``[U+65E5 U+672C U+8A9E and 17 more]``, so that a sentence does not push out what stands behind it.
    """
    shown = (
        " " if unicodedata.category(letter) == "Cc" else letter
        for letter in unicodedata.normalize("NFC", text)
        if not _is_invisible(letter)
    )
    return _lacking().sub(_told, " ".join("".join(shown).split()))


def width(text: str, size: float) -> int:
    """The width in pixels of a readable text, with what its first and last letter overhang.

    Args:
        text: on one line.
        size: of the letters, in pixels.
    """
    left, _, right, _ = _font(size).getbbox(text)
    return math.ceil(right) - math.floor(left)


def wrap(text: str, size: float, room: float, most: int) -> list[str]:
    """Break a text into lines that fit, between words where it can be.

    A word that is longer than a line, such as a path, fills the line that it begins on and goes on below.

    Args:
        text: any text.
        size: of the letters, in pixels.
        room: the width of a line, in pixels.
        most: how many lines there may be; what is beyond is cut, and three dots end the last line.

    Returns:
        One readable line or more; an empty one for an empty text.
    """
    rest = readable(text)
    lines: list[str] = []
    while len(lines) < most - 1 and (count := max(1, _fitting(rest, size, room))) < len(rest):
        end = _end_of_line(rest, count, size, room)
        lines.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*lines, _cut(rest, size, room)]


def paint(
    picture: PILImage.Image,
    text: str,
    place: tuple[float, float],
    size: float,
    colour: Colour,
    *,
    room: float | None = None,
    anchor: str = "la",
    halo: Colour | None = None,
) -> None:
    """Paint a line of text. Nothing is painted outside of its room, nor far above or below the line.

    Args:
        picture: painted on, RGB.
        text: any text; what does not fit is cut and ends in three dots.
        place: x and y, in pixels.
        size: of the letters, in pixels.
        colour: of the letters.
        room: how wide the text may be, in pixels; None takes what it needs.
        anchor: what lies at the place: the text's left end, middle or right end ("l", "m", "r"), and its top,
            middle or base line ("a", "m", "s").
        halo: colour of an edge around the letters, outside of their room; None draws none.
    """
    font = _font(size)
    line = readable(text) if room is None else _cut(readable(text), size, room)
    edge = 0 if halo is None else _HALO
    across = width(line, size) if room is None else room
    ascent, descent = font.getmetrics()
    left = place[0] - {"l": 0, "m": across / 2, "r": across}[anchor[0]]
    top = place[1] - {"a": 0, "m": (ascent + descent) / 2, "s": ascent}[anchor[1]]
    beyond = edge + math.ceil(size / 8)  # two accents on a capital letter stand out of the line
    box = (
        math.floor(left) - edge,
        math.floor(top) - beyond,
        math.ceil(left + across) + edge,
        math.ceil(top + ascent + descent) + beyond,
    )
    # Painted on a piece that is cut out, for marks can reach anywhere: ten accents on a letter make a tower.
    piece = picture.crop(box)
    ink = font.getbbox(line, anchor=anchor)
    inwards = {"l": max(0, -ink[0]), "m": 0, "r": -max(0, ink[2])}[anchor[0]]  # a "j" overhangs to the left
    ImageDraw.Draw(piece).text(
        (place[0] - box[0] + inwards, place[1] - box[1]),
        line,
        colour,
        font,
        anchor=anchor,
        stroke_width=edge,
        stroke_fill=halo,
    )
    picture.paste(piece, box[:2])


def paint_lines(
    picture: PILImage.Image,
    lines: Sequence[str],
    place: tuple[float, float],
    size: float,
    colour: Colour,
    *,
    room: float,
    leading: float,
) -> None:
    """Paint lines below each other.

    Args:
        picture: painted on, RGB.
        lines: from ``wrap``.
        place: x of their left ends and y of the first one's top, in pixels.
        size: of the letters, in pixels.
        colour: of the letters.
        room: how wide a line may be, in pixels.
        leading: from one line to the next, in pixels.
    """
    for number, line in enumerate(lines):
        paint(picture, line, (place[0], place[1] + round(number * leading)), size, colour, room=room)


def _cut(line: str, size: float, room: float) -> str:
    """A readable line, or as much of its start as fits with dots behind it."""
    if _fitting(line, size, room) == len(line):
        return line
    return line[: _fitting(line, size, room - width(_DOTS, size))].rstrip() + _DOTS


def _end_of_line(text: str, count: int, size: float, room: float) -> int:
    """Where to break a text of which so many characters fit."""
    if text[count] == " ":
        return count
    space = text.rfind(" ", 0, count)
    word = text[space + 1 :].partition(" ")[0]
    return space if space > 0 and _fitting(word, size, room) == len(word) else count


def _fitting(text: str, size: float, room: float) -> int:
    """How many characters from the start of a text fit; no letter is parted from its marks."""
    least, most = 0, 64  # most lines are shorter, and a text of many lines need not be measured whole
    while width(text[:most], size) <= room:
        if most >= len(text):
            return len(text)
        least, most = most, 2 * most
    counts = range(least + 1, min(most, len(text)) + 1)
    count = least + bisect_right(counts, room, key=lambda count: width(text[:count], size))
    while 0 < count < len(text) and unicodedata.category(text[count]).startswith("M"):
        count -= 1
    return count


def _is_invisible(letter: str) -> bool:
    """Whether a character only tells how others are to be shown: joiners, direction, variants of emoji."""
    code = ord(letter)
    return unicodedata.category(letter) == "Cf" or 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF


def _told(found: re.Match[str]) -> str:
    """What is shown for characters that the font lacks; spaces between them do not count."""
    letters = found[0].replace(" ", "")
    codes = " ".join(f"U+{ord(letter):04X}" for letter in letters[:SPELLED])
    more = f" and {len(letters) - SPELLED} more" if len(letters) > SPELLED else ""
    return f"[{codes}{more}]"


@cache
def _lacking() -> re.Pattern[str]:
    """Finds words in a row, or parts of a word, that the font has no glyphs for."""
    from matplotlib.ft2font import FT2Font

    glyphs = FT2Font(str(_font_file())).get_charmap()
    other = f"[^{''.join(re.escape(chr(code)) for code, glyph in glyphs.items() if glyph)}]+"
    return re.compile(f"{other}(?: {other})*")


@cache
def _font_file() -> Path:
    from matplotlib import get_data_path  # imported here: it takes half a second

    return Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")


@lru_cache
def _font(size: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(_font_file(), size)
