"""Bridges from sounds into the space of a segmenter's text encoder, which text inversion aims at.

A bridge is a small head behind the audio side of an audio-text model. ``fiftyone-avs train-bridge`` fits it
to the text encoder of one segmenter and saves it as ``model.safetensors`` and ``bridge.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch.nn.functional import cosine_similarity, gelu, normalize

from fiftyone_avs.errors import AVSError, ModelError
from fiftyone_avs.models import Models
from fiftyone_avs.models.cards import CARDS, Card, card_for
from fiftyone_avs.models.hearing import MelEar
from fiftyone_avs.models.loading import load_network, load_pretrained
from fiftyone_avs.models.store import source_of
from fiftyone_avs.models.text_tower import TextTower
from fiftyone_avs.types import Sound

CARD_FILE, WEIGHTS_FILE = "bridge.json", "model.safetensors"
PROBE_TEXTS = ("a photo of a dog.", "a photo of a violin.", "rain falls on a tin roof")
HEARD, READ = "probe.heard", "probe.read"
"""What the audio-text model makes of `probe_sounds`, and the text encoder of `PROBE_TEXTS`: a bridge remembers
both, to know again the two models that it stands between."""
SAME = 0.999
"""The lowest cosine of a probe with itself; rounding on another device stays far above it."""


class SoundEmbedder(Protocol):
    """Turns sounds into embeddings."""

    def embed_sounds(self, sounds: Sequence[Sound]) -> torch.Tensor:
        """Float32 embeddings, shape (B, D)."""
        ...


class BridgeHead(torch.nn.Module):
    """From an audio-text model's audio embedding to the text encoder's space: a linear map and a correction.

    Args:
        inputs: width of the audio embedding.
        outputs: width of the text encoder's embedding.
        hidden: width of the correction's hidden layer.
    """

    def __init__(self, inputs: int, outputs: int, hidden: int = 1024) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(inputs, outputs)
        self.widen = torch.nn.Linear(inputs, hidden)
        self.narrow = torch.nn.Linear(hidden, outputs)

    def forward(self, heard: torch.Tensor) -> torch.Tensor:
        """Unit vectors (B, outputs) of audio embeddings (B, inputs) of any length."""
        unit = normalize(heard, dim=-1)
        return normalize(self.linear(unit) + self.narrow(gelu(self.widen(unit))), dim=-1)


class Bridge:
    """A trained head behind an audio-text model.

    Args:
        scorer: the audio-text model that the head was trained on.
        head: the trained head.
    """

    def __init__(self, scorer: SoundEmbedder, head: BridgeHead) -> None:
        self.scorer = scorer
        self.head = head

    @torch.no_grad()
    def embed_sounds(self, sounds: Sequence[Sound]) -> torch.Tensor:
        """Unit vectors in the text encoder's space, float32, shape (B, P)."""
        embeddings: torch.Tensor = self.head(self.scorer.embed_sounds(sounds).float())
        return embeddings

    @classmethod
    def load(cls, folder: Path, models: Models, text_tower: TextTower) -> Bridge:
        """Load a bridge that `save_bridge` wrote, with the audio-text model it belongs to.

        Raises:
            ModelError: if files are missing or damaged, the audio-text model cannot be loaded or is not the
                one that the bridge was trained on, or the bridge leads to another text encoder.
        """
        record, tensors = _read(folder)
        heard, read = tensors.pop(HEARD), tensors.pop(READ)
        check_tower(folder, record, read, text_tower)
        head = BridgeHead(**record["head"])
        try:
            head.load_state_dict(tensors)
        except RuntimeError as error:
            raise ModelError(
                f"{folder / WEIGHTS_FILE} does not fit its {CARD_FILE}: train the bridge again"
            ) from error
        head.eval().requires_grad_(False).to(models.device)
        scorer = load_embedder(record["audio_text_scorer"], models)
        check_embedder(folder, record, heard, scorer)
        return cls(scorer, head)


class ClapEar:
    """A CLAP audio tower whose own projection leads into the text encoder's space (the tiny models')."""

    def __init__(self, network: Any, ear: MelEar) -> None:
        self.network = network
        self.ear = ear

    @classmethod
    def load(cls, card: Card, models: Models) -> ClapEar:
        """Load the tower and its feature extractor."""
        from transformers import AutoFeatureExtractor, ClapAudioModelWithProjection

        network = load_network(ClapAudioModelWithProjection, card, models.device)
        extractor = load_pretrained(AutoFeatureExtractor, card)
        return cls(network, MelEar(extractor, extractor.max_length_s))

    @torch.no_grad()
    def embed_sounds(self, sounds: Sequence[Sound]) -> torch.Tensor:
        """Embeddings in the text encoder's space, float32, shape (B, P)."""
        features = self.ear.features(sounds, self.network.device)
        embeddings: torch.Tensor = self.network(input_features=features).audio_embeds
        return embeddings.float()


