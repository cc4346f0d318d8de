"""Small variants of the networks with official checkpoints, for a trial of the script on a CPU.

A card names one of them by its address, as it names the network of real size.
"""

from __future__ import annotations

from transformers import BartConfig, GPT2Config

from fiftyone_avs.nets.asda import ASDA
from fiftyone_avs.nets.clapcap import ClapCap
from fiftyone_avs.nets.htsat import HTSATConfig
from fiftyone_avs.nets.msclap import MSCLAP
from fiftyone_avs.nets.wavcaps import WavCaps

EARS = {"width": 8, "depths": (1, 1, 1, 1)}

BEATS = {
    "input_patch_size": 16,
    "embed_dim": 16,
    "conv_bias": False,
    "encoder_layers": 2,
    "encoder_embed_dim": 32,
    "encoder_ffn_embed_dim": 64,
    "encoder_attention_heads": 2,
    "activation_fn": "gelu",
    "layer_norm_first": False,
    "deep_norm": True,
    "conv_pos": 16,
    "conv_pos_groups": 4,
    "relative_position_embedding": True,
    "num_buckets": 32,
    "max_distance": 80,
    "gru_rel_pos": True,
    "finetuned_model": True,
    "predictor_class": 527,
}
"""BEATs has its form from the configuration in its checkpoint, so its small variant is only another one."""


def asda() -> ASDA:
    """ASDA."""
    return ASDA(layers=8, image_width=128, hidden=64, text_width=64, input_size=64)


def msclap() -> MSCLAP:
    """MS-CLAP."""
    return MSCLAP(HTSATConfig(**EARS), _gpt2(), joint=16)


def clapcap() -> ClapCap:
    """ClapCap."""
    return ClapCap(HTSATConfig(**EARS), _gpt2(), joint=16, prefix=4, layers=2, heads=4)


def wavcaps() -> WavCaps:
    """WavCaps HTSAT-BART."""
    bart = BartConfig(
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_position_embeddings=1024,
    )
    return WavCaps(HTSATConfig(**EARS), bart)


def _gpt2() -> GPT2Config:
    return GPT2Config(n_embd=32, n_layer=1, n_head=2, n_positions=128)
