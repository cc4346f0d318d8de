"""How checkpoints are found and loaded: packaged folders, local folders and the hub, all the same way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fiftyone_avs.errors import ConfigurationError, ModelError
from fiftyone_avs.models.cards import Card

TINY = "tiny:"
TINY_WEIGHTS = Path(__file__).parent.parent / "tiny" / "weights"


def pick_device(device: str | None) -> str:
    """The device asked for, or the best one there is.

    Raises:
        ConfigurationError: if the device is unknown or not there.
    """
    import torch

    if device is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(device).type
    except RuntimeError as error:
        raise ConfigurationError(
            f"unknown device {device!r}: use 'cpu', 'cuda' or 'cuda:<number>'"
        ) from error
    if kind == "cuda" and not torch.cuda.is_available():
        raise ConfigurationError(
            f"device {device!r} was asked for, but torch sees no CUDA GPU here; use 'cpu'"
        )
    return device


def source_of(card: Card) -> str:
    """Where a card's files are: a folder for packaged weights, else the folder or hub id it names."""
    if card.source.startswith(TINY):
        return str(TINY_WEIGHTS / card.source.removeprefix(TINY))
    return card.source


def load_pretrained(kind: Any, card: Card, **options: Any) -> Any:
    """``kind.from_pretrained`` for a card.

    transformers takes safetensors where they are, else a ``.bin`` file, which it reads with
    ``weights_only=True``. Code that comes with a checkpoint is never run.

    Raises:
        ModelError: if the files are missing or do not fit, with what to do about it.
    """
    source = source_of(card)
    if card.revision is not None and not Path(source).is_dir():
        options["revision"] = card.revision
    try:
        with _no_bar_for_folders(source):
            return kind.from_pretrained(source, **options)
    except (OSError, ValueError, RuntimeError, ImportError, KeyError) as error:
        raise ModelError(
            f"cannot load {card.name!r} for the role {card.role!r} from {card.source!r}:"
            f" {' '.join(str(error).split())[:400]}. Check the name; without a network, put the files into the"
            f" hub's cache or give a folder with models={{{card.role!r}: <folder>}}"
        ) from error


@contextmanager
def _no_bar_for_folders(source: str) -> Iterator[None]:
    """Downloads show a progress bar; reading a local folder takes no time worth one."""
    from transformers.utils import logging

    if not Path(source).is_dir() or not logging.is_progress_bar_enabled():
        yield
        return
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.enable_progress_bar()


def load_network(kind: Any, card: Card, device: str) -> Any:
    """A network in float32, in evaluation mode, without gradients, on a device."""
    import torch

    network = load_pretrained(kind, card, dtype=torch.float32)
    return network.eval().requires_grad_(False).to(device)


def load_tokenizer(card: Card) -> Any:
    """The tokenizer of a card.

    transformers builds a five-word tokenizer, without a word of warning, when a folder lacks the
    tokenizer's files. Such a vocabulary is refused here.

    Raises:
        ModelError: if the tokenizer's files are missing.
    """
    from transformers import AutoTokenizer

    tokenizer = load_pretrained(AutoTokenizer, card)
    if len(tokenizer) < 16:
        raise ModelError(f"{card.source!r} has no tokenizer files (vocabulary of {len(tokenizer)}); add them")
    return tokenizer


def provenance(card: Card) -> dict[str, Any]:
    """What a run record says of a model, so that its results can be traced and compared."""
    return {
        "card": card.name,
        "source": card.source,
        "revision": card.revision or _digest(Path(source_of(card))) or "default",
        "licence": card.licence,
        "settings": dict(card.settings),
    }


def _digest(folder: Path) -> str | None:
    """A fingerprint of a local folder's weights, or None if there are none."""
    if not folder.is_dir():
        return None
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(str(path.relative_to(folder)).encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return f"sha256:{digest.hexdigest()[:16]}"
