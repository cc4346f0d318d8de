"""The command line: ``fiftyone-avs <command>``. Each command's file parses, calls and prints; no logic."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence

from fiftyone_avs import __version__
from fiftyone_avs.cli import (
    browsing,
    controls,
    demo,
    evaluating,
    exporting,
    importing,
    managing_runs,
    models,
    plugin,
    predictions,
    reproducing,
    segmenting,
    sheets,
    stopping,
    training,
)
from fiftyone_avs.cli.common import spell_out_overwrite, tell_of_old_name
from fiftyone_avs.errors import AVSError, ConfigurationError

EXIT_OK, EXIT_ERROR, EXIT_USAGE, EXIT_SOME_FAILED, EXIT_INTERRUPTED = 0, 1, 2, 3, 130

DESCRIPTION = """\
Zero-shot audio-visual segmentation for FiftyOne: find the pixels of the object that makes the sound.

Pretrained models are connected through text: a strategy turns picture and sound into a referring
expression ("a photo of dog."), and a referring segmentation model finds what it names.
"""

EPILOG = """\
first steps:
  fiftyone-avs demo                          see it work, on embedded models and a drawn world
  fiftyone-avs import ~/data --name my-data  folders img/ wav/ [gt_seg/], or a benchmark -> a FiftyOne dataset
  fiftyone-avs segment my-data               masks of what sounds, by the strategy vcap_acls
  fiftyone-avs evaluate my-data vcap_acls    scores against ground truth
  fiftyone-avs install-plugin                 do all of it inside the FiftyOne App, too
  fiftyone app launch my-data                look at everything in the FiftyOne App

exit codes: 0 done; 1 it could not be done (the message says why); 2 wrong usage;
3 done, but some samples failed (each is named); 130 interrupted: run it again to go on.
"""


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        "fiftyone-avs",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"fiftyone-avs {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="<command>")
    for module in (
        demo,
        plugin,
        importing,
        segmenting,
        stopping,
        evaluating,
        managing_runs,
        browsing,
        exporting,
        predictions,
        controls,
        sheets,
        reproducing,
        models,
        training,
    ):
        module.add_commands(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = build_parser().parse_args(spell_out_overwrite(sys.argv[1:] if arguments is None else arguments))
    _be_quiet()
    tell_of_old_name(options)
    try:
        code: int = options.run(options)
        return code
    except ConfigurationError as error:
        print(f"fiftyone-avs {options.command}: {error}", file=sys.stderr)
        return EXIT_USAGE
    except AVSError as error:
        print(f"fiftyone-avs {options.command}: {error}", file=sys.stderr)
        return EXIT_ERROR
    except KeyboardInterrupt:
        print(f"\n{_interrupted(options)}", file=sys.stderr)
        return EXIT_INTERRUPTED


def _interrupted(options: argparse.Namespace) -> str:
    name = options.command
    if name in ("segment", "resume"):
        return "\n".join(["interrupted; what is done is stored", *stopping.unfinished_lines(options.dataset)])
    if name in ("export", "clips", "review"):
        return (
            "interrupted; the files that are there are whole, run it again with --overwrite for all of them"
        )
    return "interrupted; what is done is stored, run the same command again to go on"


def _be_quiet() -> None:
    """Keep libraries from talking over the commands' own output; warnings are one line each."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("FIFTYONE_DATABASE_VALIDATION", "false")
    warnings.showwarning = lambda message, *_rest, **_more: print(f"note: {message}", file=sys.stderr)
