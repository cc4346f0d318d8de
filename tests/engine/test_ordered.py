"""Work in threads that comes back in order."""

from __future__ import annotations

import os
import threading
import time

import pytest

from fiftyone_avs.engine.ordered import AHEAD, in_order


def test_results_come_in_the_order_of_the_items_however_long_they_take():
    def slow(number):
        time.sleep(0.02 if number % 3 == 0 else 0)
        return number, threading.get_ident()

    found = list(in_order(slow, range(30), threads=4))
    assert [number for number, _ in found] == list(range(30))
    assert threading.get_ident() not in {thread for _, thread in found} and len({t for _, t in found}) > 1


def test_the_stream_is_never_read_far_ahead():
    read = []

    def items():
        for number in range(100):
            read.append(number)
            yield number

    results = in_order(str, items(), threads=2)
    assert next(results) == "0" and len(read) == 2 * AHEAD
    assert list(results) == [str(number) for number in range(1, 100)]
    assert list(in_order(str, [])) == []


def test_an_error_ends_it_and_nothing_more_is_begun():
    begun = []

    def fail(number):
        begun.append(number)
        time.sleep(0.01)
        raise ValueError(f"bad {number}")

    with pytest.raises(ValueError, match="bad 0"):
        list(in_order(fail, range(100), threads=1))
    assert len(begun) <= 2


def test_systems_that_do_not_tell_a_process_s_cores_are_asked_for_the_machine_s(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")  # as on macOS
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    found = list(in_order(lambda number: (number, threading.get_ident()), range(20)))
    assert [number for number, _ in found] == list(range(20)) and len({thread for _, thread in found}) == 1
