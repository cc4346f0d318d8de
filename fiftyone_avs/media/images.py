"""Images and masks from files of any kind that Pillow opens, as plain arrays."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from fiftyone_avs.errors import MediaError
from fiftyone_avs.media.files import check_file
from fiftyone_avs.types import Image as ImageArray, Mask

MAX_PIXELS = 178_956_970
"""The largest picture that is read: where Pillow itself refuses. It warns from half of this on."""

FOREGROUND = 128
"""Grey values from here on are foreground in an 8-bit mask."""

WHITE = 255
"""The value of the object in an 8-bit mask."""

_BACKDROP = (255, 255, 255, 255)
_WHITE_16_BIT = 65535
_ORIENTATION = 0x0112  # the EXIF tag that says how a picture is turned
_TURNED = range(5, 9)  # its values that swap width and height


def read_image(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> ImageArray:
    """Read a picture as 8-bit RGB.

    The EXIF rotation is applied. Transparent pictures are laid over white. Grey pictures of 16 bits are
    scaled by their full range, not clipped; of animated files the first picture is taken.

    Args:
        path: an image file.
        max_pixels: refuse larger pictures before their pixels are decoded.

    Returns:
        uint8, shape (H, W, 3).

    Raises:
        MediaError: missing, empty, not an image, truncated, too large, or floating-point pixels.
    """
    with open_picture(path, max_pixels) as picture:
        return np.array(_to_rgb(picture, path))


def picture_size(path: str | Path) -> tuple[int, int]:
    """The height and width of a picture as it is shown, from its header: (H, W).

    Raises:
        MediaError: missing, empty, not an image, or too large.
    """
    file = check_file(path)
    try:
        with Image.open(file) as picture:
            width, height = picture.size
            turned = _orientation(picture) in _TURNED
    except (OSError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError) as error:
        raise MediaError("not an image that can be read; convert it to PNG or JPEG", path=path) from error
    if width * height > MAX_PIXELS:
        raise MediaError(f"{width} x {height} pixels are too many to be read safely", path=path)
    return (width, height) if turned else (height, width)


def read_mask(source: str | Path | npt.ArrayLike, *, max_pixels: int = MAX_PIXELS) -> Mask:
    """Read a mask of one object: bool, shape (H, W); foreground is grey 128 or more.

    Args and errors are those of `read_grey_mask`, which see for other kinds of masks.
    """
    return np.asarray(read_grey_mask(source, max_pixels=max_pixels) >= FOREGROUND)


def read_grey_mask(
    source: str | Path | npt.ArrayLike, *, max_pixels: int = MAX_PIXELS
) -> npt.NDArray[np.uint8]:
    """Read a mask of one object as grey values, as evaluators do that resize a mask before they cut it.

    A mask whose values are only 0 and 1 becomes 0 and 255. Colours are turned into grey (palette and RGB
    alike), except that in a palette picture with the indices 0 and 1 only, index 1 is the object.
    Transparency is ignored. 16-bit masks are scaled by their full range. Masks of several classes are not
    told apart here: pass ``array == number``.

    Args:
        source: an image file, or an array: bool, or uint8 or other whole numbers of shape (H, W) or
            (H, W, 3).
        max_pixels: refuse larger pictures before their pixels are decoded.

    Returns:
        uint8, shape (H, W), 0..255.

    Raises:
        MediaError: a file as in `read_image`, or an array of another kind.
    """
    if isinstance(source, str | Path):
        with open_picture(source, max_pixels) as picture:
            return _full_range(_mask_values(picture, source))
    array = np.asarray(source)
    if array.dtype == np.bool_ and array.ndim == 2:
        return array.astype(np.uint8) * WHITE
    if array.ndim == 3 and array.shape[2] == 3 and array.dtype == np.uint8:
        array = np.array(Image.fromarray(array).convert("L"))
    if array.ndim != 2 or array.size == 0 or array.dtype.kind not in "ui":
        raise MediaError(
            f"a mask must hold whole numbers in the shape (H, W), not {array.dtype} {array.shape}"
        )
    return _full_range(array)


@contextmanager
def open_picture(path: str | Path, max_pixels: int) -> Iterator[Image.Image]:
    """Open and decode an image file and turn it upright; every failure inside the block becomes a MediaError."""
    file = check_file(path)
    try:
        with Image.open(file) as picture:
            width, height = picture.size
            if width * height > max_pixels:
                raise MediaError(
                    f"{width} x {height} pixels are more than the limit of {max_pixels}; scale the picture "
                    "down or raise max_pixels",
                    path=path,
                )
            picture.load()
            _turn_upright(picture, path)
            yield picture
    except UnidentifiedImageError as error:
        raise MediaError("not an image that can be read; convert it to PNG or JPEG", path=path) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise MediaError("too many pixels to be read safely; scale the picture down", path=path) from error
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        message = f"the image is damaged ({error}); replace the file or leave the sample out"
        raise MediaError(message, path=path) from error


def _turn_upright(picture: Image.Image, path: str | Path) -> None:
    """Apply the EXIF rotation; Pillow writes the other tags anew then, and fails in many ways on broken ones."""
    try:
        ImageOps.exif_transpose(picture, in_place=True)
    except (struct.error, TypeError, AttributeError, KeyError, IndexError) as error:
        message = f"its EXIF data is damaged ({error}); save the picture without it"
        raise MediaError(message, path=path) from error


def _orientation(picture: Image.Image) -> int:
    """How the picture is turned; asking a PNG that does not say would decode all of it."""
    if picture.format == "PNG" and "exif" not in picture.info:
        return 1
    return int(picture.getexif().get(_ORIENTATION, 1))


def _to_rgb(picture: Image.Image, path: str | Path) -> Image.Image:
    """Convert any mode to RGB."""
    if picture.mode == "F":
        raise MediaError("floating-point pixels have no known range; save it with 8 or 16 bits", path=path)
    if picture.mode.startswith("I"):
        return Image.fromarray(_eight_bits(picture)).convert("RGB")
    if picture.has_transparency_data:
        pixels = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", pixels.size, _BACKDROP), pixels).convert("RGB")
    return picture if picture.mode == "RGB" else picture.convert("RGB")  # converting copies in any case


def _mask_values(picture: Image.Image, path: str | Path) -> npt.NDArray[np.uint8]:
    """Return the values of a mask file as 8-bit grey, or as 0/1 where the file holds just these; read-only."""
    if picture.mode == "L":
        return np.asarray(picture)
    if picture.mode == "1":
        return np.asarray(picture.convert("L"))
    if picture.mode.startswith("I"):
        values = np.asarray(picture)
        return values.astype(np.uint8) if int(values.max()) <= 1 else _eight_bits(picture)
    if picture.mode == "F":
        raise MediaError("floating-point pixels have no known range; save it with 8 bits", path=path)
    if picture.mode == "P":
        indices = np.asarray(picture)
        if int(indices.max()) <= 1:
            return indices
    if picture.mode in ("LA", "La"):
        return np.asarray(picture.getchannel(0))
    if picture.has_transparency_data:
        return np.asarray(picture.convert("RGBA").convert("RGB").convert("L"))
    return np.asarray(picture.convert("L"))


def _eight_bits(picture: Image.Image) -> npt.NDArray[np.uint8]:
    """Scale 16-bit grey to 8 bits by the full range. Mode I holds 16-bit values too (PNG, PGM)."""
    values = np.clip(np.asarray(picture).astype(np.int64), 0, _WHITE_16_BIT)
    return ((values * 255 + _WHITE_16_BIT // 2) // _WHITE_16_BIT).astype(np.uint8)


def _full_range(values: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """Whole numbers of shape (H, W) as grey 0..255, in an array of its own; 0 and 1 alone become 0 and 255."""
    white = WHITE if int(np.max(values)) <= 1 else 1
    if values.dtype != np.uint8:
        return np.clip(values.astype(np.int64) * white, 0, WHITE).astype(np.uint8)
    grey: npt.NDArray[np.uint8] = np.multiply(values, white, dtype=np.uint8)  # the same, ten times as quick
    return grey
