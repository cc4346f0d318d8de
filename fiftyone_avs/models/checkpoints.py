"""Official weight files: read without running code from them, and fitted to their network strictly."""

from __future__ import annotations

import importlib
import json
import pickle
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

from fiftyone_avs.errors import ModelError
from fiftyone_avs.models.cards import CARDS, Card, Checkpoint

if TYPE_CHECKING:
    from torch import Tensor

    from fiftyone_avs.nets.official import OfficialNetwork

ZIP_MAGIC = b"PK\x03\x04"
NOT_WEIGHTS = {
    b"<": "a web page or XML, not weights: the download gave a page instead of the file",
    b"version https://git-lfs": "a pointer to a large file, not the file: fetch it with git-lfs",
}
"""What people end up with instead of weights, by the first bytes."""

EXTRAS, ALIASES = "extras", "aliases"
"""Entries of a converted file's metadata, both JSON: what was kept besides tensors; names of shared tensors."""

INITIALISERS = {"torch.nn.init", "transformers.initialization"}
"""Where the functions are that draw random weights; transformers puts its own in the place of torch's."""


@dataclass(frozen=True, eq=False)
class OfficialFile:
    """What a checkpoint holds.

    Attributes:
        path: the file.
        state: the state dict under its official keys, without the wrapper's prefix.
        extras: the other entries that the card keeps (a configuration, class names).
    """

    path: Path
    state: Mapping[str, Tensor]
    extras: Mapping[str, Any]


def read_official(card: Card, path: Path) -> OfficialFile:
    """Read an official checkpoint (.pt, .pth, ...) or one converted to .safetensors.

    Pickled files are read with ``weights_only=True`` and in no other way.

    Raises:
        ModelError: if the file is missing, damaged, no checkpoint, holds objects that could run code, or
            lacks the entry with the weights.
    """
    checkpoint = _checkpoint_of(card)
    if not path.is_file():
        _refuse(card, path, "there is no such file")
    with path.open("rb") as file:
        start = file.read(32)
    if not start:
        _refuse(card, path, "the file is empty")
    for magic, what in NOT_WEIGHTS.items():
        if start.lstrip().startswith(magic):
            _refuse(card, path, f"the file is {what}")
    if path.suffix == ".safetensors":
        return _read_safetensors(card, path)
    content = _unpickle(card, path, start)
    state = _strip(_find_state(card, path, content), checkpoint.prefix)
    extras = {name: content[name] for name in checkpoint.kept if name in content}
    missing = [name for name in checkpoint.kept if name not in content]
    if missing:
        _refuse(card, path, f"it has weights, but not the entries {', '.join(missing)} that go with them")
    return OfficialFile(path, state, extras)


def load_official(card: Card, path: Path) -> tuple[OfficialNetwork, Mapping[str, Any]]:
    """Build a card's network and load its checkpoint into it, strictly.

    Returns:
        The network in evaluation mode, float32, without gradients; and the extras of the file.

    Raises:
        ModelError: as `read_official`, or if the weights are not those of the network.
    """
    official = read_official(card, path)
    network = build_network(card, official)
    state = check_fit(card, official, network)
    network.load_state_dict({name: _as_float(tensor) for name, tensor in state.items()}, assign=True)
    return network.eval().requires_grad_(False), official.extras


def build_network(card: Card, official: OfficialFile) -> OfficialNetwork:
    """The card's network as the file's own configuration has it, its parameters not yet set.

    Raises:
        ModelError: if the configuration in the file is not one that the network can have.
    """
    checkpoint = _checkpoint_of(card)
    factory = import_name(checkpoint.network)
    try:
        with skip_initialisation():
            return cast(
                "OfficialNetwork", factory(**{n: official.extras[n] for n in checkpoint.configured_by})
            )
    except (ValueError, KeyError, TypeError) as error:
        _refuse(card, official.path, f"its configuration cannot be used: {error}")


def check_fit(card: Card, official: OfficialFile, network: OfficialNetwork) -> dict[str, Tensor]:
    """The file's weights under the network's own keys.

    Raises:
        ModelError: if a key is missing, unknown (unless the card allows a surplus) or of another shape; names
            the model that does fit.
    """
    state, wanted = network.own_state(official.state), network.state_dict()
    if _checkpoint_of(card).surplus:
        state = {key: tensor for key, tensor in state.items() if key in wanted}
    complaint = misfit(state, wanted)
    if complaint:
        others = [other.name for other in _look_alikes(official) if other.name != card.name]
        hint = f"; these look like the weights of {' or '.join(others)}" if others else ""
        _refuse(card, official.path, f"these are not the weights of this network: {complaint}{hint}")
    return state


