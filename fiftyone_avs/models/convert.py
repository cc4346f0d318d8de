"""Convert an official checkpoint once into safetensors, where presets then find it."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fiftyone_avs.errors import ConfigurationError, ModelError
from fiftyone_avs.models.cards import Card
from fiftyone_avs.models.checkpoints import (
    ALIASES,
    EXTRAS,
    OfficialFile,
    build_network,
    check_fit,
    read_official,
)
from fiftyone_avs.models.store import CONVERTED, models_home

if TYPE_CHECKING:
    from torch import Tensor

RECORD = "card.json"


def convert_checkpoint(card: Card, path: str | Path, out: str | Path | None = None) -> Path:
    """Write an official checkpoint as safetensors, with a JSON record of where it came from.

    The file keeps the official keys, without the training wrapper's prefix, and the entries that the
    adapter needs. It is checked against the network first, so what is written is known to load.

    Args:
        card: the card of a network with an official checkpoint.
        path: the official file.
        out: the folder to write to; None takes the card's own, where presets look.

    Returns:
        The folder that holds ``model.safetensors`` and ``card.json``.

    Raises:
        ConfigurationError: if the card has no official checkpoint.
        ModelError: if the file cannot be read safely or is not of this network, or the folder cannot be
            written. Nothing is left behind then.
    """
    if card.checkpoint is None:
        raise ConfigurationError(
            f"model {card.name!r} needs no conversion: it loads from {card.source or 'the package'!r} as it is"
        )
    source = Path(path).expanduser()
    official = read_official(card, source)
    check_fit(card, official, build_network(card, official))
    digest = file_digest(source)
    if card.checkpoint.sha256 not in (None, digest):
        warnings.warn(
            f"{card.name}: {source.name} fits the network, but is not the published file, or is it in another"
            f" form: its SHA-256 is {digest}",
            stacklevel=3,
        )
    folder = Path(out).expanduser() if out is not None else models_home() / card.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder, card, official, digest)
    except OSError as error:
        raise ModelError(f"cannot write to {folder}: {error}; choose another folder with --out") from error
    return folder


def file_digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(folder: Path, card: Card, official: OfficialFile, digest: str) -> None:
    """Write both files under other names first, so that a stopped conversion leaves none of them."""
    from safetensors.torch import save_file

    from fiftyone_avs._version import __version__

    state, aliases = _without_aliases(official.state)
    notes = {EXTRAS: json.dumps(official.extras), ALIASES: json.dumps(aliases)}
    weights, record = folder / f"{CONVERTED}.part", folder / f"{RECORD}.part"
    try:
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, weights, notes)
        record.write_text(json.dumps(_record(card, official.path, digest, __version__), indent=2) + "\n")
        record.replace(folder / RECORD)
        weights.replace(folder / CONVERTED)
    finally:
        weights.unlink(missing_ok=True)
        record.unlink(missing_ok=True)


def _record(card: Card, path: Path, digest: str, version: str) -> dict[str, Any]:
    return {
        "card": card.name,
        "role": card.role,
        "licence": card.licence,
        "converted_from": path.name,
        "sha256": digest,
        "published_sha256": None if card.checkpoint is None else card.checkpoint.sha256,
        "package_version": version,
    }


def _without_aliases(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors that share memory are written once; the other names point to the first one."""
    kept: dict[str, Tensor] = {}
    aliases: dict[str, str] = {}
    first: dict[tuple[int, tuple[int, ...], tuple[int, ...]], str] = {}
    for name, tensor in state.items():
        place = (tensor.data_ptr(), tuple(tensor.shape), tensor.stride())
        if tensor.numel() and place in first:
            aliases[name] = first[place]
        else:
            first[place] = name
            kept[name] = tensor
    return kept, aliases
