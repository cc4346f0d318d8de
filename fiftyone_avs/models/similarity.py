"""Cosine similarities of items with ragged lists of texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch.nn.functional import normalize

EncodeTexts = Callable[[list[str]], torch.Tensor]
"""Texts -> float32 embeddings, shape (N, D)."""


def score_texts(
    items: torch.Tensor, texts: Sequence[Sequence[str]], encode_texts: EncodeTexts
) -> list[list[float]]:
    """The cosine similarity of each item with each of its own texts; equal texts are encoded once.

    Args:
        items: float32 embeddings of the items, shape (B, D).
        texts: for each item its texts; at least one text in all.
        encode_texts: encodes texts into the same space.
    """
    unique = list(dict.fromkeys(text for row in texts for text in row))
    rows = {text: index for index, text in enumerate(unique)}
    similarities = normalize(items, dim=-1) @ normalize(encode_texts(unique), dim=-1).T
    return [[float(similarities[item, rows[text]]) for text in row] for item, row in enumerate(texts)]
