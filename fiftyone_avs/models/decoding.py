"""From generated token ids to captions."""

from __future__ import annotations

from typing import Any

import torch

from fiftyone_avs.types import Caption


def captions(tokenizer: Any, tokens: torch.Tensor, beams: int) -> list[Caption]:
    """Group the sequences of a beam search by item; repeated texts and surrounding blanks are dropped.

    Args:
        tokenizer: decodes the ids.
        tokens: int64, shape (items * beams, length), the beams of an item together, best first.
        beams: sequences per item.
    """
    texts = [" ".join(text.split()) for text in tokenizer.batch_decode(tokens, skip_special_tokens=True)]
    groups = [texts[start : start + beams] for start in range(0, len(texts), beams)]
    return [Caption(tuple(dict.fromkeys(group))) for group in groups]
