"""``fiftyone-avs reproduce``: the paper's tables, made again from the data on disk."""

from __future__ import annotations

import argparse
from pathlib import Path

from fiftyone_avs.cli.common import add_batch_size, command, look_at, pairs
from fiftyone_avs.models.loading import PRECISIONS

SOME_FAILED = 3

REPRODUCE = """\
Make a table of the paper again: import the benchmark, run what is missing, evaluate, and print our rows beside
the published ones with the difference. Interrupted? Run the same command again.

  table1   the five strategies
  table2   self-supervised localisers, from predictions that you have, beside vcap_acls
  table3   segmentation models under vcap_acls

The table is written as CSV and Markdown, the success rates as a plot, and the FiftyOne dataset with every run
stays for browsing. docs/benchmarks.md says how to get the data.

examples:
  fiftyone-avs reproduce table1 --data ~/IS3 --dataset is3
  fiftyone-avs reproduce table1 --data ~/AVSBench --dataset s4 --preset open --limit 100
  fiftyone-avs reproduce table2 --data ~/IS3 --dataset is3 --predictions LVS=~/lvs SSLalign=~/sslalign
  fiftyone-avs reproduce table3 --data ~/VPO --dataset vpo-ss --segmenters ASDA=asda ETRIS=etris-vitb16
"""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this module's command to the command line."""
    parser = command(commands, "reproduce", "make the paper's tables again from your data", REPRODUCE)
    parser.add_argument("table", choices=("table1", "table2", "table3"))
    parser.add_argument("--data", type=Path, required=True, help="the benchmark's folder")
    parser.add_argument("--dataset", required=True, metavar="BENCHMARK", help="is3, s4 or vpo-ss")
    parser.add_argument("--preset", default="paper", help="which models to use (default: %(default)s)")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N samples, for a trial")
    parser.add_argument("--name", help="of the FiftyOne dataset (default: the benchmark, split and limit)")
    parser.add_argument(
        "--out", type=Path, help="folder for the table and the plot (default: reproduced/<name>)"
    )
    parser.add_argument("--strategies", nargs="+", metavar="STRATEGY", help="table1: only these")
    parser.add_argument(
        "--segmenters", nargs="+", metavar="NAME=MODEL", help="table3: these instead of the preset's"
    )
    parser.add_argument(
        "--predictions",
        nargs="+",
        metavar="METHOD=FOLDER",
        help="table2: predictions of other methods; see fiftyone-avs import-predictions",
    )
    parser.add_argument(
        "--activation",
        choices=("none", "sigmoid", "minmax"),
        default="none",
        help="table2: makes maps in [0, 1] of what the files hold (default: %(default)s)",
    )
    parser.add_argument(
        "--first-frame",
        type=int,
        metavar="N",
        help="table2: the number of a clip's first frame in file names",
    )
    parser.add_argument(
        "--models", nargs="+", default=[], metavar="ROLE=MODEL", help="other models, as for segment"
    )
    parser.add_argument("--device", help="cpu, cuda, cuda:0 (default: a GPU if there is one)")
    parser.add_argument(
        "--precision", choices=tuple(PRECISIONS), default="float32", help="(default: %(default)s)"
    )
    add_batch_size(parser)
    parser.set_defaults(run=run_reproduce)


def run_reproduce(options: argparse.Namespace) -> int:
    """Reproduce a table and print it; 3 if some rows could not be made or some samples failed."""
    import fiftyone_avs as avs

    predictions = pairs(options.predictions or [], "--predictions")
    found = avs.reproduce(
        int(options.table.removeprefix("table")),
        options.data,
        options.dataset,
        preset=options.preset,
        name=options.name,
        out=options.out,
        limit=options.limit,
        strategies=options.strategies,
        segmenters=pairs(options.segmenters, "--segmenters") if options.segmenters else None,
        predictions=predictions,
        prediction_options={"activation": options.activation, "first_frame": options.first_frame},
        models=pairs(options.models, "--models"),
        device=options.device,
        precision=options.precision,
        batch_size=options.batch_size,
    )
    print(f"\n{found.to_text()}\n")
    for file in found.files:
        print(f"written: {file}")
    print(look_at(found.dataset))
    return SOME_FAILED if any(row.incomplete for row in found.rows) else 0
