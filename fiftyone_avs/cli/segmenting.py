"""``fiftyone-avs segment``."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import Any

from fiftyone_avs.cli.common import (
    SOME_FAILED as SOME_FAILED,
    add_batch_size,
    add_overwrite,
    command,
    load_collection,
    overwrite_of,
    pairs,
    typed_pairs,
)
from fiftyone_avs.cli.stopping import print_summaries, saying
from fiftyone_avs.models.cards import PRESETS
from fiftyone_avs.models.loading import PRECISIONS
from fiftyone_avs.strategies import list_strategies

SEGMENT = """\
Predict masks of what sounds for every sample of a dataset (or saved view).

Pictures need a field with the sound's path (--audio-field); videos bring their own sound and are
labelled frame by frame at --fps. Results are fields on the samples, named after the run: <run> (mask),
<run>_map (soft map), <run>_query (referring expression), <run>_candidates, <run>_status.

Interrupted? Run the same command again, or `fiftyone-avs resume`: only what is missing is done, masks whose files
are lost included. --overwrite makes the samples of this command anew and leaves the run's other masks. A run key
that is taken by another configuration is refused unless --overwrite run deletes that whole run first.

examples:
  fiftyone-avs segment my-data
  fiftyone-avs segment my-data --strategy classification --run beats --device cuda
  fiftyone-avs segment my-data --strategy vcap_acls captioning acap_vcls
  fiftyone-avs segment my-data --view doubtful --overwrite
  fiftyone-avs segment my-data --models segmenter=/models/clipseg --option min_confidence=0.2
  fiftyone-avs segment my-data --runner ray --ray workers=4 gpus=1
  fiftyone-avs segment my-data --preset paper --models segmenter=asda:/models/asda_model_best.pth.tar
"""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this module's command to the command line."""
    parser = command(commands, "segment", "predict masks of what sounds", SEGMENT)
    parser.add_argument("dataset", help="the dataset's name")
    parser.add_argument("--view", help="only this saved view of it")
    parser.add_argument(
        "--strategy",
        nargs="+",
        default=["vcap_acls"],
        metavar="STRATEGY",
        help=", ".join(list_strategies()) + "; several make a run each, in one pass (default: vcap_acls)",
    )
    parser.add_argument("--preset", default="open", help=_preset_help())
    parser.add_argument(
        "--run",
        dest="run_key",
        metavar="KEY",
        help="name of the run (default: the strategy's); with several strategies, a prefix of their names",
    )
    parser.add_argument(
        "--audio-field", default="audio_path", help="field with the sound's path (default: %(default)s)"
    )
    _add_models(parser)
    _add_machine(parser)
    _add_rules(parser)
    parser.add_argument("--output-dir", help="where masks and maps are written")
    parser.add_argument("--max-samples", type=int, help="stop after this many samples")
    add_overwrite(parser)
    parser.add_argument("--retry-failed", action="store_true", help="do samples again that failed")
    parser.set_defaults(run=run_segment)


def _add_models(parser: argparse.ArgumentParser) -> None:
    """Other models and options than the preset's."""
    parser.add_argument(
        "--models",
        nargs="+",
        default=[],
        metavar="ROLE=MODEL",
        help="other models: a card, <card>:<path> for files of your own, a folder or a hub id",
    )
    parser.add_argument(
        "--option", nargs="+", default=[], metavar="NAME=VALUE", help="options of the strategy"
    )


def _add_machine(parser: argparse.ArgumentParser) -> None:
    """Where and how to compute; results stay the same, but for half precision."""
    parser.add_argument("--device", help="cpu, cuda, cuda:0 (default: a GPU if there is one)")
    parser.add_argument(
        "--precision",
        choices=tuple(PRECISIONS),
        default="float32",
        help="bf16 or fp16: half precision where that is safe, for GPUs (default: %(default)s)",
    )
    parser.add_argument(
        "--compile", action="store_true", help="let torch compile networks, for long runs on a GPU"
    )
    add_batch_size(parser)
    parser.add_argument(
        "--workers", type=int, metavar="N", help="processes that read media ahead (default: by device)"
    )
    parser.add_argument(
        "--runner", choices=("local", "ray"), default="local", help="where to run (default: %(default)s)"
    )
    parser.add_argument(
        "--ray",
        nargs="+",
        default=[],
        metavar="NAME=VALUE",
        help="with --runner ray: workers, cpus and gpus of each, block, address, restarts",
    )


def _add_rules(parser: argparse.ArgumentParser) -> None:
    """What is labelled, and what counts as the object."""
    parser.add_argument(
        "--fps", type=float, default=1.0, help="frames per second of a video (default: %(default)s)"
    )
    parser.add_argument(
        "--frames-of",
        metavar="FIELD",
        help="label exactly the frames of videos that have this field, such as ground_truth",
    )
    parser.add_argument("--threshold", type=float, help="mask threshold (default: the segmenter's own)")
    parser.add_argument(
        "--silence",
        choices=("abstain", "run"),
        default="abstain",
        help="on silent sounds (default: %(default)s)",
    )


def run_segment(options: argparse.Namespace) -> int:
    """Segment a dataset and print the counts; 3 if some samples failed."""
    import fiftyone_avs as avs
    from fiftyone_avs.fo import name_runs

    strategies = options.strategy
    given = typed_pairs(options.option, "--option")
    if given and len(strategies) > 1:
        raise avs.ConfigurationError("--option sets options of one strategy: run the strategies one by one")
    runs = dict(zip(name_runs(strategies, options.run_key), strategies, strict=True))
    if len(runs) < len(strategies):
        raise avs.ConfigurationError("--strategy names a strategy twice: run it again under another --run")
    with saying():
        summaries = avs.segment_all(
            load_collection(options.dataset, options.view),
            runs,
            preset=options.preset,
            audio_field=options.audio_field,
            models=pairs(options.models, "--models"),
            strategy_options=dict.fromkeys(runs, given),
            device=options.device,
            precision=options.precision,
            compile=options.compile,
            batch_size=options.batch_size,
            workers=options.workers,
            runner=_runner(options),
            fps=options.fps,
            frames_of=options.frames_of,
            threshold=options.threshold,
            silence=options.silence,
            output_dir=options.output_dir,
            overwrite=overwrite_of(options),
            retry_failed=options.retry_failed,
            max_samples=options.max_samples,
        )
    return print_summaries(summaries)


def _runner(options: argparse.Namespace) -> Any:
    """What ``--runner`` and ``--ray`` say, as ``segment`` takes it."""
    import fiftyone_avs as avs

    given = typed_pairs(options.ray, "--ray")
    if options.runner == "local":
        if given:
            raise avs.ConfigurationError("--ray says how to run on Ray: add --runner ray")
        return "local"
    unknown = given.keys() - {field.name for field in fields(avs.RayRunner)}
    if unknown:
        raise avs.ConfigurationError(f"--ray knows no {', '.join(sorted(unknown))}; see docs/scaling.md")
    return avs.RayRunner(**given)


def _preset_help() -> str:
    return "; ".join(f"{preset.name}: {preset.summary}" for preset in PRESETS.values()) + " (default: open)"
