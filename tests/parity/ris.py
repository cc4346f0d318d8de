"""Parity of the referring segmentation networks, and of the ways of a picture into them and back.

Each network is filled from its official keys (``cases/<name>/keys.json``) by the recipe of ``fill.py`` and
loaded strictly. It is built on the meta device: nothing but the checkpoint's weights can reach its outputs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import fill
import numpy as np
import numpy.typing as npt
import torch
from comparison import Comparison, close
from torch import Tensor
from torch.nn.functional import interpolate

from fiftyone_avs.models.geometry import AffineWarp, Geometry, Letterbox, geometry_by_name, normalise
from fiftyone_avs.nets.asda import ASDA
from fiftyone_avs.nets.cris import CRIS
from fiftyone_avs.nets.etris import ETRIS
from fiftyone_avs.nets.ris_layers import ReferringNetwork

CASES = Path(__file__).parent / "cases"

Arrays = Mapping[str, npt.NDArray[Any]]

NETWORKS: dict[str, Callable[[], ReferringNetwork]] = {
    "asda": ASDA,
    "cris_r50": CRIS.r50,
    "cris_r101": CRIS.r101,
    "etris_r50": ETRIS.r50,
    "etris_r101": ETRIS.r101,
    "etris_vitb16": ETRIS.vitb16,
}

PROBE, PIXELS_PROBE = 8192, 4096
"""At most so many values of an enlarged map and of a network's input are in a file."""

SIZE = 416
PIXEL_STEP, MAP_STEP = 13, 9
"""Every such pixel of a square and of a map mapped back is in a ``prep.npz``, in both directions."""

GREY, FLOAT, SHARE = (0.0, 1e-5, 0.0) if cv2.__version__.startswith("4.") else (4.0, 0.06, 0.01)
"""How far grey values, other numbers and areas may be off. The files were made with OpenCV 4.14; OpenCV 5
interpolates in another way and differs by a few grey levels."""


@torch.inference_mode()
def compare(name: str, data: Arrays) -> list[Comparison]:
    """Run a network on a case and compare its logits and what follows from them with the file's.

    Args:
        name: the folder of the case, such as "cris_r50".
        data: the case: pictures (``image_u8`` or ``image_name``), ``word_id``, outputs, and ``seed`` if the
            weights are not those of seed 0.
    """
    network = build(name, seed=int(data.get("seed", 0)))
    with exact_convolutions():
        logits = network(pixels_of(data), torch.from_numpy(data["word_id"]))
    probabilities = logits.sigmoid()
    outputs: dict[str, Callable[[], Any]] = {
        "logits": lambda: logits,
        "prob_224_probe": lambda: fill.probe(interpolate(probabilities, (224, 224), mode="bilinear"), PROBE),
        "prob_416_probe": lambda: fill.probe(
            interpolate(probabilities, (SIZE, SIZE), mode="bicubic", align_corners=True), PROBE
        ),
    }
    return [close(key, data[key], make()) for key, make in outputs.items() if key in data]


@contextmanager
def exact_convolutions() -> Iterator[None]:
    """Let convolutions be summed up as matrix products.

    Their noise is a quarter of oneDNN's, which on some processors reaches half of the tolerance, and more
    where a saturated sigmoid makes the spread of the output small.
    """
    before = torch.backends.mkldnn.enabled
    torch.backends.mkldnn.enabled = False
    try:
        yield
    finally:
        torch.backends.mkldnn.enabled = before


def build(name: str, seed: int = 0) -> ReferringNetwork:
    """A network with the filled official weights, in evaluation mode."""
    official = fill.state_dict_from_keys(json.loads((CASES / name / "keys.json").read_text()), seed=seed)
    with torch.device("meta"):
        network = NETWORKS[name]()
    network.load_state_dict(network.own_state(official), strict=True, assign=True)
    return network.eval().requires_grad_(False)


