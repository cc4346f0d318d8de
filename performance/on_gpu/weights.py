"""The models of a preset as files: real architectures, filled at random, loaded by the package as users' files are.

Noun phrases are found by spaCy's small English pipeline. Where it is not installed, the small pipeline that is
embedded in the package stands in, and the record says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import reference_loop
import spacy
import torch
from random_models import BART, CLIP, GPT2, NOUNS, Vocabulary, save, write_official, write_once

from fiftyone_avs.models import CARDS, grounded, register_card
from fiftyone_avs.models.audioset import display_names
from fiftyone_avs.models.checkpoints import skip_initialisation
from fiftyone_avs.models.instances import Kept

from . import architectures, small_networks
from .architectures import Parts

BEATS = {
    **small_networks.BEATS,
    "embed_dim": 512,
    "encoder_layers": 12,
    "encoder_embed_dim": 768,
    "encoder_ffn_embed_dim": 3072,
    "encoder_attention_heads": 12,
    "conv_pos": 128,
    "conv_pos_groups": 16,
    "num_buckets": 320,
    "max_distance": 800,
}
"""The configuration in the checkpoint of BEATs iter3+."""

OFFICIAL: dict[str, Mapping[str, tuple[str, str, Vocabulary | None]]] = {
    "paper": {
        "audio_classifier": ("beats-as2m", "", None),
        "audio_captioner": ("wavcaps-htsat-bart", "wavcaps", BART),
        "audio_text_scorer": ("msclap-2023", "msclap", GPT2),
        "segmenter": ("asda", "asda", CLIP),
    },
    "open": {"audio_captioner": ("clapcap-2023", "clapcap", GPT2)},
}
"""By preset and role: the card, its small network in `small_networks`, and its tokenizer's vocabulary."""

HUB: dict[str, Mapping[str, Callable[[bool], Parts]]] = {
    "paper": {"image_captioner": architectures.blip, "image_text_scorer": architectures.clip},
    "open": {
        "audio_classifier": architectures.ast,
        "image_captioner": architectures.blip,
        "audio_text_scorer": architectures.clap,
        "image_text_scorer": architectures.clip,
    },
}
"""By preset and role: networks of transformers."""

HUB_CARDS = {
    "ast": "ast-audioset",
    "blip": "blip-base",
    "clap": "clap-htsat-unfused",
    "clip": "clip-vit-b16",
    "clipseg": "clipseg-rd64",
}
"""The card of each of them."""

GROUNDED = "grounding-dino-sam2"

BOXES = 4
"""So many boxes of a picture are painted, about as many as with trained weights."""


def write_preset(preset: str, folder: Path, small: bool) -> dict[str, str]:
    """Write what is not there yet; return what to give for each role, but for noun phrases.

    Args:
        preset: "paper" or "open".
        folder: where to write. Files of an earlier call are used as they are.
        small: write small variants of the same architectures.
    """
    given = {
        role: _official(folder, card, network, vocabulary, small)
        for role, (card, network, vocabulary) in OFFICIAL[preset].items()
    }
    given |= {role: _hub(folder, build, small) for role, build in HUB[preset].items()}
    if preset == "open":
        given["segmenter"] = f"{GROUNDED}:{write_once(folder / GROUNDED, lambda at: _grounded(at, small))}"
    return given


def write_clipseg(folder: Path, small: bool) -> str:
    """The segmenter that the preset "open" takes for the strategy inversion."""
    return _hub(folder, architectures.clipseg, small)


def noun_extractor() -> tuple[str, str]:
    """What to give for noun phrases, and a note for the record."""
    for package in ("en_core_web_sm", NOUNS):
        if spacy.util.is_package(package):
            return package, f"noun phrases by spaCy's small English pipeline ({package})"
    return "tiny/nouns", (
        "FALLBACK: spaCy's small English pipeline is not installed here; noun phrases are found by the small spaCy"
        " pipeline embedded in the package (card tiny/nouns)"
    )


@contextmanager
def boxes_by_rank() -> Iterator[None]:
    """Let the engine and the loop paint the best few boxes of a picture, whatever their scores are.

    The scores of a detector that is filled at random differ more between texts than between boxes, so that all of its
    900 boxes would reach the threshold or none, and the painter's work would be another than with trained weights.
    """

    def keep(scores: torch.Tensor, lowest: float) -> Kept:
        return Kept(scores.topk(min(BOXES, len(scores))).indices, 1.0)

    with patch.object(grounded, "keep", keep), patch.object(reference_loop, "keep", keep):
        yield


def _official(folder: Path, card: str, network: str, vocabulary: Vocabulary | None, small: bool) -> str:
    extras = None
    if card == "beats-as2m":
        classes = dict(enumerate(display_names()))
        extras = {"cfg": small_networks.BEATS if small else BEATS, "label_dict": classes}
    elif small:
        plain, card = CARDS[card], f"small-{card}"
        assert plain.checkpoint is not None
        address = f"{small_networks.__name__}:{network}"
        settings = {**plain.settings, "beams": 1} if "beams" in plain.settings else plain.settings
        network_file = replace(plain.checkpoint, network=address)
        register_card(replace(plain, name=card, settings=settings, checkpoint=network_file))
    return f"{card}:{write_official(folder / card, card, vocabulary, extras)}"


def _hub(folder: Path, build: Callable[[bool], Parts], small: bool) -> str:
    name = build.__name__
    return f"{HUB_CARDS[name]}:{write_once(folder / name, lambda at: _save(at, build, small))}"


def _grounded(folder: Path, small: bool) -> None:
    """Grounding DINO at the top of the folder, SAM 2 in the part's own folder."""
    _save(folder, architectures.grounding_dino, small)
    _save(folder / "masks", architectures.sam2, small)


def _save(folder: Path, build: Callable[[bool], Parts], small: bool) -> None:
    torch.manual_seed(0)  # SAM 2 draws the frequencies of its positions, which are no weights
    with skip_initialisation():
        parts = build(small)
    save(folder, *parts)
