"""``fiftyone-avs models``: what there is, what of it is on this machine, and how to get the rest."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from fiftyone_avs.cli.common import command
from fiftyone_avs.models.cards import PRESETS, Card, get_card
from fiftyone_avs.models.store import HOME_VARIABLE, ModelStatus, how_to_get, models_home

MODELS = f"""\
List every model by role: licence, size, whether its files are on this machine and, if not, how to get
them. Nothing is loaded or downloaded.

`models show NAME` prints a model's card. `models convert NAME FILE` reads an official checkpoint (.pt,
.pth, .tar) safely, checks that it is what it should be, and writes it once as safetensors to the folder
where presets look: {HOME_VARIABLE}, or ~/.cache/fiftyone-avs/models.

examples:
  fiftyone-avs models
  fiftyone-avs models --preset paper
  fiftyone-avs models show asda
  fiftyone-avs models convert etris-r101 ~/Downloads/best_model.pth
"""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this module's command to the command line."""
    parser = command(commands, "models", "list models, show a card, convert a checkpoint", MODELS)
    parser.add_argument("--preset", help="only the models of this preset: " + ", ".join(PRESETS))
    parser.set_defaults(run=run_list)
    actions = parser.add_subparsers(metavar="[show | convert]", title="actions")
    showing = command(actions, "show", "print a model's card", "Print everything that a model's card says.")
    showing.add_argument("name", help="the model's name")
    showing.set_defaults(run=run_show)
    converting = command(
        actions,
        "convert",
        "convert an official checkpoint to safetensors",
        "Read an official checkpoint safely, check it, and write it as safetensors where presets look.",
    )
    converting.add_argument("name", help="the model's name")
    converting.add_argument("file", type=Path, help="the official checkpoint")
    converting.add_argument("--out", type=Path, help="folder to write to (default: where presets look)")
    converting.set_defaults(run=run_convert)


def run_list(options: argparse.Namespace) -> int:
    """Print the models by role."""
    import fiftyone_avs as avs

    found = avs.list_models(options.preset)
    for role in dict.fromkeys(status.card.role for status in found):
        print(f"\n{role}")
        for status in found:
            if status.card.role == role:
                print("\n".join(_lines(status)))
    for role, remedy in PRESETS[options.preset].missing.items() if options.preset else ():
        print(f"\n{role}\n  - {remedy}")
    print(f"\n+ ready  - something is missing. Converted checkpoints are in {models_home()}")
    return 0


def run_show(options: argparse.Namespace) -> int:
    """Print one card."""
    card = get_card(options.name)
    for name, value in _details(card):
        print(f"{name:<14} {value}")
    return 0


def run_convert(options: argparse.Namespace) -> int:
    """Convert a checkpoint and say how it is used."""
    import fiftyone_avs as avs

    card = get_card(options.name)
    folder = avs.convert_model(options.name, options.file, out=options.out)
    print(f"{card.name}: {folder / 'model.safetensors'}")
    if options.out:
        print(f"use it: --models {card.role}={card.name}:{folder}")
    else:
        print(f"use it: --models {card.role}={card.name}, or a preset that names it")
    return 0


def _lines(status: ModelStatus) -> Iterator[str]:
    card = status.card
    presets = ", ".join(name for name, preset in PRESETS.items() if card.name in preset.roles.values())
    facts = f"{card.licence}, {_size(card)}" + (f"; preset {presets}" if presets else "")
    yield f"  {'+' if status.ready else '-'} {card.name:<27} {facts}"
    if status.where and not card.source.startswith("tiny:"):
        yield f"      at {status.where}"
    for what, how in status.missing.items():
        yield f"      {what}: {how}"


def _size(card: Card) -> str:
    """The size of float32 weights."""
    if card.parameters is None:
        return "size unknown"
    megabytes = 4 * card.parameters
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"


def _details(card: Card) -> Iterator[tuple[str, str]]:
    yield "name", card.name
    yield "role", card.role
    yield "licence", card.licence
    yield "size", f"{_size(card)} in float32"
    if card.source:
        yield "source", card.source + (f" at revision {card.revision}" if card.revision else "")
    yield from card.parts.items()
    yield from ((name, str(value)) for name, value in card.options.items())
    if card.checkpoint is not None:
        yield "file", card.checkpoint.file
        yield "published at", card.checkpoint.page
        yield "sha256", card.checkpoint.sha256 or "not known"
    if not card.source.startswith("tiny:"):
        yield "how to get it", how_to_get(card)
