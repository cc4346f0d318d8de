"""``fiftyone-avs evaluate`` and ``compare``: how good masks are, and how runs stand beside each other."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fiftyone_avs.cli.common import command, load_collection
from fiftyone_avs.errors import DatasetError

if TYPE_CHECKING:
    from fiftyone_avs import AVSResults


EVALUATE = """\
Score a run against ground truth: cIoU, AUC, mIoU and F with the adaptive threshold, J and F at the
segmenter's own. Failed and abstained samples count as empty masks, they are never left out. Samples that
the run never came to do not count, and the output says how many there are; --coverage all counts them as
empty masks.

Results are a FiftyOne evaluation: fields <eval key>_iou and _f (of the mask), _iou_adaptive and
_f_adaptive (the paper's) on every sample for filters in the App, and an entry in its Model Evaluation panel.

protocols:
  baav      as the paper's released code: maps and masks at 224 x 224 pixels
  native    at the size of the ground truth
  avsbench  AVSBench's J and F: at 0.5, and at the best of 255 thresholds per video
  boxes     against boxes (VGG-SS, Flickr-SoundNet), with AP over samples where nothing sounds
Numbers of different protocols are not comparable.

Where the images of one picture with several sounds name their pair (--pair-field), IIoU and IAUC count a
pair as its worst image.

examples:
  fiftyone-avs evaluate my-data vcap_acls --gt ground_truth
  fiftyone-avs evaluate avsbench-s4 vcap_acls --protocol avsbench --video-field video_id
"""


COMPARE = """\
Put evaluations of one protocol, rule and ground truth side by side: one row each, the best value of each
column marked.

example:
  fiftyone-avs compare my-data vcap_acls_eval classification_eval --csv table.csv --plot curve.png
"""


RENAME = """\
Until version 0.2 an evaluation wrote the adaptive IoU to <eval key>_iou and that of the mask to
<eval key>_iou_threshold; now <eval key>_iou is the mask's and <eval key>_iou_adaptive the adaptive one. Earlier
evaluations keep working as they are. This command gives their fields today's names: scores stay the same, and
nothing is evaluated again.

example:
  fiftyone-avs rename-scores my-data
"""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this module's commands to the command line."""
    evaluating = command(commands, "evaluate", "score a run against ground truth", EVALUATE)
    evaluating.add_argument("dataset", help="the dataset's name")
    evaluating.add_argument("pred", help="the run's key")
    evaluating.add_argument("--view", help="only this saved view of the dataset")
    evaluating.add_argument("--gt", default="ground_truth", help="ground-truth field (default: %(default)s)")
    evaluating.add_argument("--eval-key", help="name of the evaluation (default: <run>_eval)")
    evaluating.add_argument(
        "--protocol",
        choices=("baav", "native", "avsbench", "boxes"),
        default="baav",
        help="(default: %(default)s)",
    )
    evaluating.add_argument(
        "--threshold", type=float, help="of J and its F (default: the run's; avsbench: 0.5)"
    )
    evaluating.add_argument(
        "--adaptive-rule",
        choices=("official", "topk", "half"),
        default="official",
        help="official: as the released code (ties count as background); topk: exactly as many pixels as"
        " the ground truth; half: half of all pixels (default: %(default)s)",
    )
    evaluating.add_argument(
        "--pair-field", help="field of the pair, for IIoU and IAUC (default: the dataset's)"
    )
    evaluating.add_argument(
        "--video-field", help="field of the video, for the F of avsbench (default: the dataset's)"
    )
    evaluating.add_argument("--boxes-field", help="field of the boxes, for boxes (default: <gt>_boxes)")
    evaluating.add_argument("--class-field", help="field of the class, to break scores down by in the App")
    evaluating.add_argument(
        "--coverage",
        choices=("run", "all"),
        default="run",
        help="run: score what the run came to; all: count the rest as empty masks (default: %(default)s)",
    )
    evaluating.set_defaults(run=run_evaluate)

    comparing = command(commands, "compare", "put evaluations side by side", COMPARE)
    comparing.add_argument("dataset", help="the dataset's name")
    comparing.add_argument("eval_keys", nargs="+", metavar="eval-key", help="evaluations to compare")
    comparing.add_argument("--ok-only", action="store_true", help="only over samples that ended ok")
    comparing.add_argument("--csv", type=Path, help="write the table here, too")
    comparing.add_argument("--plot", type=Path, help="write a plot of success rates here")
    comparing.add_argument(
        "--iou",
        choices=("mask", "adaptive"),
        default="mask",
        help="the plot's success rates are of this IoU (default: the mask's)",
    )
    comparing.set_defaults(run=run_compare)

    renaming = command(commands, "rename-scores", "give scores of version 0.1 today's names", RENAME)
    renaming.add_argument("dataset", help="the dataset's name")
    renaming.add_argument(
        "eval_keys", nargs="*", metavar="eval-key", help="only these evaluations (default: all of them)"
    )
    renaming.set_defaults(run=run_rename)


def run_evaluate(options: argparse.Namespace) -> int:
    """Evaluate a run and print its scores."""
    import fiftyone_avs as avs

    results = avs.evaluate(
        load_collection(options.dataset, options.view),
        options.pred,
        options.gt,
        eval_key=options.eval_key,
        protocol=options.protocol,
        threshold=options.threshold,
        adaptive_rule=options.adaptive_rule,
        class_field=options.class_field,
        pair_field=options.pair_field,
        video_field=options.video_field,
        boxes_field=options.boxes_field,
        coverage=options.coverage,
    )
    results.print_report()
    return 0


def run_compare(options: argparse.Namespace) -> int:
    """Print the comparison, and write it where asked."""
    import fiftyone_avs as avs

    dataset = load_collection(options.dataset)
    evaluations = [_evaluation(dataset, key) for key in options.eval_keys]
    comparison = avs.compare(evaluations, ok_only=options.ok_only)
    print(comparison.to_text())
    if options.csv:
        comparison.to_csv(options.csv)
        print(f"table: {options.csv}")
    if options.plot:
        comparison.plot(options.plot, iou=options.iou)
        print(f"plot: {options.plot}")
    return 0


def run_rename(options: argparse.Namespace) -> int:
    """Rename the fields of scores, and say what was renamed."""
    import fiftyone_avs as avs

    done = avs.rename_scores(load_collection(options.dataset), options.eval_keys or None)
    for one in done:
        print(one)
    if not done:
        print(f"dataset {options.dataset!r} has no evaluation of version 0.1: there is nothing to rename")
    return 0


def _evaluation(dataset: Any, key: str) -> AVSResults:
    """A stored evaluation of ours by its key."""
    from fiftyone_avs import AVSResults, list_evaluations

    if key not in dataset.list_evaluations():
        known = ", ".join(dataset.list_evaluations()) or "it has none yet"
        raise DatasetError(f"dataset {dataset.name!r} has no evaluation {key!r} (evaluations: {known})")
    results = dataset.load_evaluation_results(key)
    unfinished = next((one.stale for one in list_evaluations(dataset) if one.key == key), "")
    if results is None and unfinished:
        raise DatasetError(f"evaluation {key!r} is unfinished: {unfinished}; evaluate the run again")
    if not isinstance(results, AVSResults):
        raise DatasetError(
            f"evaluation {key!r} was not made by `fiftyone-avs evaluate`; evaluate the run again"
        )
    return results
