"""What the label maps of a batch say: per pixel, per patch and per picture."""

from __future__ import annotations

import torch
from torch import Tensor

from fiftyone_avs.tiny.world.vocabulary import NAMES
from fiftyone_avs.training.tiny.picture_augment import Batch
from fiftyone_avs.training.tiny.picture_data import PICTURE_SIZE

PATCH = 8
"""Side of a patch in pixels, the same in all tiny vision models."""

VISIBLE_PIXELS = 48
"""Objects with fewer visible pixels are neither asked for nor counted as absent."""

_GRID = PICTURE_SIZE // PATCH


def class_map(batch: Batch) -> Tensor:
    """1 + the class index of each pixel, 0 on the background; int64 (B, H, W)."""
    return batch.objects.gather(1, batch.labels.flatten(1)).view_as(batch.labels)


def visible_objects(batch: Batch) -> list[dict[int, int]]:
    """For each picture the classes that can be seen in it: class index to label."""
    counts = count_values(batch.labels.flatten(1), batch.objects.shape[1])
    seen: Tensor = (counts >= VISIBLE_PIXELS) & (batch.objects > 0)
    rows: list[dict[int, int]] = [{} for _ in range(len(batch))]
    for row, label in seen.nonzero().tolist():
        rows[row][int(batch.objects[row, label]) - 1] = label
    return rows


def presence(batch: Batch) -> Tensor:
    """Which classes can be seen in each picture, float32 (B, classes)."""
    target = torch.zeros(len(batch), len(NAMES))
    for row, seen in enumerate(visible_objects(batch)):
        target[row, list(seen)] = 1.0
    return target


def to_patches(planes: Tensor) -> Tensor:
    """Cut (B, 80, 80) into patches: (B, 100, 64)."""
    cut = planes.view(len(planes), _GRID, PATCH, _GRID, PATCH).transpose(2, 3)
    return cut.reshape(len(planes), _GRID * _GRID, PATCH * PATCH)


def class_shares(patches: Tensor) -> Tensor:
    """Share of each class, background first, in patches (B, 100, 64); float32 (B, 100, classes + 1)."""
    counts = count_values(patches.flatten(0, 1), len(NAMES) + 1)
    return counts.view(*patches.shape[:2], -1) / patches.shape[2]


def count_values(rows: Tensor, values: int) -> Tensor:
    """How often each of the numbers 0..values-1 is in each row of an int64 (N, M); float32 (N, values)."""
    offsets = values * torch.arange(len(rows))[:, None]
    counts = torch.bincount((rows + offsets).flatten(), minlength=values * len(rows))
    return counts.view(len(rows), values).float()
