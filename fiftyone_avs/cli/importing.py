"""``fiftyone-avs import``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from fiftyone_avs.benchmarks.registry import ALIASES, BENCHMARKS
from fiftyone_avs.cli.common import command
from fiftyone_avs.cli.segmenting import SOME_FAILED

SHOWN_PROBLEMS = 10

IMPORT = """\
Make a persistent FiftyOne dataset from a folder:

  img/<stem>.jpg|png   wav/<stem>.wav   gt_seg/<stem>.png (optional)    pictures with their sounds
  <stem>.jpg|png       <stem>.wav beside it, also in folders below      the same, side by side
  <stem>.mp4|mov|...                                                    videos with sound

Pictures and sounds are matched by stem. Files stay where they are.

Or from a benchmark in its own layout (--benchmark):

{layouts}

Rows that cannot be used are left out and reported; the exit code is 3 then. A folder with img/, or of videos, is
imported as such and only marked as the benchmark: the App shows published numbers beside yours.

examples:
  fiftyone-avs import ~/data --dry-run       what would be paired, and what not
  fiftyone-avs import ~/data --name my-data
  fiftyone-avs import ~/AVSBench --benchmark s4 --report problems.csv
  fiftyone-avs import ~/AVSBench --benchmark ms3 --split test --as videos
"""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this module's command to the command line."""
    layouts = "\n".join(f"  {key:<15}  {one.layout}" for key, one in BENCHMARKS.items())
    parser = command(
        commands, "import", "make a FiftyOne dataset from a folder", IMPORT.format(layouts=layouts)
    )
    parser.add_argument("folder", type=Path, help="the folder to import")
    parser.add_argument("--name", help="the dataset's name (default: the folder's or the benchmark's)")
    parser.add_argument("--benchmark", choices=(*BENCHMARKS, *ALIASES), help="the benchmark that it is")
    parser.add_argument("--split", help="train, val, test or all (default: the one of published numbers)")
    parser.add_argument(
        "--as",
        dest="kind",
        choices=("images", "videos"),
        help="import pictures, or clips with labelled frames (default: pictures where there are any)",
    )
    parser.add_argument("--clips", type=Path, metavar="DIR", help="where the benchmark's clips are")
    parser.add_argument("--masks", type=Path, metavar="DIR", help="where converted masks are written")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first rows (as videos: clips)")
    parser.add_argument("--negatives", action="store_true", help="add the pairs in which nothing sounds")
    parser.add_argument("--index", metavar="LIST", help="which of SSLalignment's lists")
    parser.add_argument("--report", type=Path, metavar="FILE.csv", help="write what was left out, and why")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be imported")
    parser.set_defaults(run=run_import)


def run_import(options: argparse.Namespace) -> int:
    """Import a folder and say how to go on; 3 if rows were left out."""
    from fiftyone_avs.fo.importing.benchmarks.import_benchmark import import_data
    from fiftyone_avs.fo.importing.preview import preview_import

    given: dict[str, Any] = {
        "benchmark": options.benchmark,
        "name": options.name,
        "kind": options.kind,
        "split": options.split,
        "limit": options.limit,
        "clips_dir": options.clips,
        "masks_dir": options.masks,
        "negatives": options.negatives,
        "index": options.index,
    }
    if options.dry_run:
        print(preview_import(options.folder, **given))
        return 0
    report = import_data(options.folder, **given)
    for note in report.notes:
        print(f"note: {note}", file=sys.stderr)
    for problem in report.problems[:SHOWN_PROBLEMS]:
        print(f"  {problem}", file=sys.stderr)
    if len(report.problems) > SHOWN_PROBLEMS:
        more = len(report.problems) - SHOWN_PROBLEMS
        print(f"  and {more} more; --report FILE.csv writes all of them", file=sys.stderr)
    if options.report is not None:
        report.to_csv(options.report)
    field = report.dataset.get_field("audio_path")
    if field is not None and not report.dataset.count("audio_path"):
        print("CAUTION: no picture has a sound, so that nothing can be segmented", file=sys.stderr)
    print(f"{report}. Next: fiftyone-avs segment {report.dataset.name}")
    return SOME_FAILED if report.left_out else 0