def pixels_of(data: Arrays) -> Tensor:
    """The case's pictures, those in the file or drawn from their names; normalised, (B, 3, 416, 416)."""
    if "image_u8" in data:
        pictures = list(data["image_u8"])
    else:
        pictures = [fill.image_u8(str(name)) for name in data["image_name"]]
    return torch.stack([fill.image_tensor(picture) for picture in pictures])


def compare_prep(name: str, data: Arrays) -> list[Comparison]:
    """Compare what a ``prep.npz`` holds of pictures brought into a square and of maps brought back.

    Args:
        name: "asda" or a network that warps (CRIS, ETRIS).
        data: the file.
    """
    logits = torch.from_numpy(np.load(CASES / "asda" / "case_a.npz")["logits"])[0, 0]
    contents = _letterboxed if name == "asda" else _warped
    found = []
    for key, size in zip(data["names"], data["sizes"], strict=True):
        height, width = (int(side) for side in size)
        drawn = fill.image_u8(str(key), -(-max(height, width) // 8) * 8)
        for what, actual, tolerance in contents(drawn[:height, :width], logits):
            if f"{key}/{what}" in data:
                expected = np.asarray(data[f"{key}/{what}"], np.float64)
                actual = np.asarray(actual, np.float64)
                # Areas are compared as shares, all else in its own unit.
                allowed = tolerance * float(expected) if what.endswith("area_035") else tolerance
                found.append(Comparison(f"{key}/{what}", expected, actual, allowed))
    return found


Quantity = tuple[str, Any, float]
"""Its name in the file, what this package says, the tolerance."""


def _letterboxed(image: npt.NDArray[np.uint8], logits: Tensor) -> Iterator[Quantity]:
    """The squares of ASDA and BAaV, ASDA's input, and a map on ASDA's way back."""
    names = {"asda_letterbox": "letterbox", "baav_letterbox": "baav_letterbox", "baav_stretch": "stretch"}
    for key, name in names.items():
        yield from _square(key, geometry_by_name(name, SIZE), image)
    box = Letterbox(SIZE)
    rows, columns = box.sides(*image.shape[:2])
    ratio = min(SIZE / image.shape[0], SIZE / image.shape[1])
    yield "asda_letterbox/ratio_dw_dh", (ratio, (SIZE - columns) / 2, (SIZE - rows) / 2), FLOAT
    yield "asda_tensor_probe", _input(box, image), FLOAT
    found = box.back(logits.sigmoid().numpy(), box.into(image)[1])
    yield "asda_mask_back", found[::MAP_STEP, ::MAP_STEP], FLOAT


def _warped(image: npt.NDArray[np.uint8], logits: Tensor) -> Iterator[Quantity]:
    """The warp's matrices, its square, the input made from it, and a map on the way back."""
    warp = AffineWarp(SIZE)
    yield "matrix", warp.matrix(*image.shape[:2]), FLOAT
    yield "inverse", warp.matrix(*image.shape[:2], inverse=True), FLOAT
    yield from _square("warped", warp, image)
    yield "tensor_probe", _input(warp, image), FLOAT
    found = warp.back((10 * logits).sigmoid().numpy(), warp.into(image)[1])
    yield "mask_back", found[::MAP_STEP, ::MAP_STEP], FLOAT
    yield "mask_back_area_035", np.count_nonzero(found > 0.35), SHARE


def _square(key: str, geometry: Geometry, image: npt.NDArray[np.uint8]) -> Iterator[Quantity]:
    square, _ = geometry.into(image)
    yield key, square[::PIXEL_STEP, ::PIXEL_STEP], GREY
    yield f"{key}/mean", square.mean(), max(GREY, FLOAT)


def _input(geometry: Geometry, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    pixels = normalise(geometry.into(image)[0], fill.CLIP_MEAN, fill.CLIP_STD)
    return fill.probe(torch.from_numpy(pixels), PIXELS_PROBE)
