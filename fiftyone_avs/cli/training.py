"""``fiftyone-avs train-bridge`` and ``train-tiny``."""

from __future__ import annotations

import argparse
from pathlib import Path

from fiftyone_avs.cli.common import command, load_collection, pairs
from fiftyone_avs.models.cards import PRESETS

TRAIN_BRIDGE = """\
Train the bridge that the strategy inversion needs: a small head from the embeddings of an audio-text model
to the space of a segmenter's text encoder. Both of these stay as they are. Nobody has published such a
bridge, so one is trained once, on any sounds with captions, for each segmenter that is to be used.

The data is a CSV file with a column of sound files (audio, file_name, ...) and one or more columns of
captions (caption, caption_1, ...), or a FiftyOne dataset with a caption field.

Embedding the sounds takes the time; it can be interrupted and goes on where it stopped. At the end the
retrieval on held-out sounds is printed (R@1/5/10), and the folder holds the bridge (model.safetensors,
bridge.json) and a plot of the training.

examples:
  fiftyone-avs train-bridge captions.csv --out my-bridge
  fiftyone-avs train-bridge my-dataset --caption-field caption --out my-bridge
  fiftyone-avs train-bridge captions.csv --out asda-bridge --preset paper \\
      --models segmenter=asda:/models/asda_model_best.pth.tar
  fiftyone-avs segment my-data --strategy inversion --models text_inverter=my-bridge
"""

TRAIN_TINY = """\
Train the embedded models of the preset "tiny" again, on the drawn demo world. They are for the demo
world only: they know nothing of real pictures and sounds.

Training counts steps, is seeded and can be interrupted: run the same command again to go on. The
held-out report is written beside the weights.

examples:
  fiftyone-avs train-tiny --out my-weights                  several hours on one core
  fiftyone-avs train-tiny --out my-weights --scale 3        three times the steps: better
  fiftyone-avs train-tiny --out my-weights --only clap      one model
"""


SHOWN = 20
"""How many skipped rows are named."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this module's commands to the command line."""
    bridge = command(commands, "train-bridge", "train what the strategy inversion needs", TRAIN_BRIDGE)
    bridge.add_argument("data", help="a CSV file, or the name of a dataset")
    bridge.add_argument("--out", type=Path, required=True, help="folder for the bridge")
    bridge.add_argument(
        "--preset",
        default="open",
        choices=tuple(PRESETS),
        help="names the audio-text model and the segmenter (default: %(default)s)",
    )
    bridge.add_argument(
        "--models", nargs="+", default=[], metavar="ROLE=MODEL", help="another audio_text_scorer or segmenter"
    )
    bridge.add_argument("--audio-dir", type=Path, help="CSV: folder of the sounds (default: the CSV's own)")
    bridge.add_argument("--audio-column", help="CSV: column of the sound files")
    bridge.add_argument("--caption-column", nargs="+", help="CSV: columns of the captions")
    bridge.add_argument("--audio-field", default="audio_path", help="dataset: (default: %(default)s)")
    bridge.add_argument("--caption-field", default="caption", help="dataset: (default: %(default)s)")
    bridge.add_argument("--view", help="dataset: only this saved view of it")
    bridge.add_argument("--device", help="cpu, cuda, cuda:0 (default: a GPU if there is one)")
    bridge.add_argument("--batch-size", type=int, default=16, help="sounds at once (default: %(default)s)")
    bridge.add_argument("--epochs", type=int, default=100, help="at most (default: %(default)s)")
    bridge.add_argument(
        "--patience", type=int, default=10, help="epochs without a better score (default: %(default)s)"
    )
    bridge.add_argument("--seed", type=int, default=0, help="(default: %(default)s)")
    bridge.add_argument("--overwrite", action="store_true", help="replace a bridge that is there")
    bridge.set_defaults(run=run_train_bridge)

    parser = command(commands, "train-tiny", "train the embedded demo models again", TRAIN_TINY)
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for the trained weights and the report"
    )
    parser.add_argument("--work", type=Path, help="folder for data and checkpoints (default: <out>-work)")
    parser.add_argument("--seed", type=int, default=0, help="(default: %(default)s)")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="multiplies the steps (default: %(default)s)"
    )
    parser.add_argument("--only", help="comma-separated stages to train")
    parser.set_defaults(run=run_train_tiny)


def run_train_bridge(options: argparse.Namespace) -> int:
    """Train a bridge, print its held-out scores and what was skipped."""
    import fiftyone_avs as avs

    if Path(options.data).suffix.lower() == ".csv":
        data = avs.read_captions(
            options.data,
            audio_dir=options.audio_dir,
            audio_column=options.audio_column,
            caption_columns=options.caption_column,
        )
    else:
        samples = load_collection(options.data, options.view)
        data = avs.captioned_sounds(samples, options.caption_field, audio_field=options.audio_field)
    report = avs.train_bridge(
        data,
        options.out,
        preset=options.preset,
        device=options.device,
        batch_size=options.batch_size,
        epochs=options.epochs,
        patience=options.patience,
        seed=options.seed,
        overwrite=options.overwrite,
        models=pairs(options.models, "--models"),
    )
    print(report)
    for reason in report.skipped[:SHOWN]:
        print(f"  skipped: {reason}")
    if len(report.skipped) > SHOWN:
        print(f"  skipped: {len(report.skipped) - SHOWN} more")
    print(f"plot: {report.folder / 'training.png'}")
    print(
        f"use it: fiftyone-avs segment <dataset> --strategy inversion --models text_inverter={report.folder}"
    )
    return 0


def run_train_tiny(options: argparse.Namespace) -> int:
    """Train and name the report."""
    from fiftyone_avs.training.tiny.run import train_tiny

    work = options.work or options.out.with_name(f"{options.out.name}-work")
    only = options.only.split(",") if options.only else None
    train_tiny(work, options.out, seed=options.seed, scale=options.scale, only=only)
    print(f"weights and report: {options.out}")
    return 0
