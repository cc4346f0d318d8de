"""Where the files of models are: packaged, given by a path, converted before, or in the hub's cache."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from fiftyone_avs.errors import ModelError
from fiftyone_avs.models.cards import CHECKPOINT_SUFFIXES, Card

TINY = "tiny:"
TINY_WEIGHTS = Path(__file__).parent.parent / "tiny" / "weights"

HOME_VARIABLE = "FIFTYONE_AVS_MODELS"
CONVERTED = "model.safetensors"
HUB_WEIGHTS = (CONVERTED, f"{CONVERTED}.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")


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
    return replace(card, source=str(own or card.parts[part]), revision=None, parts={}, checkpoint=None)


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
    if card.source:
        return _from_hub(card, card.checkpoint.file, download)
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
    if card.role == "noun_extractor":
        return f"python -m spacy download {card.source}"
    if card.alternative:
        return f"hf download {card.source}, after filling in the form there and `hf auth login`"
    note = f" ({checkpoint.note})" if checkpoint is not None and checkpoint.note else ""
    if card.source:
        name = f" {checkpoint.file}" if checkpoint is not None else ""
        return f"{AUTOMATIC}, or now: hf download {card.source}{name}{note}"
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
    found = _in_cache(card.source, "config.json", card.revision)
    return None if found is None else Path(found).parent.name


def _on_disk(card: Card) -> str:
    """Where a card's own files are on this machine, or ""."""
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
        spec = importlib.util.find_spec(source) if source.isidentifier() else None
        return "" if spec is None or spec.origin is None else str(Path(spec.origin).parent)
    names = (*HUB_WEIGHTS, "tokenizer.json", "vocab.json", "vocab.txt")  # a part may be a tokenizer alone
    found = (_in_cache(source, name, card.revision) for name in names)
    return next((str(Path(path).parent) for path in found if path is not None), "")


def _in_cache(source: str, name: str, revision: str | None) -> str | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(source, name, revision=revision)
    except HFValidationError:  # not a hub id
        return None
    return found if isinstance(found, str) else None


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


def _from_hub(card: Card, name: str, download: bool) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    cached = _in_cache(card.source, name, card.revision)
    if cached is not None:
        return Path(cached)
    if not download:
        raise ModelError(f"{card.name}: {name} is not in the hub's cache: {how_to_get(card)}")
    try:
        return Path(hf_hub_download(card.source, name, revision=card.revision))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise ModelError(
            f"{card.name}: cannot get {name} from the hub's {card.source!r}"
            f" ({' '.join(str(error).split())[:200]}). Without a network, bring the file here and name it:"
            f" {card.role}='{card.name}:<file>'"
        ) from error
