"""Referring image segmentation in two steps: Grounding DINO finds boxes, SAM 2 draws what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import interpolate

from fiftyone_avs.errors import MediaError
from fiftyone_avs.models import Models
from fiftyone_avs.models.cards import Card
from fiftyone_avs.models.instances import AT_ONCE, keep, texts_of
from fiftyone_avs.models.loading import load_network, load_pretrained, load_tokenizer, to_device
from fiftyone_avs.models.looking import pixels_of
from fiftyone_avs.models.square import Square, distinct
from fiftyone_avs.types import Image, SoftMap, TokenEmbeddings

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""SAM 2's, for a checkpoint without a preprocessor file."""

THINNEST = 32
"""A picture whose sides have a larger ratio leaves Grounding DINO fewer places than it wants boxes."""


class GroundedSegmenter:
    """Boxes from text, masks from boxes.

    The score of a box is the largest sigmoid over the tokens of the text, the rule with which Grounding
    DINO's box threshold was published. The soft map is the maximum over the boxes that reach the threshold of
    the sigmoid of SAM 2's mask logits; `fiftyone_avs.models.instances.keep` says what happens when none does.
    SAM 2 draws one mask per box (``multimask_output=False``), as its authors do for boxes, which leave less
    open than clicks.

    Args:
        detector: Grounding DINO.
        processor: its image processor.
        tokenizer: its tokenizer.
        painter: SAM 2.
        square: SAM 2's preprocessing.
        box_threshold: boxes with a lower score do not count.
        threshold: pixels of the soft map above this belong to the object.
        bare: whether to ask for "dog." where a strategy says "a photo of a dog.": any token can give a box its
            score, and a whole picture is a good match of "photo".
    """

    def __init__(
        self,
        detector: Any,
        processor: Any,
        tokenizer: Any,
        painter: Any,
        square: Square,
        *,
        box_threshold: float = 0.25,
        threshold: float = 0.5,
        bare: bool = True,
    ) -> None:
        self.detector = detector
        self.processor = processor
        self.tokenizer = tokenizer
        self.painter = painter
        self.square = square
        self.box_threshold = box_threshold
        self.bare = bare
        self.threshold = threshold

    @classmethod
    def load(cls, card: Card, models: Models) -> GroundedSegmenter:
        """Load Grounding DINO with its image processor and tokenizer, and SAM 2 (the part "masks")."""
        # The Pillow version of the processor: the other one needs torchvision, and resizes a little differently.
        from transformers import (
            GroundingDinoForObjectDetection,
            GroundingDinoImageProcessorPil,
            Sam2Model,
        )

        detector = load_network(GroundingDinoForObjectDetection, card, models.device)
        processor = load_pretrained(GroundingDinoImageProcessorPil, card)
        tokenizer = load_tokenizer(card)
        painter = load_network(Sam2Model, card, models.device, part="masks")
        size = painter.config.prompt_encoder_config.image_size
        square = load_pretrained(Square, card, part="masks", size=size, mean=IMAGENET_MEAN, std=IMAGENET_STD)
        return cls(detector, processor, tokenizer, painter, square, **card.options)

    @torch.inference_mode()
    def segment(self, images: Sequence[Image], expressions: Sequence[str | TokenEmbeddings]) -> list[SoftMap]:
        """Soft maps of each picture's size.

        Raises:
            ModelError: if an expression is not a text.
            MediaError: if a picture is thinner than 1:32.
        """
        texts = texts_of(expressions, "Grounding DINO", bare=self.bare)
        found = self._find(images, [self._question(text) for text in texts])
        pictures, places = distinct(images)
        views = self.painter.get_image_embeddings(self.square(pictures, self.painter.device))
        soft_maps = []
        for image, place, (boxes, scores) in zip(images, places, found, strict=True):
            kept = keep(scores, self.box_threshold)
            view = [level[place : place + 1] for level in views]
            soft_map = kept.factor * self._paint(view, boxes[kept.indices], image.shape[:2])
            soft_maps.append(soft_map.clamp(0, 1).cpu().numpy())
        return soft_maps

    @staticmethod
    def _question(text: str) -> str:
        """A text as Grounding DINO was trained to read it: lower case, and a dot behind every phrase."""
        text = text.lower().strip()
        return text if text.endswith(".") else f"{text}."

    def _find(self, images: Sequence[Image], texts: list[str]) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """All boxes (x0, y0, x1, y1, as shares of the picture's sides) of each picture, and their scores.

        Pictures go through the network together only if they have the same size there. It can be given
        smaller ones with a mask over their padding, but its backbone does not heed the mask, so that what
        it finds in a picture would depend on the others of the batch.
        """
        pixels = [self._prepare(image) for image in images]
        groups: dict[torch.Size, list[int]] = {}
        for index, picture in enumerate(pixels):
            groups.setdefault(picture.shape, []).append(index)
        found: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        for indices in groups.values():
            together = torch.cat([pixels[index] for index in indices])
            found.update(zip(indices, self._detect(together, [texts[i] for i in indices]), strict=True))
        return [found[index] for index in range(len(images))]

    def _prepare(self, image: Image) -> torch.Tensor:
        """One picture as the detector sees it, float32, shape (1, 3, H, W)."""
        height, width = image.shape[:2]
        if max(height, width) > THINNEST * min(height, width):
            raise MediaError(
                f"a picture of {width}x{height} pixels is too thin for Grounding DINO (more than {THINNEST}:1)"
            )
        return pixels_of(self.processor, [image])

    def _detect(self, pixels: torch.Tensor, texts: list[str]) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Boxes (N, 4) and scores (N,), float32, of each picture."""
        limit = self.detector.config.max_text_len
        tokens = self.tokenizer(
            texts, padding=True, truncation=True, max_length=limit, return_tensors="pt"
        ).to(self.detector.device)
        output = self.detector(
            pixel_values=to_device(pixels, self.detector.device),
            input_ids=tokens.input_ids,
            attention_mask=tokens.attention_mask,
        )
        scores = output.logits.float().sigmoid().amax(-1)  # the logits of padding are -inf
        centre, extent = output.pred_boxes.float().split(2, dim=-1)
        boxes = torch.cat([centre - extent / 2, centre + extent / 2], dim=-1)
        return list(zip(boxes, scores, strict=True))

    def _paint(self, view: list[torch.Tensor], boxes: torch.Tensor, size: tuple[int, ...]) -> torch.Tensor:
        """The map of what is in any of the boxes (N, 4) of one picture, float32 in [0, 1], of the given size."""
        best = torch.full(size, -torch.inf, device=boxes.device)
        for some in (boxes * self.square.size).split(AT_ONCE):
            output = self.painter(image_embeddings=view, input_boxes=some[None], multimask_output=False)
            logits = output.pred_masks[0].float()  # (boxes, 1, height, width)
            resized = interpolate(logits, size, mode="bilinear", align_corners=False)
            best = torch.maximum(best, resized.amax((0, 1)))
        return best.sigmoid()
