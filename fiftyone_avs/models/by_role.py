"""Models by role, each loaded when it is first needed."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

from fiftyone_avs.engine import BatchSizes, reused_memory, sizes_for
from fiftyone_avs.errors import ConfigurationError, ModelError
from fiftyone_avs.models.cards import Card
from fiftyone_avs.models.compiling import compile_parts
from fiftyone_avs.models.fetching import ask, bring
from fiftyone_avs.models.loading import PRECISIONS, free_on, no_room, provenance, raise_if_gated
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
from fiftyone_avs.models.store import repositories_of, repository_of, why_absent

SMALL = 5.0
"""Millions of parameters up to which a model's matrices are too small for several threads."""


LARGE = 50.0
"""Millions of parameters from which on what passes through a network fills memory, too."""

WEIGHT_BYTES = 4e6
"""Bytes of a million parameters in float32."""


class Models:
    """Models by role, loaded when first asked for.

    Args:
        cards: the card of each role that can be played.
        device: "cpu", "cuda", "cuda:0", ...
        preset: the preset's name, for records and messages.
        precision: "float32", or "bf16" or "fp16" to compute in half precision where that is safe.
        compile: let torch compile the networks that look at pictures; see ``segment``.
        strategy_options: options of strategies that go with these models, by strategy name.
        missing: how users get a model for a role that has no card, by role.
    """

    def __init__(
        self,
        cards: Mapping[str, Card],
        *,
        device: str = "cpu",
        preset: str = "custom",
        precision: str = "float32",
        compile: bool = False,
        strategy_options: Mapping[str, Mapping[str, Any]] | None = None,
        missing: Mapping[str, str] | None = None,
    ) -> None:
        if precision not in PRECISIONS:
            raise ConfigurationError(
                f"unknown precision {precision!r}; choose one of {', '.join(PRECISIONS)}"
            )
        self.cards = dict(cards)
        self.device = device
        self.preset = preset
        self.precision = precision
        self.compile = compile
        self.strategy_options = dict(strategy_options or {})
        self._missing = dict(missing or {})
        large = any(card.parameters is None or card.parameters > LARGE for card in self.cards.values())
        self.batch_sizes: BatchSizes = sizes_for(device, large=large)
        self._loaded: dict[str, object] = {}
        self._shared: list[tuple[Card, object]] = []
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
            ConfigurationError: if it is to be compiled, and torch cannot do that here.
        """
        if role not in self._loaded:
            card = self._card(role)
            # An inverter is made for the segmenter beside it, so its card does not say all about it.
            known = () if role == "text_inverter" else self._shared
            found = next((model for other, model in known if other == card), None)
            self._loaded[role] = self._load(card) if found is None else found
        return self._loaded[role]

    def _load(self, card: Card) -> object:
        """Import the card's adapter and let it load the model."""
        module, _, name = card.adapter.partition(":")
        model: object = getattr(importlib.import_module(module), name).load(card, self)
        if not isinstance(model, ROLES[card.role]):
            raise ModelError(f"{card.adapter} does not play the role {card.role!r}")
        if self.compile:
            compile_parts(model, self.device)
        self._shared.append((card, model))
        return model

    def share_with(self, other: Models) -> None:
        """Load a card once for both from now on: what either loads is there for the other, too.

        Args:
            other: models on the same device.
        """
        if other._shared is not self._shared:
            other._shared += self._shared
            self._shared = other._shared

    @property
    def loaded(self) -> tuple[str, ...]:
        """The roles whose models are in memory now."""
        return tuple(self._loaded)

    def require(self, roles: Sequence[str]) -> None:
        """Load the models of several roles now, so that a missing one is found before work begins.

        What is not in the hub's cache is downloaded first, all of it together, after saying what and how much.

        Raises:
            ModelError: as ``prepare``, or if a model cannot be loaded.
        """
        prepare([(self, roles)])
        for role in roles:
            self.role(role)

    def waiting(self, roles: Sequence[str]) -> list[Card]:
        """The cards of roles whose models are still to be loaded."""
        known = [card for card, _ in self._shared]
        return [
            card for role in roles if role not in self._loaded and (card := self._card(role)) not in known
        ]

    def check(self, roles: Sequence[str]) -> None:
        """Look for what users have to get themselves, without loading anything.

        Raises:
            ModelError: if a role has no model, or checkpoints are not on this machine: all of them are named.
        """
        waiting = [self._card(role) for role in roles if role not in self._loaded]
        absent = [reason for card in waiting if (reason := why_absent(card))]
        if absent:
            raise ModelError("\n".join(absent))

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
        replaced = self._loaded.get(role)
        self._shared[:] = [(card, other) for card, other in self._shared if other is not replaced]
        self.cards[role] = Card(name, role, "", name, "unknown")
        self._loaded[role] = model
        self._provenance.pop(role, None)

    def describe(self, roles: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Which model plays each role: card, source, revision, licence and settings, for run records."""
        for role in roles:
            if role not in self._provenance:
                self._provenance[role] = provenance(self._card(role))
        return {role: self._provenance[role] for role in roles}

    @contextmanager
    def computing(self) -> Iterator[None]:
        """A context in which models compute in the chosen precision. Weights stay float32."""
        with self._threads(), reused_memory(self.device):
            if self.precision == "float32":
                yield
                return
            import torch

            with torch.autocast(torch.device(self.device).type, getattr(torch, PRECISIONS[self.precision])):
                yield

    @contextmanager
    def _threads(self) -> Iterator[None]:
        """One thread for models so small that threads would wait for one another; torch's own number for others."""
        loaded = [*(self.cards[role] for role in self._loaded), *(card for card, _ in self._shared)]
        sizes = [card.parameters for card in loaded]
        if self.device != "cpu" or not sizes or any(size is None or size > SMALL for size in sizes):
            yield
            return
        import torch

        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)

    def _card(self, role: str) -> Card:
        if role not in ROLES:
            raise ConfigurationError(f"unknown role {role!r}; roles: {', '.join(ROLES)}")
        if role not in self.cards:
            remedy = self._missing.get(
                role,
                "choose another strategy or preset, or name a model with"
                f" models={{{role!r}: <card, folder or hub id>}}",
            )
            raise ModelError(f"preset {self.preset!r} has no model for the role {role!r}: {remedy}")
        return self.cards[role]


