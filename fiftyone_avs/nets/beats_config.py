"""Which BEATs networks there are: the configuration inside the checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from fiftyone_avs.nets.spectrogram import KALDI_MELS

ONLY: Mapping[str, Any] = {
    "activation_fn": "gelu",
    "layer_norm_first": False,
    "deep_norm": True,
    "relative_position_embedding": True,
    "gru_rel_pos": True,
    "finetuned_model": True,
}
"""Configuration entries with the only values that this network has; all published fine-tuned ones have them."""


@dataclass(frozen=True)
class BEATsConfig:
    """The entries of a checkpoint's ``cfg`` that shape the network, under their official names."""

    input_patch_size: int
    embed_dim: int
    conv_bias: bool
    encoder_layers: int
    encoder_embed_dim: int
    encoder_ffn_embed_dim: int
    encoder_attention_heads: int
    conv_pos: int
    conv_pos_groups: int
    num_buckets: int
    max_distance: int
    predictor_class: int

    @classmethod
    def from_checkpoint(cls, cfg: Mapping[str, Any]) -> BEATsConfig:
        """Read a checkpoint's ``cfg``; entries that only matter to training are not looked at.

        Raises:
            ValueError: if an entry is missing or has a value that this network cannot have.
        """
        names = [field.name for field in fields(cls)]
        missing = [name for name in (*ONLY, *names) if name not in cfg]
        if missing:
            raise ValueError(f"cfg lacks {', '.join(missing)}")
        for name, only in ONLY.items():
            if cfg[name] != only:
                raise ValueError(f"cfg has {name}={cfg[name]!r}; only {only!r} is supported")
        config = cls(**{name: cfg[name] for name in names})
        config.check()
        return config

    def check(self) -> None:
        """Raise ValueError if the values do not fit together."""
        for field in fields(self):
            value = getattr(self, field.name)
            wanted = bool if field.name == "conv_bias" else int
            if type(value) is not wanted or (wanted is int and value < 1):
                kind = "True or False" if wanted is bool else "a positive whole number"
                raise ValueError(f"{field.name} must be {kind}, not {value!r}")
        for part in ("encoder_attention_heads", "conv_pos_groups"):
            if self.encoder_embed_dim % getattr(self, part):
                raise ValueError(
                    f"encoder_embed_dim={self.encoder_embed_dim} is no multiple of {part}={getattr(self, part)}"
                )
        if self.embed_dim == self.encoder_embed_dim:
            raise ValueError(
                "embed_dim equal to encoder_embed_dim is not supported: no layer is between them"
            )
        if self.input_patch_size > KALDI_MELS:
            raise ValueError(f"input_patch_size={self.input_patch_size} is more than {KALDI_MELS} bands")
        if self.num_buckets % 4 or self.max_distance <= self.num_buckets // 4:
            raise ValueError(
                f"num_buckets={self.num_buckets} must be a multiple of 4, and max_distance={self.max_distance} more"
                " than a quarter of it"
            )
