"""Models by role: what a preset names is loaded when it is first needed, and only then."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fiftyone_avs.models import catalogue as catalogue  # registers all cards and presets
from fiftyone_avs.models.by_role import Models
from fiftyone_avs.models.cards import (
    CARDS,
    PRESETS,
    Card,
    Checkpoint,
    Preset,
    card_for,
    get_card,
    get_preset,
    register_card,
)
from fiftyone_avs.models.loading import pick_device
from fiftyone_avs.models.roles import ROLES
from fiftyone_avs.models.store import ModelStatus, status_of

__all__ = [
    "CARDS",
    "PRESETS",
    "ROLES",
    "Card",
    "Checkpoint",
    "ModelStatus",
    "Models",
    "Preset",
    "convert_model",
    "list_models",
    "load_models",
    "register_card",
]


def load_models(
    preset: str = "open",
    *,
    strategy: str | None = None,
    overrides: Mapping[str, str] | None = None,
    device: str | None = None,
    precision: str = "float32",
    compile: bool = False,
) -> Models:
    """Models of a preset, each loaded when it is first needed.

    Args:
        preset: "open" (default), "paper", or "tiny" (the embedded demo models, for the demo world only).
        strategy: the name of the strategy that will use them; some want another model in a role.
        overrides: for some roles, another model: the name of a card, ``<card>:<path>`` for a card with
            files of your own, or the folder or hub id of a model that the role's usual adapter loads.
        device: where to run; None takes a CUDA GPU if there is one, else the CPU.
        precision: "float32", "bf16" or "fp16".
        compile: let torch compile the networks that look at pictures; see ``segment``.

    Raises:
        ConfigurationError: if the preset, a role, a device or the precision is unknown, or a card plays
            another role.
    """
    chosen = get_preset(preset)
    cards = chosen.cards_for(strategy)
    cards |= {role: card_for(role, name) for role, name in (overrides or {}).items()}
    return Models(
        cards,
        device=pick_device(device),
        compile=compile,
        preset=preset,
        precision=precision,
        strategy_options=chosen.strategy_options,
        missing=chosen.missing,
    )


def list_models(preset: str | None = None) -> list[ModelStatus]:
    """Every known model with what of it is on this machine. Nothing is loaded or downloaded.

    Args:
        preset: only the models of this preset, those that single strategies want otherwise included.

    Raises:
        ConfigurationError: if the preset is unknown.
    """
    if preset is None:
        return [status_of(card) for card in CARDS.values()]
    chosen = get_preset(preset)
    names = [*chosen.roles.values(), *(n for roles in chosen.strategy_roles.values() for n in roles.values())]
    return [status_of(CARDS[name]) for name in dict.fromkeys(names)]


def convert_model(name: str, path: str | Path, *, out: str | Path | None = None) -> Path:
    """Convert an official checkpoint once into safetensors, where presets then find it.

    Args:
        name: the card of the model, such as "asda" or "beats-as2m".
        path: the official file (.pt, .pth, .tar). It is read with ``weights_only=True``.
        out: the folder to write to; None takes ``<models folder>/<name>``.

    Returns:
        The folder with ``model.safetensors`` and ``card.json``.

    Raises:
        ConfigurationError: if there is no such model, or it has no official checkpoint.
        ModelError: if the file cannot be read safely, is damaged or not of this model.
    """
    from fiftyone_avs.models.convert import convert_checkpoint

    return convert_checkpoint(get_card(name), path, out)
