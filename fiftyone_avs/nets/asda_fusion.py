"""ASDA's middle: one map from three image states of different depth and the sentence.

Source: "Adaptive Selection based Referring Image Segmentation", ACM MM 2024.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

SLOPE = 0.1
"""Of the leaky ReLUs."""


class ConvBlock(nn.Module):
    """Convolution that keeps the size, batch norm, leaky ReLU."""

    def __init__(self, channels: int, out: int, kernel: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, kernel, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to (B, out, H, W)."""
        return functional.leaky_relu(self.bn(self.conv(x)), SLOPE, inplace=True)


class Fusion(nn.Module):
    """Multiplies the sentence into the image. ``lang_attn`` is in the checkpoint and never used."""

    def __init__(self, image_width: int, text_width: int) -> None:
        super().__init__()
        self.mapping_visu = ConvBlock(image_width, image_width, 1)
        self.lang_attn = nn.Sequential(nn.Linear(text_width, text_width))
        self.lang_proj = nn.Sequential(
            nn.Linear(text_width, image_width), nn.BatchNorm1d(image_width), nn.LeakyReLU(SLOPE)
        )
        self.fusion = nn.Sequential(nn.BatchNorm2d(image_width), nn.LeakyReLU(SLOPE))

    def forward(self, image: Tensor, sentence: Tensor) -> Tensor:
        """(B, image_width, h, w) and (B, text_width) to (B, image_width, h, w)."""
        gate = self.lang_proj(sentence)[:, :, None, None]
        fused: Tensor = self.fusion(self.mapping_visu(image) * gate)
        return fused


class FeaturePyramid(nn.Module):
    """Enlarges the states once, twice and four times and sums them up from the deepest to the earliest.

    The result is pooled back to the size of the states. The first two ``output_convs`` are in the
    checkpoint and never used.
    """

    def __init__(self, channels: int, dim: int) -> None:
        super().__init__()
        half, quarter = channels // 2, channels // 4
        same = nn.Sequential(ConvBlock(channels, dim, 1), ConvBlock(dim, dim))
        twice = nn.Sequential(_double(channels, half), ConvBlock(half, dim, 1), ConvBlock(dim, dim))
        four_times = nn.Sequential(
            _double(channels, half),
            nn.BatchNorm2d(half),
            nn.GELU(),
            _double(half, quarter),
            ConvBlock(quarter, dim, 1),
            ConvBlock(dim, dim),
        )
        self.stages = nn.ModuleList([same, twice, four_times])
        self.lateral_convs = nn.ModuleList(ConvBlock(dim, dim, 1) for _ in range(3))
        self.output_convs = nn.ModuleList(ConvBlock(dim, dim) for _ in range(3))

    def enlarge(self, level: int, state: Tensor) -> Tensor:
        """A map (B, channels, h, w) of level 0 (the deepest) to 2: (B, dim, 2^level * h, 2^level * w)."""
        out: Tensor = self.lateral_convs[level](self.stages[level](state))
        return out

    def forward(self, deep: Tensor, middle: Tensor, early: Tensor) -> Tensor:
        """The enlarged maps of the three levels to (B, dim, h, w)."""
        middle = middle + functional.interpolate(deep, scale_factor=2)
        early = early + functional.interpolate(middle, scale_factor=2)
        return functional.max_pool2d(self.output_convs[2](early), 4)


def _double(channels: int, out: int) -> nn.ConvTranspose2d:
    """A transposed convolution to twice the size."""
    return nn.ConvTranspose2d(channels, out, 2, stride=2)
