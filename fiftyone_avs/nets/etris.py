"""ETRIS: a frozen CLIP whose two towers talk to each other over a bridge, a neck, CRIS' decoder.

Source: Xu et al., "Bridging Vision and Language Encoders: Parameter-Efficient Tuning for Referring Image
Segmentation", ICCV 2023. The keys are those of the authors' code; its files carry the prefix ``module.``.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import torch
from torch import Tensor, nn

from fiftyone_avs.nets.clip_blocks import ClipBackbone, VisionTransformer, to_map, to_tokens
from fiftyone_avs.nets.clip_resnet import ModifiedResNet, resnet_channels
from fiftyone_avs.nets.etris_bridge import CROSSINGS, ETRISBridge, Pair, ResNetBridge, ViTBridge
from fiftyone_avs.nets.ris_layers import (
    AttentionProduct,
    ClipReferringNetwork,
    CoordConv,
    Decoder,
    Features,
    Projector,
    conv_block,
    spread,
)


class ResNetTower(ModifiedResNet):
    """CLIP's ResNet; what passes from stage to stage is a map (B, C, H, W)."""

    def as_map(self, state: Tensor) -> Tensor:
        """The state as a map."""
        return state

    def add(self, state: Tensor, extra: Tensor) -> Tensor:
        """The state with a map added."""
        return state + extra


class ViTTower(VisionTransformer):
    """CLIP's ViT; what passes from stage to stage are tokens (B, 1 + N, width) of a square picture."""

    def begin(self, pixels: Tensor) -> Tensor:
        """The transformer's input."""
        return self.embed(pixels, self.positional_embedding)

    def stage(self, index: int, state: Tensor) -> Tensor:
        """A third of the blocks."""
        return self.transformer.third(index, state)

    def as_map(self, state: Tensor) -> Tensor:
        """The patch tokens as a map (B, width, h, w)."""
        return _square(state[:, 1:])

    def add(self, state: Tensor, extra: Tensor) -> Tensor:
        """The state with a map added to the patch tokens; the class token stays as it is."""
        return torch.cat([state[:, :1], state[:, 1:] + to_tokens(extra)], dim=1)

    def pool(self, state: Tensor) -> Tensor:
        """The patch tokens in CLIP's shared space, as a map (B, embed_dim, h, w)."""
        return _square(self.ln_post(state[:, 1:]) @ self.proj)


Tower: TypeAlias = ResNetTower | ViTTower


