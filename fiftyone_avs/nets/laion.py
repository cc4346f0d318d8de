"""LAION-CLAP without fusion: similarities of sounds and texts by HTSAT and RoBERTa.

Source: Wu et al., "Large-Scale Contrastive Language-Audio Pretraining with Feature Fusion and
Keyword-to-Caption Augmentation" (2022). Equal to transformers' ``ClapModel`` of converted checkpoints
whose text encoder has ``layer_norm_eps=1e-5``, as RoBERTa was trained.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import ClapTextConfig, ClapTextModel

from fiftyone_avs.nets.htsat import HTSAT, HTSATConfig, own_htsat_state
from fiftyone_avs.nets.official import OfficialNetwork

SAMPLE_RATE = 48000
SECONDS = 10.0
TINY = HTSATConfig(bank_rate=48000, hop=480)
BASE = HTSATConfig(width=128, depths=(2, 2, 12, 2), bank_rate=48000, hop=480)

JOINT = 512
"""Width of the space that sounds and texts share."""

TEXT_TOKENS = 77
"""A text is cut, or filled up with RoBERTa's padding token, to so many tokens."""

TRAINING_ONLY = re.compile(
    r"(audio_transform|text_transform)\."  # perceptrons of a loss
    r"|logit_scale_[at]$"  # the loss's temperatures; cosines have the same order
    r"|text_branch\.embeddings\.(position_ids|token_type_ids)$"  # counters and zeros, made here
)
"""Official keys that are left out."""

POSITIONS = "text_branch.embeddings.position_embeddings.weight"


class LaionCLAP(OfficialNetwork):
    """Embeddings of sounds and texts.

    Sounds are resampled to ``sample_rate`` and fitted to ``seconds`` by ``spectrogram.repeat_pad``. The
    official functions for files pass them through 16-bit samples (``spectrogram.through_int16``).
    """

    sample_rate = SAMPLE_RATE
    seconds = SECONDS

    def __init__(
        self, htsat: HTSATConfig = TINY, text: ClapTextConfig | None = None, *, joint: int = JOINT
    ) -> None:
        super().__init__()
        text = text or ClapTextConfig(layer_norm_eps=1e-5)
        self.audio_branch = HTSAT(htsat)
        self.text_branch = ClapTextModel(text)
        self.text_projection = _projection(text.hidden_size, joint)
        self.audio_projection = _projection(htsat.channels, joint)

    @classmethod
    def tiny(cls) -> LaionCLAP:
        """The network of 630k-best.pt and 630k-audioset-best.pt."""
        return cls(TINY)

    @classmethod
    def base(cls) -> LaionCLAP:
        """The network of music_audioset_epoch_15_esc_90.14.pt and other releases with HTSAT-base."""
        return cls(BASE)

    def embed_audio(self, waves: Tensor) -> Tensor:
        """Embeddings of waves (B, 480000) at 48 kHz in [-1, 1]: (B, 512), float32, of length 1."""
        return self.project_audio(self.audio_branch(waves).latent)

    def project_audio(self, latent: Tensor) -> Tensor:
        """Embeddings (B, 512), float32, of length 1, of HTSAT's latent vectors (B, C)."""
        return functional.normalize(self.audio_projection(latent).float(), dim=-1)

    def embed_text(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Embeddings of RoBERTa token ids (B, L) with their mask: (B, 512), float32, of length 1."""
        pooled = self.text_branch(input_ids=input_ids, attention_mask=attention_mask).pooler_output
        return functional.normalize(self.text_projection(pooled).float(), dim=-1)

    @classmethod
    def own_state(cls, official: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename HTSAT's keys, leave out those of `TRAINING_ONLY`, and add what transformers stores."""
        kept = {key: tensor for key, tensor in official.items() if not TRAINING_ONLY.match(key)}
        own = own_htsat_state(kept, "audio_branch.")
        if POSITIONS in own:
            count = len(own[POSITIONS])
            own["text_branch.embeddings.position_ids"] = torch.arange(count)[None]
            own["text_branch.embeddings.token_type_ids"] = torch.zeros(1, count, dtype=torch.int64)
        return own


def _projection(width: int, joint: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, joint), nn.ReLU(), nn.Linear(joint, joint))
