"""``fiftyone-avs controls``: how much of a strategy's score the sound earns."""

from __future__ import annotations

import argparse
from pathlib import Path

from fiftyone_avs.cli.common import add_batch_size, command, load_collection, pairs, typed_pairs
from fiftyone_avs.errors import ConfigurationError

NAMES = ("salient_noun", "random_noun", "centre", "swapped", "silence", "noise")

CONTROLS = """\
Run a strategy beside controls that cannot hear, score all of them, and tell how much of the score the sound
earns: what lies above the best control. The strategy's run and the controls' are gone on with if they exist.

controls:
  salient_noun  segments what the image captioner names first    run floor_salient
  random_noun   segments a random noun of the image caption      run floor_noun
  centre        a box in the centre of the picture               run floor_centre
  swapped       the strategy, hearing another sample's sound     run <strategy>_swapped
  silence       the strategy, hearing silence                    run <strategy>_silence
  noise         the strategy, hearing noise                      run <strategy>_noise

examples:
  fiftyone-avs controls my-data
  fiftyone-avs controls my-data --strategy acap_vcls --only swapped salient_noun --limit 500
  fiftyone-avs controls my-data --csv controls.csv --plot controls.png
"""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this module's command to the command line."""
    parser = command(commands, "controls", "tell how much of a score the sound earns", CONTROLS)
    parser.add_argument("dataset", help="the dataset's name: images with sounds and a ground truth")
    parser.add_argument("--view", help="only this saved view of it")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N samples")
    parser.add_argument("--strategy", default="vcap_acls", help="(default: %(default)s)")
    parser.add_argument("--run", dest="run_key", metavar="KEY", help="the strategy's run (default: its name)")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="CONTROL", help="not all")
    parser.add_argument("--preset", help="the models (default: those of the strategy's run, else open)")
    parser.add_argument(
        "--models", nargs="+", default=[], metavar="ROLE=MODEL", help="other models, as for segment"
    )
    parser.add_argument("--option", nargs="+", default=[], metavar="NAME=VALUE", help="of the strategy")
    parser.add_argument("--gt", default="ground_truth", help="ground-truth field (default: %(default)s)")
    parser.add_argument("--audio-field", default="audio_path", help="(default: %(default)s)")
    parser.add_argument("--label-field", help="field of the class, to swap sounds between classes")
    parser.add_argument(
        "--protocol", choices=("baav", "native"), default="baav", help="(default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of what is random (default: %(default)s)")
    parser.add_argument("--device", help="cpu, cuda, cuda:0 (default: a GPU if there is one)")
    parser.add_argument("--precision", default="float32", help="as for segment (default: %(default)s)")
    add_batch_size(parser)
    parser.add_argument("--output-dir", help="where masks, maps and sounds are written")
    parser.add_argument("--overwrite", action="store_true", help="delete the controls' old runs first")
    parser.add_argument("--csv", type=Path, help="write the table here, too")
    parser.add_argument("--plot", type=Path, help="write a figure of all scores here")
    parser.set_defaults(run=run_controls_command)


def run_controls_command(options: argparse.Namespace) -> int:
    """Run everything, print the report, and write it where asked."""
    from fiftyone_avs.fo.studies.controls import run_controls

    samples = load_collection(options.dataset, options.view)
    if options.limit is not None:
        if options.limit < 1:
            raise ConfigurationError(f"--limit must be 1 or more, not {options.limit}")
        samples = samples.limit(options.limit)
    report = run_controls(
        samples,
        options.strategy,
        gt=options.gt,
        preset=options.preset,
        controls=options.only,
        run=options.run_key,
        seed=options.seed,
        protocol=options.protocol,
        models=pairs(options.models, "--models"),
        strategy_options=typed_pairs(options.option, "--option"),
        audio_field=options.audio_field,
        label_field=options.label_field,
        device=options.device,
        precision=options.precision,
        batch_size=options.batch_size,
        output_dir=options.output_dir,
        overwrite=options.overwrite,
    )
    print(report.to_text())
    if options.csv:
        report.to_csv(options.csv)
        print(f"table: {options.csv}")
    if options.plot:
        report.plot(options.plot)
        print(f"plot: {options.plot}")
    return 0
