"""The image captioner: BLIP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import DynamicCache, EncoderDecoderCache

from fiftyone_avs.models import Models
from fiftyone_avs.models.cards import Card
from fiftyone_avs.models.decoding import captions
from fiftyone_avs.models.loading import load_network, load_tokenizer, to_device
from fiftyone_avs.models.looking import load_image_processor, pixels_of
from fiftyone_avs.models.square import distinct
from fiftyone_avs.types import Caption, Image


class BlipCaptioner:
    """BLIP without a prompt, as in the paper's released code.

    Args:
        beams: how many beams search for a caption; all of them are returned, best first.
        max_tokens: the longest caption, in tokens.
    """

    compiled: ClassVar[tuple[str, ...]] = ("network.vision_model",)

    def __init__(
        self, network: Any, processor: Any, tokenizer: Any, *, beams: int = 1, max_tokens: int = 20
    ) -> None:
        self.network = network
        self.processor = processor
        self.tokenizer = tokenizer
        self.beams = beams
        self.max_tokens = max_tokens

    @classmethod
    def load(cls, card: Card, models: Models) -> BlipCaptioner:
        """Load the network, its image processor and its tokenizer."""
        from transformers import BlipForConditionalGeneration

        network = load_network(BlipForConditionalGeneration, card, models.device)
        for layer in network.vision_model.encoder.layers:
            layer.self_attn = FusedAttention(layer.self_attn)
        captioner = cls(network, load_image_processor(card), load_tokenizer(card), **card.options)
        for layer in network.text_decoder.bert.encoder.layer:
            layer.crossattention.self = PictureAttention(layer.crossattention.self, captioner.beams)
        return captioner

    @torch.inference_mode()
    def caption_images(self, images: Sequence[Image]) -> list[Caption]:
        """One caption per picture, with the other beams as alternatives."""
        pictures, places = distinct(images)
        pixels = pixels_of(self.processor, pictures)
        tokens = self.network.generate(
            pixel_values=to_device(pixels, self.network.device),
            past_key_values=BeamCache(DynamicCache(), DynamicCache()),
            num_beams=self.beams,
            num_return_sequences=self.beams,
            max_new_tokens=self.max_tokens,
        )
        found = captions(self.tokenizer, tokens, self.beams)
        return [found[place] for place in places]


class PictureAttention(torch.nn.Module):
    """The words' attention to the picture, whose keys and values all beams share.

    transformers computes and keeps them once for every beam.

    Args:
        plain: a decoder layer's attention to the picture as transformers has it.
        beams: how many beams search; the beams of a picture follow one another.
    """

    def __init__(self, plain: Any, beams: int) -> None:
        super().__init__()
        self.query, self.key, self.value = plain.query, plain.key, plain.value
        self.heads, self.layer, self.beams = plain.num_attention_heads, plain.layer_idx, beams

    def forward(
        self,
        hidden_states: torch.Tensor,
        *,
        encoder_hidden_states: torch.Tensor,
        past_key_values: EncoderDecoderCache,
        **_: Any,
    ) -> tuple[torch.Tensor, None]:
        """(B * beams, L, width) to the same shape, looking at (B * beams, N, image width)."""
        cache = past_key_values.cross_attention_cache
        if not past_key_values.is_updated.get(self.layer):
            seen = encoder_hidden_states[:: self.beams]
            cache.update(self._split(self.key(seen)), self._split(self.value(seen)), self.layer)
            past_key_values.is_updated[self.layer] = True
        kept = cache.layers[self.layer]
        pictures = len(hidden_states) // self.beams
        query = self._split(self.query(hidden_states).reshape(pictures, -1, hidden_states.shape[-1]))
        mixed = scaled_dot_product_attention(query, kept.keys, kept.values)
        return mixed.transpose(1, 2).reshape(hidden_states.shape), None

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        """(B, N, width) to (B, heads, N, width / heads)."""
        heads: torch.Tensor = x.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        return heads


class BeamCache(EncoderDecoderCache):
    """What a decoder remembers while beams search: of the picture, the same for all beams, so that nothing moves.

    transformers copies the picture's keys and values from beam to beam after every token.
    """

    def reorder_cache(self, beam_idx: torch.LongTensor) -> None:
        """Follow the beams, with the words only."""
        self.self_attention_cache.reorder_cache(beam_idx)


class FusedAttention(torch.nn.Module):
    """The attention of BLIP's image tower in one step; transformers writes it out and keeps the weights.

    Args:
        plain: a layer's attention as transformers has it.
    """

    def __init__(self, plain: Any) -> None:
        super().__init__()
        self.qkv, self.projection = plain.qkv, plain.projection
        self.heads = plain.num_heads

    def forward(self, hidden_states: torch.Tensor, **_: Any) -> tuple[torch.Tensor, None]:
        """(B, N, width) to the same shape; there are no weights to return."""
        batch, count, _width = hidden_states.shape
        projected = self.qkv(hidden_states).view(batch, count, 3, self.heads, -1)
        mixed = scaled_dot_product_attention(*projected.permute(2, 0, 3, 1, 4))
        return self.projection(mixed.transpose(1, 2).flatten(2)), None
