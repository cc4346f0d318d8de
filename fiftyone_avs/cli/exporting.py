"""``fiftyone-avs export`` and ``fiftyone-avs clips``: a run as plain files, and as videos to watch."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from fiftyone_avs.cli.common import command, load_collection
from fiftyone_avs.cli.segmenting import SOME_FAILED
from fiftyone_avs.errors import ConfigurationError

EXPORT = """\
Write a run's masks as plain files, with their pictures and sounds and a table of what was found.

  images   img/<stem>.jpg   wav/<stem>.wav   gt_seg/<stem>.png       (`fiftyone-avs import` reads this)
  videos   visual_frames/<stem>/<stem>_<k>.png   gt_masks/<stem>/<stem>_<k>.png   audio_wav/<stem>.wav
  both     <run>.csv: a line per sample or labelled frame, with status, reason, texts and scores
           <run>.json: the run's settings, models and threshold

Samples without a mask (the run abstained or failed) have a line with the reason and no files. Masks that
were corrected by hand in the run's field are exported as they are now.

examples:
  fiftyone-avs export my-data vcap_acls ~/exported
  fiftyone-avs export my-data vcap_acls ~/masks --view checked --no-media
"""

CLIPS = """\
Write a short video for each sample, to watch and hear what a run found: the picture with the mask in red,
the ground truth in green beside it, and the referring expression, status and scores beneath.

Pictures are shown as long as their sound lasts, videos play; both are cut after 60 s. The files are
<folder>/<stem>.mp4 and play in any browser.

examples:
  fiftyone-avs clips my-data vcap_acls ~/clips --limit 20
  fiftyone-avs clips my-data vcap_acls ~/clips --gt ground_truth --eval-key vcap_acls_eval
"""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this module's commands to the command line."""
    exporting = command(commands, "export", "write a run's masks, media and a table as files", EXPORT)
    _add_common(exporting)
    exporting.add_argument("--no-media", action="store_true", help="masks and table only")
    exporting.set_defaults(run=run_export)

    watching = command(
        commands, "clips", "write videos that show and play what a run found", CLIPS, old_name="review"
    )
    _add_common(watching)
    watching.add_argument("--gt", metavar="FIELD", help="show this ground truth beside the mask")
    watching.add_argument("--eval-key", metavar="KEY", help="show the scores of this evaluation of the run")
    watching.add_argument("--limit", type=int, metavar="N", help="only the first N samples")
    watching.set_defaults(run=run_clips)


def run_export(options: argparse.Namespace) -> int:
    """Export a run and print the counts; 3 if some samples failed."""
    from fiftyone_avs.fo.exporting.export import export_run

    summary = export_run(
        load_collection(options.dataset, options.view),
        options.run_key,
        options.out,
        media=not options.no_media,
        overwrite=options.overwrite,
    )
    print(summary)
    _print_reasons(summary.reasons)
    return SOME_FAILED if summary.failed else 0


def run_clips(options: argparse.Namespace) -> int:
    """Write clips and print the counts; 3 if some samples failed."""
    from fiftyone_avs.fo.exporting.clips import make_clips

    samples = load_collection(options.dataset, options.view)
    if options.limit is not None:
        if options.limit < 1:
            raise ConfigurationError(f"--limit must be 1 or more, not {options.limit}")
        samples = samples.limit(options.limit)
    summary = make_clips(
        samples,
        options.run_key,
        options.out,
        gt=options.gt,
        eval_key=options.eval_key,
        overwrite=options.overwrite,
    )
    print(summary)
    _print_reasons(summary.reasons)
    return SOME_FAILED if summary.failed else 0


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", help="the dataset's name")
    parser.add_argument("run_key", metavar="run", help="the run's key")
    parser.add_argument("out", type=Path, metavar="folder", help="where to write; made if need be")
    parser.add_argument("--view", help="only this saved view of the dataset")
    parser.add_argument(
        "--overwrite", action="store_true", help="write into a folder that is not empty; deletes nothing"
    )


def _print_reasons(reasons: Mapping[str, str]) -> None:
    for name, reason in reasons.items():
        print(f"  {name}: {reason}")
