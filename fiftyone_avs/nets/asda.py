"""ASDA: CLIP's towers side by side, an adaptive choice of image states, a mask out of prototypes.

Source: "Adaptive Selection based Referring Image Segmentation", ACM MM 2024. The keys are those of the
authors' training code, with all that it registers and never uses.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from fiftyone_avs.nets.asda_fusion import ConvBlock, FeaturePyramid, Fusion
from fiftyone_avs.nets.asda_head import ASDAEncoder, LanguageLayer, MaskPrototypes
from fiftyone_avs.nets.clip_blocks import (
    Transformer,
    VisionTransformer,
    embed_text,
    end_of_text,
    to_map,
    to_tokens,
)
from fiftyone_avs.nets.ris_layers import ReferringNetwork, grid_codes, spread

CLIP_TOKENS = 197
"""Rows of the positions that CLIP's ViT-B/16 brings for 224 pixels; resized ones replace them."""

PROTOTYPES = 32
"""Maps that the mask is summed up from, and coefficients of each position."""


class ASDA(ReferringNetwork):
    """The network for ViT-B/16 by default.

    Args:
        layers: blocks of both towers, a multiple of four. The second quarter of the image tower's is the
            low group to choose from, the third quarter the middle group.
        image_width: of the ViT.
        text_width: of the text transformer; all that follows the towers has it, too.
        hidden: width inside the perceptron of the layer that looks at the words.
        vocabulary: token ids.
        input_size: height and width of the pictures.
        context_length: token ids of a text.
    """

    def __init__(
        self,
        *,
        layers: int = 12,
        image_width: int = 768,
        text_width: int = 512,
        hidden: int = 2048,
        vocabulary: int = 49408,
        input_size: int = 416,
        context_length: int = 17,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.context_length = context_length
        self.grid = input_size // VisionTransformer.patch
        scale = image_width**-0.5
        self.positional_embedding = nn.Parameter(scale * torch.randn(1, 1 + self.grid**2, image_width))
        self.textmodel_pos_embed = nn.Parameter(0.01 * torch.randn(1, context_length, text_width))
        self.visumodel = VisionTransformer(image_width, layers, CLIP_TOKENS, text_width)
        self.visu_resblocks = nn.ModuleList(
            nn.ModuleDict({"clip_module": block}) for block in self.visumodel.transformer.resblocks
        )
        self.textmodel = Transformer(text_width, layers)
        self.textmodel_token_embedding = nn.Embedding(vocabulary, text_width)
        self.textmodel_ln_final = nn.LayerNorm(text_width)
        self.vis_select = nn.Linear(image_width, text_width, bias=False)
        self.fusion = Fusion(image_width, text_width)
        self._register_unused(image_width, text_width)
        self.fpn = FeaturePyramid(image_width, text_width)
        self.fc_2 = nn.Linear(text_width, text_width, bias=False)
        self.norm1 = nn.LayerNorm(text_width)  # unused
        self.norm2 = nn.LayerNorm(text_width)  # unused
        self.encoder = ASDAEncoder(text_width)
        self.mask_decoder = MaskPrototypes(text_width, PROTOTYPES)
        self.lang_tf_enc = LanguageLayer(text_width, hidden)
        self.proj1 = ConvBlock(text_width, text_width)
        self.proj2 = ConvBlock(text_width, text_width)
        self.proj3 = nn.Conv2d(text_width, PROTOTYPES, 3, padding=1)
        self.projout = nn.Linear(self.grid**2 * PROTOTYPES, PROTOTYPES, bias=False)
        self.feature_selector_l = nn.Linear(text_width, 1)
        self.feature_selector_m = nn.Linear(text_width, 1)

    def _register_unused(self, image_width: int, text_width: int) -> None:
        """Layers that are in the checkpoint and not in the forward pass."""
        v, d = image_width, text_width
        self.up_proj_cat_proj_1 = _pair(ConvBlock(v, v, 1), ConvBlock(2 * v, v, 1))
        self.pool_proj_cat_proj_2 = _pair(ConvBlock(v, v, 1), ConvBlock(2 * v, d, 1))
        self.proj_cat = _pair(ConvBlock(v, d // 2, 1), ConvBlock(d // 2, d))
        self.up_proj_cat_2 = _pair(ConvBlock(2 * d, 2 * d, 1), ConvBlock(2 * d + v, d, 1))
        self.proj_0 = ConvBlock(d, d, 1)

    @property
    def token_embedding(self) -> nn.Embedding:
        """The layer from token ids to vectors."""
        return self.textmodel_token_embedding

    def encode_text(self, ids: Tensor, embeddings: Tensor | None = None) -> Tensor:
        """The normalised end-of-text vector, shape (B, text_width); this network has no projection."""
        return end_of_text(self.textmodel_ln_final(self._text_states(ids, embeddings)[-1]), ids)

    def forward(
        self, pixels: Tensor, ids: Tensor, embeddings: Tensor | None = None, places: Tensor | None = None
    ) -> Tensor:
        """Logits, shape (B, 1, input_size/2, input_size/2)."""
        texts = self._text_states(ids, embeddings)
        words = self.textmodel_ln_final(texts[-1])
        images = self.visumodel.transformer.states(self.visumodel.embed(pixels, self.positional_embedding[0]))
        quarter = len(images) // 4
        low, middle = slice(quarter, 2 * quarter), slice(2 * quarter, 3 * quarter)
        early = self._chosen(2, images[low], texts[low], ids, places)
        later = self._chosen(1, images[middle], texts[middle], ids, places)
        fused = self.fusion(self._as_map(spread(images[-1], places)), end_of_text(words, ids))
        pyramid = self.fpn(self.fpn.enlarge(0, fused), later, early)
        return self._mask(functional.relu(pyramid), words)

    def _text_states(self, ids: Tensor, embeddings: Tensor | None) -> list[Tensor]:
        """What each block of the text tower returns, (B, L, text_width) each."""
        tokens = embed_text(self.token_embedding, self.textmodel_pos_embed[0], ids, embeddings)
        return self.textmodel.states(tokens, causal=True)

    def _chosen(
        self,
        level: int,
        images: Sequence[Tensor],
        texts: Sequence[Tensor],
        ids: Tensor,
        places: Tensor | None,
    ) -> Tensor:
        """For each text the picture's state that agrees most with the text's, as the pyramid enlarges it.

        The enlargement looks at no words, and is done once for texts that choose the same state.
        """
        selector = self.feature_selector_l if level == 2 else self.feature_selector_m
        scores = torch.cat(
            [
                selector(spread(self.vis_select(image[:, 0]), places) * end_of_text(text, ids))
                for image, text in zip(images, texts, strict=True)
            ],
            dim=1,
        )
        choices, found = scores.argmax(dim=1), None
        rows = torch.arange(len(ids), device=ids.device)
        if places is not None:
            pairs, found = torch.unique(places * len(images) + choices, return_inverse=True)
            rows, choices = pairs // len(images), pairs % len(images)
        states = torch.stack(list(images), dim=1)[rows, choices]
        return spread(self.fpn.enlarge(level, self._as_map(states)), found)

    def _mask(self, x: Tensor, words: Tensor) -> Tensor:
        """Logits from the pyramid's map (B, text_width, h, w) and the words (B, L, text_width)."""
        rows, columns = grid_codes(self.grid, self.grid, x.shape[1] // 2, first=1, like=x)
        places = torch.cat([rows, columns], dim=-1)
        tokens = self.encoder(to_tokens(x), places)
        prototypes = functional.relu(self.mask_decoder(to_map(tokens, self.grid, self.grid)))
        told = self.lang_tf_enc(tokens, functional.relu(self.fc_2(words)))
        x = self.proj3(self.proj2(self.proj1(to_map(told, self.grid, self.grid))))
        # Position by position, not channel by channel: the order in which projout was trained.
        coefficients = torch.tanh(self.projout(x.permute(0, 2, 3, 1).flatten(1)))
        return torch.einsum("bphw,bp->bhw", prototypes, coefficients)[:, None]

    def _as_map(self, state: Tensor) -> Tensor:
        """The patches of (B, 1 + N, image_width), as (B, image_width, h, w)."""
        return to_map(state[:, 1:], self.grid, self.grid)


def _pair(first: ConvBlock, second: ConvBlock) -> nn.ModuleDict:
    return nn.ModuleDict({"proj1": first, "proj2": second})
