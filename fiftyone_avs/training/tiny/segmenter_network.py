"""The segmenter's network (CLIPSeg) as training and its figures need it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import (
    CLIPSegConfig,
    CLIPSegForImageSegmentation,
    PreTrainedTokenizerBase,
)

from fiftyone_avs.training.tiny.picture_data import (
    PICTURE_SIZE,
)
from fiftyone_avs.training.tiny.picture_tower import TOWER


def make_segmenter(tokenizer: PreTrainedTokenizerBase) -> Any:
    """A tiny CLIPSeg with random weights."""
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": 96,
        "intermediate_size": 192,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 32,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "projection_dim": 96,
    }
    config = CLIPSegConfig(
        text_config=text,
        vision_config=TOWER,
        projection_dim=96,
        extract_layers=[1, 3, 4],
        reduce_dim=64,
        decoder_num_attention_heads=4,
        decoder_intermediate_size=128,
        # The other decoder head upsamples by (patch // 4) squared, which is right for patches of 16 only.
        use_complex_transposed_convolution=False,
    )
    model: Any = CLIPSegForImageSegmentation(config)
    with torch.no_grad():
        # Start with faint masks: the library's own start gives logits of several units.
        model.decoder.transposed_convolution.weight.mul_(0.1)
        model.decoder.transposed_convolution.bias.fill_(-2.0)
    return model


class TinySegmenter:
    """CLIPSeg with its tokenizer, as training needs it: the library's own forward gives CLIP no gradients."""

    def __init__(self, model: Any, tokenizer: PreTrainedTokenizerBase) -> None:
        self.model = model
        self.tokenizer = tokenizer

    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """Projected text embeddings, float32 (N, 96). Equal texts are computed once."""
        unique = list(dict.fromkeys(texts))
        tokens = self.tokenizer(unique, padding=True, return_tensors="pt")
        output = self.model.clip.text_model(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask)
        position = {text: index for index, text in enumerate(unique)}
        embedded: Tensor = self.model.clip.text_projection(output.pooler_output)
        return embedded[[position[text] for text in texts]]

    def embed_pictures(self, pixels: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Projected picture embeddings (B, 96) and the hidden states (B, 101, 128) that the decoder reads."""
        output = self.model.clip.vision_model(pixel_values=pixels, output_hidden_states=True)
        states = [output.hidden_states[layer + 1] for layer in self.model.config.extract_layers]
        return self.model.clip.visual_projection(output.pooler_output), states

    def decode(self, states: list[Tensor], rows: Tensor, embedded: Tensor) -> Tensor:
        """Mask logits (N, 80, 80) for the n-th text in picture ``rows[n]``."""
        logits: Tensor = self.model.decoder([state[rows] for state in states], embedded).logits
        return logits.view(len(rows), PICTURE_SIZE, PICTURE_SIZE)
