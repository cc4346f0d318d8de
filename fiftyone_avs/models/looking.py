"""How a picture is brought into the form a model looks at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from fiftyone_avs.types import Image


def pixels_of(processor: Any, images: Sequence[Image]) -> torch.Tensor:
    """Pictures as a transformers image processor prepares them, float32, shape (B, 3, H, W)."""
    # Without the hint, a picture one or three pixels high would be taken for one with its channels first.
    prepared = processor(images=list(images), input_data_format="channels_last", return_tensors="pt")
    pixels: torch.Tensor = prepared["pixel_values"]
    return pixels
