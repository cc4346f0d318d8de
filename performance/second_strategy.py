r"""What a second strategy costs on the same view, where both ask for the same caption.

It is told relative to the first one's time, in three cases: captioning and acap_vcls, which ask the same audio
captioner, in either order; and vcap_acls twice, under two run keys with two prompts, which asks the image captioner.
Each is done in two ways:

* in one pass, with the public ``avs.segment_all``: what the pass takes longer than the first strategy alone;
* later, with ``avs.segment`` on samples that hold the captions of the first run.

Beside them stands the second strategy on a dataset where nothing ran before. All see the same files, and every round
has new scenes; the numbers are medians of rounds. FiftyOne is included; models are loaded and warmed up before.

    python performance/second_strategy.py
    python performance/second_strategy.py --preset paper --random --samples 16

The result lands in performance/results/.
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
    segment_all,
    workplace,
    write_record,
)
from media import Pair, write_pairs

import fiftyone_avs as avs

Run = tuple[str, dict[str, Any]]

CAPTIONING: Run = ("captioning", {})
ACAP_VCLS: Run = ("acap_vcls", {})
CASES: dict[str, tuple[Run, Run]] = {
    "captioning, then acap_vcls": (CAPTIONING, ACAP_VCLS),
    "acap_vcls, then captioning": (ACAP_VCLS, CAPTIONING),
    "vcap_acls, then vcap_acls": (
        ("vcap_acls", {}),
        ("vcap_acls", {"prompt": "the {c} that can be heard"}),
    ),
}
"""The first and the second run of each case, with their options."""

CAPTIONS = {"captioning": "audio_caption", "acap_vcls": "audio_caption", "vcap_acls": "image_caption"}
"""The field of the caption that a strategy asks for."""

TARGET = 0.4


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
            "target": TARGET,
            **machine(models.device),
            "cases": {case: summed_up(found) for case, found in rounds.items()},
        }
    for case, found in record["cases"].items():
        costs = f"{found['second_in_one_pass']:.0%} of the first in one pass (target {TARGET:.0%})"
        print(
            f"{case}: the second costs {costs}, {found['second_later']:.0%} later; first {found['first']} s, both in"
            f" one pass {found['both']} s, second later {found['later']} s, second alone {found['alone']} s"
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
    """Seconds of the first run, of both in one pass, of the second one later, and of the second one alone."""

    def seconds(dataset: Any, **runs: Run) -> float:
        start = time.perf_counter()
        segment_all(dataset, models, options, runs, folder / dataset.name)
        return time.perf_counter() - start

    first, second = CASES[case]
    field = CAPTIONS[first[0]]
    took = {}
    with dataset_of(pairs) as dataset:
        took["first"] = seconds(dataset, first=first)
        captions = dataset.values(field)
        took["later"] = seconds(dataset, second=second)
        if dataset.values(field) != captions:
            raise RuntimeError(f"{case}: the second run has changed the captions that it should share")
        texts = dataset.values(["first_query.label", "second_query.label"])
    with dataset_of(pairs) as dataset:
        took["both"] = seconds(dataset, first=first, second=second)
        if dataset.values(["first_query.label", "second_query.label"]) != texts:
            raise RuntimeError(f"{case}: one pass has found other expressions than two runs")
    with dataset_of(pairs) as dataset:
        took["alone"] = seconds(dataset, second=second)
    return took


def summed_up(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    """Medians of rounds: seconds, and what the second run costs relative to the first one's time."""
    seconds = {name: round(median(found[name] for found in rounds), 3) for name in rounds[0]}
    return {
        **seconds,
        "second_in_one_pass": round(median(found["both"] / found["first"] - 1 for found in rounds), 3),
        "second_later": round(median(found["later"] / found["first"] for found in rounds), 3),
    }


if __name__ == "__main__":
    main()
