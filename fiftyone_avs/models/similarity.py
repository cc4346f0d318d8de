"""Cosine similarities of items with ragged lists of texts."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn.functional import normalize

KEPT = 16384
"""So many texts are remembered; with 1024 numbers each they take 64 MiB."""

AT_ONCE = 64
"""So many texts are encoded together."""


class TextFeatures:
    """Embeddings of texts, each of which is encoded once: labels and nouns come again and again.

    An instance belongs to one encoder with one set of weights. It can be used from several threads.

    Args:
        encode: from N texts to their embeddings, shape (N, D).
        kept: how many texts are remembered; the ones that were asked for last stay.
    """

    def __init__(self, encode: Callable[[list[str]], torch.Tensor], kept: int = KEPT) -> None:
        self._encode = encode
        self._kept = kept
        self._known: OrderedDict[str, torch.Tensor] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, texts: Sequence[str]) -> torch.Tensor:
        """The embeddings as the encoder gives them, in float32, shape (N, D); at least one text."""
        with self._lock:
            rows = {text: self._known.get(text) for text in texts}
            # Texts of one length lie together, so that little of what is encoded is padding.
            new = sorted((text for text, row in rows.items() if row is None), key=len)
            for start in range(0, len(new), AT_ONCE):
                some = new[start : start + AT_ONCE]
                rows.update(zip(some, (row.clone() for row in self._encode(some).float()), strict=True))
            found = {text: row for text, row in rows.items() if row is not None}
            for text, row in found.items():
                self._known[text] = row
                self._known.move_to_end(text)
            while len(self._known) > self._kept:
                self._known.popitem(last=False)
        return torch.stack([found[text] for text in texts])


def score_pairs(
    items: torch.Tensor, texts: Sequence[Sequence[str]], features: Callable[[list[str]], torch.Tensor]
) -> list[list[float]]:
    """The cosine similarity of each item with each of its own texts; equal texts are encoded once.

    The similarities are computed in float32 whatever the precision of the embeddings, also inside
    ``torch.autocast``: bfloat16 would leave two digits of them, too few to tell similar nouns apart.

    Args:
        items: embeddings of the items, shape (B, D).
        texts: for each item its texts; at least one text in all.
        features: from N texts to their embeddings, shape (N, D), such as `TextFeatures`.
    """
    unique = list(dict.fromkeys(text for row in texts for text in row))
    rows = {text: index for index, text in enumerate(unique)}
    encoded = features(unique)
    with torch.autocast(items.device.type, enabled=False):
        similarities = (normalize(items.float(), dim=-1) @ normalize(encoded.float(), dim=-1).T).tolist()
    return [[similarities[item][rows[text]] for text in row] for item, row in enumerate(texts)]


def text_features(network: Any, tokenizer: Any, limit: int) -> TextFeatures:
    """The text side of a CLIP or CLAP network of transformers.

    Args:
        network: the network.
        tokenizer: the network's tokenizer.
        limit: how many tokens of a text the network reads; the others are cut off.
    """

    def encode(texts: list[str]) -> torch.Tensor:
        tokens = tokenizer(texts, padding=True, truncation=True, max_length=limit, return_tensors="pt").to(
            network.device
        )
        found = network.get_text_features(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask)
        embeddings: torch.Tensor = found.pooler_output
        return embeddings

    return TextFeatures(encode)
