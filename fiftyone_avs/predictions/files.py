"""Files of predictions that other programs wrote: which there are in a folder, and what they hold."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from fiftyone_avs.errors import DatasetError, MediaError
from fiftyone_avs.media.files import check_file
from fiftyone_avs.media.images import MAX_PIXELS
from fiftyone_avs.metrics import resize_soft_map
from fiftyone_avs.types import SoftMap

PICTURES = frozenset({".png", ".jpg", ".jpeg"})
ENDINGS = PICTURES | {".npy"}
"""Files that are read as predictions."""

Activation: TypeAlias = Literal["none", "sigmoid", "minmax"]
"""How values become a map in [0, 1]: as they are, by the logistic function, or from lowest to highest."""

ROUNDING = 1e-5
"""How far values may leave [0, 1] by rounding."""


@dataclass(frozen=True)
class PredictionFiles:
    """The predictions in a folder.

    Attributes:
        folder: absolute.
        files: name (relative path without ending, with ``/``) -> the files of that name; more than one if they
            differ in their ending.
        digest: of all files' relative paths and sizes, SHA-256.
    """

    folder: Path
    files: Mapping[str, tuple[Path, ...]]
    digest: str


@dataclass(frozen=True, eq=False)
class PredictedMap:
    """What a file holds.

    Attributes:
        values: float32 in [0, 1], shape (H, W), at the file's own size.
        is_mask: whether it has two values at most, so that it is a mask rather than a soft map.
    """

    values: SoftMap
    is_mask: bool

    def at(self, size: tuple[int, int]) -> SoftMap:
        """The map stretched to a size (height, width): soft maps bilinearly, masks by the nearest pixel."""
        if self.values.shape == size:
            return self.values
        if self.is_mask:
            height, width = size
            picture = Image.fromarray(self.values).resize((width, height), Image.Resampling.NEAREST)
            return np.asarray(picture, np.float32)
        return np.clip(resize_soft_map(self.values, size), 0, 1)


def list_predictions(folder: str | Path) -> PredictionFiles:
    """List the PNG, JPEG and NPY files in a folder and the folders in it; hidden ones are left out.

    Raises:
        DatasetError: if there is no such folder, or none of such files in it.
    """
    root = Path(folder).expanduser().absolute()
    if not root.is_dir():
        raise DatasetError(f"there is no folder {root}, where predictions should be")
    found: dict[str, list[Path]] = defaultdict(list)
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        hidden = any(part.startswith(".") for part in relative.parts)
        if path.suffix.lower() in ENDINGS and not hidden and path.is_file():
            found[relative.with_suffix("").as_posix()].append(path)
            digest.update(f"{relative.as_posix()}\t{path.stat().st_size}\n".encode())
    if not found:
        held = ", ".join(sorted(path.name for path in root.iterdir())[:5]) or "nothing"
        raise DatasetError(f"{root} holds no predictions ({', '.join(sorted(ENDINGS))}); it holds {held}")
    return PredictionFiles(root, {name: tuple(paths) for name, paths in found.items()}, digest.hexdigest())


def read_prediction(path: Path, activation: Activation = "none") -> PredictedMap:
    """Read a soft map or a mask.

    Whole numbers are scaled by their full range (255 or 65535), except that 0 and 1 alone are a mask, as in
    palette pictures. Colours must be shades of grey. NPY files hold the shapes (H, W), (1, H, W) or (H, W, 1).

    Args:
        path: of a PNG, JPEG or NPY file.
        activation: "none" for values in [0, 1]; "sigmoid" for raw scores, which only NPY files of
            floating-point numbers can hold; "minmax" to stretch the values of each map over [0, 1].

    Raises:
        MediaError: if the file cannot be read or is no map: of another shape, in colours, with NaN or infinite
            values, or with values outside [0, 1] that no activation was asked for.
    """
    raw = _read_picture(path) if path.suffix.lower() in PICTURES else _read_array(path)
    if raw.size == 0:
        raise MediaError("the map has no pixels", path=path)
    with np.errstate(over="ignore"):  # what is beyond float64 counts as infinite
        finite = np.isfinite(raw.astype(np.float64)).all()
    if not finite:
        raise MediaError("the map holds NaN or infinite values", path=path)
    values = _activated(_in_full_range(raw, path), raw.dtype.kind == "f", activation, path)
    lowest, highest = values.min(), values.max()
    is_mask = bool(((values == lowest) | (values == highest)).all())
    return PredictedMap(values.astype(np.float32), is_mask)


def _read_picture(path: Path) -> npt.NDArray[np.generic]:
    """The grey values of a picture: bool, uint8 or uint16, shape (H, W)."""
    try:
        with Image.open(check_file(path)) as picture:
            _check_size(picture.height * picture.width, path)
            picture.load()
            return _grey(picture, path)
    except UnidentifiedImageError as error:
        raise MediaError("not an image that can be read; write maps as PNG or NPY", path=path) from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise MediaError(f"the image is damaged ({error})", path=path) from error


def _grey(picture: Image.Image, path: Path) -> npt.NDArray[np.generic]:
    if picture.mode in ("1", "L"):
        return np.asarray(picture)
    if picture.mode.startswith("I"):
        return np.asarray(picture, np.int64).clip(0, 65535).astype(np.uint16)
    if picture.mode == "P" and np.asarray(picture).max() <= 1:
        return np.asarray(picture)
    if picture.mode == "LA":
        return np.asarray(picture.getchannel(0))
    colours = np.asarray(picture.convert("RGB"))
    if (colours != colours[..., :1]).any():
        raise MediaError(
            "the picture is in colours, which are no map; write the map itself, in shades of grey or as NPY",
            path=path,
        )
    grey: npt.NDArray[np.uint8] = colours[..., 0]
    return grey


def _read_array(path: Path) -> npt.NDArray[np.generic]:
    """The array of a NPY file without its dimensions of length 1: shape (H, W)."""
    try:
        mapped = np.load(check_file(path), mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        raise MediaError(f"not an array that can be read ({error})", path=path) from error
    shape = mapped.shape[1:] if mapped.ndim == 3 and mapped.shape[0] == 1 else mapped.shape
    shape = shape[:2] if len(shape) == 3 and shape[2] == 1 else shape
    if len(shape) != 2 or mapped.dtype.kind not in "buif":
        raise MediaError(
            f"a map has the shape (H, W) and holds numbers, this is {mapped.dtype} {mapped.shape}", path=path
        )
    _check_size(mapped.size, path)
    array: npt.NDArray[np.generic] = np.array(mapped).reshape(shape)
    return array


def _check_size(pixels: int, path: Path) -> None:
    if pixels > MAX_PIXELS:
        raise MediaError(f"{pixels} pixels are more than the limit of {MAX_PIXELS}", path=path)


def _in_full_range(raw: npt.NDArray[Any], path: Path) -> npt.NDArray[np.float64]:
    """Whole numbers as fractions of their full range; floating-point numbers as they are."""
    values = raw.astype(np.float64)
    if raw.dtype.kind == "f" or (values.max() <= 1 and values.min() >= 0):
        return values
    full = 65535 if raw.dtype == np.uint16 else 255
    if values.min() < 0 or values.max() > full:
        raise MediaError(
            f"whole numbers from {values.min():g} to {values.max():g} have no known range; write 8 or 16 bits"
            " without sign, or floating-point numbers",
            path=path,
        )
    return values / full


def _activated(
    values: npt.NDArray[np.float64], raw: bool, activation: Activation, path: Path
) -> npt.NDArray[np.float64]:
    lowest, highest = float(values.min()), float(values.max())
    if activation == "sigmoid":
        if not raw:
            raise MediaError(
                "activation 'sigmoid' is for raw scores in NPY files of floating-point numbers, and this file holds"
                " whole numbers",
                path=path,
            )
        return 1 / (1 + np.exp(-np.clip(values, -700, 700)))
    if activation == "minmax" and highest > lowest:
        # halved, so that the range of numbers near the largest is one; small numbers would vanish that way
        scale = 0.5 if math.isinf(highest - lowest) else 1.0
        return (values * scale - lowest * scale) / (highest * scale - lowest * scale)
    if activation == "minmax" and raw:
        raise MediaError("all values of the map are equal, so that they cannot be stretched", path=path)
    if lowest < -ROUNDING or highest > 1 + ROUNDING:
        raise MediaError(
            f"the values reach from {lowest:g} to {highest:g}, and a map's lie in [0, 1]; pass activation 'sigmoid' for"
            " raw scores or 'minmax' to stretch each map",
            path=path,
        )
    return np.clip(values, 0, 1)
