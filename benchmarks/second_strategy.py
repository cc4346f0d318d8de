r"""What a second strategy costs on the same view: its time relative to the first one's.

Two cases. ``audio caption``: captioning, then acap_vcls, which asks the same audio captioner. ``image caption``:
vcap_acls, then vcap_acls again under another run key with another prompt. In both the second run finds the captions
that the first one left on the samples. Beside it stands the same second strategy on a dataset where nothing ran
before. All three see the same files, and every round has new scenes; the numbers are medians of rounds. Times are
those of the public ``avs.segment``, FiftyOne included; models are loaded and warmed up before.

    python benchmarks/second_strategy.py
    python benchmarks/second_strategy.py --preset paper --random --samples 16

The result lands in benchmarks/results/.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from measuring import (
    add_model_arguments,
    dataset_of,
    load_models,
    machine,
    parser_of,
    segment,
    workplace,
    write_record,
)
from media import Pair, write_pairs

import fiftyone_avs as avs

CASES = {
    "audio caption": ({"strategy": "captioning"}, {"strategy": "acap_vcls"}),
    "image caption": (
        {"strategy": "vcap_acls"},
        {"strategy": "vcap_acls", "strategy_options": {"prompt": "the {c} that can be heard"}},
    ),
}
"""The first and the second run of each case."""

CAPTIONS = {"audio caption": "audio_caption", "image caption": "image_caption"}
"""The field of the caption that both runs share."""


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Measure, print and write; the record is returned."""
    options = parse(arguments)
    with workplace(options) as work:
        models = load_models(options, work)
        filmed = options.preset == "paper"
        few = write_pairs(work / "few", options.warm_up, layout="distinct", filmed=filmed, seed=99)
        for case in CASES:
            measure(options, models, few, case, work / "few" / case)
        rounds: dict[str, list[dict[str, float]]] = {case: [] for case in CASES}
        for number in range(options.rounds):
            place = work / str(number)
            pairs = write_pairs(
                place / "media", options.samples, layout="distinct", filmed=filmed, seed=100 + number
            )
            for case, found in rounds.items():
                found.append(measure(options, models, pairs, case, place / case))
        record = {
            "preset": options.preset,
            "random_weights": options.random,
            "samples": options.samples,
            "rounds": options.rounds,
            **machine(models.device),
            "cases": {case: summed_up(found) for case, found in rounds.items()},
        }
    for case, found in record["cases"].items():
        print(
            f"{case}: first {found['first']} s, second {found['second']} s, which is"
            f" {found['second_relative_to_first']:.0%} of the first; the second alone {found['second_alone']} s"
        )
    write_record(record, options, f"second-strategy-{options.preset}-{models.device.split(':')[0]}")
    return record


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = parser_of(__doc__, samples=200)
    add_model_arguments(parser)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--warm-up", type=int, default=4, help="scenes before the first round")
    return parser.parse_args(arguments)


def measure(
    options: argparse.Namespace, models: avs.Models, pairs: Sequence[Pair], case: str, folder: Path
) -> dict[str, float]:
    """Seconds of the first run, of the second, and of the second on samples where nothing ran before."""

    def seconds(dataset: Any, run: str, arguments: dict[str, Any]) -> float:
        start = time.perf_counter()
        segment(dataset, models, options, run=run, output_dir=folder / dataset.name, **arguments)
        return time.perf_counter() - start

    first, second = CASES[case]
    with dataset_of(pairs) as dataset:
        took = {"first": seconds(dataset, "first", first)}
        captions = dataset.values(CAPTIONS[case])
        took["second"] = seconds(dataset, "second", second)
        if dataset.values(CAPTIONS[case]) != captions:
            raise RuntimeError(f"{case}: the second run has changed the captions that it should share")
    with dataset_of(pairs) as dataset:
        took["second_alone"] = seconds(dataset, "second", second)
    return took


def summed_up(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    """Medians of rounds: seconds, and the second run's time relative to the first one's."""
    seconds = {name: round(median(found[name] for found in rounds), 3) for name in rounds[0]}
    relative = median(found["second"] / found["first"] for found in rounds)
    saved = median(found["second"] / found["second_alone"] for found in rounds)
    return {
        **seconds,
        "second_relative_to_first": round(relative, 3),
        "second_relative_to_alone": round(saved, 3),
    }


if __name__ == "__main__":
    main()
