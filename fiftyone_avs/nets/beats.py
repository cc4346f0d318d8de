"""BEATs, the audio classifier.

Source: Chen et al., "BEATs: Audio Pre-Training with Acoustic Tokenizers" (2022). Names of parameters and of
configuration entries are those of the authors' checkpoints.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from fiftyone_avs.nets.beats_config import BEATsConfig
from fiftyone_avs.nets.official import OfficialNetwork
from fiftyone_avs.nets.spectrogram import KALDI_RATE, kaldi_fbank

FBANK_MEAN = 15.41663
FBANK_STD = 6.55582
"""Of AudioSet's filter-bank energies; twice the deviation becomes one."""


class PositionConv(nn.Module):
    """A grouped convolution in time that tells tokens where they are; one weight norm per kernel tap."""

    def __init__(self, width: int, kernel: int, groups: int) -> None:
        super().__init__()
        self.kernel, self.groups = kernel, groups
        self.bias = nn.Parameter(torch.zeros(width))
        self.weight_g = nn.Parameter(torch.ones(1, 1, kernel))
        self.weight_v = nn.Parameter(torch.empty(width, width // groups, kernel))
        nn.init.normal_(self.weight_v)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) to the same shape."""
        weight = self.weight_g * self.weight_v / self.weight_v.norm(dim=(0, 1), keepdim=True)
        y = functional.conv1d(
            x.transpose(1, 2), weight, self.bias, padding=self.kernel // 2, groups=self.groups
        )
        return functional.gelu(y[..., : x.shape[1]]).transpose(1, 2)  # an even kernel gives one place more


class BEATsAttention(nn.Module):
    """Self-attention with a relative bias that each query opens or closes.

    Args:
        width: channels.
        heads: how many.
        buckets: rows of the table of relative biases; 0 for layers that are given the first layer's table.
    """

    relative_attention_bias: nn.Embedding

    def __init__(self, width: int, heads: int, buckets: int) -> None:
        super().__init__()
        self.heads = heads
        self.grep_a = nn.Parameter(torch.ones(1, heads, 1, 1))
        if buckets:
            self.relative_attention_bias = nn.Embedding(buckets, heads)
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)
        self.grep_linear = nn.Linear(width // heads, 8)

    def forward(self, x: Tensor, bias: Tensor, padding: Tensor | None) -> Tensor:
        """Attend.

        Args:
            x: shape (B, T, width).
            bias: relative biases, shape (heads, T, T).
            padding: bool, shape (B, T): tokens that no query sees.

        Returns:
            shape (B, T, width).
        """
        q, k, v = (
            layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer in (self.q_proj, self.k_proj, self.v_proj)
        )
        mask = self._gate(q) * bias
        if padding is not None:
            mask = mask.masked_fill(padding[:, None, None], -torch.inf)
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask.to(q.dtype))
        out: Tensor = self.out_proj(mixed.transpose(1, 2).flatten(2))
        return out

    def _gate(self, q: Tensor) -> Tensor:
        """What each query (B, heads, T, width) multiplies its biases by, (B, heads, T, 1)."""
        update, reset = self.grep_linear(q).unflatten(-1, (2, 4)).sum(-1, keepdim=True).sigmoid().unbind(-2)
        gate: Tensor = update * (reset * self.grep_a - 1) + 2
        return gate


class BEATsLayer(nn.Module):
    """Attention and a perceptron, each followed by a norm of its output and ``alpha`` times its input."""

    def __init__(self, config: BEATsConfig, *, buckets: int) -> None:
        super().__init__()
        width = config.encoder_embed_dim
        self.alpha = (2 * config.encoder_layers) ** 0.25
        self.self_attn = BEATsAttention(width, config.encoder_attention_heads, buckets)
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, config.encoder_ffn_embed_dim)
        self.fc2 = nn.Linear(config.encoder_ffn_embed_dim, width)
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, bias: Tensor, padding: Tensor | None) -> Tensor:
        """Arguments and result as those of `BEATsAttention`."""
        x = self.self_attn_layer_norm(self.alpha * x + self.self_attn(x, bias, padding))
        out: Tensor = self.final_layer_norm(self.alpha * x + self.fc2(functional.gelu(self.fc1(x))))
        return out


class BEATsEncoder(nn.Module):
    """Position convolution, norm and layers."""

    def __init__(self, config: BEATsConfig) -> None:
        super().__init__()
        self.config = config
        width = config.encoder_embed_dim
        self.pos_conv = nn.Sequential(PositionConv(width, config.conv_pos, config.conv_pos_groups))
        first = BEATsLayer(config, buckets=config.num_buckets)
        others = [BEATsLayer(config, buckets=0) for _ in range(1, config.encoder_layers)]
        for layer in others:  # one table for all, under a key in each, the last one as in official files
            layer.self_attn.relative_attention_bias = first.self_attn.relative_attention_bias
        self.layers = nn.ModuleList([first, *others])
        self.layer_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, padding: Tensor | None) -> Tensor:
        """Tokens (B, T, width) and padding (B, T) to (B, T, width)."""
        if padding is not None:
            x = x.masked_fill(padding[..., None], 0)
        x = self.layer_norm(x + self.pos_conv(x))
        bias = self._relative_bias(x.shape[1], x.device)
        for layer in self.layers:
            x = layer(x, bias, padding)
        return x

    def _relative_bias(self, tokens: int, device: torch.device) -> Tensor:
        """The bias of each key for each query, shape (heads, T, T)."""
        offsets = torch.arange(1 - tokens, tokens)
        # Always on the CPU: another device's logarithm could put an offset into the next bucket.
        found = bucket(offsets, self.config.num_buckets, self.config.max_distance).to(device)
        table = cast(BEATsLayer, self.layers[0]).self_attn.relative_attention_bias.weight
        places = torch.arange(tokens, device=device)
        return table[found].T[:, places - places[:, None] + tokens - 1]


class BEATs(OfficialNetwork):
    """Probabilities of sound classes from Kaldi filter banks.

    Sounds are resampled to ``sample_rate``. AudioSet's clips have ``seconds``; others can be longer or
    shorter, down to one patch (0.175 s).
    """

    sample_rate = KALDI_RATE
    seconds = 10.0

    def __init__(self, config: BEATsConfig) -> None:
        super().__init__()
        self.config = config
        self.post_extract_proj = nn.Linear(config.embed_dim, config.encoder_embed_dim)
        size = config.input_patch_size
        self.patch_embedding = nn.Conv2d(1, config.embed_dim, size, stride=size, bias=config.conv_bias)
        self.encoder = BEATsEncoder(config)
        self.layer_norm = nn.LayerNorm(config.embed_dim)
        self.predictor = nn.Linear(config.encoder_embed_dim, config.predictor_class)

    @classmethod
    def from_checkpoint(cls, cfg: Mapping[str, Any]) -> BEATs:
        """The network of a checkpoint's ``cfg``.

        Raises:
            ValueError: as `BEATsConfig.from_checkpoint`.
        """
        return cls(BEATsConfig.from_checkpoint(cfg))

    def forward(self, fbank: Tensor, padding: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Encode spectrograms.

        Args:
            fbank: from `features`, shape (B, F, 128).
            padding: bool, shape (B, L), L >= F, at any rate (samples, frames): what is not sound.

        Returns:
            Tokens, shape (B, T, width), by time and within it by frequency; and which of them are padding,
            bool, shape (B, T), or None.

        Raises:
            ValueError: if there is not one whole patch, or a clip has nothing but padding.
        """
        size = self.config.input_patch_size
        if fbank.shape[1] < size:
            raise ValueError(f"{fbank.shape[1]} frames are less than one patch of {size}")
        patches = self.patch_embedding(fbank[:, None]).flatten(2)  # (B, C, time * frequency)
        x = self.post_extract_proj(self.layer_norm(patches.transpose(1, 2)))
        hidden = None
        if padding is not None:
            hidden = coarser(coarser(padding, fbank.shape[1]), x.shape[1])
            if bool(hidden.all(1).any()):
                raise ValueError("a clip has no sound that is long enough, only padding")
        tokens: Tensor = self.encoder(x, hidden)
        return tokens, hidden

    @staticmethod
    def features(waves: Tensor) -> Tensor:
        """Normalised filter banks (B, F, 128) of waves (B, N) at 16 kHz in [-1, 1]."""
        return (kaldi_fbank(waves) - FBANK_MEAN) / (2 * FBANK_STD)

    def probabilities(self, tokens: Tensor, hidden: Tensor | None = None) -> Tensor:
        """Class probabilities in [0, 1], shape (B, classes), from the results of `forward`."""
        logits: Tensor = self.predictor(tokens).float()
        if hidden is None:
            return logits.mean(1).sigmoid()
        counts = (~hidden).sum(1, keepdim=True)
        return (logits.masked_fill(hidden[..., None], 0).sum(1) / counts).sigmoid()

    def classify(self, waves: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Name sounds.

        Args:
            waves: shape (B, N), 16 kHz, in [-1, 1]; shorter clips are followed by zeros.
            lengths: samples of each clip, shape (B,); None if all have N. Which tokens count as padding is
                only an approximation that depends on N: give all batches one N, and a clip's result does
                not depend on the others.

        Returns:
            Probabilities of each class by itself, in [0, 1], float32, shape (B, classes).

        Raises:
            ValueError: as `forward`.
        """
        padding = None
        if lengths is not None:
            padding = torch.arange(waves.shape[1], device=waves.device) >= lengths.to(waves.device)[:, None]
        return self.probabilities(*self(self.features(waves), padding))


def coarser(padding: Tensor, places: int) -> Tensor:
    """Bring a mask (B, L) to fewer places, (B, places): one is padding if all that falls into it is.

    Raises:
        ValueError: if the mask is shorter than that.
    """
    size = padding.shape[1] // places
    if size == 0:
        raise ValueError(f"a mask of {padding.shape[1]} is too short for {places} places")
    return padding[:, : size * places].reshape(-1, places, size).all(-1)


def bucket(offsets: Tensor, buckets: int, largest: int) -> Tensor:
    """Rows of the table of relative biases for offsets key - query, int64, any shape.

    Half of the rows is for keys that come later. Near offsets have a row each, far ones share rows by
    their logarithm, and from ``largest`` on the last one.
    """
    half, exact = buckets // 2, buckets // 4
    distance = offsets.abs()
    octave = (distance.clamp(min=1).float() / exact).log() / math.log(largest / exact)
    far = (exact + (octave * (half - exact)).long()).clamp(max=half - 1)
    return torch.where(distance < exact, distance, far) + half * (offsets > 0)
