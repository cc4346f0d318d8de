"""Start values for the stem of a small picture transformer."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from fiftyone_avs.training.tiny.picture_data import CHANNEL_MEAN, CHANNEL_STD

_POSITION_AMPLITUDE = 0.35
_SAMPLED_PATCHES = 40_000


def sincos_positions(side: int, width: int) -> Tensor:
    """Two-dimensional sine and cosine positions of a square grid, float32 (side * side, width)."""
    rows, columns = np.mgrid[0:side, 0:side].reshape(2, -1, 1)
    quarter = width // 4
    frequencies = 1 / (side * 1.5) ** (np.arange(quarter) / quarter)
    waves = [wave(place * frequencies) for place in (columns, rows) for wave in (np.sin, np.cos)]
    return torch.tensor(np.concatenate(waves, axis=1), dtype=torch.float32)


def initialise_stem(embeddings: Any, pixels: np.ndarray) -> None:
    """Set the patch projection to whitened principal components and the positions to waves of the same size.

    Random positions of size 0.02 drown beside the patches, which costs a training from nothing thousands of
    steps.

    Args:
        embeddings: the embeddings of a CLIP picture tower; its class token comes first.
        pixels: uint8 (N, H, W, 3), pictures to take the components from.
    """
    width, _, patch, _ = embeddings.patch_embedding.weight.shape
    values = (pixels.astype(np.float32) / 255 - CHANNEL_MEAN) / CHANNEL_STD
    side = values.shape[1] // patch
    cut = values.reshape(len(values), side, patch, side, patch, 3).transpose(0, 1, 3, 5, 2, 4)
    patches = cut.reshape(-1, 3 * patch * patch)
    patches = patches[np.random.default_rng(0).permutation(len(patches))[:_SAMPLED_PATCHES]]
    centred = patches - patches.mean(0)
    variances, components = np.linalg.eigh(np.cov(centred.T))
    strongest = np.argsort(-variances)[:width]
    spread = np.sqrt(variances[strongest] + 1e-3 * variances.max() + 1e-3)
    # A random rotation spreads the strong components over all channels.
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(width, width)))[0]
    weights = rotation @ (components[:, strongest] / spread).T
    weights *= 0.5 / (weights @ centred.T).std()
    with torch.no_grad():
        embeddings.patch_embedding.weight.copy_(
            torch.tensor(weights, dtype=torch.float32).view(width, 3, patch, patch)
        )
        positions = embeddings.position_embedding.weight
        positions[1:].copy_(_POSITION_AMPLITUDE * sincos_positions(side, width))
        positions[0].zero_()
