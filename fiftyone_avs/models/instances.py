"""What segmenters share that find scored instances of what a text names: the text, and the choice among them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import torch

from fiftyone_avs.errors import ModelError
from fiftyone_avs.types import TokenEmbeddings

FRAME = re.compile(r"^\s*an?\s+(?:photo|picture|image)\s+of\s+(?:(?:an?|the)\s+)?", re.IGNORECASE)
"""What strategies put around a noun phrase for models of CLIP's family ("a photo of {c}.")."""

AT_ONCE = 16
"""Instances whose masks are brought to the picture's size at the same time: bounds the memory."""


class Kept(NamedTuple):
    """The instances that make a soft map, and what their maps are multiplied by."""

    indices: torch.Tensor
    factor: float


def keep(scores: torch.Tensor, lowest: float) -> Kept:
    """Choose among scored instances.

    All with a score of at least ``lowest`` are kept as they are. If there is none, the best one is taken and
    its map multiplied by ``0.5 * score / lowest``: the mask at 0.5 stays empty, and the map still says which
    pixels are the likeliest.

    Args:
        scores: float32 in [0, 1], shape (N,), with N > 0.
        lowest: the lowest score of an instance that counts.
    """
    good = (scores >= lowest).nonzero()[:, 0]
    if len(good):
        return Kept(good, 1.0)
    best = scores.argmax()
    return Kept(best[None], 0.5 * float(scores[best]) / lowest)


def texts_of(expressions: Sequence[str | TokenEmbeddings], model: str, *, bare: bool) -> list[str]:
    """The texts of referring expressions.

    Args:
        expressions: referring expressions.
        model: the model's name, for messages.
        bare: whether to reduce "a photo of a dog." to "dog".

    Raises:
        ModelError: if one of them is no text.
    """
    texts = []
    for expression in expressions:
        if not isinstance(expression, str):
            raise ModelError(
                f"{model} takes words, not the token embeddings of text inversion; use a CLIP-based segmenter"
                " such as 'clipseg-rd64', or another strategy"
            )
        texts.append(noun_phrase(expression) if bare else expression)
    return texts


def noun_phrase(text: str) -> str:
    """A text without the frame "a photo of a ..." and the final dot; the text itself if nothing is left."""
    return FRAME.sub("", text).strip().rstrip(".").rstrip() or text
