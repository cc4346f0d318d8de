"""MS-CLAP 2023: similarities of sounds and texts by HTSAT and GPT-2.

Source: Elizalde et al., "Natural Language Supervision for General-Purpose Audio Representations" (2023).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import GPT2Config, GPT2Model

from fiftyone_avs.nets.htsat import HTSAT, HTSATConfig, own_htsat_state
from fiftyone_avs.nets.official import OfficialNetwork
from fiftyone_avs.nets.spectrogram import full_precision

SAMPLE_RATE = 44100
SECONDS = 7.0
EARS = HTSATConfig(bank_rate=32000, hop=320)
"""A filter bank for 32 kHz on sounds of 44.1 kHz: so it was trained."""

JOINT = 1024
"""Width of the space that sounds and texts share."""

TEXT_TOKENS = 77
TEXT_PAD = 0
TEXT_END = " <|endoftext|>"
"""A text is followed by this, and then filled up with token 0 ("!") to 77 tokens."""

GPT2_BUFFERS = re.compile(r"(^|\.)h\.\d+\.attn\.(bias|masked_bias)$")
"""Causal masks that transformers stored with GPT-2 until version 4.31."""


class Projection(nn.Module):
    """From an encoder's width to the shared space."""

    def __init__(self, width: int, joint: int) -> None:
        super().__init__()
        self.linear1 = nn.Linear(width, joint, bias=False)
        self.linear2 = nn.Linear(joint, joint, bias=False)
        self.layer_norm = nn.LayerNorm(joint)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width) to (B, joint)."""
        first = self.linear1(x)
        out: Tensor = self.layer_norm(first + self.linear2(functional.gelu(first)))
        return out


class _Ears(nn.Module):
    """A level of official keys around HTSAT."""

    def __init__(self, config: HTSATConfig) -> None:
        super().__init__()
        self.htsat = HTSAT(config)


class AudioEncoder(nn.Module):
    """HTSAT and a projection."""

    def __init__(self, config: HTSATConfig = EARS, joint: int = JOINT) -> None:
        super().__init__()
        self.base = _Ears(config)
        self.projection = Projection(config.channels, joint)

    def forward(self, waves: Tensor) -> Tensor:
        """Waves (B, N) at 44.1 kHz in [-1, 1] to embeddings (B, joint), float32, not normalised."""
        out: Tensor = self.projection(self.base.htsat(waves).latent)
        return out.float()


class TextEncoder(nn.Module):
    """GPT-2 and a projection of its last token."""

    def __init__(self, config: GPT2Config, joint: int = JOINT) -> None:
        super().__init__()
        self.base = GPT2Model(config)
        self.projection = Projection(config.hidden_size, joint)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Token ids and mask, both (B, L) and filled up at the end, to embeddings (B, joint), float32."""
        states = self.base(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        # Official rule: it counts ids, not the mask, so that a "!" in a text moves the place by one.
        last = (input_ids != TEXT_PAD).sum(-1) - 1
        out: Tensor = self.projection(states[torch.arange(len(states), device=states.device), last])
        return out.float()


class MSCLAP(OfficialNetwork):
    """Embeddings of sounds and texts.

    Sounds are resampled to ``sample_rate``; one that is shorter than ``seconds`` is repeated and cut, of
    a longer one a part is taken (``fiftyone_avs.media.fit_window(..., "repeat")``).
    """

    sample_rate = SAMPLE_RATE
    seconds = SECONDS

    def __init__(
        self, htsat: HTSATConfig = EARS, gpt2: GPT2Config | None = None, *, joint: int = JOINT
    ) -> None:
        super().__init__()
        self.logit_scale = nn.Parameter(torch.zeros(()))
        self.audio_encoder = AudioEncoder(htsat, joint)
        self.caption_encoder = TextEncoder(gpt2 or GPT2Config(), joint)

    def embed_audio(self, waves: Tensor) -> Tensor:
        """Embeddings of waves (B, N) at 44.1 kHz in [-1, 1]: (B, 1024), float32, not normalised."""
        out: Tensor = self.audio_encoder(waves)
        return out

    def embed_text(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Embeddings of GPT-2 token ids (B, L) with their mask: (B, 1024), float32, not normalised."""
        out: Tensor = self.caption_encoder(input_ids, attention_mask)
        return out

    def similarity(self, audio: Tensor, text: Tensor) -> Tensor:
        """Scaled cosines of embeddings (B, D) and (T, D): (B, T), unbounded; their order is the cosines'."""
        with full_precision(audio):
            cosines = functional.normalize(audio, dim=-1) @ functional.normalize(text, dim=-1).T
            return self.logit_scale.exp() * cosines

    @classmethod
    def own_state(cls, official: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename HTSAT's keys and leave out what GPT-2 no longer stores."""
        return own_htsat_state(without_gpt2_buffers(official), "audio_encoder.base.htsat.")


def without_gpt2_buffers(official: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict without the causal masks of `GPT2_BUFFERS`."""
    return {key: tensor for key, tensor in official.items() if not GPT2_BUFFERS.search(key)}
