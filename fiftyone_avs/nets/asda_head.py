"""ASDA's end: an encoder over the fused map, the words' influence on it, and the mask's prototypes.

Source: "Adaptive Selection based Referring Image Segmentation", ACM MM 2024.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from fiftyone_avs.nets.asda_fusion import ConvBlock
from fiftyone_avs.nets.clip_blocks import Attention
from fiftyone_avs.nets.ris_layers import HEADS


class EncoderLayer(nn.Module):
    """Self-attention with positions in queries and keys, perceptron; the norm comes after each."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.self_attn = Attention(dim, HEADS)
        self.linear1 = nn.Linear(dim, dim)
        self.linear2 = nn.Linear(dim, dim)
        self.norm1 = nn.LayerNorm(dim)
        self.norm2 = nn.LayerNorm(dim)

    def forward(self, x: Tensor, places: Tensor) -> Tensor:
        """(B, N, dim) and position codes (N, dim) to (B, N, dim)."""
        query = x + places
        x = self.norm1(x + self.self_attn(query, query, x))
        out: Tensor = self.norm2(x + self.linear2(functional.relu(self.linear1(x))))
        return out


class ASDAEncoder(nn.Module):
    """Two encoder layers and a norm."""

    def __init__(self, dim: int, layers: int = 2) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer(dim) for _ in range(layers))
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor, places: Tensor) -> Tensor:
        """(B, N, dim) and position codes (N, dim) to (B, N, dim)."""
        for layer in self.layers:
            x = layer(x, places)
        out: Tensor = self.norm(x)
        return out


class LanguageLayer(nn.Module):
    """Lets every image position look at the words, padding included."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.dense_q = nn.Linear(dim, dim)
        self.dense_k = nn.Linear(dim, dim)
        self.dense_v = nn.Linear(dim, dim)
        self.self_attn = Attention(dim, HEADS)
        self.norm1 = nn.LayerNorm(dim)
        self.norm2 = nn.LayerNorm(dim)
        self.linear1 = nn.Linear(dim, hidden)
        self.linear2 = nn.Linear(hidden, dim)

    def forward(self, image: Tensor, words: Tensor) -> Tensor:
        """(B, N, dim) and (B, L, dim) to (B, N, dim)."""
        query = functional.relu(self.dense_q(image))
        key = functional.relu(self.dense_k(words))
        value = functional.relu(self.dense_v(words))
        x = self.norm1(image + self.self_attn(query, key, value))
        out: Tensor = self.norm2(x + self.linear2(functional.relu(self.linear1(x))))
        return out


class EnlargingBlock(ConvBlock):
    """A block behind an enlargement to twice the size, in which each pixel becomes four."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, h, w) to (B, out, 2 * h, 2 * w)."""
        return super().forward(functional.interpolate(x, scale_factor=2))


class MaskPrototypes(nn.Module):
    """Maps of eight times the size, of which the mask is a weighted sum."""

    def __init__(self, channels: int, count: int) -> None:
        super().__init__()
        inner = channels // 2
        self.proj1 = ConvBlock(channels, inner)
        self.proj2 = ConvBlock(inner, inner)
        self.proj3 = EnlargingBlock(inner, inner)
        self.proj4 = EnlargingBlock(inner, inner)
        self.proj5 = EnlargingBlock(inner, inner)
        self.proj = nn.Conv2d(inner, count, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, h, w) to (B, count, 8 * h, 8 * w)."""
        x = self.proj2(self.proj1(x))
        for enlarged in (self.proj3, self.proj4, self.proj5):
            x = enlarged(x)
        out: Tensor = self.proj(x)
        return out
