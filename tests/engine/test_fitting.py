"""Batch sizes are found while stages work, and shrink when memory runs out."""

from __future__ import annotations

import errno
import weakref

import pytest
import torch

from fiftyone_avs.engine import BatchSizes, Failure, batching, fitting, is_out_of_memory, run_stage
from fiftyone_avs.engine.fitting import PATIENCE, HostSizes, sizes_for


def feed(sizes: BatchSizes, seconds_of, batches: int, stage: str = "stage") -> list[int]:
    """Let a stage work through full batches that take so long; return their sizes."""
    seen = []
    for _ in range(batches):
        size = sizes.of(stage)
        seen.append(size)
        sizes.took(stage, size, seconds_of(size))
    return seen


def test_sizes_double_while_an_item_gets_cheaper_and_stop_at_the_limit():
    seen = feed(BatchSizes(2, 16), lambda size: 1.0, 12)  # a batch takes a second, whatever its size
    assert seen == [2, 2, 4, 4, 8, 8, 16, 16, 16, 16, 16, 16]


def test_sizes_go_back_when_doubling_is_not_worth_it():
    seen = feed(BatchSizes(2, 64), lambda size: 1.0 if size <= 8 else size / 8, 12)
    assert seen[:8] == [2, 2, 4, 4, 8, 8, 16, 16] and set(seen[8:]) == {8}


def test_a_stage_that_gains_nothing_stays_where_it_began():
    seen = feed(BatchSizes(4, 64), lambda size: float(size), 8)
    assert seen[-4:] == [4, 4, 4, 4]


def test_the_first_batch_of_a_size_and_partial_batches_are_not_timed():
    sizes = BatchSizes(2, 8)
    sizes.took("stage", 2, 100.0)  # warms up
    sizes.took("stage", 1, 100.0)
    sizes.took("stage", 2, 1.0)
    assert sizes.of("stage") == 4
    sizes.took("stage", 4, 100.0)
    assert sizes.of("stage") == 4


def test_stages_have_sizes_of_their_own():
    sizes = BatchSizes(2, 8)
    feed(sizes, lambda size: 1.0, 4, "segmenter")
    assert (sizes.of("segmenter"), sizes.of("captioner")) == (8, 2)


def out_of_memory_above(room: int, calls: list[int]):
    def call(items):
        calls.append(len(items))
        if sum(items) > room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return [item * 10 for item in items]

    return call


def test_a_batch_that_does_not_fit_is_halved_and_no_item_is_lost():
    calls: list[int] = []
    sizes = BatchSizes(16, 16)
    assert run_stage("segmenter", out_of_memory_above(5, calls), [1] * 16, sizes) == [10] * 16
    assert calls == [16, 8, 4, 4, 4, 4]
    assert run_stage("segmenter", out_of_memory_above(5, calls), [1] * 8, sizes) == [10] * 8
    assert calls[6:] == [4, 4]  # learnt once


def test_an_item_that_does_not_fit_alone_fails_alone_and_says_why():
    calls: list[int] = []
    results = run_stage("segmenter", out_of_memory_above(5, calls), [1, 1, 9, 1], BatchSizes(4, 4))
    assert [result for result in results if not isinstance(result, Failure)] == [10, 10, 10]
    failure = results[2]
    assert isinstance(failure, Failure)
    assert "segmenter: memory runs out with this sample alone" in failure.reason
    assert "Tried to allocate" in failure.reason


def test_after_one_huge_item_the_larger_size_comes_back():
    calls: list[int] = []
    sizes = BatchSizes(8, 8)
    run_stage("segmenter", out_of_memory_above(100, calls), [200] + [1] * 7, sizes)
    assert sizes.of("segmenter") == 1
    run_stage("segmenter", out_of_memory_above(100, calls), [1] * 8 * PATIENCE, sizes)
    assert sizes.of("segmenter") == 8


