"""``fiftyone-avs demo``."""

from __future__ import annotations

import argparse
from pathlib import Path

from fiftyone_avs.cli.common import command, look_at

DEMO = """\
See everything work in about a minute, offline and on a CPU: a drawn world of sounding objects, five
strategies with every intermediate text, floors that do not listen, a ceiling that knows the answer,
the paper's metrics, a contact sheet and a FiftyOne dataset.

The demo's models (preset "tiny") were trained on this drawn world and are good for nothing else; its
scenes were never trained on, and half of them are drawn in styles that were not, either.

examples:
  fiftyone-avs demo
  fiftyone-avs demo --app                               look at it in the FiftyOne App
  fiftyone-avs demo --seed 11 --samples 200 --json report.json
"""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this module's command to the command line."""
    parser = command(commands, "demo", "see it work on embedded models and a drawn world", DEMO)
    parser.add_argument("--seed", type=int, default=7, help="of the scenes (default: %(default)s)")
    parser.add_argument("--samples", type=int, default=60, help="number of scenes (default: %(default)s)")
    parser.add_argument("--videos", type=int, default=3, help="number of short clips (default: %(default)s)")
    parser.add_argument(
        "--out", type=Path, default=Path("demo-out"), help="folder for all files (default: %(default)s)"
    )
    parser.add_argument("--json", type=Path, help="write scores by strategy and subset here")
    parser.add_argument("--device", help="cpu, cuda, cuda:0 (default: a GPU if there is one)")
    parser.add_argument("--app", action="store_true", help="open the result in the FiftyOne App")
    parser.set_defaults(run=run_demo_command)


def run_demo_command(options: argparse.Namespace) -> int:
    """Run the demo and print its table."""
    from fiftyone_avs.fo.studies.demo import run_demo as demo

    report = demo(
        options.out,
        seed=options.seed,
        samples=options.samples,
        videos=options.videos,
        device=options.device,
    )
    print(f"\n{report.table}\n")
    if report.video_line:
        print(report.video_line)
    print(f"contact sheet: {report.sheet}")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(report.to_json())
        print(f"scores by subset: {options.json}")
    if options.app:
        _open_app(report.dataset)
    else:
        print(look_at(report.dataset))
    return 0


def _open_app(dataset: str) -> None:
    """Open a dataset in the App and wait until its window is closed."""
    import fiftyone as fo

    session = fo.launch_app(fo.load_dataset(dataset))
    print("Ctrl-C ends the App")
    session.wait(-1)
