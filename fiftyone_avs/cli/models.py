"""``fiftyone-avs models``: what there is, what of it is on this machine, and how to get the rest."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from fiftyone_avs.cli.common import command
from fiftyone_avs.models.cards import PRESETS, Card, get_card
from fiftyone_avs.models.store import HOME_VARIABLE, ModelStatus, how_to_get, models_home
from fiftyone_avs.models.transfer import size_in_words

MODELS = f"""\
List every model by role: licence, size, whether its files are on this machine and, if not, how to get
them. Nothing is loaded or downloaded.

`models download` fetches what a preset needs: it says what, how much and whether there is room, shows one
bar, and goes on where an earlier try was cut off. Without it, models download when they are first needed.
`models show NAME` prints a model's card. `models convert NAME FILE` reads an official checkpoint (.pt,
.pth, .tar) safely, checks that it is what it should be, and writes it once as safetensors to the folder
where presets look: {HOME_VARIABLE}, or ~/.cache/fiftyone-avs/models.

examples:
  fiftyone-avs models
  fiftyone-avs models --preset paper
  fiftyone-avs models download
  fiftyone-avs models download --strategy vcap_acls --dry-run
  fiftyone-avs models show asda
  fiftyone-avs models convert etris-r101 ~/Downloads/best_model.pth
"""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this module's command to the command line."""
    parser = command(commands, "models", "list models, show a card, convert a checkpoint", MODELS)
    parser.add_argument("--preset", help="only the models of this preset: " + ", ".join(PRESETS))
    parser.set_defaults(run=run_list)
    actions = parser.add_subparsers(metavar="[download | show | convert]", title="actions")
    _add_download(actions)
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


def _add_download(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    fetching = command(
        actions,
        "download",
        "download what a preset needs",
        "Download exactly the files that the models of a preset need; run it again to go on where it was cut off.",
    )
    fetching.add_argument("names", nargs="*", metavar="NAME", help="these models instead of a preset's")
    fetching.add_argument(
        "--preset", default="open", help="whose models: " + ", ".join(PRESETS) + " (default: open)"
    )
    fetching.add_argument(
        "--strategy",
        nargs="+",
        metavar="STRATEGY",
        help="only what these need (default: every model of the preset)",
    )
    fetching.add_argument("--dry-run", action="store_true", help="say what and how much, and stop")
    fetching.set_defaults(run=run_download)


def run_download(options: argparse.Namespace) -> int:
    """Download a preset's models; 1 if there is no room."""
    import fiftyone_avs as avs

    chosen = {"strategies": options.strategy, "names": options.names}
    if options.dry_run:
        plan = avs.plan_download(options.preset, **chosen)
        print(plan)
    else:
        plan = avs.download_models(options.preset, **chosen)
        print(
            f"downloaded {size_in_words(plan.size)}"
            if plan.items
            else "everything is on this machine already"
        )
    for name, how in plan.yours.items():
        print(f"{name}: not here, and nothing downloads it: {how}")
    return 0 if plan.fits or not options.dry_run else 1


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