@pytest.mark.parametrize(
    ("error", "memory"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("x"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"), True),
        (RuntimeError("HIP out of memory"), True),
        (RuntimeError("std::bad_alloc"), True),
        (torch.AcceleratorError("CUDA error: out of memory"), True),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), True),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), False),
        (RuntimeError("cuDNN error: CUDNN_STATUS_NOT_SUPPORTED"), False),
        (RuntimeError("shapes do not match"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_counts_as_out_of_memory(error, memory):
    assert is_out_of_memory(error) == memory


def test_the_failed_batch_is_let_go_before_the_smaller_one_is_tried():
    alive = []

    class Big:
        def __del__(self):
            alive.remove(id(self))

    def call(items):
        big = Big()
        alive.append(id(big))
        if len(items) > 1:
            assert len(alive) == 1
            raise MemoryError
        assert len(alive) == 1, "what the failed batch made is still in memory"
        return items

    assert run_stage("stage", call, [1, 2], BatchSizes(2, 2)) == [1, 2]


def _raise_bare(items):
    raise MemoryError


def _raise_wrapped(items):
    try:
        raise torch.OutOfMemoryError("CUDA out of memory")
    except torch.OutOfMemoryError as error:
        raise ValueError("a library's own words") from error


def _raise_while_handling(items):
    try:
        raise torch.OutOfMemoryError("CUDA out of memory")
    except torch.OutOfMemoryError:
        raise ValueError("could not clean up")  # noqa: B904


def _raise_hiding(items):
    try:
        raise KeyError("a cache")
    except KeyError:
        raise torch.OutOfMemoryError("CUDA out of memory") from None


@pytest.mark.parametrize("fail", [_raise_bare, _raise_wrapped, _raise_while_handling, _raise_hiding])
def test_however_the_error_is_wrapped_the_failed_batch_is_let_go_and_halved(fail):
    alive = weakref.WeakSet()

    class Big:
        pass

    def compute(items):
        big = Big()
        alive.add(big)
        if len(items) > 1:
            fail(items)
        return items

    def call(items):
        assert not alive, "what the failed batch made is still in memory"
        return compute(items)

    assert run_stage("stage", call, [1, 2], BatchSizes(2, 2)) == [1, 2]


def test_a_cpu_begins_with_smaller_batches_than_a_gpu():
    assert sizes_for("cpu").most < sizes_for("cuda:0").most
    assert sizes_for("cpu").of("segmenter") < sizes_for("cuda:0").of("segmenter")
    assert sizes_for("cpu", large=False).of("segmenter") == 8


GIGABYTE = 1 << 30


class Machine:
    """A machine's memory, as a stage with large items takes it."""

    def __init__(self, monkeypatch, free, per_item):
        self.free, self.per_item, self.peak = free * GIGABYTE, per_item * GIGABYTE, 0
        self.held = 3 * GIGABYTE
        monkeypatch.setattr(fitting, "free_memory", lambda: int(self.free - self.peak))
        monkeypatch.setattr(fitting, "held_memory", lambda: (self.held, int(self.held + self.peak)))

    def run(self, sizes, seconds_of, batches=10):
        seen = []
        for _ in range(batches):
            size = sizes.of("segmenter")
            seen.append(size)
            self.peak = max(self.peak, size * self.per_item)
            assert self.peak <= self.free, "the process was killed"
            sizes.took("segmenter", size, seconds_of(size))
        return seen


@pytest.mark.parametrize(
    ("free", "seen"), [(1.5, {1}), (3, {1}), (6, {2}), (8, {2, 4}), (20, {2, 4}), (100, {2, 4})]
)
def test_on_a_cpu_sizes_follow_free_memory_and_stay_where_nothing_gets_faster(monkeypatch, free, seen):
    machine = Machine(monkeypatch, free, 1)
    sizes = machine.run(sizes_for("cpu"), lambda size: 10.0 * size)
    assert set(sizes) == seen
    assert sizes[-1] <= 2 and sizes.count(4) <= 2


@pytest.mark.parametrize(("free", "most"), [(1.5, 1), (8, 4), (20, 8), (100, 16)])
def test_on_a_cpu_sizes_grow_while_it_gets_faster_and_memory_lasts(monkeypatch, free, most):
    machine = Machine(monkeypatch, free, 1)
    assert max(machine.run(sizes_for("cpu"), lambda size: 1.0, 12)) == most


def test_small_items_grow_to_the_limit_on_a_small_machine(monkeypatch):
    machine = Machine(monkeypatch, 2, 0.01)
    assert machine.run(sizes_for("cpu"), lambda size: 1.0, 20)[-1] == 16
    assert machine.run(sizes_for("cpu", large=False), lambda size: 1.0, 20)[-1] == 16


def test_where_memory_is_not_known_time_decides(monkeypatch):
    monkeypatch.setattr(fitting, "free_memory", lambda: None)
    monkeypatch.setattr(fitting, "held_memory", lambda: None)
    assert feed(HostSizes(8, 16), lambda size: 1.0, 12)[-1] == 16


def test_a_size_that_was_halved_never_grows_beyond_what_was_asked_for():
    calls: list[int] = []
    sizes = BatchSizes(11, 11)
    run_stage("segmenter", out_of_memory_above(100, calls), [200] + [1] * 2, sizes)  # fewer than a batch
    assert sizes.of("segmenter") == 1
    run_stage("segmenter", out_of_memory_above(100, calls), [1] * 40 * PATIENCE, sizes)
    assert sizes.of("segmenter") == max(calls) == 11


@pytest.mark.parametrize(("seconds_of", "size"), [(lambda count: 1.0, 4), (lambda count: 1.0 * count, 1)])
def test_stages_measure_the_time_that_batches_take(monkeypatch, seconds_of, size):
    now = [0.0]
    monkeypatch.setattr(batching.time, "perf_counter", lambda: now[0])

    def call(items):
        now[0] += seconds_of(len(items))
        return items

    sizes = BatchSizes(1, 4)
    assert run_stage("stage", call, list(range(12)), sizes) == list(range(12))
    assert sizes.of("stage") == size


def test_memory_is_asked_back_only_when_it_ran_out(monkeypatch):
    asked = []
    monkeypatch.setattr(batching, "release_memory", lambda: asked.append(True))

    def call(items):
        if -1 in items:
            raise MemoryError if len(items) > 2 else ValueError("bad")
        return items

    results = run_stage("stage", call, [1, -1, 2, 3], BatchSizes(4, 4))
    assert [result for result in results if not isinstance(result, Failure)] == [1, 2, 3]
    assert asked == [True]
