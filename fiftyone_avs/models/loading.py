"""How models are brought up: transformers' own format, tokenizers, devices, and what records say of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fiftyone_avs.engine import free_memory, is_out_of_memory, release_memory
from fiftyone_avs.errors import ConfigurationError, ModelError
from fiftyone_avs.models.cards import Card
from fiftyone_avs.models.checkpoints import load_official
from fiftyone_avs.models.store import (
    find_checkpoint,
    folder_of,
    hub_revision,
    part_of,
    source_of,
    spacy_version,
)
from fiftyone_avs.models.transfer import size_in_words

if TYPE_CHECKING:
    import torch

PRECISIONS = {"float32": "float32", "bf16": "bfloat16", "fp16": "float16"}
"""How users name a precision, and torch's name for it."""

ACCELERATORS = {"cuda": "CUDA GPU", "mps": "Apple GPU", "xpu": "Intel GPU"}
"""Devices besides the CPU, and what torch has to see for them."""


def pick_device(device: str | None) -> str:
    """The device asked for, or the best one there is.

    Raises:
        ConfigurationError: if the device is unknown or not there.
    """
    import torch

    if device is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        asked = torch.device(device)
    except RuntimeError:
        asked = None
    if asked is None or asked.type not in ("cpu", *ACCELERATORS):
        raise ConfigurationError(
            f"unknown device {device!r}: use 'cpu', 'cuda' or 'cuda:<number>' (or 'mps', 'xpu')"
        )
    count = 1 if asked.type == "cpu" else _count(asked.type)
    if count == 0:
        raise ConfigurationError(
            f"device {device!r} was asked for, but torch sees no {ACCELERATORS[asked.type]} here; use 'cpu'"
        )
    if (asked.index or 0) >= count:
        there = ", ".join(repr(asked.type if count == 1 else f"{asked.type}:{i}") for i in range(count))
        raise ConfigurationError(f"there is no device {device!r} here: use {there}, or 'cpu'")
    return device


def _count(kind: str) -> int:
    """How many accelerators of a kind torch sees."""
    import torch

    if kind == "mps":
        return int(torch.backends.mps.is_available())
    module = torch.cuda if kind == "cuda" else torch.xpu
    return module.device_count() if module.is_available() else 0


def load_pretrained(kind: Any, card: Card, *, part: str | None = None, **options: Any) -> Any:
    """``kind.from_pretrained`` for a card or one of its parts.

    transformers takes safetensors where they are, else a ``.bin`` file, which it reads with
    ``weights_only=True``. Code that comes with a checkpoint is never run.

    Raises:
        ModelError: if the files are missing or do not fit, or the hub refuses them, with what to do.
    """
    wanted = card if part is None else part_of(card, part)
    what = card.name if part is None else f"{card.name}, {part}"
    try:
        folder = folder_of(wanted)
    except ModelError as error:
        raise_if_gated(error, [card])
        raise ModelError(
            f"cannot load {what!r} for the role {card.role!r}: {error} (models={{{card.role!r}: <folder>}})"
        ) from error
    try:
        with _no_bar():
            return kind.from_pretrained(str(folder), **options)
    except (OSError, ValueError, RuntimeError, ImportError, KeyError) as error:
        if is_out_of_memory(error):
            raise
        reason = " ".join(str(error).split())[:400].rstrip(".")
        raise ModelError(
            f"cannot load {what!r} for the role {card.role!r} from {wanted.source!r}: {reason}. Check the files in"
            f" {folder}, or give a folder of your own with models={{{card.role!r}: <folder>}}"
        ) from error


def raise_if_gated(error: ModelError, cards: Sequence[Card]) -> None:
    """Raise a ModelError that names the ungated model if one of these could not be had whose authors ask for a form."""
    for card in cards:
        if card.alternative and repr(card.source) in str(error):
            raise ModelError(
                f"{error}. {card.name}: its authors ask for a form first. Fill it in on the page of {card.source!r} and"
                f" log in (`hf auth login`), or use the ungated {card.role}={card.alternative!r}"
            ) from error


