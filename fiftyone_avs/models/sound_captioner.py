"""Audio captioners with official checkpoints: WavCaps' HTSAT-BART (the paper's) and MS-CLAP's ClapCap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from fiftyone_avs.models import Models
from fiftyone_avs.models.cards import Card
from fiftyone_avs.models.decoding import captions
from fiftyone_avs.models.hearing import window_of
from fiftyone_avs.models.loading import load_checkpoint, load_tokenizer, to_device
from fiftyone_avs.types import Caption, Sound


class SoundCaptioner:
    """A network that writes captions of waves, with its authors' search.

    Args:
        network: WavCaps or ClapCap.
        tokenizer: the tokenizer of its text decoder (BART's, GPT-2's).
        beams: how many beams search for a caption.
        alternatives: how many captions are returned per sound, best first, at most ``beams``.
    """

    def __init__(self, network: Any, tokenizer: Any, *, beams: int, alternatives: int = 1) -> None:
        self.network = network
        self.tokenizer = tokenizer
        self.beams = beams
        self.alternatives = alternatives

    @classmethod
    def load(cls, card: Card, models: Models) -> SoundCaptioner:
        """Load the official checkpoint and the tokenizer."""
        network, _ = load_checkpoint(card, models.device)
        return cls(network, load_tokenizer(card, part="tokenizer"), **card.options)

    @torch.inference_mode()
    def caption_sounds(self, sounds: Sequence[Sound]) -> list[Caption]:
        """One caption per sound, with alternatives if they are asked for."""
        network = self.network
        waves = window_of(sounds, network.sample_rate, network.seconds, network.fill)
        device = next(network.parameters()).device
        tokens = network.caption(to_device(waves, device), beams=self.beams, sequences=self.alternatives)
        return captions(self.tokenizer, tokens.flatten(0, 1), self.alternatives)
