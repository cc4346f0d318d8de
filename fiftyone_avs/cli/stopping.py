"""``fiftyone-avs stop`` and ``fiftyone-avs resume``: end a run that is under way, and go on with it."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fiftyone_avs.cli.common import SOME_FAILED, command, load_collection
from fiftyone_avs.progress import listening

STOP = """\
End runs of `segment` that are under way in any process: this machine's App, a worker, another terminal. They end after
the batch they are at. What is done is stored.

examples:
  fiftyone-avs stop my-data
  fiftyone-avs stop my-data vcap_acls
"""

RESUME = """\
Go on with a run that was stopped or interrupted, on the same samples with the same settings. Runs that were made in one
pass go on together. Without a run's key, the newest one goes on.

examples:
  fiftyone-avs resume my-data
  fiftyone-avs resume my-data vcap_acls
"""


SEVERAL = 5
"""More samples with one reason are counted instead of named."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this module's commands to the command line."""
    stopping = command(commands, "stop", "end runs that are under way", STOP)
    resuming = command(commands, "resume", "go on with a stopped run, with its settings", RESUME)
    for parser, run in ((stopping, run_stop), (resuming, run_resume)):
        parser.add_argument("dataset", help="the dataset's name")
        parser.add_argument("run_key", metavar="run", nargs="?", help="the run's key")
        parser.set_defaults(run=run)


def run_stop(options: argparse.Namespace) -> int:
    """Ask runs to stop, and say which."""
    import fiftyone_avs as avs

    dataset = load_collection(options.dataset)
    for run in avs.stop_run(dataset, options.run_key):
        print(
            f"run {run!r} ends after the batch it is at; go on with: fiftyone-avs resume {dataset.name} {run}"
        )
    return 0


def run_resume(options: argparse.Namespace) -> int:
    """Go on with a run and print the counts; 3 if some samples failed."""
    import fiftyone_avs as avs

    with saying():
        summaries = avs.resume_run(load_collection(options.dataset), options.run_key)
    return print_summaries(summaries)


def print_summaries(summaries: Sequence[Any]) -> int:
    """Print the counts, and why samples have no mask; 3 if some failed."""
    for summary in summaries:
        print(summary)
        alike = Counter(summary.reasons.values())
        for reason, number in alike.items():
            if number > SEVERAL:
                print(f"  {number} samples: {reason}")
        for sample_id, reason in summary.reasons.items():
            if alike[reason] <= SEVERAL:
                print(f"  {sample_id}: {reason}")
    return SOME_FAILED if any(summary.failed for summary in summaries) else 0


@contextmanager
def saying() -> Iterator[None]:
    """Print what is being done, where there is nothing to count, for people who watch."""
    with listening(lambda what: print(what, file=sys.stderr)):
        yield


def unfinished_lines(name: str) -> list[str]:
    """What a dataset has of unfinished runs, and how to go on with each."""
    import fiftyone_avs as avs

    calls = avs.list_unfinished(load_collection(name))
    return [
        str(call)
        if call.state == "running" or call.arguments is None
        else f"{call}; go on with: fiftyone-avs resume {name} {call.runs[0]}"
        for call in calls
    ]
