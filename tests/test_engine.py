"""Stages over batches: a bad item fails alone, a broken model stops everything."""

from __future__ import annotations

import pytest

from fiftyone_avs.engine import Failure, run_stage
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
        raise MemoryError

    (failure,) = run_stage("stage", fail, [1])
    assert failure.reason == "stage: MemoryError"


def test_nothing_is_called_for_an_empty_batch():
    assert run_stage("never", lambda items: pytest.fail("called"), []) == []


def test_a_model_error_concerns_every_item():
    def fail(items):
        raise ModelError("no weights")

    with pytest.raises(ModelError):
        run_stage("stage", fail, [1, 2])
