"""``fiftyone-avs sheet``: picture, ground truth and the masks of several runs, side by side."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fiftyone_avs.cli.common import command, load_collection

SHEET = """\
Draw a contact sheet: a row for each sample with its picture, its ground truth and each run's mask, with the
referring expression and the IoU of the mask below. Of videos a labelled frame is shown (--frame).

The file is a PNG, or a PDF of 300 dots per inch, by its ending.

examples:
  fiftyone-avs sheet my-data --runs vcap_acls classification --out sheet.png
  fiftyone-avs sheet my-data --runs lvs vcap_acls --worst vcap_acls_eval --limit 8 --out failures.pdf
  fiftyone-avs sheet my-data --runs vcap_acls --samples 6567a1b2c3d4e5f60718293a --out one.png --cell 640
"""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this module's command to the command line."""
    parser = command(commands, "sheet", "draw runs side by side", SHEET)
    parser.add_argument("dataset", help="the dataset's name")
    parser.add_argument("--runs", nargs="+", required=True, metavar="KEY", help="one column each")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the file: .png or .pdf")
    parser.add_argument("--view", help="only this saved view of the dataset")
    parser.add_argument("--samples", nargs="+", metavar="ID", help="only these samples, in this order")
    parser.add_argument("--worst", metavar="EVAL-KEY", help="the lowest IoU of an evaluation first")
    parser.add_argument("--best", metavar="EVAL-KEY", help="the highest first")
    parser.add_argument(
        "--limit", type=int, default=10, metavar="N", help="so many rows at most (default: %(default)s)"
    )
    parser.add_argument(
        "--gt",
        default="ground_truth",
        metavar="FIELD",
        help="ground truth, 'none' for no such column (default: %(default)s)",
    )
    parser.add_argument("--eval-keys", nargs="+", metavar="KEY", help="whose IoUs (default: the newest)")
    parser.add_argument("--label-field", metavar="FIELD", help="the class, below the ground truth")
    parser.add_argument("--frame", type=int, metavar="N", help="videos: the frame, from 1")
    parser.add_argument(
        "--cell", type=int, default=320, metavar="PIXELS", help="size of a picture (default: %(default)s)"
    )
    parser.set_defaults(run=run_sheet)


def run_sheet(options: argparse.Namespace) -> int:
    """Draw the sheet, and say what is wrong with samples on it."""
    from fiftyone_avs.fo.exporting.sheets import choose_samples, make_sheet

    samples = choose_samples(
        load_collection(options.dataset, options.view),
        ids=options.samples,
        worst=options.worst,
        best=options.best,
    )
    summary = make_sheet(
        samples,
        options.runs,
        options.out,
        gt=None if options.gt == "none" else options.gt,
        eval_keys=options.eval_keys,
        label_field=options.label_field,
        frame_number=options.frame,
        max_rows=options.limit,
        cell=options.cell,
    )
    print(summary)
    for sample_id, problem in summary.problems.items():
        print(f"note: {sample_id}: {problem}", file=sys.stderr)
    return 0
