"""How a picture is brought into the form a model looks at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from fiftyone_avs.models.cards import Card
from fiftyone_avs.models.loading import load_pretrained
from fiftyone_avs.types import Image


def load_image_processor(card: Card) -> Any:
    """The image processor of a card's files: the one on Pillow, whatever else is installed.

    transformers takes the one on torchvision where that is installed. It resizes a little differently, so that
    results would depend on what else is on a machine.
    """
    from transformers import AutoImageProcessor

    return load_pretrained(AutoImageProcessor, card, backend="pil")


def pixels_of(processor: Any, images: Sequence[Image]) -> torch.Tensor:
    """Pictures as a transformers image processor prepares them, float32, shape (B, 3, H, W)."""
    # Without the hint, a picture one or three pixels high would be taken for one with its channels first.
    prepared = processor(images=list(images), input_data_format="channels_last", return_tensors="pt")
    pixels: torch.Tensor = prepared["pixel_values"]
    return pixels
