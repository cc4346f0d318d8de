"""LAION's own CLAP checkpoints through LAION's own package, for those who want to compare (extra ``laion``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from fiftyone_avs.errors import ModelError
from fiftyone_avs.models import Models
from fiftyone_avs.models.cards import Card
from fiftyone_avs.models.checkpoints import read_official
from fiftyone_avs.models.hearing import waves_of
from fiftyone_avs.models.similarity import score_pairs
from fiftyone_avs.models.store import find_checkpoint
from fiftyone_avs.types import Sound

RATE, SECONDS = 48000, 10.0


class LaionPackageScorer:
    """``laion_clap.CLAP_Module`` in the role of the audio-text scorer.

    Its own ``load_ckpt`` unpickles whatever the file holds, so the weights are read here instead, without
    running code, and given to its network strictly.

    Args:
        module: a ``laion_clap.CLAP_Module`` with its weights loaded.
    """

    def __init__(self, module: Any) -> None:
        self.module = module

    @classmethod
    def load(cls, card: Card, models: Models) -> LaionPackageScorer:
        """Build the package's module and load the official checkpoint into it.

        Raises:
            ModelError: if the package cannot be imported or the checkpoint does not fit it.
        """
        options = {"amodel": "HTSAT-tiny", **card.options}
        official = read_official(card, find_checkpoint(card))
        try:
            import laion_clap

            module = laion_clap.CLAP_Module(enable_fusion=False, device=models.device, **options)
        except (ImportError, OSError) as error:
            raise ModelError(
                f"{card.name}: the package laion_clap cannot be used ({' '.join(str(error).split())[:200]})."
                " Install it: pip install 'fiftyone-avs[laion]', then pip install --no-deps laion_clap and the"
                " torchvision that goes with your torch; or use the card 'laion-clap-630k-audioset', which"
                " needs none of these"
            ) from error
        state = {key: value for key, value in official.state.items() if not key.endswith("position_ids")}
        try:
            module.model.load_state_dict(state)
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:300]
            raise ModelError(f"{card.name}: {official.path} does not fit laion_clap: {reason}") from error
        module.model.float().eval().requires_grad_(False)
        return cls(module)

    @torch.inference_mode()
    def embed_sounds(self, sounds: Sequence[Sound]) -> torch.Tensor:
        """Audio embeddings, float32, shape (B, 512)."""
        waves = [wave.numpy() for wave in waves_of(sounds, RATE, SECONDS)]
        return torch.from_numpy(self.module.get_audio_embedding_from_data(x=waves, use_tensor=False))

    @torch.inference_mode()
    def score_sounds(self, sounds: Sequence[Sound], texts: Sequence[Sequence[str]]) -> list[list[float]]:
        """Cosine similarities in [-1, 1] of each sound with each of its own texts."""
        return score_pairs(self.embed_sounds(sounds), texts, self._encode)

    def _encode(self, texts: list[str]) -> torch.Tensor:
        return torch.from_numpy(self.module.get_text_embedding(texts))
