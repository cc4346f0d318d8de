"""How well two sides find each other: recall among the first k."""

from __future__ import annotations

from collections.abc import Sequence

import torch

RANKS = (1, 5, 10)


def recall_at(
    similarity: torch.Tensor, relevant: torch.Tensor, ranks: Sequence[int] = RANKS
) -> dict[str, float]:
    """The share of queries with a relevant item among the first k, for each k.

    Args:
        similarity: queries x items, float.
        relevant: queries x items, bool; every query has a relevant item.
        ranks: the ks.

    Returns:
        ``{"R@1": ..., ...}``, each in [0, 1]. Equal similarities count against the relevant item.
    """
    best = similarity.masked_fill(~relevant, -torch.inf).amax(1, keepdim=True)
    ahead = ((similarity >= best) & ~relevant).sum(1)
    return {f"R@{k}": float((ahead < k).float().mean()) for k in ranks}
