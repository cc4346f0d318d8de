"""Cosine similarities of items with ragged lists of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import normalize


def score_texts(
    network: Any, tokenizer: Any, items: torch.Tensor, texts: Sequence[Sequence[str]]
) -> list[list[float]]:
    """The cosine similarity of each item with each of its own texts; equal texts are encoded once.

    Args:
        network: a CLIP or CLAP network; its text side encodes the texts.
        tokenizer: the network's tokenizer.
        items: float32 embeddings of the items, shape (B, D).
        texts: for each item its texts; at least one text in all.
    """
    unique = list(dict.fromkeys(text for row in texts for text in row))
    rows = {text: index for index, text in enumerate(unique)}
    similarities = normalize(items, dim=-1) @ normalize(_encode(network, tokenizer, unique), dim=-1).T
    return [[float(similarities[item, rows[text]]) for text in row] for item, row in enumerate(texts)]


def _encode(network: Any, tokenizer: Any, texts: list[str]) -> torch.Tensor:
    """Text embeddings, float32, shape (N, D)."""
    tokens = tokenizer(texts, padding=True, truncation=True, return_tensors="pt").to(network.device)
    features = network.get_text_features(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask)
    embeddings: torch.Tensor = features.pooler_output
    return embeddings
