"""CLIP's ResNet, with the attention pool that CRIS and ETRIS keep spatial.

Sources: Radford et al., "Learning Transferable Visual Models From Natural Language Supervision" (2021);
Wang et al., "CRIS: CLIP-Driven Referring Image Segmentation" (CVPR 2022) for the pool.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from fiftyone_avs.nets.clip_blocks import HEAD_WIDTH, attend, to_map, to_tokens

EXPANSION = 4
"""A bottleneck's output channels over its inner ones."""

POOL_GRID = 7
"""The pool's positions were learned on 7 x 7 tokens (224 pixels)."""


class Bottleneck(nn.Module):
    """Three convolutions and a shortcut; strides are average pools, so that nothing is skipped."""

    def __init__(self, channels: int, planes: int, stride: int) -> None:
        super().__init__()
        out = planes * EXPANSION
        self.conv1 = nn.Conv2d(channels, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.stride = stride
        self.downsample = None
        if stride > 1 or channels != out:
            self.downsample = nn.Sequential(nn.Conv2d(channels, out, 1, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to (B, 4 * planes, H / stride, W / stride)."""
        inner = functional.relu(self.bn1(self.conv1(x)))
        inner = functional.relu(self.bn2(self.conv2(inner)))
        inner = self.bn3(self.conv3(self._pool(inner)))
        shortcut = x if self.downsample is None else self.downsample(self._pool(x))
        return functional.relu(inner + shortcut)

    def _pool(self, x: Tensor) -> Tensor:
        return functional.avg_pool2d(x, self.stride) if self.stride > 1 else x


class AttentionPool(nn.Module):
    """Self-attention over all positions, with a 1 x 1 convolution around it; there is no mean token."""

    def __init__(self, width: int, embed_dim: int) -> None:
        super().__init__()
        self.positional_embedding = nn.Parameter(torch.randn(POOL_GRID**2 + 1, width) * width**-0.5)
        self.k_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.c_proj = nn.Linear(width, embed_dim)
        self.connect = nn.Sequential(nn.Conv2d(width, embed_dim, 1, bias=False), nn.BatchNorm2d(embed_dim))

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, H, W) to (B, embed_dim, H, W)."""
        height, width = x.shape[-2:]
        tokens = to_tokens(x) + self._positions(height, width)
        query, key, value = self.q_proj(tokens), self.k_proj(tokens), self.v_proj(tokens)
        mixed = self.c_proj(attend(query, key, value, heads=x.shape[1] // HEAD_WIDTH))
        return functional.relu(to_map(mixed, height, width) + self.connect(x))

    def _positions(self, height: int, width: int) -> Tensor:
        """The learned grid, resized: (height * width, channels). Row 0 was the mean token's."""
        grid = to_map(self.positional_embedding[None, 1:], POOL_GRID, POOL_GRID)
        resized = functional.interpolate(grid, (height, width), mode="bicubic", align_corners=False)
        return to_tokens(resized)[0]


class ModifiedResNet(nn.Module):
    """CLIP's ResNet: three convolutions as a stem, four layers, the attention pool.

    It runs in steps (`begin`, three times `stage`, `pool`), because its users take maps on the way.
    """

    def __init__(self, blocks: tuple[int, int, int, int], width: int, embed_dim: int) -> None:
        super().__init__()
        half = width // 2
        self.conv1 = nn.Conv2d(3, half, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(half)
        self.conv2 = nn.Conv2d(half, half, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(half)
        self.conv3 = nn.Conv2d(half, width, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.layer1 = _layer(width, width, blocks[0], stride=1)
        self.layer2 = _layer(4 * width, 2 * width, blocks[1], stride=2)
        self.layer3 = _layer(8 * width, 4 * width, blocks[2], stride=2)
        self.layer4 = _layer(16 * width, 8 * width, blocks[3], stride=2)
        self.attnpool = AttentionPool(32 * width, embed_dim)

    def begin(self, pixels: Tensor) -> Tensor:
        """Stem and first layer: (B, 3, H, W) to (B, 4 * width, H/4, W/4)."""
        x = functional.relu(self.bn1(self.conv1(pixels)))
        x = functional.relu(self.bn2(self.conv2(x)))
        x = functional.relu(self.bn3(self.conv3(x)))
        out: Tensor = self.layer1(functional.avg_pool2d(x, 2))
        return out

    def stage(self, index: int, x: Tensor) -> Tensor:
        """Layer 2, 3 or 4 (index 0, 1, 2): half the size, twice the channels."""
        out: Tensor = (self.layer2, self.layer3, self.layer4)[index](x)
        return out

    def pool(self, x: Tensor) -> Tensor:
        """Attention pool: (B, 32 * width, H/32, W/32) to (B, embed_dim, H/32, W/32)."""
        out: Tensor = self.attnpool(x)
        return out


def resnet_channels(width: int) -> tuple[int, int, int]:
    """Channels of the maps after the three stages."""
    return 8 * width, 16 * width, 32 * width


def _layer(channels: int, planes: int, blocks: int, stride: int) -> nn.Sequential:
    """A row of bottlenecks, of which the first has the stride."""
    out = planes * EXPANSION
    rest = [Bottleneck(out, planes, 1) for _ in range(blocks - 1)]
    return nn.Sequential(Bottleneck(channels, planes, stride), *rest)
