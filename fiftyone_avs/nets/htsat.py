"""HTSAT, the audio tower that LAION-CLAP, MS-CLAP, ClapCap and the WavCaps captioner share.

Source: Chen et al., "HTS-AT: A Hierarchical Token-Semantic Audio Transformer" (2022). The network is
transformers' ``ClapAudioModel`` plus the layer that names AudioSet's classes; only the keys differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from transformers import ClapAudioConfig, ClapAudioModel

from fiftyone_avs.nets.official import OfficialNetwork
from fiftyone_avs.nets.spectrogram import log_mel

WINDOW = 8
HEADS = (4, 8, 16, 32)
CLASSES = 527

NOT_LEARNED = re.compile(
    r"(spectrogram_extractor|logmel_extractor|audio_feats_extractor)\."  # DFT matrices and mel bank
    r"|head\."  # a linear layer that no forward pass uses
    r"|bn0\.num_batches_tracked$"  # how long the training took
    r"|layers\.\d+\.blocks\.\d+\.(attn_mask|attn\.relative_position_index)$"  # follow from the window
)
"""Official keys that are left out: they hold constants, which are computed here, or are never used."""

RENAMED = (
    (r"^bn0\.", "batch_norm."),
    (r"\.norm1\.", ".layernorm_before."),
    (r"\.norm2\.", ".layernorm_after."),
    (r"\.attn\.proj\.", ".attention.output.dense."),
    (r"\.attn\.relative_position_bias_table$", ".attention.self.relative_position_bias_table"),
    (r"\.mlp\.fc1\.", ".intermediate.dense."),
    (r"\.mlp\.fc2\.", ".output.dense."),
)
"""Official parts of keys and transformers' names for them; all other parts are the same."""

OWN = re.compile(r"(bn0|patch_embed|layers|norm)\.")
"""Official keys that belong to transformers' tower."""

TOWER = "tower.audio_encoder."
TABLE = ".relative_position_bias_table"


@dataclass(frozen=True)
class HTSATConfig:
    """What differs between the users of HTSAT.

    Attributes:
        width: channels of the first stage; each of the three others has twice those of the one before.
        depths: blocks per stage.
        bank_rate: the sample rate (Hz) that the mel filter bank is made for.
        hop: samples from one spectrogram frame to the next; at most 1024 frames fit into the network.
    """

    width: int = 96
    depths: tuple[int, int, int, int] = (2, 2, 6, 2)
    bank_rate: int = 32000
    hop: int = 320

    @property
    def channels(self) -> int:
        """Channels of the outputs."""
        return 8 * self.width


class Heard(NamedTuple):
    """What HTSAT makes of B sounds, float32.

    Attributes:
        latent: one vector per sound, shape (B, C).
        frames: one vector per 1/32 of the window, shape (B, 32, C).
        cells: by two frequency ranges and time, shape (B, C, 2, 32).
    """

    latent: Tensor
    frames: Tensor
    cells: Tensor


class HTSAT(OfficialNetwork):
    """A Swin transformer over a log-mel spectrogram that is folded into a square."""

    def __init__(self, config: HTSATConfig) -> None:
        super().__init__()
        self.config = config
        tower = ClapAudioConfig(
            hidden_size=config.channels,
            patch_embeds_hidden_size=config.width,
            depths=list(config.depths),
            num_attention_heads=list(HEADS),
            window_size=WINDOW,
        )
        self.tower = ClapAudioModel(tower)
        self.tscam_conv = nn.Conv2d(config.channels, CLASSES, (2, 3), padding=(0, 1))

    def forward(self, waves: Tensor) -> Heard:
        """Listen to waves of (B, N) at the user's sample rate, in [-1, 1]."""
        spectrogram = log_mel(waves, self.config.bank_rate, self.config.hop)
        out = self.tower(input_features=spectrogram)
        cells = out.last_hidden_state.float()
        return Heard(out.pooler_output.float(), cells.mean(2).transpose(1, 2), cells)

    def class_probabilities(self, heard: Heard) -> Tensor:
        """Probabilities of AudioSet's classes, in [0, 1], shape (B, 527), as far as training kept them."""
        logits: Tensor = self.tscam_conv(heard.cells)
        return logits.float().flatten(2).mean(-1).sigmoid()

    @classmethod
    def own_state(cls, official: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename official HTSAT keys, leave out those of `NOT_LEARNED`, and add what transformers stores."""
        own: dict[str, Tensor] = {}
        for key, tensor in official.items():
            if NOT_LEARNED.match(key):
                continue
            if not OWN.match(key):  # the class layer, or a key that the strict load shall report
                own[key] = tensor
                continue
            name = TOWER + _renamed(key)
            if ".attn.qkv." in name:
                for part, value in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
                    own[name.replace(".attn.qkv.", f".attention.self.{part}.")] = value
                continue
            own[name] = tensor
            if name.endswith(TABLE):
                own[name.removesuffix(TABLE) + ".relative_position_index"] = relative_position_index()
        own[TOWER + "batch_norm.num_batches_tracked"] = torch.tensor(0)
        return own


def own_htsat_state(official: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The state dict of a network with an HTSAT below ``prefix``; keys outside of it stay as they are."""
    htsat = {key.removeprefix(prefix): value for key, value in official.items() if key.startswith(prefix)}
    others = {key: value for key, value in official.items() if not key.startswith(prefix)}
    return others | {prefix + key: value for key, value in HTSAT.own_state(htsat).items()}


def relative_position_index() -> Tensor:
    """Row of the bias table for each pair of a window's places, int64, shape (64, 64)."""
    places = torch.cartesian_prod(torch.arange(WINDOW), torch.arange(WINDOW))
    offsets = places[:, None] - places[None] + WINDOW - 1
    return offsets[..., 0] * (2 * WINDOW - 1) + offsets[..., 1]


def _renamed(key: str) -> str:
    for official, own in RENAMED:
        key = re.sub(official, own, key)
    return key
