"""What a model card and a preset are, and the register of both. The cards themselves are in ``catalogue``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fiftyone_avs.errors import ConfigurationError


@dataclass(frozen=True)
class Checkpoint:
    """A file of weights as its authors publish it, or as their training code writes it.

    Attributes:
        network: "module:Class" or "module:Class.constructor" of the network that it fills.
        file: its usual name.
        entry: the entry of the file that holds the state dict. A file that is the state dict itself is
            accepted, too.
        prefix: what the authors' training wrapper put before every key.
        configured_by: other entries of the file that the network's constructor takes as keywords.
        kept: all other entries that the adapter needs, ``configured_by`` included.
        surplus: whether the file may hold tensors that the network does not know, because its authors load
            it non-strictly. They are left out; a tensor that is missing is an error all the same.
        page: where it is published; the page of the authors' code where they published none.
        note: what there is to know about getting it.
        sha256: of the published file, where it is known.
        megabytes: size of the published file, where it is much larger than the weights that are kept.
    """

    network: str
    file: str
    entry: str
    prefix: str = ""
    configured_by: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    surplus: bool = False
    page: str = ""
    note: str = ""
    sha256: str | None = None
    megabytes: float | None = None


@dataclass(frozen=True)
class Card:
    """One model in one role.

    Attributes:
        name: how users name the model in overrides and run records.
        role: the role it plays (a key of ``ROLES``).
        adapter: "module:Class" of the adapter, whose ``load(card, models)`` builds it.
        source: a hub id, a folder, a spaCy pipeline name, "tiny:<folder>" for packaged weights, or ""
            for a checkpoint that nothing downloads.
        licence: SPDX name or a short description.
        revision: the hub revision to load; None takes the hub's default branch.
        settings: keyword arguments of the adapter (thresholds, beams, steps, ...).
        preprocessing: constants that belong to the weights (sizes, means, rates, window), also keyword
            arguments of the adapter. Models in the hub's format bring theirs along.
        parts: hub ids or folders of what else the adapter loads, by part (a tokenizer, a second model).
        checkpoint: the official file, for networks in ``fiftyone_avs.nets``.
        parameters: how many millions of parameters are loaded; float32 weights take 4 MB per million.
        alternative: the card to use when the hub refuses this one, which asks for a form first.
        needs: what of the hub's repository it takes to load it: "weights", "preprocessor", "tokenizer"; empty goes
            by the role.
    """

    name: str
    role: str
    adapter: str
    source: str
    licence: str
    revision: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)
    checkpoint: Checkpoint | None = None
    parameters: float | None = None
    alternative: str | None = None
    needs: tuple[str, ...] = ()

    @property
    def options(self) -> dict[str, Any]:
        """Everything that the adapter takes as keyword arguments."""
        return {**self.preprocessing, **self.settings}


@dataclass(frozen=True)
class Preset:
    """One model for every role that the preset covers.

    Attributes:
        name: the preset's name.
        summary: a line for people.
        roles: card name by role.
        strategy_options: options of strategies that go with these models, by strategy name.
        strategy_roles: for some strategies, other cards for some roles, by strategy name.
        missing: for roles that no card of the preset can play as it comes, how users get one, by role.
    """

    name: str
    summary: str
    roles: Mapping[str, str]
    strategy_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    strategy_roles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)

    def cards_for(self, strategy: str | None = None) -> dict[str, Card]:
        """The card of each role, with those that a strategy wants otherwise."""
        names = {**self.roles, **self.strategy_roles.get(strategy or "", {})}
        return {role: CARDS[name] for role, name in names.items()}


ADAPTERS: dict[str, str] = {
    "audio_classifier": "fiftyone_avs.models.audio_classifier:TransformersAudioClassifier",
    "audio_captioner": "fiftyone_avs.models.audio_captioner:WhisperCaptioner",
    "image_captioner": "fiftyone_avs.models.image_captioner:BlipCaptioner",
    "audio_text_scorer": "fiftyone_avs.models.audio_text:ClapScorer",
    "image_text_scorer": "fiftyone_avs.models.image_text:ClipScorer",
    "noun_extractor": "fiftyone_avs.models.nouns:SpacyNounExtractor",
    "segmenter": "fiftyone_avs.models.segmenter:ClipSegSegmenter",
    "text_inverter": "fiftyone_avs.models.inverter:TextInversion",
}
"""The adapter that loads a model given by a folder or a hub id instead of a card, by role."""

CARDS: dict[str, Card] = {}
"""Every known model card by name."""

PRESETS: dict[str, Preset] = {}
"""Every preset by name; ``open`` is the default."""

CHECKPOINT_SUFFIXES = frozenset({".pt", ".pth", ".tar", ".ckpt", ".bin", ".safetensors"})


def get_card(name: str) -> Card:
    """A card by name.

    Raises:
        ConfigurationError: if there is no such card.
    """
    if name not in CARDS:
        raise ConfigurationError(f"unknown model {name!r}; `fiftyone-avs models` lists all of them")
    return CARDS[name]


def get_preset(name: str) -> Preset:
    """A preset by name.

    Raises:
        ConfigurationError: if there is no such preset.
    """
    if not isinstance(name, str) or name not in PRESETS:
        raise ConfigurationError(f"unknown preset {name!r}; choose one of {', '.join(PRESETS)}")
    return PRESETS[name]


def card_for(role: str, name: str) -> Card:
    """The card that a user means by a text.

    Args:
        role: the role that the model is to play.
        name: a card's name; ``<card>:<path>`` for a card with files of the user's own; or the folder or
            hub id of a model that the role's usual adapter can load.

    Raises:
        ConfigurationError: if the role is unknown, the card plays another role, or the text is the path of
            a checkpoint without the card that says what it is.
    """
    if role not in ADAPTERS:
        raise ConfigurationError(f"unknown role {role!r} in models; roles: {', '.join(ADAPTERS)}")
    known, colon, path = name.partition(":")
    if name in CARDS:
        card = CARDS[name]
    elif colon and known in CARDS:
        card = replace(CARDS[known], source=str(Path(path).expanduser()), revision=None)
    elif Path(name).suffix in CHECKPOINT_SUFFIXES:
        fitting = [card.name for card in CARDS.values() if card.role == role and card.checkpoint]
        raise ConfigurationError(
            f"{name!r} is a checkpoint: say which model it is of, as in"
            f" {role}='{fitting[0] if fitting else '<card>'}:{name}' (models: {', '.join(fitting) or 'none'})"
        )
    else:
        card = Card(name, role, ADAPTERS[role], name, "unknown")
    if card.role != role:
        raise ConfigurationError(f"model {name!r} plays the role {card.role!r}, not {role!r}")
    return card


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


def register_preset(preset: Preset) -> None:
    """Make a preset known by its name. Its cards must be registered already."""
    for role, name in preset.roles.items():
        if CARDS[name].role != role:
            raise ConfigurationError(f"preset {preset.name!r}: {name!r} does not play the role {role!r}")
    PRESETS[preset.name] = preset
