"""3 x 3 convolutions with a quarter of the multiplications, for CPUs.

Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016), F(4x4, 3x3): a tile of
6 x 6 values and the kernel are both brought to a basis in which the convolution is a product value by value,
and 4 x 4 results are brought back. In between stands one matrix product over channels for each of the 36
values, where nearly all of the time goes. Maps are worked on with their channels last, so that a tile's
values are rows of memory. cuDNN has an algorithm of this kind of its own.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

INTO = [
    [4.0, 0, -5, 0, 1, 0],
    [0, -4, -4, 1, 1, 0],
    [0, 4, -4, -1, 1, 0],
    [0, -2, -1, 2, 1, 0],
    [0, 2, -1, -2, 1, 0],
    [0, 4, 0, -5, 0, 1],
]
BACK = [[1.0, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]]
KERNEL = [
    [1 / 4, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0, 0, 1],
]
"""Of six values, of four results and of the three weights, along one side."""

TILES = 1024
"""About so many tiles go through at once, so that what is between the steps stays small."""

CHANNELS, SIDE = 64, 16
"""Below these the way into the basis and back costs more than it saves."""


class Winograd(nn.Module):
    """A convolution that takes the short way where it can: on a CPU, in float32, without gradients.

    Args:
        plain: a convolution with which `suits` agrees; it is what is done everywhere else.
    """

    def __init__(self, plain: nn.Conv2d) -> None:
        super().__init__()
        self.plain = plain
        self._kernel: Tensor | None = None

    @staticmethod
    def suits(layer: nn.Module) -> bool:
        """Whether a layer is a 3 x 3 convolution that keeps the size and has channels enough."""
        return (
            isinstance(layer, nn.Conv2d)
            and (layer.kernel_size, layer.stride, layer.dilation) == ((3, 3), (1, 1), (1, 1))
            and (layer.padding, layer.padding_mode, layer.groups) == ((1, 1), "zeros", 1)
            and min(layer.in_channels, layer.out_channels) >= CHANNELS
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to (B, out, H, W)."""
        if (
            torch.is_grad_enabled()
            or (x.device.type, x.dtype) != ("cpu", torch.float32)
            or torch.is_autocast_enabled("cpu")
            or min(x.shape[-2:]) < SIDE
        ):
            out: Tensor = self.plain(x)
            return out
        if self._kernel is None:
            self._kernel = transformed(self.plain.weight)
        height, width = x.shape[-2:]
        at_once = max(1, TILES // (-(-height // 4) * -(-width // 4)))
        maps = [convolve(some, self._kernel) for some in torch.split(x.permute(0, 2, 3, 1), at_once)]
        found = torch.cat(maps) if len(maps) > 1 else maps[0]
        if self.plain.bias is not None:
            found += self.plain.bias
        return found.permute(0, 3, 1, 2)

    def _apply(self, *args: Any, **options: Any) -> Any:
        """Weights that move or change their type leave what was made of them behind."""
        self._kernel = None
        return super()._apply(*args, **options)  # type: ignore[no-untyped-call]


def transformed(weight: Tensor) -> Tensor:
    """A kernel (out, channels, 3, 3) in the basis: float32, shape (36, channels, out)."""
    side = torch.tensor(KERNEL, dtype=torch.float64)
    inside = torch.einsum("ik,ockl,jl->ijco", side, weight.double(), side)
    return inside.flatten(0, 1).float().contiguous()


def convolve(x: Tensor, kernel: Tensor) -> Tensor:
    """Convolve maps with their channels last.

    Args:
        x: float32, shape (B, H, W, channels).
        kernel: of `transformed`, shape (36, channels, out).

    Returns:
        float32, shape (B, H, W, out).
    """
    batch, height, width, channels = x.shape
    rows, columns = -(-height // 4), -(-width // 4)
    padded = functional.pad(x, (0, 0, 1, 4 * columns + 1 - width, 1, 4 * rows + 1 - height))
    tiles = padded.unfold(1, 6, 4).unfold(2, 6, 4).permute(4, 5, 0, 1, 2, 3).reshape(36, -1)
    into, back = (torch.kron(side, side) for side in map(torch.tensor, (INTO, BACK)))
    products = torch.bmm((into @ tiles).view(36, -1, channels), kernel)
    found = (back @ products.view(36, -1)).view(4, 4, batch, rows, columns, -1)
    whole = found.permute(2, 3, 0, 4, 1, 5).reshape(batch, 4 * rows, 4 * columns, -1)
    return whole[:, :height, :width]