@contextmanager
def _no_bar() -> Iterator[None]:
    """Reading a local folder takes no time worth a progress bar."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def load_network(kind: Any, card: Card, device: str, *, part: str | None = None) -> Any:
    """A network of transformers in float32, in evaluation mode, without gradients, on a device.

    ``from_pretrained`` fills what a checkpoint lacks with random numbers and only logs it, so that the folder
    of another architecture may load, and then sees or hears nothing. Such a checkpoint is refused here.

    Raises:
        ModelError: if it cannot be loaded, is another architecture's, or lacks some of its weights.
    """
    import torch

    source = card.source if part is None else part_of(card, part).source
    _check_type(kind, card, part, source)
    network, report = load_pretrained(kind, card, part=part, dtype=torch.float32, output_loading_info=True)
    # Buffers do not count: older checkpoints lack some that the network computes itself.
    parameters = {name for name, _ in network.named_parameters()}
    missing = sorted(parameters.intersection(report["missing_keys"]))
    if missing:
        raise ModelError(
            f"{source!r} lacks {len(missing)} weights of a {type(network).__name__}, such as {missing[0]!r}; get"
            " its files again"
        )
    return move(network.eval().requires_grad_(False), device, card)


def move(network: Any, device: str, card: Card) -> Any:
    """A network on a device.

    Raises:
        ModelError: if the device has no room for its weights.
    """
    try:
        return network.to(device)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        size = sum(tensor.nbytes for tensor in network.state_dict().values())
        release_memory()
        raise ModelError(no_room(f"{card.name} on {device!r}", size, None)) from error


def no_room(what: str, size: float, free: float | None) -> str:
    """What to say where there is no memory for weights."""
    left = "" if free is None else f", and {size_in_words(free)} are free"
    return (
        f"no memory for {what}: its weights take {size_in_words(size)}{left}. End what else runs there, use another"
        " device (device='cpu', a larger GPU), or smaller models, such as segmenter='clipseg-rd64'"
    )


def free_on(device: str) -> int | None:
    """Bytes of memory that are free on a device, or None where that is not known."""
    import torch

    if device == "cpu":
        return free_memory()
    return int(torch.cuda.mem_get_info(device)[0]) if device.startswith("cuda") else None


def to_device(values: torch.Tensor, device: torch.device | str) -> torch.Tensor:
    """Media on the device of a network; a GPU fetches them from pinned memory while this process goes on."""
    if values.device.type == "cpu" and str(device).startswith("cuda"):
        return values.pin_memory().to(device, non_blocking=True)
    return values.to(device)


def _check_type(kind: Any, card: Card, part: str | None, source: str) -> None:
    """Raise ModelError unless a folder or hub model is of the type that a class of transformers loads."""
    from transformers import AutoConfig

    config = getattr(kind, "config_class", None)
    if config is None:  # an Auto class, which takes several types and refuses the others itself
        return
    found, wanted = load_pretrained(AutoConfig, card, part=part).model_type, config.model_type
    # A part of a model can be loaded from the whole, and SAM is published together with its tracker for videos.
    if found not in (wanted, f"{wanted}_video", wanted.removesuffix("_audio_model")):
        raise ModelError(f"{source!r} holds a model of type {found!r}; what is needed is of type {wanted!r}")


def load_checkpoint(card: Card, device: str) -> tuple[Any, Mapping[str, Any]]:
    """The network of a card's official checkpoint on a device, and the file's other entries.

    The network is in its form for inference (`fiftyone_avs.nets.inference`).

    Raises:
        ModelError: if the file is missing, cannot be read safely or is not of this network.
    """
    from fiftyone_avs.nets.inference import for_inference

    network, extras = load_official(card, find_checkpoint(card))
    return for_inference(move(network, device, card)), extras


def load_tokenizer(card: Card, *, part: str | None = None) -> Any:
    """The tokenizer of a card or of one of its parts.

    transformers builds a five-word tokenizer, without a word of warning, when a folder lacks the
    tokenizer's files. Such a vocabulary is refused here.

    Raises:
        ModelError: if the tokenizer's files are missing.
    """
    from transformers import AutoTokenizer

    tokenizer = load_pretrained(AutoTokenizer, card, part=part)
    if len(tokenizer) < 16:
        source = card.source if part is None else part_of(card, part).source
        raise ModelError(f"{source!r} has no tokenizer files (vocabulary of {len(tokenizer)}); add them")
    return tokenizer


def provenance(card: Card) -> dict[str, Any]:
    """What a run record says of a model, so that its results can be traced and compared."""
    record = {
        "card": card.name,
        "source": card.source,
        "revision": _fingerprint(card) or card.revision or "default",
        "licence": card.licence,
        "settings": card.options,
    }
    if card.parts:
        parts = {part: part_of(card, part) for part in card.parts}
        record["parts"] = {part: own.source for part, own in parts.items()}
        record["part_revisions"] = {part: _fingerprint(own) or "default" for part, own in parts.items()}
    return record


def _fingerprint(card: Card) -> str | None:
    """What identifies a card's weights: a digest of local files, the commit of a hub model, or None."""
    if card.checkpoint is not None:
        return _digest(find_checkpoint(card))
    path = Path(source_of(card))
    if card.role == "noun_extractor" and not path.exists():
        return spacy_version(card.source)
    return _digest(path) if card.source and path.exists() else hub_revision(card)


def _digest(path: Path) -> str:
    """A fingerprint of a file, or of a folder with the names in it."""
    digest = hashlib.sha256()
    root, files = (path, path.rglob("*")) if path.is_dir() else (path.parent, iter([path]))
    for file_path in sorted(found for found in files if found.is_file()):
        digest.update(str(file_path.relative_to(root)).encode())
        facts = file_path.stat()
        digest.update(_sha256(file_path, facts.st_size, facts.st_mtime_ns))
    return f"sha256:{digest.hexdigest()[:16]}"


@lru_cache(maxsize=1024)
def _sha256(path: Path, size: int, changed: int) -> bytes:
    """The digest of a file's content; files of several GB are read once as long as they stay the same."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
