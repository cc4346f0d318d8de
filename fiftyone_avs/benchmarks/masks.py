"""The mask files of benchmarks as plain arrays: what is object, what is to be ignored, which classes are there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fiftyone_avs.benchmarks.records import MaskFile, MaskKind
from fiftyone_avs.errors import DatasetError, MediaError
from fiftyone_avs.media import read_grey_mask, read_image
from fiftyone_avs.media.files import check_file
from fiftyone_avs.media.images import FOREGROUND, MAX_PIXELS, open_picture

Pixels = npt.NDArray[np.uint8]

OBJECT = 255
IGNORED = 255
"""The value of pixels to be ignored in masks of the kind "coco"."""

PALETTE_CLASSES = 71
"""The classes of AVSBench-semantic: the background and 70 more."""

_LOW_BITS = 0b11111


@dataclass(frozen=True, eq=False)
class DecodedMask:
    """What a mask file says. The arrays are read-only.

    Attributes:
        object: the object's pixels, uint8, shape (H, W): 0 or 255.
        ignored: the pixels that do not count, likewise; None where there are none.
        classes: the numbers of the classes in it, rising, without the background; empty unless the file tells
            classes apart ("coco" and "palette").
    """

    object: Pixels
    ignored: Pixels | None = None
    classes: tuple[int, ...] = ()


def decode_mask(mask: MaskFile) -> DecodedMask:
    """Read a mask file of any kind.

    The last file that was read is remembered, because a file is checked first and used right afterwards.

    Raises:
        MediaError: missing, empty, damaged, too large, or not of the mask's kind.
    """
    facts = check_file(mask.path).stat()
    return _decode(mask.path, mask.kind, facts.st_mtime_ns, facts.st_size)


@cache
def palette_colours(count: int = PALETTE_CLASSES) -> Pixels:
    """The colours of the first classes of the PASCAL VOC palette: uint8, shape (count, 3), read-only.

    The bits of a class's number are dealt to red, green and blue in turn, the lowest ones to the highest bits of
    the colours, so that 0 is black, 1 dark red and 2 dark green.
    """
    numbers = np.arange(count)
    colours = np.zeros((count, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            colours[:, channel] |= ((numbers >> (3 * bit + channel) & 1) << (7 - bit)).astype(np.uint8)
    colours.setflags(write=False)
    return colours


def hex_colour(number: int) -> str:
    """The colour of a class of the palette, such as "#800000" for 1."""
    return f"#{palette_colours()[number].tobytes().hex()}"


def read_class_names(path: str | Path) -> dict[int, str]:
    """The names of classes by number, from a JSON file that maps each name to its number (``label2idx.json``).

    Raises:
        DatasetError: missing, or not such a file.
    """
    file = Path(path)
    try:
        numbers = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"{file} cannot be read ({error}); it should map class names to numbers"
        ) from error
    if not _maps_names_to_numbers(numbers):
        raise DatasetError(f"{file} should map class names to the numbers 0 to {PALETTE_CLASSES - 1}")
    return {number: name for name, number in numbers.items()}


@lru_cache(maxsize=1)
def _decode(path: Path, kind: MaskKind, _changed: int, _size: int) -> DecodedMask:
    if kind == "coco":
        decoded = _decode_coco(path)
    elif kind == "palette":
        decoded = _decode_palette(path)
    else:
        indices = _read_indices(path) if kind == "indices" else None
        found = read_grey_mask(path) >= FOREGROUND if indices is None else indices > 0
        decoded = DecodedMask(_white(found))
    for array in (decoded.object, decoded.ignored):
        if array is not None:
            array.setflags(write=False)
    return decoded


def _decode_coco(path: Path) -> DecodedMask:
    values = _read_values(path)
    ignored = values == IGNORED
    found = (values > 0) & ~ignored
    classes = np.flatnonzero(np.bincount(values[found], minlength=1))
    return DecodedMask(
        _white(found), _white(ignored) if ignored.any() else None, tuple(int(number) for number in classes)
    )


def _decode_palette(path: Path) -> DecodedMask:
    """Colours that are none of the palette's are background, as AVSBench's own loader has it."""
    numbers = _palette_numbers(read_image(path))
    classes = np.flatnonzero(np.bincount(numbers.ravel(), minlength=1))
    return DecodedMask(_white(numbers > 0), None, tuple(int(number) for number in classes if number))


def _palette_numbers(pixels: Pixels) -> Pixels:
    """Class numbers of RGB pixels: the palette's first 71 colours use no more than the three highest bits."""
    table = np.zeros(512, np.uint8)
    colours = palette_colours()
    table[_high_bits(colours)] = np.arange(len(colours))
    numbers: Pixels = table[_high_bits(pixels)]
    numbers[(pixels & _LOW_BITS).any(axis=-1)] = 0
    return numbers


def _high_bits(pixels: Pixels) -> npt.NDArray[np.uint16]:
    red, green, blue = (pixels[..., channel].astype(np.uint16) >> 5 for channel in range(3))
    return (red << 6 | green << 3 | blue).astype(np.uint16)


def _read_indices(path: Path) -> Pixels | None:
    """The indices of a palette picture, or None if it is of another mode."""
    with open_picture(path, MAX_PIXELS) as picture:
        return np.array(picture) if picture.mode == "P" else None


def _read_values(path: Path) -> Pixels:
    """The values of a picture of numbers as they are stored: grey, indices of a palette, or three equal channels."""
    with open_picture(path, MAX_PIXELS) as picture:
        values = np.array(picture)
    if values.ndim == 3 and (values[..., :3] == values[..., :1]).all():
        values = values[..., 0]
    if values.ndim != 2 or values.dtype.kind not in "ui" or int(values.max()) > 255:
        raise MediaError("a mask of category ids must be a grey picture of 8 bits", path=path)
    return values.astype(np.uint8)


def _white(found: npt.NDArray[np.bool_]) -> Pixels:
    return found.astype(np.uint8) * np.uint8(OBJECT)


def _maps_names_to_numbers(numbers: object) -> bool:
    if not isinstance(numbers, Mapping):
        return False
    values = list(numbers.values())
    possible = all(type(value) is int and 0 <= value < PALETTE_CLASSES for value in values)
    return possible and len(set(values)) == len(values)