def is_bridge(card: Card) -> bool:
    """Whether a card's folder holds a bridge that was trained by this package."""
    return (Path(source_of(card)) / CARD_FILE).is_file()


def probe_sounds() -> list[Sound]:
    """A rising tone and a noise, one second each, always the same."""
    rate = 16000
    time = np.arange(rate) / rate
    chirp = 0.5 * np.sin(2 * np.pi * (200 + 900 * time) * time)
    noise = 0.1 * np.random.default_rng(0).standard_normal(rate)
    return [Sound(samples.astype(np.float32), rate) for samples in (chirp, noise)]


def save_bridge(
    folder: Path, head: BridgeHead, scorer: SoundEmbedder, text_tower: TextTower, record: Mapping[str, Any]
) -> None:
    """Write a trained head and its record.

    Args:
        folder: made if it is not there.
        head: the head.
        scorer: the audio-text model that it stands behind.
        text_tower: the text encoder that it leads to.
        record: what is said of it; needs "head" (the head's sizes) and "audio_text_scorer" (its card's
            record, as in run records).
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in head.state_dict().items()}
    tensors[HEARD] = scorer.embed_sounds(probe_sounds()).float().cpu().contiguous().clone()
    tensors[READ] = text_tower.encode(PROBE_TEXTS).detach().float().cpu().contiguous()
    save_file(tensors, folder / WEIGHTS_FILE)
    (folder / CARD_FILE).write_text(json.dumps(record, indent=2) + "\n")


def check_tower(folder: Path, record: Mapping[str, Any], probe: torch.Tensor, text_tower: TextTower) -> None:
    """Raise ModelError unless a bridge's text encoder is the one at hand."""
    with torch.no_grad():
        here = text_tower.encode(PROBE_TEXTS).float().cpu()
    if not _same(here, probe):
        trained_for = record.get("segmenter", {}).get("card", "another segmenter")
        raise ModelError(
            f"the bridge in {folder} leads to the text encoder of {trained_for!r}, not to this segmenter's: use"
            f" segmenter={trained_for!r}, or train a bridge for this one: `fiftyone-avs train-bridge` with"
            " `--models segmenter=...`"
        )


def check_embedder(
    folder: Path, record: Mapping[str, Any], probe: torch.Tensor, scorer: SoundEmbedder
) -> None:
    """Raise ModelError unless a bridge's audio-text model is the one at hand."""
    if not _same(scorer.embed_sounds(probe_sounds()).float().cpu(), probe):
        name = record["audio_text_scorer"]["card"]
        raise ModelError(
            f"the bridge in {folder} was trained behind other weights of the audio-text model {name!r} than"
            f" those at {record['audio_text_scorer']['source'] or 'its place'!r} now: train the bridge again"
        )


def _same(here: torch.Tensor, probe: torch.Tensor) -> bool:
    return here.shape == probe.shape and bool((cosine_similarity(here, probe) >= SAME).all())


def load_embedder(recorded: Mapping[str, Any], models: Models) -> SoundEmbedder:
    """The audio-text model of a record: the one of the models at hand if it is the same, else loaded anew.

    Raises:
        ModelError: if it cannot be loaded, or cannot give embeddings.
    """
    role = "audio_text_scorer"
    at_hand = models.cards.get(role)
    name, source = str(recorded["card"]), str(recorded["source"])
    if at_hand is not None and (at_hand.name, at_hand.source) == (name, source):
        scorer = models.role(role)
    else:
        same = name in CARDS and CARDS[name].source == source
        card = card_for(role, name if same or name not in CARDS else f"{name}:{source}")
        scorer = Models({role: card}, device=models.device).role(role)
    if not hasattr(scorer, "embed_sounds"):
        raise ModelError(f"the audio-text model {name!r} gives scores only; a bridge needs its embeddings")
    return scorer


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        record = json.loads((folder / CARD_FILE).read_text())
        tensors = load_file(folder / WEIGHTS_FILE)
        if not {HEARD, READ} <= set(tensors) or not {"head", "audio_text_scorer"} <= set(record):
            raise ModelError(f"{folder} is no bridge of this version: train it again")
    except (OSError, ValueError, SafetensorError) as error:
        if isinstance(error, AVSError):
            raise
        raise ModelError(f"cannot read the bridge in {folder}: {error}; train it again") from error
    return record, tensors
