"""CLIP's transformers, as referring segmentation networks take them apart.

Source: Radford et al., "Learning Transferable Visual Models From Natural Language Supervision" (2021);
names of parameters as in OpenAI's checkpoints. All sequences are batch first: (B, L, width).
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

HEAD_WIDTH = 64
"""All CLIP models split their width into heads of this many channels."""

TEXT_ROWS = 77
"""Positions that CLIP's text encoder knows; shorter contexts use the first ones."""

Visual = TypeVar("Visual", bound=nn.Module)


class Attention(nn.Module):
    """Multi-head attention with the parameters of ``nn.MultiheadAttention`` (packed input projection).

    It never returns weights and always takes torch's fused attention, with and without gradients.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, *, seen: Tensor | None = None, causal: bool = False
    ) -> Tensor:
        """Attend.

        Args:
            query: shape (B, Q, width).
            key: shape (B, K, width).
            value: shape (B, K, width).
            seen: bool, shape (B, K): which keys count; all of them if None.
            causal: hide from each query the keys that come later.

        Returns:
            shape (B, Q, width).
        """
        weights, biases = self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3)
        projected = (
            functional.linear(x, weight, bias)
            for x, weight, bias in zip((query, key, value), weights, biases, strict=True)
        )
        out: Tensor = self.out_proj(attend(*projected, heads=self.heads, seen=seen, causal=causal))
        return out


class QuickGELU(nn.Module):
    """The approximation of GELU that CLIP was trained with."""

    def forward(self, x: Tensor) -> Tensor:
        """Any shape."""
        return x * torch.sigmoid(1.702 * x)


class ResidualBlock(nn.Module):
    """Self-attention and a two-layer perceptron, each on a normalised input and added to it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attn = Attention(width, width // HEAD_WIDTH)
        self.ln_1 = nn.LayerNorm(width)
        layers = {
            "c_fc": nn.Linear(width, 4 * width),
            "gelu": QuickGELU(),
            "c_proj": nn.Linear(4 * width, width),
        }
        self.mlp = nn.Sequential(OrderedDict(layers))
        self.ln_2 = nn.LayerNorm(width)

    def forward(self, x: Tensor, *, causal: bool = False) -> Tensor:
        """(B, L, width) to the same shape."""
        normed = self.ln_1(x)
        x = x + self.attn(normed, normed, normed, causal=causal)
        out: Tensor = x + self.mlp(self.ln_2(x))
        return out


class Transformer(nn.Module):
    """A row of residual blocks."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(ResidualBlock(width) for _ in range(layers))

    def forward(self, x: Tensor, *, causal: bool = False) -> Tensor:
        """(B, L, width) to the same shape."""
        return self.states(x, causal=causal)[-1]

    def states(self, x: Tensor, *, causal: bool = False) -> list[Tensor]:
        """What each block returns, (B, L, width) each."""
        states = []
        for block in self.resblocks:
            x = block(x, causal=causal)
            states.append(x)
        return states

    def third(self, index: int, x: Tensor, *, causal: bool = False) -> Tensor:
        """Run the first (0), second (1) or last (2) third of the blocks on (B, L, width)."""
        size = len(self.resblocks) // 3
        for block in list(self.resblocks)[index * size : (index + 1) * size]:
            x = block(x, causal=causal)
        return x


class VisionTransformer(nn.Module):
    """CLIP's ViT: patches of 16 pixels, a class token in front, positions for ``tokens`` tokens."""

    patch = 16

    def __init__(self, width: int, layers: int, tokens: int, embed_dim: int) -> None:
        super().__init__()
        scale = width**-0.5
        self.class_embedding = nn.Parameter(scale * torch.randn(width))
        self.positional_embedding = nn.Parameter(scale * torch.randn(tokens, width))
        self.proj = nn.Parameter(scale * torch.randn(width, embed_dim))
        self.conv1 = nn.Conv2d(3, width, self.patch, stride=self.patch, bias=False)
        self.ln_pre = nn.LayerNorm(width)
        self.transformer = Transformer(width, layers)
        self.ln_post = nn.LayerNorm(width)

    def embed(self, pixels: Tensor, positions: Tensor) -> Tensor:
        """The transformer's input.

        Args:
            pixels: shape (B, 3, H, W).
            positions: shape (1 + H/16 * W/16, width), the class token's first.

        Returns:
            shape (B, 1 + H/16 * W/16, width); patches are row by row.
        """
        patches = to_tokens(self.conv1(pixels))
        first = self.class_embedding.to(patches.dtype).expand(len(patches), 1, -1)
        tokens: Tensor = self.ln_pre(torch.cat([first, patches], dim=1) + positions)
        return tokens


class ClipBackbone(nn.Module, Generic[Visual]):
    """CLIP as CRIS and ETRIS keep it: an image tower of their own making, CLIP's text tower.

    ``logit_scale`` is in the checkpoints and has no use here.
    """

    def __init__(
        self, visual: Visual, *, embed_dim: int, text_width: int, text_layers: int, vocabulary: int
    ) -> None:
        super().__init__()
        self.positional_embedding = nn.Parameter(0.01 * torch.randn(TEXT_ROWS, text_width))
        self.text_projection = nn.Parameter(text_width**-0.5 * torch.randn(text_width, embed_dim))
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.visual = visual
        self.transformer = Transformer(text_width, text_layers)
        self.token_embedding = nn.Embedding(vocabulary, text_width)
        self.ln_final = nn.LayerNorm(text_width)

    def embed(self, ids: Tensor, embeddings: Tensor | None) -> Tensor:
        """The text transformer's input; see `embed_text`."""
        return embed_text(self.token_embedding, self.positional_embedding, ids, embeddings)

    def sentence(self, words: Tensor, ids: Tensor) -> Tensor:
        """The projected end-of-text vector (B, embed_dim) of normalised words (B, L, text_width)."""
        return end_of_text(words, ids) @ self.text_projection

    def encode_text(self, ids: Tensor, embeddings: Tensor | None) -> tuple[Tensor, Tensor]:
        """Normalised words (B, L, text_width) and the sentence vector (B, embed_dim)."""
        words = self.ln_final(self.transformer(self.embed(ids, embeddings), causal=True))
        return words, self.sentence(words, ids)


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    heads: int,
    seen: Tensor | None = None,
    causal: bool = False,
) -> Tensor:
    """Attention of projected inputs; shapes and options as in `Attention`."""
    q, k, v = (x.reshape(len(x), x.shape[1], heads, -1).transpose(1, 2) for x in (query, key, value))
    mask = None if seen is None else seen[:, None, None]
    mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)
    return mixed.transpose(1, 2).flatten(2)


def to_tokens(x: Tensor) -> Tensor:
    """A map (B, C, h, w) as tokens (B, h * w, C), row by row."""
    return x.flatten(2).transpose(1, 2)


def to_map(tokens: Tensor, height: int, width: int) -> Tensor:
    """Tokens (B, height * width, C) as a map (B, C, height, width)."""
    return tokens.transpose(1, 2).reshape(len(tokens), -1, height, width)


def embed_text(table: nn.Embedding, positions: Tensor, ids: Tensor, embeddings: Tensor | None) -> Tensor:
    """Token embeddings plus positions.

    Args:
        table: the embedding layer.
        positions: shape (at least L, width).
        ids: int64, shape (B, L).
        embeddings: shape (B, L, width), taken instead of the layer's output if given.

    Returns:
        shape (B, L, width).
    """
    tokens: Tensor = table(ids) if embeddings is None else embeddings
    return tokens + positions[: ids.shape[1]]


def end_of_text(hidden: Tensor, ids: Tensor) -> Tensor:
    """The vectors (B, width) of (B, L, width) where the end-of-text token stands: the largest id (B, L)."""
    rows = torch.arange(len(ids), device=ids.device)
    return hidden[rows, ids.argmax(dim=-1)]
