"""Flickr-SoundNet: pictures with sounds, and boxes that several annotators drew around what sounds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from fiftyone_avs.benchmarks.index import base_folder, check_split
from fiftyone_avs.benchmarks.layouts.boxes import kept_boxes, read_box
from fiftyone_avs.benchmarks.layouts.pairs import Media, find_index, read_ids, read_negatives
from fiftyone_avs.benchmarks.layouts.rows import BadRow, Reading, read_rows
from fiftyone_avs.benchmarks.paths import inside
from fiftyone_avs.benchmarks.records import Record, Rows

SPLITS = ("test",)

INDEX = "flickr_test.csv"
NEGATIVES = "flickr_test_plus_silent.csv"
FRAMES, SOUNDS, ANNOTATIONS = "frames", "audio", "Annotations"

GRID = 256
"""Annotators saw pictures of this width and height in pixels."""
LARGEST_XML = 1 << 20
"""Bytes; such files have a few hundred."""


def read_flickr(root: Path, *, split: str | None = None, negatives: bool = False) -> Rows:
    """Read Flickr-SoundNet: ``flickr_test.csv`` with ``frames``, ``audio`` and ``Annotations``.

    Every box of an annotation file counts as one annotator's, in the order of the file: the consensus of the
    official evaluation adds up boxes. Boxes are clipped, dropped and reported as those of VGG-SS are.

    Args:
        root: the folder of the layout. Index files can lie in its ``metadata``, too.
        split: "test", or None for the same.
        negatives: add the pairs of ``flickr_test_plus_silent.csv``, each a picture with the sound of another clip. They
            have no boxes, the tag "negative" and the name ``<picture's id>+<sound's id>``.

    Raises:
        DatasetError: if an index file or a folder is not there or cannot be read, or there is no such split.
    """
    index = find_index(root, INDEX)
    check_split(split, SPLITS, index)
    folder = base_folder(root, (FRAMES, SOUNDS, ANNOTATIONS))
    media = Media(folder, FRAMES, SOUNDS)
    entries: list[tuple[str, Callable[[], Reading]]] = [
        (f"{index.name}, line {number} ({identity})", partial(_read, media, identity))
        for number, identity in read_ids(index)
    ]
    if negatives:
        entries += read_negatives(folder, NEGATIVES, media)
    return read_rows(entries, lambda read_entry: read_entry())


def _read(media: Media, identity: str) -> Reading:
    if not identity:
        raise BadRow("the line has no id")
    corners = _corners(inside(media.root, f"{ANNOTATIONS}/{identity}.xml"))
    boxes, notes = kept_boxes(
        [read_box(four, size=GRID, annotator=number) for number, four in enumerate(corners)]
    )
    record = Record(
        name=identity,
        image=media.image(identity),
        sound=media.sound(identity),
        boxes=boxes,
        split="test",
    )
    return record, notes


def _corners(path: Path) -> list[list[object]]:
    """What each ``bbox`` says after its first element, which is no number of it."""
    boxes = [box for child in _parse(path) for box in child if box.tag == "bbox"]
    return [[_number(element.text) for element in list(box)[1:]] for box in boxes]


def _number(text: str | None) -> object:
    """A number, or what stands there instead."""
    try:
        return float(text or "")
    except ValueError:
        return text


def _parse(path: Path) -> Element:
    """The root of an XML file.

    A document type is refused: annotation files have none, and it is what could name other files, or entities that
    grow without end.

    Raises:
        BadRow: if the file is missing, not XML, larger than annotations are, or has a document type.
    """
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_XML + 1)
        if len(content) > LARGEST_XML:
            raise BadRow(f"{path} has more than {LARGEST_XML} bytes, too many for annotations")
        parser.Parse(content, True)
    except (OSError, ValueError, LookupError, expat.ExpatError) as error:  # encodings raise the middle two
        raise BadRow(f"{path} cannot be read as XML: {error}") from error
    except _DocumentType as error:
        raise BadRow(f"{path} declares a document type, which annotations have not") from error
    return builder.close()


class _DocumentType(Exception):
    """An XML file declares a document type."""


def _refuse(*_: object) -> None:
    raise _DocumentType
