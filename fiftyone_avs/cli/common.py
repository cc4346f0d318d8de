"""What several commands share: datasets by name, ``key=value`` options, exit codes."""

from __future__ import annotations

import argparse
import ast
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fiftyone_avs.errors import ConfigurationError, DatasetError

OVERWRITE_SAMPLES, OVERWRITE_RUN = "samples", "run"
"""What ``--overwrite`` can be given; the first is what it means alone."""

OVERWRITING = ("segment", "import-predictions")
"""The commands that have it."""

SOME_FAILED = 3
"""The exit code of commands that did their work, but for some samples."""


def load_collection(name: str, view: str | None = None) -> Any:
    """A dataset, or one of its saved views.

    Raises:
        DatasetError: if there is no such dataset or saved view, with the names that there are.
    """
    import fiftyone as fo

    if not fo.dataset_exists(name):
        known = ", ".join(fo.list_datasets()) or "there are none yet"
        raise DatasetError(f"there is no dataset {name!r} (datasets: {known})")
    dataset = fo.load_dataset(name)
    if view is None:
        return dataset
    if not dataset.has_saved_view(view):
        known = ", ".join(dataset.list_saved_views()) or "it has none"
        raise DatasetError(f"dataset {name!r} has no saved view {view!r} (saved views: {known})")
    return dataset.load_saved_view(view)


def pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    """``["a=1", "b=2"]`` -> ``{"a": "1", "b": "2"}``.

    Raises:
        ConfigurationError: if a text is not of that form.
    """
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise ConfigurationError(f"{option} takes name=value, not {text!r}")
        found[key] = value
    return found


def typed_pairs(texts: Sequence[str], option: str) -> dict[str, Any]:
    """As ``pairs``, with numbers, True, False and None read as Python would, all else as text."""
    return {key: _literal(value) for key, value in pairs(texts, option).items()}


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def add_batch_size(parser: argparse.ArgumentParser) -> None:
    """The option ``--batch-size``, the same for all commands that run models."""
    parser.add_argument(
        "--batch-size",
        type=int,
        metavar="N",
        help="clips per batch (default: found for each model as it runs)",
    )


def add_overwrite(parser: argparse.ArgumentParser) -> None:
    """The option ``--overwrite [run]``, the same for all commands that make runs."""
    parser.add_argument(
        "--overwrite",
        nargs="?",
        const=OVERWRITE_SAMPLES,
        choices=(OVERWRITE_SAMPLES, OVERWRITE_RUN),
        help="make these samples anew, and leave the run's other masks; with the word run, delete the whole run first",
    )


def overwrite_of(options: argparse.Namespace) -> Any:
    """What ``--overwrite`` says, as ``segment`` and ``import_predictions`` take it."""
    return OVERWRITE_RUN if options.overwrite == OVERWRITE_RUN else options.overwrite is not None


def spell_out_overwrite(arguments: Sequence[str]) -> list[str]:
    """Let a bare ``--overwrite`` stand anywhere: what follows it is not taken for its value, unless it is ``run``."""
    found = list(arguments)
    if not found or found[0] not in OVERWRITING:
        return found
    following = [*found[1:], None]
    return [
        f"--overwrite={OVERWRITE_SAMPLES}"
        if word == "--overwrite" and after not in (OVERWRITE_SAMPLES, OVERWRITE_RUN)
        else word
        for word, after in zip(found, following, strict=True)
    ]


def command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    help_line: str,
    text: str,
    *,
    old_name: str | None = None,
) -> argparse.ArgumentParser:
    """A command's parser, with a help line for the list and a text that keeps its line breaks.

    Args:
        commands: of the command line.
        name: of the command.
        help_line: for the list.
        text: of the command's own help.
        old_name: what the command was called before; it works for one more release, with a note.
    """
    parser = commands.add_parser(
        name,
        aliases=[] if old_name is None else [old_name],
        help=help_line,
        description=text,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(renamed=None if old_name is None else (old_name, name))
    return parser


def tell_of_old_name(options: argparse.Namespace) -> None:
    """Say so if a command was called by its old name."""
    if options.renamed is not None and options.command == options.renamed[0]:
        old, new = options.renamed
        print(
            f"note: `{old}` is called `{new}` now; the old name goes with the next release", file=sys.stderr
        )


def look_at(dataset: str) -> str:
    """How to open a dataset in the App with this plugin; programs that are not on the path are named in full."""
    home = Path(sys.executable).parent

    def call(name: str) -> str:
        return name if shutil.which(name) else str(home / name)

    return f"look at it: {call('fiftyone-avs')} install-plugin && {call('fiftyone')} app launch {dataset}"