def prepare(needs: Sequence[tuple[Models, Sequence[str]]]) -> None:
    """Have all that the models of roles are loaded from on this machine, so that loading them is all that is left.

    Args:
        needs: models with the roles that are needed of them, on one device. All is downloaded together.

    Raises:
        ModelError: if a role has no model, there is no room for downloads on the disk or for weights in memory.
            Checkpoints that users have to get themselves are looked for first, as ``Models.check`` does.
    """
    for models, roles in needs:
        models.check(roles)
    waiting: list[Card] = []
    for models, roles in needs:
        waiting += [card for card in models.waiting(roles) if card not in waiting]
    # A file of one's own is looked at before the tokenizer that goes with it is fetched: it may be the wrong one.
    fetched = [card for card in waiting if repository_of(card) is not None]
    try:
        bring(ask([repository for card in fetched for repository in repositories_of(card)]))
    except ModelError as error:
        raise_if_gated(error, fetched)
        raise
    for device in {models.device for models, _ in needs}:
        _check_memory(waiting, device)


def _check_memory(waiting: Sequence[Card], device: str) -> None:
    """Raise ModelError if weights of so many parameters cannot fit: a CPU's process would be killed."""
    free = free_on(device)
    size = sum(WEIGHT_BYTES * (card.parameters or 0) for card in waiting)
    if free is not None and size > free:
        names = ", ".join(card.name for card in waiting)
        raise ModelError(no_room(f"{names} on {device!r}", size, free))
