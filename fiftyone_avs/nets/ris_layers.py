"""What the networks for referring image segmentation share: their interface, positions, decoder, projector.

Sources: Wang et al., "CRIS: CLIP-Driven Referring Image Segmentation" (CVPR 2022); Xu et al., "Bridging
Vision and Language Encoders: Parameter-Efficient Tuning for Referring Image Segmentation" (ETRIS, ICCV
2023), which took decoder and projector from CRIS.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from fiftyone_avs.nets.clip_blocks import Attention, ClipBackbone, to_map, to_tokens
from fiftyone_avs.nets.official import OfficialNetwork

HEADS = 8
"""Attention heads outside the CLIP towers."""

PADDING_ID = 0
"""The token id behind the end of a text."""

Features = tuple[Tensor, Tensor, Tensor]
"""Image maps (B, C, h, w) from fine to coarse."""


class ReferringNetwork(OfficialNetwork):
    """A network that segments what a text refers to.

    Attributes:
        input_size: height and width of its pictures.
        context_length: how many token ids a text has, with start, end and padding.
    """

    input_size: int
    context_length: int

    @property
    def token_embedding(self) -> nn.Embedding:
        """The layer from token ids to vectors."""
        raise NotImplementedError

    def encode_text(self, ids: Tensor, embeddings: Tensor | None = None) -> Tensor:
        """The sentence vector that the text encoder gives on its own.

        Args:
            ids: int64, shape (B, context_length): CLIP's token ids, padded with 0.
            embeddings: shape (B, context_length, width): taken instead of the embedding layer's output
                for ``ids``. Positions are added, and the ids still tell where the text ends.

        Returns:
            shape (B, P).
        """
        raise NotImplementedError

    def forward(
        self, pixels: Tensor, ids: Tensor, embeddings: Tensor | None = None, places: Tensor | None = None
    ) -> Tensor:
        """Segment. What depends on a picture alone is computed once for all of its texts.

        Args:
            pixels: normalised pictures, shape (P, 3, input_size, input_size).
            ids: as in `encode_text`.
            embeddings: as in `encode_text`.
            places: int64, shape (B,): which picture each text belongs to; None if text i is picture i's.

        Returns:
            logits of each text, shape (B, 1, h, w).
        """
        raise NotImplementedError


class ClipReferringNetwork(ReferringNetwork):
    """The road that CRIS and ETRIS have in common: CLIP backbone, neck, decoder, projector."""

    backbone: ClipBackbone[Any]
    neck: nn.Module
    decoder: Decoder
    proj: Projector

    def encode(
        self, pixels: Tensor, ids: Tensor, embeddings: Tensor | None, places: Tensor | None = None
    ) -> tuple[Features, Tensor, Tensor]:
        """Image maps (B, C, h, w), words (B, L, text width), and the sentence vector (B, embed_dim)."""
        raise NotImplementedError

    @property
    def token_embedding(self) -> nn.Embedding:
        """The layer from token ids to vectors."""
        return self.backbone.token_embedding

    def encode_text(self, ids: Tensor, embeddings: Tensor | None = None) -> Tensor:
        """CLIP's sentence vector, shape (B, embed_dim)."""
        return self.backbone.encode_text(ids, embeddings)[1]

    def forward(
        self, pixels: Tensor, ids: Tensor, embeddings: Tensor | None = None, places: Tensor | None = None
    ) -> Tensor:
        """Logits, shape (B, 1, input_size/4, input_size/4)."""
        features, words, sentence = self.encode(pixels, ids, embeddings, places)
        fused = self.neck(features, sentence)
        decoded = self.decoder(fused, words, ids != PADDING_ID)
        logits: Tensor = self.proj(decoded, sentence)
        return logits


def spread(of_pictures: Tensor, places: Tensor | None) -> Tensor:
    """What belongs to each picture, (P, ...), for each text: (B, ...); see `ReferringNetwork.forward`."""
    return of_pictures if places is None else of_pictures[places]


