"""Models by role: what a preset names is loaded when it is first needed, and only then."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

from fiftyone_avs.errors import ConfigurationError, ModelError
from fiftyone_avs.models.cards import ADAPTERS, CARDS, PRESETS, Card, Preset, get_preset, register_card
from fiftyone_avs.models.loading import pick_device, provenance
from fiftyone_avs.models.roles import (
    ROLES,
    AudioCaptioner,
    AudioClassifier,
    AudioTextScorer,
    ImageCaptioner,
    ImageTextScorer,
    NounExtractor,
    Segmenter,
    TextInverter,
)

__all__ = [
    "CARDS",
    "PRESETS",
    "ROLES",
    "Card",
    "Models",
    "Preset",
    "load_models",
    "register_card",
]


class Models:
    """Models by role, loaded when first asked for.

    Args:
        cards: the card of each role that can be played.
        device: "cpu", "cuda", "cuda:0", ...
        preset: the preset's name, for records and messages.
        strategy_options: options of strategies that go with these models, by strategy name.
    """

    def __init__(
        self,
        cards: Mapping[str, Card],
        *,
        device: str = "cpu",
        preset: str = "custom",
        strategy_options: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.cards = dict(cards)
        self.device = device
        self.preset = preset
        self.strategy_options = dict(strategy_options or {})
        self._loaded: dict[str, object] = {}
        self._provenance: dict[str, dict[str, Any]] = {}

    @property
    def audio_classifier(self) -> AudioClassifier:
        """The model that names sounds."""
        return cast(AudioClassifier, self.role("audio_classifier"))

    @property
    def audio_captioner(self) -> AudioCaptioner:
        """The model that describes sounds."""
        return cast(AudioCaptioner, self.role("audio_captioner"))

    @property
    def image_captioner(self) -> ImageCaptioner:
        """The model that describes pictures."""
        return cast(ImageCaptioner, self.role("image_captioner"))

    @property
    def audio_text_scorer(self) -> AudioTextScorer:
        """The model that compares sounds with texts."""
        return cast(AudioTextScorer, self.role("audio_text_scorer"))

    @property
    def image_text_scorer(self) -> ImageTextScorer:
        """The model that compares pictures with texts."""
        return cast(ImageTextScorer, self.role("image_text_scorer"))

    @property
    def noun_extractor(self) -> NounExtractor:
        """The model that finds noun phrases."""
        return cast(NounExtractor, self.role("noun_extractor"))

    @property
    def segmenter(self) -> Segmenter:
        """The referring image segmentation model."""
        return cast(Segmenter, self.role("segmenter"))

    @property
    def text_inverter(self) -> TextInverter:
        """The model that turns sounds into token embeddings."""
        return cast(TextInverter, self.role("text_inverter"))

    def role(self, role: str) -> object:
        """The model that plays a role, loading it at the first call.

        Raises:
            ModelError: if no model plays the role, or it cannot be loaded.
        """
        if role not in self._loaded:
            model = _load(self._card(role), self)
            if not isinstance(model, ROLES[role]):
                raise ModelError(f"{self._card(role).adapter} does not play the role {role!r}")
            self._loaded[role] = model
        return self._loaded[role]

    def require(self, roles: Sequence[str]) -> None:
        """Load the models of several roles now, so that a missing one is found before work begins."""
        for role in roles:
            self.role(role)

    def use(self, role: str, model: object) -> None:
        """Let an object of your own play a role.

        Raises:
            ConfigurationError: if the role is unknown or the object lacks the role's methods.
        """
        if role not in ROLES:
            raise ConfigurationError(f"unknown role {role!r}; roles: {', '.join(ROLES)}")
        if not isinstance(model, ROLES[role]):
            raise ConfigurationError(
                f"{type(model).__name__} does not play the role {role!r}: see {ROLES[role]}"
            )
        name = f"{type(model).__module__}.{type(model).__qualname__}"
        self.cards[role] = Card(name, role, "", name, "unknown")
        self._loaded[role] = model
        self._provenance.pop(role, None)

    def describe(self, roles: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Which model plays each role: card, source, revision, licence and settings, for run records."""
        for role in roles:
            if role not in self._provenance:
                self._provenance[role] = provenance(self._card(role))
        return {role: self._provenance[role] for role in roles}

    def _card(self, role: str) -> Card:
        if role not in ROLES:
            raise ConfigurationError(f"unknown role {role!r}; roles: {', '.join(ROLES)}")
        if role not in self.cards:
            raise ModelError(
                f"preset {self.preset!r} has no model for the role {role!r}: choose another strategy or preset,"
                f" or name a model with models={{{role!r}: <card, folder or hub id>}}"
            )
        return self.cards[role]


def load_models(
    preset: str = "open", *, overrides: Mapping[str, str] | None = None, device: str | None = None
) -> Models:
    """Models of a preset, each loaded when it is first needed.

    Args:
        preset: "open" (default) or "tiny" (the embedded demo models, for the demo world only).
        overrides: for some roles, the name of another card, a folder, or a hub id to use instead.
        device: where to run; None takes a CUDA GPU if there is one, else the CPU.

    Raises:
        ConfigurationError: if the preset, a role or a device is unknown, or a card plays another role.
    """
    chosen = get_preset(preset)
    cards = {role: CARDS[name] for role, name in chosen.roles.items()}
    for role, name in (overrides or {}).items():
        if role not in ROLES:
            raise ConfigurationError(f"unknown role {role!r} in models; roles: {', '.join(ROLES)}")
        card = CARDS.get(name) or Card(name, role, ADAPTERS[role], name, "unknown")
        if card.role != role:
            raise ConfigurationError(f"model {name!r} plays the role {card.role!r}, not {role!r}")
        cards[role] = card
    return Models(cards, device=pick_device(device), preset=preset, strategy_options=chosen.strategy_options)


def _load(card: Card, models: Models) -> object:
    """Import the card's adapter and let it load the model."""
    module, _, name = card.adapter.partition(":")
    adapter = getattr(importlib.import_module(module), name)
    return adapter.load(card, models)
