"""CRIS: CLIP's ResNet, a neck that multiplies the sentence into the image, a decoder over the words.

Source: Wang et al., "CRIS: CLIP-Driven Referring Image Segmentation", CVPR 2022. The keys are those of the
authors' training code; its files carry the prefix ``module.``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from fiftyone_avs.nets.clip_blocks import ClipBackbone
from fiftyone_avs.nets.clip_resnet import ModifiedResNet, resnet_channels
from fiftyone_avs.nets.ris_layers import (
    ClipReferringNetwork,
    CoordConv,
    Decoder,
    Features,
    Projector,
    conv_block,
    spread,
)


class CRIS(ClipReferringNetwork):
    """The network for R50 by default.

    Args:
        blocks: bottlenecks in the four layers of the ResNet.
        image_width: channels of the ResNet's stem.
        embed_dim: of CLIP's shared space.
        text_width: of the text transformer; the decoder has it, too.
        text_layers: blocks of the text transformer.
        vocabulary: token ids.
        hidden: width inside the decoder's perceptrons.
        input_size: height and width of the pictures.
        context_length: token ids of a text.
    """

    def __init__(
        self,
        *,
        blocks: tuple[int, int, int, int] = (3, 4, 6, 3),
        image_width: int = 64,
        embed_dim: int = 1024,
        text_width: int = 512,
        text_layers: int = 12,
        vocabulary: int = 49408,
        hidden: int = 2048,
        input_size: int = 416,
        context_length: int = 17,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.context_length = context_length
        self.backbone: ClipBackbone[ModifiedResNet] = ClipBackbone(
            ModifiedResNet(blocks, image_width, embed_dim),
            embed_dim=embed_dim,
            text_width=text_width,
            text_layers=text_layers,
            vocabulary=vocabulary,
        )
        fine, middle, _ = resnet_channels(image_width)
        self.neck = CRISNeck((fine, middle, embed_dim), embed_dim, text_width)
        self.decoder = Decoder(text_width, hidden)
        self.proj = Projector(embed_dim, text_width)

    @classmethod
    def r50(cls) -> CRIS:
        """The network on CLIP's RN50."""
        return cls()

    @classmethod
    def r101(cls) -> CRIS:
        """The network on CLIP's RN101."""
        return cls(blocks=(3, 4, 23, 3), embed_dim=512)

    def encode(
        self, pixels: Tensor, ids: Tensor, embeddings: Tensor | None, places: Tensor | None = None
    ) -> tuple[Features, Tensor, Tensor]:
        """Maps at 1/8, 1/16 and 1/32 of the picture's size, words, and the sentence vector."""
        visual = self.backbone.visual
        fine = visual.stage(0, visual.begin(pixels))
        middle = visual.stage(1, fine)
        coarse = visual.pool(visual.stage(2, middle))
        words, sentence = self.backbone.encode_text(ids, embeddings)
        features = spread(fine, places), spread(middle, places), spread(coarse, places)
        return features, words, sentence


class CRISNeck(nn.Module):
    """Fuses three image maps with the sentence into one map at 1/16 of the picture's size.

    Args:
        channels: of the three maps.
        embed_dim: length of the sentence vector.
        dim: channels of the result.
    """

    def __init__(self, channels: tuple[int, int, int], embed_dim: int, dim: int) -> None:
        super().__init__()
        fine, middle, coarse = channels
        self.txt_proj = nn.Sequential(
            nn.Linear(embed_dim, 2 * dim, bias=False), nn.BatchNorm1d(2 * dim), nn.ReLU()
        )
        self.f1_v_proj = conv_block(coarse, 2 * dim, 1)
        self.norm_layer = nn.Sequential(nn.BatchNorm2d(2 * dim), nn.ReLU())
        self.f2_v_proj = conv_block(middle, dim, 3)
        self.f2_cat = conv_block(3 * dim, dim, 1)
        self.f3_v_proj = conv_block(fine, dim // 2, 3)
        self.f3_cat = conv_block(dim // 2 + dim, dim, 1)
        self.f4_proj5 = conv_block(2 * dim, dim, 3)
        self.f4_proj4 = conv_block(dim, dim, 3)
        self.f4_proj3 = conv_block(dim, dim, 3)
        self.aggr = conv_block(3 * dim, dim, 1)
        self.coordconv = nn.Sequential(CoordConv(dim, dim), conv_block(dim, dim, 3))

    def forward(self, features: Features, sentence: Tensor) -> Tensor:
        """Maps (B, C, 2h, 2w), (B, C, h, w), (B, C, h/2, w/2) and (B, embed_dim) to (B, dim, h, w)."""
        v3, v4, v5 = features
        gate = self.txt_proj(sentence)[:, :, None, None]
        f5 = self.norm_layer(self.f1_v_proj(v5) * gate)
        f4 = self.f2_cat(torch.cat([self.f2_v_proj(v4), _twice(f5)], dim=1))
        f3 = self.f3_cat(torch.cat([functional.avg_pool2d(self.f3_v_proj(v3), 2), f4], dim=1))
        levels = [self.f4_proj3(f3), self.f4_proj4(f4), _twice(self.f4_proj5(f5))]
        fused: Tensor = self.coordconv(self.aggr(torch.cat(levels, dim=1)))
        return fused


def _twice(x: Tensor) -> Tensor:
    """Twice the size, bilinear."""
    return functional.interpolate(x, scale_factor=2, mode="bilinear")
