"""The audio captioner of WavCaps: HTSAT heard by BART.

Source: Mei et al., "WavCaps: A ChatGPT-Assisted Weakly-Labelled Audio Captioning Dataset for Audio-Language
Multimodal Research" (2023).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from torch import Tensor, nn
from transformers import BartConfig, BartForConditionalGeneration

from fiftyone_avs.nets.htsat import HTSAT, HTSATConfig, own_htsat_state
from fiftyone_avs.nets.official import OfficialNetwork

SAMPLE_RATE = 32000
SECONDS = 10.0
EARS = HTSATConfig(bank_rate=32000, hop=320)

REPEATS = 32
"""How often each of HTSAT's 32 vectors stands in the sequence that BART reads."""

BART_BASE: Mapping[str, Any] = {
    "vocab_size": 50265,
    "d_model": 768,
    "encoder_layers": 6,
    "decoder_layers": 6,
    "encoder_attention_heads": 12,
    "decoder_attention_heads": 12,
    "encoder_ffn_dim": 3072,
    "decoder_ffn_dim": 3072,
    "max_position_embeddings": 1024,
    "activation_function": "gelu",
    "scale_embedding": False,
}
"""The shape of facebook/bart-base."""

TOKENS: Mapping[str, Any] = {
    "bos_token_id": 0,
    "pad_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 2,
    "forced_bos_token_id": 0,
    "forced_eos_token_id": 2,
}

BEAMS = 3
MAX_TOKENS = 30
MIN_TOKENS = 2
NGRAM = 3
"""No so many tokens in a row come twice in a caption: a rule of bart-base's own configuration."""


class _Encoder(nn.Module):
    """A level of official keys around HTSAT."""

    def __init__(self, config: HTSATConfig) -> None:
        super().__init__()
        self.audio_enc = HTSAT(config)


class WavCaps(OfficialNetwork):
    """Captions of sounds, as BART tokens.

    Sounds are resampled to ``sample_rate``, cut to their first ``seconds``, or filled up with silence at
    the end (``fiftyone_avs.media.fit_window`` with ``fill``).
    """

    sample_rate = SAMPLE_RATE
    seconds = SECONDS
    fill: Literal["pad"] = "pad"
    decoder: Any

    def __init__(self, htsat: HTSATConfig = EARS, bart: BartConfig | None = None) -> None:
        super().__init__()
        bart = bart or BartConfig(**BART_BASE)
        self.encoder = _Encoder(htsat)
        self.decoder = BartForConditionalGeneration(bart)
        self.decoder.generation_config.update(**TOKENS)
        self.enc_to_dec_proj = nn.Linear(htsat.channels, self.decoder.config.d_model)

    def hear(self, waves: Tensor) -> Tensor:
        """HTSAT's vectors of waves (B, 320000) at 32 kHz in [-1, 1]: (B, 32, 768), float32."""
        out: Tensor = self.encoder.audio_enc(waves).frames
        return out

    def embed(self, frames: Tensor) -> Tensor:
        """What BART reads in place of word embeddings, (B, 1024, 768), from frames (B, 32, 768)."""
        # The layer works on each vector alone, so that they can be repeated behind it.
        out: Tensor = self.enc_to_dec_proj(frames)
        return out.repeat_interleave(REPEATS, dim=1)

    def caption(
        self, waves: Tensor, *, beams: int = BEAMS, sequences: int = 1, no_repeat_ngram: int = NGRAM
    ) -> Tensor:
        """Describe sounds.

        Args:
            waves: shape (B, 320000), 32 kHz, in [-1, 1].
            beams: how many beginnings the search goes on with; 1 is the greedy search.
            sequences: captions per sound, at most ``beams``.
            no_repeat_ngram: no so many tokens in a row come twice; 0 allows all.

        Returns:
            Token ids of the captions of each sound, best first, int64, shape (B, sequences, L) with L up to
            30: the start token (2), the first (0), ..., the end (2), then padding (1).
        """
        tokens: Tensor = self.decoder.generate(
            inputs_embeds=self.embed(self.hear(waves)),
            num_beams=beams,
            num_return_sequences=sequences,
            max_length=MAX_TOKENS,
            min_length=MIN_TOKENS,
            no_repeat_ngram_size=no_repeat_ngram,
            early_stopping=beams > 1,
            do_sample=False,
        )
        return tokens.view(len(waves), sequences, -1)

    def load_state_dict(self, *args: Any, **options: Any) -> Any:
        """Load, and make one parameter of the four embeddings again: ``assign`` gives each its own."""
        result = super().load_state_dict(*args, **options)
        self.decoder.tie_weights()
        return result

    @classmethod
    def own_state(cls, official: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename HTSAT's keys."""
        return own_htsat_state(official, "encoder.audio_enc.")
