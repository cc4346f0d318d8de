"""Cosine similarities of items with ragged lists of texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn.functional import normalize


def score_pairs(
    items: torch.Tensor, texts: Sequence[Sequence[str]], encode: Callable[[list[str]], torch.Tensor]
) -> list[list[float]]:
    """The cosine similarity of each item with each of its own texts; equal texts are encoded once.

    The similarities are computed in float32 whatever the precision of the embeddings, also inside
    ``torch.autocast``: bfloat16 would leave two digits of them, too few to tell similar nouns apart.

    Args:
        items: embeddings of the items, shape (B, D).
        texts: for each item its texts; at least one text in all.
        encode: from N texts to their embeddings, shape (N, D).
    """
    unique = list(dict.fromkeys(text for row in texts for text in row))
    rows = {text: index for index, text in enumerate(unique)}
    encoded = encode(unique)
    with torch.autocast(items.device.type, enabled=False):
        similarities = normalize(items.float(), dim=-1) @ normalize(encoded.float(), dim=-1).T
    return [[float(similarities[item, rows[text]]) for text in row] for item, row in enumerate(texts)]


def score_texts(
    network: Any, tokenizer: Any, items: torch.Tensor, texts: Sequence[Sequence[str]], limit: int
) -> list[list[float]]:
    """As `score_pairs`, with the texts encoded by the text side of a CLIP or CLAP network of transformers.

    Args:
        network: the network.
        tokenizer: the network's tokenizer.
        items: embeddings of the items, shape (B, D).
        texts: for each item its texts; at least one text in all.
        limit: how many tokens of a text the network reads; the others are cut off.
    """

    def encode(unique: list[str]) -> torch.Tensor:
        tokens = tokenizer(unique, padding=True, truncation=True, max_length=limit, return_tensors="pt").to(
            network.device
        )
        found = network.get_text_features(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask)
        embeddings: torch.Tensor = found.pooler_output
        return embeddings

    return score_pairs(items, texts, encode)
