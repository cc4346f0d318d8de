"""Random changes of shape, colour and texture that keep the label maps right.

Half of the test pictures are in drawing styles and on backgrounds that training never sees. What stays the
same in all styles is the shape, so colours and textures are varied far more than the training styles do: for
the whole picture, and for each object and the background on their own.

All functions work on batches: pictures are float32 (B, 3, H, W) in 0..1, labels int64 (B, H, W).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fiftyone_avs.training.tiny.picture_data import CHANNEL_MEAN, CHANNEL_STD, MAX_OBJECTS, PictureSet


@dataclass(frozen=True)
class Batch:
    """Pictures ready for a model.

    Attributes:
        pixels: float32 (B, 3, H, W), normalised.
        labels: int64 (B, H, W).
        objects: int64 (B, 4), see `PictureSet`.
        indices: positions of the pictures in their set.
    """

    pixels: Tensor
    labels: Tensor
    objects: Tensor
    indices: np.ndarray

    def __len__(self) -> int:
        return len(self.pixels)


def plain_batch(pictures: PictureSet, indices: np.ndarray) -> Batch:
    """Pictures as they are."""
    pixels, labels = _read(pictures, indices)
    return Batch(normalise_pixels(pixels), labels, torch.from_numpy(pictures.objects[indices]), indices)


def augmented_batch(pictures: PictureSet, indices: np.ndarray, rng: np.random.Generator) -> Batch:
    """Pictures changed at random, each to a degree of its own."""
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    pixels, labels = _read(pictures, indices)
    pixels, labels = _move(pixels, labels, generator)
    changed = _recolour_parts(pixels, labels, generator)
    changed = _add_grain(changed, labels, generator)
    changed = _add_light(changed, generator)
    changed = _recolour(changed, generator)
    changed = _soften(changed, generator)
    degree = _uniform(len(pixels), 0.1, 1.3, generator).clamp(max=1.0)
    pixels = pixels + degree * (changed.clamp(-0.3, 1.3) - pixels)
    pixels, labels = _erase(pixels, labels, generator)
    noise = torch.randn(pixels.shape, generator=generator) * _uniform(len(pixels), 0.0, 0.05, generator)
    pixels = (pixels + noise).clamp(0, 1)
    return Batch(normalise_pixels(pixels), labels, torch.from_numpy(pictures.objects[indices]), indices)


def normalise_pixels(pixels: Tensor) -> Tensor:
    """Shift and scale pixels in 0..1 as the image processor does."""
    return (pixels - CHANNEL_MEAN) / CHANNEL_STD


def _read(pictures: PictureSet, indices: np.ndarray) -> tuple[Tensor, Tensor]:
    pixels = torch.from_numpy(pictures.pixels[indices]).permute(0, 3, 1, 2).float() / 255
    return pixels, torch.from_numpy(pictures.labels[indices].astype(np.int64))


def _uniform(count: int, low: float, high: float, generator: torch.Generator, channels: int = 1) -> Tensor:
    """Random numbers (count, channels, 1, 1)."""
    return low + (high - low) * torch.rand(count, channels, 1, 1, generator=generator)


def _chance(count: int, probability: float, generator: torch.Generator) -> Tensor:
    """Random choices, bool (count, 1, 1, 1)."""
    return torch.rand(count, 1, 1, 1, generator=generator) < probability


def _move(pixels: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Mirror, turn, stretch, slant and shift each picture; the rim is filled by reflection."""
    count = len(pixels)

    def draw(low: float, high: float) -> Tensor:
        return _uniform(count, low, high, generator).flatten()

    turn, slant, zoom, stretch = draw(-0.2, 0.2), draw(-0.15, 0.15), draw(0.82, 1.15), draw(0.9, 1.1)
    mirror = 1.0 - 2.0 * (draw(0, 1) < 0.5).float()
    matrix = torch.zeros(count, 2, 3)
    matrix[:, 0, 0] = mirror * zoom * stretch * turn.cos()
    matrix[:, 0, 1] = mirror * zoom * (slant - turn.sin())
    matrix[:, 1, 0] = zoom / stretch * turn.sin()
    matrix[:, 1, 1] = zoom / stretch * turn.cos()
    matrix[:, 0, 2] = draw(-0.14, 0.14)
    matrix[:, 1, 2] = draw(-0.14, 0.14)
    grid = F.affine_grid(matrix, list(pixels.shape), align_corners=False)
    moved = F.grid_sample(pixels, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    planes = labels[:, None].float()
    sampled = F.grid_sample(planes, grid, mode="nearest", padding_mode="reflection", align_corners=False)
    return moved, sampled[:, 0].round().long()


def _recolour_parts(pixels: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    """Change contrast, saturation and tint of the background and of each object on its own."""
    count = len(pixels)
    size = (count, MAX_OBJECTS + 1)

    def draw(low: float, high: float, channels: int = 1) -> Tensor:
        return low + (high - low) * torch.rand(*size, channels, generator=generator)

    active = torch.rand(*size, 1, generator=generator) < 0.6
    gain = torch.where(active, draw(0.35, 1.3), 1.0)
    saturation = torch.where(active, draw(-0.1, 1.3), 1.0)
    tint = torch.where(active, draw(0.8, 1.2, 3), 1.0)
    # The contrast changes around 0.5; then the part is made lighter or darker.
    shift = torch.where(active, 0.5 * (1 - gain) + draw(-0.25, 0.25), 0.0)
    table = torch.cat([gain * tint, saturation, shift], -1)
    index = labels.flatten(1)[..., None].expand(-1, -1, table.shape[-1])
    fields = table.gather(1, index).view(count, *labels.shape[1:], -1).permute(0, 3, 1, 2)
    gray = pixels.mean(1, keepdim=True)
    return fields[:, :3] * (gray + fields[:, 3:4] * (pixels - gray)) + fields[:, 4:5]


def _add_grain(pixels: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    """Lay random lumps, fine or coarse and at times streaky, over objects, the background or both."""
    count, _, height, width = pixels.shape
    lumps = torch.zeros(count, 1, height, width)
    for cells in ((80, 80), (40, 40), (14, 14), (5, 5), (4, 40), (40, 4)):
        weight = _uniform(count, 0.0, 1.0, generator) * _chance(count, 0.3, generator)
        noise = torch.randn(count, 1, *cells, generator=generator)
        lumps += weight * F.interpolate(noise, size=(height, width), mode="bilinear", align_corners=False)
    on_objects = _uniform(count, 0.0, 0.12, generator) * _chance(count, 0.5, generator)
    on_ground = _uniform(count, 0.0, 0.15, generator) * _chance(count, 0.5, generator)
    return pixels + lumps * torch.where(labels[:, None] > 0, on_objects, on_ground)


def _add_light(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Add a slope of light across the picture and a broad spot of light or shadow."""
    count, _, height, width = pixels.shape
    y = torch.linspace(-1, 1, height)[:, None]
    x = torch.linspace(-1, 1, width)[None, :]
    slope = _uniform(count, -0.22, 0.22, generator) * x + _uniform(count, -0.22, 0.22, generator) * y
    centre_x, centre_y = _uniform(count, -0.9, 0.9, generator), _uniform(count, -0.9, 0.9, generator)
    width_ = _uniform(count, 0.15, 0.8, generator)
    spot = torch.exp(-((x - centre_x) ** 2 + (y - centre_y) ** 2) / width_**2)
    strength = _uniform(count, -0.35, 0.45, generator) * _chance(count, 0.5, generator)
    return pixels + slope * _chance(count, 0.6, generator) + strength * spot


def _recolour(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Swap channels, fade to gray, invert (rarely), reduce to few steps, change brightness and contrast."""
    count = len(pixels)
    order = torch.rand(count, 3, generator=generator).argsort(1)
    order = torch.where(_chance(count, 0.35, generator).view(count, 1), order, torch.arange(3))
    pixels = pixels.gather(1, order[:, :, None, None].expand_as(pixels))
    gray = pixels.mean(1, keepdim=True)
    saturation = torch.where(_chance(count, 0.2, generator), 0.0, _uniform(count, 0.4, 1.25, generator))
    pixels = gray + saturation * (pixels - gray)
    pixels = torch.where(_chance(count, 0.03, generator), 1 - pixels, pixels)
    steps = _uniform(count, 3.0, 7.0, generator).round()
    pixels = torch.where(
        _chance(count, 0.12, generator), (pixels.clamp(0, 1) * steps).round() / steps, pixels
    )
    contrast = _uniform(count, 0.55, 1.25, generator)
    return contrast * (pixels - 0.5) + 0.5 + _uniform(count, -0.18, 0.18, generator)


def _soften(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Blur or sharpen."""
    blurred = F.avg_pool2d(F.pad(pixels, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    amount = _uniform(len(pixels), -0.5, 1.0, generator) * _chance(len(pixels), 0.5, generator)
    return pixels + amount * (blurred - pixels)


def _erase(pixels: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Hide a small box of some pictures under a colour; what is hidden counts as background."""
    count, _, height, width = pixels.shape
    top, left = (_uniform(count, 0, height - 8, generator) for _ in range(2))
    tall, wide = (_uniform(count, 5, 15, generator) for _ in range(2))
    y, x = torch.arange(height)[:, None], torch.arange(width)[None, :]
    box = (y >= top) & (y < top + tall) & (x >= left) & (x < left + wide) & _chance(count, 0.2, generator)
    pixels = torch.where(box, _uniform(count, 0, 1, generator, channels=3), pixels)
    return pixels, labels.masked_fill(box[:, 0], 0)