class ETRIS(ClipReferringNetwork):
    """Built by `r50`, `r101` and `vitb16`, or by `resnet` and `vit` in other sizes.

    Args:
        visual: the image tower.
        bridger: the bridge between the towers.
        channels: of the three maps that the neck gets.
        strides: of the neck's convolutions, which bring the maps to 1/16 of the picture's size.
        embed_dim: of CLIP's shared space.
        text_width: of the text transformer; the decoder has it, too.
        text_layers: blocks of the text transformer, a multiple of three.
        vocabulary: token ids.
        hidden: width inside the decoder's perceptrons.
        input_size: height and width of the pictures.
        context_length: token ids of a text.
    """

    def __init__(
        self,
        visual: Tower,
        bridger: ETRISBridge,
        *,
        channels: tuple[int, int, int],
        strides: tuple[int, int, int],
        embed_dim: int,
        text_width: int = 512,
        text_layers: int = 12,
        vocabulary: int = 49408,
        hidden: int = 512,
        input_size: int = 416,
        context_length: int = 17,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.context_length = context_length
        self.backbone: ClipBackbone[Tower] = ClipBackbone(
            visual,
            embed_dim=embed_dim,
            text_width=text_width,
            text_layers=text_layers,
            vocabulary=vocabulary,
        )
        self.bridger = bridger
        self.neck = ETRISNeck(channels, strides, embed_dim, text_width)
        self.decoder = Decoder(text_width, hidden)
        self.proj = Projector(embed_dim, text_width)

    @classmethod
    def r50(cls) -> ETRIS:
        """The network on CLIP's RN50."""
        return cls.resnet()

    @classmethod
    def r101(cls) -> ETRIS:
        """The network on CLIP's RN101."""
        return cls.resnet(blocks=(3, 4, 23, 3), embed_dim=512)

    @classmethod
    def vitb16(cls) -> ETRIS:
        """The network on CLIP's ViT-B/16."""
        return cls.vit()

    @classmethod
    def resnet(
        cls,
        *,
        blocks: tuple[int, int, int, int] = (3, 4, 6, 3),
        image_width: int = 64,
        embed_dim: int = 1024,
        text_width: int = 512,
        **sizes: int,
    ) -> ETRIS:
        """The network on a ResNet with these bottlenecks and this stem; ``sizes`` as in the class."""
        fine, middle, _ = resnet_channels(image_width)
        return cls(
            ResNetTower(blocks, image_width, embed_dim),
            ResNetBridge(image_width, text_width),
            channels=(fine, middle, embed_dim),
            strides=(2, 1, 2),
            embed_dim=embed_dim,
            text_width=text_width,
            **sizes,
        )

    @classmethod
    def vit(
        cls,
        *,
        image_width: int = 768,
        image_layers: int = 12,
        embed_dim: int = 512,
        text_width: int = 512,
        input_size: int = 416,
        **sizes: int,
    ) -> ETRIS:
        """The network on a ViT with these blocks (a multiple of three); ``sizes`` as in the class."""
        tokens = 1 + (input_size // ViTTower.patch) ** 2
        return cls(
            ViTTower(image_width, image_layers, tokens, embed_dim),
            ViTBridge(image_width, text_width),
            channels=(image_width, image_width, embed_dim),
            strides=(1, 1, 1),
            embed_dim=embed_dim,
            text_width=text_width,
            input_size=input_size,
            **sizes,
        )

    def encode(
        self, pixels: Tensor, ids: Tensor, embeddings: Tensor | None, places: Tensor | None = None
    ) -> tuple[Features, Tensor, Tensor]:
        """The maps after the crossings, words, and the sentence vector."""
        visual = self.backbone.visual
        image = spread(visual.stage(0, visual.begin(pixels)), places)  # from here on words take part
        text = self.backbone.embed(ids, embeddings)
        maps: list[Tensor] = []
        entered: Pair | None = None
        for index in range(CROSSINGS):
            if index > 0:
                image = visual.stage(index, image)
            text = self.backbone.transformer.third(index, text, causal=True)
            (to_image, to_text), entered = self.bridger(index, visual.as_map(image), text, entered)
            image = visual.add(image, to_image)
            text = text + to_text
            maps.append(visual.as_map(image))
        words = self.backbone.ln_final(text)
        return (maps[0], maps[1], visual.pool(image)), words, self.backbone.sentence(words, ids)


class ETRISNeck(nn.Module):
    """Multiplies the sentence into three image maps and fuses them into one at 1/16 of the picture's size.

    Args:
        channels: of the three maps.
        strides: of the convolutions that bring them to one size; the last one enlarges.
        embed_dim: length of the sentence vector.
        dim: channels of the result.
    """

    def __init__(
        self, channels: tuple[int, int, int], strides: tuple[int, int, int], embed_dim: int, dim: int
    ) -> None:
        super().__init__()
        self.fusion3 = AttentionProduct(dim)
        self.fusion4 = AttentionProduct(dim)
        self.fusion5 = AttentionProduct(dim)
        self.txt_proj = nn.Linear(embed_dim, dim)
        kinds = (nn.Conv2d, nn.Conv2d, nn.ConvTranspose2d)
        self.f3_proj, self.f4_proj, self.f5_proj = (
            nn.Sequential(kind(c, dim, s, stride=s, bias=False), nn.BatchNorm2d(dim), nn.ReLU())
            for kind, c, s in zip(kinds, channels, strides, strict=True)
        )
        self.aggr = conv_block(3 * dim, dim, 1)
        self.coordconv = nn.Sequential(CoordConv(dim, dim), conv_block(dim, dim, 3))

    def forward(self, features: Features, sentence: Tensor) -> Tensor:
        """Maps of the three sizes and (B, embed_dim) to (B, dim, h, w)."""
        text = self.txt_proj(sentence)[:, None]
        projections = (self.f3_proj, self.f4_proj, self.f5_proj)
        fusions = (self.fusion3, self.fusion4, self.fusion5)
        fused = [
            _square(fusion(to_tokens(project(feature)), text))
            for feature, project, fusion in zip(features, projections, fusions, strict=True)
        ]
        out: Tensor = self.coordconv(self.aggr(torch.cat(fused, dim=1)))
        return out


def _square(tokens: Tensor) -> Tensor:
    """(B, N, C) of a square picture to (B, C, h, w)."""
    side = math.isqrt(tokens.shape[1])
    return to_map(tokens, side, side)
