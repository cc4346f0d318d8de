"""The form in which a network is run: the same results in fewer steps.

A network is built and loaded as its authors wrote it. For use, what is fixed once the weights are known is
computed once, and layers are replaced by ones that give the same numbers up to rounding. The keys of the
state dict are no longer the official ones then.
"""

from __future__ import annotations

from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval
from transformers.activations import NewGELUActivation

from fiftyone_avs.nets.asda_fusion import SLOPE
from fiftyone_avs.nets.asda_head import EnlargingBlock
from fiftyone_avs.nets.clip_blocks import QuickGELU
from fiftyone_avs.nets.winograd import Winograd

Network = TypeVar("Network", bound=nn.Module)

QUICK = 1.702
"""CLIP's approximation of GELU is x * sigmoid(1.702 x)."""

SHARES = [[[1.0, 0, 0], [0, 1, 1], [0, 0, 0]], [[0.0, 0, 0], [1, 1, 0], [0, 0, 1]]]
"""Of an enlarged map's even and odd rows: which of the three rows around a small one its kernel's rows meet."""


def for_inference(network: Network) -> Network:
    """Bring a network in evaluation mode into its form for inference, in place.

    * Batch norms behind a convolution or a linear layer become a part of it.
    * A convolution behind an enlargement works on the small map (`SubPixelBlock`).
    * 3 x 3 convolutions are computed as in `fiftyone_avs.nets.winograd` where that is possible.
    * Approximations of GELU become functions that torch computes in one go.

    Args:
        network: any network of this package; layers that it does not know stay as they are.

    Returns:
        the network itself.
    """
    for module in list(network.modules()):
        _fold_norms(module)
        _join_activations(module)
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, EnlargingBlock):
                setattr(module, name, SubPixelBlock(child.conv))
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if Winograd.suits(child):
                setattr(module, name, Winograd(cast(nn.Conv2d, child)))
    return network


class SubPixelBlock(nn.Module):
    """An `EnlargingBlock` without the enlargement.

    In a map whose pixels come four times, the nine weights meet only four different pixels. What the
    enlarged map's even and odd rows and columns get is therefore four convolutions of the small one.

    Args:
        enlarged: the 3 x 3 convolution of the enlarged map, its batch norm folded.
    """

    def __init__(self, enlarged: nn.Conv2d) -> None:
        super().__init__()
        shares = torch.tensor(SHARES, dtype=enlarged.weight.dtype, device=enlarged.weight.device)
        weight = torch.einsum("ryk,sxl,ockl->rsocyx", shares, shares, enlarged.weight)
        self.conv = nn.Conv2d(enlarged.in_channels, 4 * enlarged.out_channels, 3, padding=1, device="meta")
        self.conv.weight = _fixed(weight.flatten(0, 2))
        self.conv.bias = _fixed(cast(Tensor, enlarged.bias).repeat(4))

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, h, w) to (B, out, 2 * h, 2 * w)."""
        four = functional.leaky_relu(self.conv(x), SLOPE, inplace=True)
        batch, _, height, width = four.shape
        quarters = four.permute(0, 2, 3, 1).reshape(batch, height, width, 2, 2, -1)
        whole = quarters.transpose(2, 3).reshape(batch, 2 * height, 2 * width, -1)
        return whole.permute(0, 3, 1, 2)


def _fold_norms(module: nn.Module) -> None:
    """Make batch norms a part of the layers that they follow: in a row, or by name (``conv1``, ``bn1``)."""
    children = dict(module.named_children())
    if isinstance(module, nn.Sequential):
        pairs = list(zip(children, list(children)[1:], strict=False))
    else:
        pairs = [(name, name.replace("conv", "bn")) for name in children if name.startswith("conv")]
    for first, second in pairs:
        layer, norm = children[first], children.get(second)
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and isinstance(norm, nn.BatchNorm2d):
            folded: nn.Module = fuse_conv_bn_eval(layer, norm, isinstance(layer, nn.ConvTranspose2d))
        elif isinstance(layer, nn.Linear) and isinstance(norm, nn.BatchNorm1d):
            folded = fuse_linear_bn_eval(layer, norm)
        else:
            continue
        setattr(module, first, folded.requires_grad_(False))
        setattr(module, second, nn.Identity())


def _join_activations(module: nn.Module) -> None:
    """Replace activations that are written out in several steps by torch's own."""
    children = dict(module.named_children())
    for name, child in children.items():
        if isinstance(child, NewGELUActivation):
            setattr(module, name, nn.GELU(approximate="tanh"))
    if isinstance(children.get("gelu"), QuickGELU):
        # x * sigmoid(a x) = silu(a x) / a, and the layers around it can do the scaling.
        before, after = cast(nn.Linear, children["c_fc"]), cast(nn.Linear, children["c_proj"])
        before.weight, before.bias = _fixed(before.weight * QUICK), _fixed(before.bias * QUICK)
        after.weight = _fixed(after.weight / QUICK)
        module.gelu = nn.SiLU(inplace=True)


def _fixed(values: Tensor) -> nn.Parameter:
    return nn.Parameter(values, requires_grad=False)
