"""ETRIS' bridge: three narrow crossings between the image tower and the text tower.

Source: Xu et al., "Bridging Vision and Language Encoders: Parameter-Efficient Tuning for Referring Image
Segmentation" (ICCV 2023).
"""

from __future__ import annotations

from torch import Tensor, nn

from fiftyone_avs.nets.clip_blocks import to_map, to_tokens
from fiftyone_avs.nets.clip_resnet import resnet_channels
from fiftyone_avs.nets.ris_layers import AttentionProduct

CROSSINGS = 3

Pair = tuple[Tensor, Tensor]
"""What belongs to the image and what belongs to the text."""


class ETRISBridge(nn.Module):
    """What the two bridges have in common; they differ in how they zoom and fuse.

    At each crossing, both sides are narrowed (``zoom_in``, ``linear1``), joined with what entered the
    crossing before (``ln_v``, ``ln_t``), fused with each other, and widened again (``zoom_out``,
    ``linear2``).
    """

    zoom_in: nn.ModuleList
    zoom_out: nn.ModuleList
    linear1: nn.ModuleList
    linear2: nn.ModuleList
    fusion_v: nn.ModuleList
    fusion_t: nn.ModuleList
    ln_v: nn.ModuleList
    ln_t: nn.ModuleList

    def forward(self, index: int, image: Tensor, text: Tensor, before: Pair | None) -> tuple[Pair, Pair]:
        """Cross.

        Args:
            index: which crossing, 0 to 2.
            image: map of the image tower, shape (B, C, H, W).
            text: state of the text tower, shape (B, L, text width).
            before: what entered the fusion of the crossing before, None at the first.

        Returns:
            what to add to the image (B, C, H, W) and to the text (B, L, text width), and what entered the
            fusion: (B, h * w, width) and (B, L, width).
        """
        narrow = self.zoom_in[index](image)
        v = to_tokens(narrow)
        t = self.linear1[index](text)
        if before is not None:
            v = self.ln_v[index - 1](v + before[0])
            t = self.ln_t[index - 1](t + before[1])
        fused = to_map(self.fusion_v[index](v, t), narrow.shape[-2], narrow.shape[-1])
        added = self.zoom_out[index](fused), self.linear2[index](self.fusion_t[index](t, v))
        return added, (v, t)

    def _make_linears(self, text_width: int, width: int) -> None:
        self.linear1 = nn.ModuleList(nn.Linear(text_width, width) for _ in range(CROSSINGS))
        self.linear2 = nn.ModuleList(nn.Linear(width, text_width) for _ in range(CROSSINGS))

    def _make_norms(self, width: int) -> None:
        self.ln_v = nn.ModuleList(nn.LayerNorm(width) for _ in range(CROSSINGS - 1))
        self.ln_t = nn.ModuleList(nn.LayerNorm(width) for _ in range(CROSSINGS - 1))


class ResNetBridge(ETRISBridge):
    """The bridge of a ResNet: strided convolutions bring all maps to 1/16; fusion is a decoder layer.

    Args:
        image_width: channels of the ResNet's stem.
        text_width: of the text transformer.
        width: of the bridge.
        heads: attention heads in the bridge.
    """

    def __init__(self, image_width: int, text_width: int, width: int = 64, heads: int = 4) -> None:
        super().__init__()
        self.fusion_v = self._fusions(width, heads)
        self.fusion_t = self._fusions(width, heads)
        fine, middle, coarse = resnet_channels(image_width)
        self.zoom_in = nn.ModuleList(
            [
                nn.Conv2d(fine, width, 2, stride=2, bias=False),
                nn.Conv2d(middle, width, 1, bias=False),
                nn.ConvTranspose2d(coarse, width, 2, stride=2, bias=False),
            ]
        )
        self.zoom_out = nn.ModuleList(
            [
                nn.ConvTranspose2d(width, fine, 2, stride=2, bias=False),
                nn.ConvTranspose2d(width, middle, 1, bias=False),
                nn.Conv2d(width, coarse, 2, stride=2, bias=False),
            ]
        )
        self._make_linears(text_width, width)
        self._make_norms(width)

    @staticmethod
    def _fusions(width: int, heads: int) -> nn.ModuleList:
        return nn.ModuleList(
            nn.TransformerDecoderLayer(width, heads, 2 * width, batch_first=True) for _ in range(CROSSINGS)
        )


class ViTBridge(ETRISBridge):
    """The bridge of a ViT: 1 x 1 convolutions; fusion multiplies each token by what it attends to.

    Args:
        image_width: of the ViT.
        text_width: of the text transformer.
        width: of the bridge.
    """

    def __init__(self, image_width: int, text_width: int, width: int = 64) -> None:
        super().__init__()
        into = (nn.Conv2d, nn.Conv2d, nn.ConvTranspose2d)
        out = (nn.ConvTranspose2d, nn.ConvTranspose2d, nn.Conv2d)
        self.zoom_in = nn.ModuleList(self._zoom(kind, image_width, width) for kind in into)
        self.zoom_out = nn.ModuleList(self._zoom(kind, width, image_width) for kind in out)
        self._make_linears(text_width, width)
        self.fusion_v = nn.ModuleList(AttentionProduct(width) for _ in range(CROSSINGS))
        self.fusion_t = nn.ModuleList(AttentionProduct(width) for _ in range(CROSSINGS))
        self._make_norms(width)

    @staticmethod
    def _zoom(
        convolution: type[nn.Conv2d] | type[nn.ConvTranspose2d], channels: int, out: int
    ) -> nn.Sequential:
        """A 1 x 1 convolution; which kind makes no difference but to the shape of its weight."""
        return nn.Sequential(convolution(channels, out, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU())
