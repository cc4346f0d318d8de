"""``fiftyone-avs import-predictions``: masks or soft maps of other programs as a run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fiftyone_avs.cli.common import add_overwrite, command, load_collection, overwrite_of
from fiftyone_avs.cli.segmenting import SOME_FAILED

ACTIVATIONS = ("none", "sigmoid", "minmax")

IMPORT_PREDICTIONS = """\
Store the masks or soft maps that another program wrote as a run, to be evaluated and shown beside others.

Files are PNG, JPEG or NPY, in the folder or in folders in it. A file belongs to the sample whose name ends
alike: the field sample_name if there is one, else the picture's path, else the sound's. For videos the k-th
file, <video>_<k> or <video>/<k>, is of the k-th frame with a ground truth (--gt).

activations:
  none     values lie in [0, 1], or fill the range of 8 or 16 bits
  sigmoid  raw scores of floating point (NPY)
  minmax   each map is stretched from 0 to 1

AVSBench's code counts frames from 0, its pictures from 1: such files are refused until --first-frame says
which number the first frame has.

examples:
  fiftyone-avs import-predictions is3 ~/lvs/maps --run lvs --activation minmax --evaluate
  fiftyone-avs import-predictions s4 ~/avs/pred_masks --run tpavi --first-frame 0 --evaluate --adaptive-rule topk
"""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this module's command to the command line."""
    parser = command(
        commands, "import-predictions", "store another program's masks or maps as a run", IMPORT_PREDICTIONS
    )
    parser.add_argument("dataset", help="the dataset's name")
    parser.add_argument("folder", type=Path, help="the folder with the files")
    parser.add_argument("--run", dest="run_key", metavar="KEY", required=True, help="name of the run")
    parser.add_argument("--view", help="only this saved view of the dataset")
    parser.add_argument("--activation", choices=ACTIVATIONS, default="none", help="(default: %(default)s)")
    parser.add_argument(
        "--threshold", type=float, default=0.5, help="values above are the mask (default: %(default)s)"
    )
    parser.add_argument(
        "--first-frame", type=int, metavar="N", help="the number that files give to a video's first frame"
    )
    parser.add_argument("--name-field", metavar="FIELD", help="the text field that says how files are called")
    parser.add_argument("--source", default="", help="where the predictions come from, for the record")
    parser.add_argument("--output-dir", help="where the run's masks and maps are written")
    add_overwrite(parser)
    parser.add_argument("--evaluate", action="store_true", help="score the run, too")
    parser.add_argument("--gt", default="ground_truth", help="ground-truth field (default: %(default)s)")
    parser.add_argument(
        "--adaptive-rule",
        choices=("official", "topk"),
        default="official",
        help="with --evaluate: topk is for hard masks (default: %(default)s)",
    )
    parser.set_defaults(run=run_import_predictions)


def run_import_predictions(options: argparse.Namespace) -> int:
    """Import the predictions, score them where asked; 3 if some samples have none."""
    from fiftyone_avs.fo.evaluate.evaluation import evaluate
    from fiftyone_avs.fo.importing.predictions.import_predictions import import_predictions

    samples = load_collection(options.dataset, options.view)
    summary = import_predictions(
        samples,
        options.folder,
        options.run_key,
        gt=options.gt,
        activation=options.activation,
        threshold=options.threshold,
        first_frame=options.first_frame,
        name_field=options.name_field,
        source=options.source,
        output_dir=options.output_dir,
        overwrite=overwrite_of(options),
    )
    print(summary)
    for sample_id, reason in summary.reasons.items():
        print(f"  {sample_id}: {reason}")
    for note in summary.notes:
        print(f"note: {note}", file=sys.stderr)
    if options.evaluate:
        evaluate(samples, options.run_key, options.gt, adaptive_rule=options.adaptive_rule).print_report()
    return SOME_FAILED if summary.failed else 0
