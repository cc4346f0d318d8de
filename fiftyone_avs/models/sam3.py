"""Referring image segmentation: SAM 3, which finds every instance of a concept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import interpolate

from fiftyone_avs.models import Models
from fiftyone_avs.models.cards import Card
from fiftyone_avs.models.instances import AT_ONCE, keep, texts_of
from fiftyone_avs.models.loading import load_network, load_pretrained, load_tokenizer
from fiftyone_avs.models.square import Square, distinct
from fiftyone_avs.types import Image, SoftMap, TokenEmbeddings

HALF = (0.5, 0.5, 0.5)
"""SAM 3's mean and std, for a checkpoint without a preprocessor file."""


class Sam3Segmenter:
    """SAM 3 with a text. It wants noun phrases ("yellow school bus"), not sentences.

    The score of an instance is its own probability times the probability that the concept is in the picture
    at all. Instances with a score of at least ``score_threshold`` are kept; where none reaches it,
    `fiftyone_avs.models.instances.keep` says what happens. The soft map is the maximum over the kept ones of
    their mask probability p, in which what is above one half is drawn towards it, to 0.5 + (p - 0.5) * score.
    So the mask at 0.5 is the union of the instance masks that transformers' post-processing gives, and inside
    it the surest instances rank first.

    Args:
        network: SAM 3.
        tokenizer: its tokenizer.
        square: its preprocessing.
        score_threshold: instances with a lower score do not count (0.5 in SAM 3's own code).
        threshold: pixels of the soft map above this belong to the object.
        bare: whether to ask for "dog" where a strategy says "a photo of a dog.".
    """

    def __init__(
        self,
        network: Any,
        tokenizer: Any,
        square: Square,
        *,
        score_threshold: float = 0.5,
        threshold: float = 0.5,
        bare: bool = True,
    ) -> None:
        self.network = network
        self.tokenizer = tokenizer
        self.square = square
        self.score_threshold = score_threshold
        self.bare = bare
        self.threshold = threshold

    @classmethod
    def load(cls, card: Card, models: Models) -> Sam3Segmenter:
        """Load the network and its tokenizer."""
        # transformers declares torchvision a need of SAM 3, but only box prompts, not used here, would call it.
        from transformers import Sam3Model

        network = load_network(Sam3Model, card, models.device)
        tokenizer = load_tokenizer(card)
        square = load_pretrained(Square, card, size=network.config.image_size, mean=HALF, std=HALF)
        return cls(network, tokenizer, square, **card.options)

    @torch.inference_mode()
    def segment(self, images: Sequence[Image], expressions: Sequence[str | TokenEmbeddings]) -> list[SoftMap]:
        """Soft maps of each picture's size. A picture that several expressions share is encoded once.

        Raises:
            ModelError: if an expression is not a text.
        """
        words, mask = self._read(texts_of(expressions, "SAM 3", bare=self.bare))
        output = self.network(vision_embeds=self._look(images), text_embeds=words, attention_mask=mask)
        scores = output.pred_logits.float().sigmoid() * output.presence_logits.float().sigmoid()
        soft_maps = (
            self._merge(logits, own, image.shape[:2])
            for logits, own, image in zip(output.pred_masks.float(), scores, images, strict=True)
        )
        return [soft_map.clamp(0, 1).cpu().numpy() for soft_map in soft_maps]

    def _read(self, texts: list[str]) -> tuple[Any, torch.Tensor]:
        """The network's encoding of texts, and the mask of their tokens, int64, shape (B, L)."""
        limit = self.network.config.text_config.max_position_embeddings
        tokens = self.tokenizer(
            texts, padding="max_length", truncation=True, max_length=limit, return_tensors="pt"
        ).to(self.network.device)
        mask: torch.Tensor = tokens.attention_mask
        return self.network.get_text_features(tokens.input_ids, attention_mask=mask), mask

    def _look(self, images: Sequence[Image]) -> Any:
        """The network's encoding of pictures, one per given picture."""
        pictures, places = distinct(images)
        seen = self.network.get_vision_features(self.square(pictures, self.network.device))
        if len(pictures) < len(images):
            seen.fpn_hidden_states = tuple(level[places] for level in seen.fpn_hidden_states)
            seen.fpn_position_encoding = tuple(level[places] for level in seen.fpn_position_encoding)
        return seen

    def _merge(self, logits: torch.Tensor, scores: torch.Tensor, size: tuple[int, ...]) -> torch.Tensor:
        """The map of instances with mask logits (N, h, w) and scores (N,), float32 in [0, 1], of the given size."""
        kept = keep(scores, self.score_threshold)
        best = torch.zeros(size, device=logits.device)
        for some in kept.indices.split(AT_ONCE):
            inside = logits[some].sigmoid()[:, None]
            inside = interpolate(inside, size, mode="bilinear", align_corners=False)[:, 0]
            weight = scores[some, None, None]
            inside = torch.where(inside > 0.5, 0.5 + (inside - 0.5) * weight, inside)
            best = torch.maximum(best, inside.amax(0))
        return kept.factor * best
