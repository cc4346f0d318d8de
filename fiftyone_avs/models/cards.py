"""Model cards and presets: which checkpoint plays which role, under which licence, with which settings.

A new model is one card here and, if no adapter of its role fits, one adapter file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fiftyone_avs.errors import ConfigurationError


@dataclass(frozen=True)
class Card:
    """One model in one role.

    Attributes:
        name: how users name the model in overrides and run records.
        role: the role it plays (a key of ``ROLES``).
        adapter: "module:Class" of the adapter, whose ``load(card, models)`` builds it.
        source: a hub id, a folder, a spaCy pipeline name, or "tiny:<folder>" for packaged weights.
        licence: SPDX name or a short description.
        revision: the hub revision to load; None takes the hub's default branch.
        settings: keyword arguments of the adapter (thresholds, beams, steps, ...).
    """

    name: str
    role: str
    adapter: str
    source: str
    licence: str
    revision: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Preset:
    """One model for every role that the preset covers.

    Attributes:
        name: the preset's name.
        summary: a line for people.
        roles: card name by role.
        strategy_options: options of strategies that go with these models, by strategy name.
    """

    name: str
    summary: str
    roles: Mapping[str, str]
    strategy_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


ADAPTERS: dict[str, str] = {
    "audio_classifier": "fiftyone_avs.models.audio_classifier:TransformersAudioClassifier",
    "audio_captioner": "fiftyone_avs.models.audio_captioner:WhisperCaptioner",
    "image_captioner": "fiftyone_avs.models.image_captioner:BlipCaptioner",
    "audio_text_scorer": "fiftyone_avs.models.audio_text:ClapScorer",
    "image_text_scorer": "fiftyone_avs.models.image_text:ClipScorer",
    "noun_extractor": "fiftyone_avs.models.nouns:SpacyNounExtractor",
    "segmenter": "fiftyone_avs.models.segmenter:ClipSegSegmenter",
    "text_inverter": "fiftyone_avs.models.inverter:ClapTextInverter",
}
"""The adapter that loads a model given by a folder or a hub id instead of a card, by role."""


def _card(name: str, role: str, source: str, licence: str, **settings: Any) -> Card:
    return Card(name, role, ADAPTERS[role], source, licence, settings=settings)


_CARDS = [
    # Embedded: trained by `fiftyone-avs train-tiny` on the drawn demo world, and good for nothing else.
    _card("tiny/ast", "audio_classifier", "tiny:ast", "Apache-2.0"),
    _card("tiny/whisper", "audio_captioner", "tiny:whisper", "Apache-2.0"),
    _card("tiny/blip", "image_captioner", "tiny:blip", "Apache-2.0", beams=16),
    _card("tiny/clap", "audio_text_scorer", "tiny:clap", "Apache-2.0"),
    _card("tiny/clip", "image_text_scorer", "tiny:clip", "Apache-2.0"),
    _card("tiny/nouns", "noun_extractor", "tiny:nouns", "Apache-2.0"),
    _card("tiny/clipseg", "segmenter", "tiny:clipseg", "Apache-2.0", threshold=0.5),
    _card("tiny/bridge", "text_inverter", "tiny:bridge", "Apache-2.0", tokens=3, steps=40),
    # Open: downloaded from the hub without a form.
    _card(
        "ast-audioset",
        "audio_classifier",
        "MIT/ast-finetuned-audioset-10-10-0.4593",
        "BSD-3-Clause",
    ),
    _card("blip-base", "image_captioner", "Salesforce/blip-image-captioning-base", "BSD-3-Clause"),
    _card("clap-htsat-unfused", "audio_text_scorer", "laion/clap-htsat-unfused", "Apache-2.0"),
    _card("clip-vit-b16", "image_text_scorer", "openai/clip-vit-base-patch16", "MIT"),
    _card("spacy-sm", "noun_extractor", "en_core_web_sm", "MIT"),
    _card("clipseg-rd64", "segmenter", "CIDAS/clipseg-rd64-refined", "Apache-2.0", threshold=0.5),
]

CARDS: dict[str, Card] = {card.name: card for card in _CARDS}
"""Every known model card by name."""

PRESETS: dict[str, Preset] = {
    "open": Preset(
        "open",
        "models that download from the hub without a form",
        {
            "audio_classifier": "ast-audioset",
            "image_captioner": "blip-base",
            "audio_text_scorer": "clap-htsat-unfused",
            "image_text_scorer": "clip-vit-b16",
            "noun_extractor": "spacy-sm",
            "segmenter": "clipseg-rd64",
        },
    ),
    "tiny": Preset(
        "tiny",
        "embedded models for the drawn demo world only; they know nothing of real pictures and sounds",
        {
            "audio_classifier": "tiny/ast",
            "audio_captioner": "tiny/whisper",
            "image_captioner": "tiny/blip",
            "audio_text_scorer": "tiny/clap",
            "image_text_scorer": "tiny/clip",
            "noun_extractor": "tiny/nouns",
            "segmenter": "tiny/clipseg",
            "text_inverter": "tiny/bridge",
        },
    ),
}
"""Every preset by name; ``open`` is the default."""


def get_preset(name: str) -> Preset:
    """A preset by name.

    Raises:
        ConfigurationError: if there is no such preset.
    """
    if name not in PRESETS:
        raise ConfigurationError(f"unknown preset {name!r}; choose one of {', '.join(PRESETS)}")
    return PRESETS[name]


def register_card(card: Card) -> None:
    """Make a model known by its card's name, for use in ``models={role: name}``.

    Raises:
        ConfigurationError: if the role is unknown or another model has that name.
    """
    if card.role not in ADAPTERS:
        raise ConfigurationError(
            f"card {card.name!r}: unknown role {card.role!r}; roles: {', '.join(ADAPTERS)}"
        )
    if CARDS.get(card.name, card) != card:
        raise ConfigurationError(f"a card named {card.name!r} exists already; choose another name")
    CARDS[card.name] = card
