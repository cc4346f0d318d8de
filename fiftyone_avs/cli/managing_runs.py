"""``fiftyone-avs runs``: which runs a dataset has; rename one, or delete one."""

from __future__ import annotations

import argparse

from fiftyone_avs.cli.common import command, load_collection

RUNS = """\
List the runs of a dataset with their strategy, models and counts; delete one with all its fields, files
and its record; or rename one.

examples:
  fiftyone-avs runs my-data
  fiftyone-avs runs my-data --delete vcap_acls
  fiftyone-avs runs my-data --rename vcap_acls first_try
"""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this module's commands to the command line."""
    listing = command(commands, "runs", "list or delete runs", RUNS)
    listing.add_argument("dataset", help="the dataset's name")
    listing.add_argument("--delete", metavar="KEY", help="delete this run")
    listing.add_argument("--rename", nargs=2, metavar=("KEY", "NEW"), help="give a run another key")
    listing.set_defaults(run=run_runs)


def run_runs(options: argparse.Namespace) -> int:
    """List the runs, or delete one."""
    import fiftyone_avs as avs

    dataset = load_collection(options.dataset)
    if options.delete:
        avs.delete_run(dataset, options.delete)
        print(f"deleted run {options.delete!r}: its fields, files and record")
        return 0
    if options.rename:
        avs.rename_run(dataset, *options.rename)
        print("run {!r} is {!r} now: its fields and its evaluations follow".format(*options.rename))
        return 0
    found = avs.list_runs(dataset)
    if not found:
        print(f"dataset {dataset.name!r} has no runs yet; make one with: fiftyone-avs segment {dataset.name}")
    for run in found:
        models = ", ".join(f"{role}={model['card']}" for role, model in run.models.items())
        counts = ", ".join(f"{number} {status}" for status, number in run.counts.items())
        print(f"{run.key}: {counts}; preset {run.preset}, {models}{'; ' + run.note if run.note else ''}")
    return 0
