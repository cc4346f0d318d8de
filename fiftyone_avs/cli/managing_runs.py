"""``fiftyone-avs runs``: which runs a dataset has; rename one, or delete one."""

from __future__ import annotations

import argparse

from fiftyone_avs.cli.common import command, load_collection
from fiftyone_avs.cli.segmenting import SOME_FAILED
from fiftyone_avs.cli.stopping import unfinished_lines

RUNS = """\
List the runs of a dataset with their strategy, models, counts and evaluations; delete one with all its fields,
files, evaluations and its record; rename one; or check them.

--check reads every mask and map, and says which results have lost or damaged files, and which files belong to no
result. Without a dataset it checks all of them, and looks for files that deleted datasets left behind. With --mend
such files are removed, and results without their files are cleared: segment does them again. Not while a run goes on.

examples:
  fiftyone-avs runs my-data
  fiftyone-avs runs my-data --delete vcap_acls
  fiftyone-avs runs my-data --rename vcap_acls first_try
  fiftyone-avs runs my-data --check --mend
  fiftyone-avs runs --check
"""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this module's commands to the command line."""
    listing = command(commands, "runs", "list, check, rename or delete runs", RUNS)
    listing.add_argument("dataset", nargs="?", help="the dataset's name; --check takes all without one")
    listing.add_argument("--delete", metavar="KEY", help="delete this run with its evaluations")
    listing.add_argument("--keep-evaluations", action="store_true", help="with --delete: scores stay")
    listing.add_argument("--rename", nargs=2, metavar=("KEY", "NEW"), help="give a run another key")
    listing.add_argument("--check", action="store_true", help="compare fields, files and records")
    listing.add_argument(
        "--mend", action="store_true", help="with --check: remove what is left over, clear what is lost"
    )
    listing.add_argument("--output-dir", metavar="DIR", help="with --check: look through this folder, too")
    listing.set_defaults(run=run_runs)


def run_runs(options: argparse.Namespace) -> int:
    """List the runs, check them, rename one or delete one."""
    import fiftyone_avs as avs

    if options.delete and options.rename:
        raise avs.ConfigurationError(
            "--delete and --rename are done one at a time: each in a call of its own"
        )
    if options.check:
        return _check(options)
    if options.mend or options.output_dir:
        raise avs.ConfigurationError("--mend and --output-dir go with --check")
    if options.dataset is None:
        raise avs.ConfigurationError("name the dataset; without one there is only --check")
    dataset = load_collection(options.dataset)
    if options.delete:
        avs.delete_run(dataset, options.delete, evaluations=not options.keep_evaluations)
        print(f"deleted run {options.delete!r}: its fields, files and record")
        return 0
    if options.rename:
        avs.rename_run(dataset, *options.rename)
        print("run {!r} is {!r} now: its fields and its evaluations follow".format(*options.rename))
        return 0
    found = avs.list_runs(dataset)
    evaluations = avs.list_evaluations(dataset)
    if not found:
        print(f"dataset {dataset.name!r} has no runs yet; make one with: fiftyone-avs segment {dataset.name}")
    for run in found:
        models = ", ".join(f"{role}={model['card']}" for role, model in run.models.items())
        counts = ", ".join(f"{number} {status}" for status, number in run.counts.items())
        print(f"{run.key}: {counts}; preset {run.preset}, {models}{'; ' + run.note if run.note else ''}")
        for one in evaluations:
            if one.is_run and one.run == run.key:
                print(f"  {one.key}: {one.group_label}{'; STALE: ' + one.stale if one.stale else ''}")
    for one in evaluations:
        if one.is_run and one.run not in [run.key for run in found]:
            print(f"{one.key}: STALE: {one.stale}")
    for line in unfinished_lines(dataset.name):
        print(line)
    return 0


def _check(options: argparse.Namespace) -> int:
    """Check the runs of a dataset, or of all; 3 if something is wrong and is not mended now."""
    import fiftyone_avs as avs

    if options.delete or options.rename:
        raise avs.ConfigurationError("--check goes alone: delete or rename in a call of its own")
    dataset = None if options.dataset is None else load_collection(options.dataset)
    found = avs.check_runs(dataset, output_dir=options.output_dir, mend=options.mend)
    for one in found:
        print(one)
        for sample_id, reason in one.lost.items():
            print(f"  {sample_id}: {reason}")
        for path in one.orphans:
            print(f"  {path}")
    if not found:
        print("there are no runs to check")
    wrong = [one for one in found if not one.whole]
    if any(one.lost for one in wrong):
        print("segment (or import-predictions) with the run's settings does again what is lost")
    return SOME_FAILED if any(one.problem or not one.mended for one in wrong) else 0
