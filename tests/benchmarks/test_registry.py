"""The registry of benchmarks."""

from __future__ import annotations

import inspect

import pytest

from fiftyone_avs.benchmarks.registry import ALIASES, BENCHMARKS, find_benchmark
from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.paper.published import PUBLISHED_DATASETS


def test_benchmarks_are_found_by_key_and_by_short_name():
    assert all(find_benchmark(key).key == key for key in BENCHMARKS)
    assert find_benchmark("s4") is BENCHMARKS["avsbench-s4"]
    with pytest.raises(ConfigurationError, match=r"no benchmark 'imagenet'; there are is3, .*avss"):
        find_benchmark("imagenet")


def test_those_with_published_numbers_are_there_and_have_their_split():
    splits = {key: BENCHMARKS[key].paper_split for key in PUBLISHED_DATASETS}
    assert splits == {"is3": None, "avsbench-s4": "test", "vpo-ss": "val"}
    assert set(ALIASES.values()) <= set(BENCHMARKS)


@pytest.mark.parametrize("key", BENCHMARKS)
def test_what_a_benchmark_says_of_itself_fits_its_reader(key):
    benchmark = BENCHMARKS[key]
    arguments = inspect.signature(benchmark.read).parameters
    assert set(arguments) == {"root", "split", *benchmark.options}
    assert benchmark.default_split in (None, *benchmark.splits)
    assert benchmark.paper_split in (None, benchmark.default_split)
    assert benchmark.clips == ("clips" in benchmark.options)


def test_splits_are_checked():
    benchmark = BENCHMARKS["avsbench-s4"]
    assert [benchmark.chosen_split(split) for split in (None, "val", "all")] == ["test", "val", None]
    with pytest.raises(ConfigurationError, match="AVSBench-S4 has no split 'exam': it has train, val, test"):
        benchmark.chosen_split("exam")
    with pytest.raises(ConfigurationError, match="IS3 has no split 'test': it has none"):
        BENCHMARKS["is3"].chosen_split("test")