class Decoder(nn.Module):
    """Lets every image position look at the image and at the words, layer by layer."""

    def __init__(self, dim: int, hidden: int, layers: int = 3) -> None:
        super().__init__()
        self.layers = nn.ModuleList(DecoderLayer(dim, hidden) for _ in range(layers))
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor, words: Tensor, seen: Tensor) -> Tensor:
        """Decode.

        Args:
            x: shape (B, dim, h, w).
            words: shape (B, L, dim).
            seen: bool, shape (B, L): which tokens are not padding.

        Returns:
            shape (B, dim, h, w).
        """
        height, width = x.shape[-2:]
        rows, columns = grid_codes(height, width, x.shape[1] // 2, first=0, like=x)
        places = torch.cat([columns, rows], dim=-1)
        order = sine_code(torch.arange(words.shape[1], device=x.device), words.shape[2]).to(x.dtype)
        tokens = to_tokens(x)
        for layer in self.layers:
            tokens = layer(tokens, words, places, order, seen)
        return to_map(self.norm(tokens), height, width)


class DecoderLayer(nn.Module):
    """Self-attention, attention to the words, perceptron; norms before and after each attention."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.self_attn_norm = nn.LayerNorm(dim)
        self.cross_attn_norm = nn.LayerNorm(dim)
        self.self_attn = Attention(dim, HEADS)
        self.multihead_attn = Attention(dim, HEADS)
        self.ffn = nn.Sequential(
            nn.Linear(dim, hidden),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.LayerNorm(hidden),
            nn.Linear(hidden, dim),
        )
        self.norm1 = nn.LayerNorm(dim)
        self.norm2 = nn.LayerNorm(dim)
        self.norm3 = nn.LayerNorm(dim)

    def forward(self, x: Tensor, words: Tensor, places: Tensor, order: Tensor, seen: Tensor) -> Tensor:
        """(B, N, dim) to the same shape; ``places`` (N, dim) and ``order`` (L, dim) are position codes."""
        normed = self.norm1(x)
        query = normed + places
        x = x + self.self_attn_norm(self.self_attn(query, query, normed))
        query = self.norm2(x) + places
        x = x + self.cross_attn_norm(self.multihead_attn(query, words + order, words, seen=seen))
        out: Tensor = x + self.ffn(self.norm3(x))
        return out


class Projector(nn.Module):
    """Enlarges the map and convolves it with a 3 x 3 kernel made from the sentence."""

    def __init__(self, embed_dim: int, dim: int) -> None:
        super().__init__()
        half = dim // 2
        self.vis = nn.Sequential(
            nn.Upsample(scale_factor=2, mode="bilinear"),
            conv_block(dim, dim, 3),
            nn.Upsample(scale_factor=2, mode="bilinear"),
            conv_block(dim, half, 3),
            nn.Conv2d(half, half, 1),
        )
        self.txt = nn.Linear(embed_dim, half * 9 + 1)

    def forward(self, x: Tensor, sentence: Tensor) -> Tensor:
        """(B, dim, h, w) and (B, embed_dim) to logits (B, 1, 4 * h, 4 * w)."""
        x = self.vis(x)
        made: Tensor = self.txt(sentence)
        kernels = made[:, :-1].reshape(len(x), -1, 3, 3)
        # Each picture meets the kernel of its own sentence. As a product for each of the nine taps, summed up
        # by `fold`, this is several times faster than a grouped convolution; fold shifts the other way round.
        taps = kernels.flip(-2, -1).flatten(2).transpose(1, 2) @ x.flatten(2)
        height, width = x.shape[-2:]
        return functional.fold(taps, (height, width), 3, padding=1) + made[:, -1, None, None, None]


class AttentionProduct(nn.Module):
    """Multiplies each vector by what it finds among others."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.multihead_attn = Attention(dim, HEADS)

    def forward(self, x: Tensor, others: Tensor) -> Tensor:
        """(B, N, dim) and (B, M, dim) to (B, N, dim)."""
        out: Tensor = x * self.multihead_attn(x, others, others)
        return out


class CoordConv(nn.Module):
    """A convolution that also sees where it is: x and y from -1 to 1 as two more channels."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.conv1 = conv_block(channels + 2, out, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to (B, out, H, W)."""
        height, width = x.shape[-2:]
        ys = torch.linspace(-1, 1, height, device=x.device, dtype=x.dtype)
        xs = torch.linspace(-1, 1, width, device=x.device, dtype=x.dtype)
        rows, columns = torch.meshgrid(ys, xs, indexing="ij")
        place = torch.stack([columns, rows]).expand(len(x), -1, -1, -1)
        out: Tensor = self.conv1(torch.cat([x, place], dim=1))
        return out


def conv_block(channels: int, out: int, kernel: int) -> nn.Sequential:
    """Convolution that keeps the size, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels, out, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(out),
        nn.ReLU(),
    )


def sine_code(positions: Tensor, channels: int) -> Tensor:
    """Sinusoids of falling frequency: (N,) to float32 (N, channels), sine on even, cosine on odd channels."""
    pairs = torch.arange(0, channels, 2, device=positions.device, dtype=torch.float32)
    angles = positions[:, None] * torch.exp(pairs * (-math.log(10000) / channels))
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


def grid_codes(height: int, width: int, channels: int, *, first: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Codes of the row and of the column of every grid cell, row by row.

    Args:
        height: rows of the grid.
        width: columns of the grid.
        channels: of each code.
        first: the number of the first row and of the first column.
        like: a tensor of the device and dtype that the codes shall have.

    Returns:
        rows and columns, shape (height * width, channels) each.
    """
    rows = sine_code(torch.arange(height, device=like.device) + first, channels)
    columns = sine_code(torch.arange(width, device=like.device) + first, channels)
    return rows.repeat_interleave(width, 0).to(like.dtype), columns.repeat(height, 1).to(like.dtype)
