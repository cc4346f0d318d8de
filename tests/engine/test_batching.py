"""Stages over batches: a bad item fails alone, a broken model stops everything."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fiftyone_avs.engine import Failure, allocation, reused_memory, run_stage
from fiftyone_avs.errors import ModelError


def halve(items):
    if any(item % 2 for item in items):
        raise ValueError("odd")
    return [item // 2 for item in items]


def test_results_come_in_order():
    assert run_stage("halve", halve, [2, 4, 6]) == [1, 2, 3]


def test_bad_items_fail_alone_and_say_why():
    first, second, third = run_stage("halve", halve, [2, 3, 4])
    assert (first, third) == (1, 2)
    assert isinstance(second, Failure)
    assert second.reason == "halve: odd"


def test_a_wrong_number_of_results_is_a_failure():
    (failure,) = run_stage("lazy", lambda items: [], [1])
    assert failure.reason == "lazy: 0 results for 1 items"


def test_an_error_without_a_message_is_named_by_its_kind():
    def fail(items):
        raise KeyError

    (failure,) = run_stage("stage", fail, [1])
    assert failure.reason == "stage: KeyError"


def test_nothing_is_called_for_an_empty_batch():
    assert run_stage("never", lambda items: pytest.fail("called"), []) == []


def test_a_model_error_concerns_every_item():
    def fail(items):
        raise ModelError("no weights")

    with pytest.raises(ModelError):
        run_stage("stage", fail, [1, 2])


def test_freed_memory_is_kept_within_the_context_and_given_back_behind_it():
    if not sys.platform.startswith("linux"):
        pytest.skip("only glibc's memory is kept")
    program = """
import psutil, torch
from fiftyone_avs.engine import reused_memory
torch.set_num_threads(1)
def faults():
    import resource
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.zeros(2**24).add_(1)  # 64 MB, written
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
def held():
    return psutil.Process().memory_info().rss
fresh = faults()
before = held()
with reused_memory("cpu"):
    with reused_memory("cpu"):
        faults()
    kept = faults()  # the inner context ends nothing
    inside = held()
assert kept < fresh / 10, (kept, fresh)
assert inside > before + 2**25 and held() < before + 2**24, (before, inside, held())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_gpu_s_memory_and_other_c_libraries_are_left_alone(monkeypatch):
    settings = []

    class Library:
        mallopt = staticmethod(lambda name, value: settings.append((name, value)))
        malloc_trim = staticmethod(settings.append)

    monkeypatch.setattr(allocation, "_glibc", Library)
    with reused_memory("cuda:0"):
        pass
    assert settings == []
    with reused_memory("cpu"):
        assert dict(settings) == allocation.KEEP
    assert dict(settings[len(allocation.KEEP) : -1]) == allocation.USUAL and settings[-1] == 0
    monkeypatch.setattr(allocation, "_glibc", lambda: None)
    with reused_memory("cpu"):
        pass
    assert len(settings) == 2 * len(allocation.KEEP) + 1