def misfit(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> str:
    """What keeps a state dict from loading into a network, in a line; "" if nothing does."""
    missing = [key for key in wanted if key not in state]
    unknown = [key for key in state if key not in wanted]
    reshaped = [
        f"{key} {tuple(state[key].shape)} instead of {tuple(wanted[key].shape)}"
        for key in wanted
        if key in state and state[key].shape != wanted[key].shape
    ]
    parts = [
        f"{len(found)} {what} ({', '.join(found[:3])}{', ...' if len(found) > 3 else ''})"
        for what, found in (
            ("tensors missing", missing),
            ("unknown", unknown),
            ("of another shape", reshaped),
        )
        if found
    ]
    return ", ".join(parts)


@contextmanager
def skip_initialisation() -> Iterator[None]:
    """Let networks be built without drawing random weights that a checkpoint replaces anyway."""
    from torch.overrides import TorchFunctionMode

    class SkipInit(TorchFunctionMode):
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if getattr(function, "__module__", None) in INITIALISERS:
                return (kwargs or {}).get("tensor", args[0] if args else None)
            return function(*args, **(kwargs or {}))

    with SkipInit():
        yield


def import_name(name: str) -> Callable[..., Any]:
    """The object that "module:Class" or "module:Class.attribute" names."""
    module, _, attributes = name.partition(":")
    found: Any = importlib.import_module(module)
    for attribute in attributes.split("."):
        found = getattr(found, attribute)
    return cast("Callable[..., Any]", found)


def _checkpoint_of(card: Card) -> Checkpoint:
    if card.checkpoint is None:
        raise ModelError(
            f"model {card.name!r} has no official checkpoint file; it loads from {card.source!r}"
        )
    return card.checkpoint


def _unpickle(card: Card, path: Path, start: bytes) -> Mapping[str, Any]:
    """The content of a .pt file, tensors mapped from the disk where the format allows it."""
    import torch

    mapped = True if start.startswith(ZIP_MAGIC) else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what torch warns of (a TorchScript archive) is an error here
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError, ValueError, OSError) as error:
        _explain(card, path, error)
    if not isinstance(content, Mapping):
        _refuse(card, path, f"it holds a {type(content).__name__}, not a dictionary of weights")
    return content


def _explain(card: Card, path: Path, error: Exception) -> NoReturn:
    """Say why torch would not read a file, and what to do about it."""
    message = str(error)
    if "TorchScript" in message:
        _refuse(card, path, "it is a TorchScript archive, which is a program; only plain weights are read")
    if "central directory" in message or isinstance(error, EOFError):
        _refuse(card, path, f"the file is truncated or damaged ({path.stat().st_size:,} bytes)")
    if isinstance(error, pickle.UnpicklingError) and "global" in message.lower():
        _refuse(
            card,
            path,
            f"it holds Python objects besides tensors ({_foreign_objects(path, message)}), and reading them"
            " could run code, so it is not read. If you trust where it comes from, open it in an environment"
            " that holds nothing of value, save torch.save({'"
            f"{_checkpoint_of(card).entry}': <its weights alone>}}, ...) and use that file",
        )
    detail = "" if isinstance(error, KeyError) else f" ({' '.join(message.split())[:120]})"
    _refuse(card, path, f"it is not a file of weights that torch wrote{detail}")


def _foreign_objects(path: Path, message: str) -> str:
    """The names of what a pickled file wants to build besides tensors."""
    from torch.serialization import get_unsafe_globals_in_checkpoint

    try:
        return ", ".join(get_unsafe_globals_in_checkpoint(path)[:5])
    except (ValueError, RuntimeError, pickle.UnpicklingError):  # files of the old format cannot be asked
        _, _, rest = message.partition("GLOBAL ")
        return rest.split()[0] if rest else "of unknown kinds"


def _find_state(card: Card, path: Path, content: Mapping[str, Any]) -> Mapping[str, Tensor]:
    """The state dict inside a file, or the file's content if it is one itself."""
    import torch

    entry = _checkpoint_of(card).entry
    state = content.get(entry, content)
    if not isinstance(state, Mapping):
        _refuse(card, path, f"its entry {entry!r} is a {type(state).__name__}, not a state dict")
    tensors = {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}
    if len(tensors) < len(state) or not tensors:
        names = ", ".join(map(str, list(content)[:6])) or "nothing"
        _refuse(card, path, f"it has no state dict under {entry!r}; it holds {names}")
    return tensors


def _strip(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Take the wrapper's prefix off, if all keys have it."""
    if prefix and all(key.startswith(prefix) for key in state):
        return {key.removeprefix(prefix): tensor for key, tensor in state.items()}
    return dict(state)


def _read_safetensors(card: Card, path: Path) -> OfficialFile:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
            notes = file.metadata() or {}
        extras: dict[str, Any] = json.loads(notes.get(EXTRAS, "{}"))
        for name, first in json.loads(notes.get(ALIASES, "{}")).items():
            state[name] = state[first]
    except (SafetensorError, ValueError, KeyError, OSError) as error:
        _refuse(card, path, f"the file is truncated or damaged ({' '.join(str(error).split())[:120]})")
    missing = [name for name in _checkpoint_of(card).kept if name not in extras]
    if missing:
        _refuse(card, path, f"it lacks {', '.join(missing)}; convert the official file with `models convert`")
    return OfficialFile(path, _strip(state, _checkpoint_of(card).prefix), extras)


def _look_alikes(official: OfficialFile) -> list[Card]:
    """Cards whose networks the weights would fit."""
    import torch

    found = []
    for card in CARDS.values():
        if card.checkpoint is None:
            continue
        try:
            with torch.device("meta"), skip_initialisation():
                network = build_network(card, official)
            if not misfit(network.own_state(official.state), network.state_dict()):
                found.append(card)
        except Exception:  # a guess for a message must never hide the message
            continue
    return found


def _as_float(tensor: Tensor) -> Tensor:
    """Half-precision weights in float32; counters and tables as they are."""
    return tensor.float() if tensor.is_floating_point() else tensor


def _refuse(card: Card, path: Path, reason: str) -> NoReturn:
    checkpoint = _checkpoint_of(card)
    where = f", {checkpoint.page}" if checkpoint.page else ""
    raise ModelError(f"{card.name}: {path}: {reason}. Expected: {checkpoint.file}{where}")
