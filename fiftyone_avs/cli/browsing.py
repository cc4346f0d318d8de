"""``fiftyone-avs browse``: the samples of an evaluation by their IoU."""

from __future__ import annotations

import argparse

from fiftyone_avs.cli.common import command, load_collection

BROWSE = """\
List the samples of an evaluation, those whose masks have the lowest IoU first: id, IoU, file and referring
expression (or why there is none). For videos the IoU is the mean of the frames. Samples without an IoU are
left out. With --iou adaptive the paper's IoU counts, which knows how large the answer is and can be high
where the mask is bad.

With --save the list becomes a saved view of the dataset, to be picked in the App.

examples:
  fiftyone-avs browse my-data vcap_acls_eval --limit 20
  fiftyone-avs browse my-data vcap_acls_eval --between 0.4 0.6 --save "nearly right"
  fiftyone-avs browse my-data vcap_acls_eval --between 0 0        objects missed altogether
"""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this module's command to the command line."""
    parser = command(commands, "browse", "list samples by IoU", BROWSE)
    parser.add_argument("dataset", help="the dataset's name")
    parser.add_argument("eval_key", metavar="eval-key", help="the evaluation")
    parser.add_argument("--best", action="store_true", help="the highest IoU first")
    parser.add_argument(
        "--between", nargs=2, type=float, metavar=("LOW", "HIGH"), help="only IoUs from LOW to HIGH"
    )
    parser.add_argument(
        "--iou", choices=("mask", "adaptive"), default="mask", help="which IoU (default: the mask's)"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="so many samples at most (default: all)")
    parser.add_argument("--save", metavar="NAME", help="save the list as a view of the dataset")
    parser.add_argument("--overwrite", action="store_true", help="replace a saved view of that name")
    parser.set_defaults(run=run_browse)


def run_browse(options: argparse.Namespace) -> int:
    """Print the samples, and save the view where asked."""
    from fiftyone_avs.fo.compare.browsing import browse_by_iou, describe_samples

    low, high = options.between or (None, None)
    view = browse_by_iou(
        load_collection(options.dataset),
        options.eval_key,
        order="best" if options.best else "worst",
        low=low,
        high=high,
        limit=options.limit,
        name=options.save,
        overwrite=options.overwrite,
        iou=options.iou,
    )
    found = describe_samples(view, options.eval_key, iou=options.iou)
    width = max((len(sample.file) for sample in found), default=0)
    for sample in found:
        text = sample.expression or f"({sample.status or 'no expression'})"
        print(f"{sample.id}  {sample.iou:.3f}  {sample.file:<{width}}  {text}")
    print(f"{len(found)} sample{'' if len(found) == 1 else 's'}", end="")
    print(f", saved as view {options.save!r}" if options.save else "")
    return 0
