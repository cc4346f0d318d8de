"""The square that SAM 2 and SAM 3 look at.

transformers has the image processors of both on torchvision only, which this package does not ask for
(their networks run without it). What they do to a picture is little, and done here in torch: the same steps
in the same order, on the same resampling kernel that torchvision calls for 8-bit pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn.functional import interpolate

from fiftyone_avs.models.loading import to_device
from fiftyone_avs.types import Image


class Square:
    """Stretches pictures to a square, bilinearly with antialiasing, and normalises them.

    Args:
        size: the square's side in pixels.
        mean: of each channel, for pictures in [0, 1].
        std: of each channel.
    """

    def __init__(self, size: int, mean: Sequence[float], std: Sequence[float]) -> None:
        self.size = size
        self.mean = torch.tensor(mean).view(3, 1, 1)
        self.std = torch.tensor(std).view(3, 1, 1)

    @classmethod
    def from_pretrained(
        cls, source: str, *, size: int, mean: Sequence[float], std: Sequence[float], **options: Any
    ) -> Square:
        """The square of a checkpoint, with the constants of its preprocessor file.

        Args:
            source: a folder or a hub id.
            size: the side that the network was built for.
            mean: to be used if the checkpoint has no preprocessor file.
            std: likewise.
            options: where to look (a revision).
        """
        from transformers.image_processing_base import ImageProcessingMixin

        try:
            constants, _ = ImageProcessingMixin.get_image_processor_dict(source, **options)
        except OSError:
            constants = {}
        return cls(size, constants.get("image_mean") or mean, constants.get("image_std") or std)

    def __call__(self, images: Sequence[Image], device: torch.device) -> torch.Tensor:
        """Pictures as the network sees them, float32, shape (B, 3, size, size)."""
        pixels = to_device(torch.stack([self._stretch(image) for image in images]), device)
        return (pixels / 255 - self.mean.to(device)) / self.std.to(device)

    def _stretch(self, image: Image) -> torch.Tensor:
        """One picture in 8 bits, on the CPU whatever the device, so that it is the same on all of them."""
        pixels = torch.from_numpy(np.array(image, order="C")).permute(2, 0, 1)[None]
        size = (self.size, self.size)
        return interpolate(pixels, size, mode="bilinear", antialias=True, align_corners=False)[0]


def distinct(images: Sequence[Image]) -> tuple[list[Image], list[int]]:
    """Pictures without repetitions of the same array, and for each of the given ones its place among them."""
    places: dict[int, int] = {}
    found: list[Image] = []
    for image in images:
        if id(image) not in places:
            places[id(image)] = len(found)
            found.append(image)
    return found, [places[id(image)] for image in images]
