"""Work in steps: what the caller sees of it, and what is left of it when the caller goes away."""

from __future__ import annotations

import re
import threading
import time
from itertools import count

import pytest

from fiftyone_avs import evaluate, segment
from fiftyone_avs.errors import DatasetError
from fiftyone_avs.fo.app.steps import InSteps
from fiftyone_avs.models import fake
from fiftyone_avs.progress import say
from tests.fo.samples import files_of

SAMPLES = 12
PATIENCE = 2000  # rounds of 5 ms that abandoned work waits to be stopped, before it goes on to the end


def workers():
    return [thread for thread in threading.enumerate() if thread.name == "fiftyone-avs"]


def stay_at(step, progress):
    """Pass progress on, but come to no later step than this one until the work is stopped."""

    def tell(done, total):
        progress(done, total)
        for _ in range(PATIENCE if done == step else 0):
            time.sleep(0.005)
            progress(done, total)

    return tell


def give_up(steps, step):
    """Iterate up to a step and then no further, as a closed browser tab does."""
    iterator = iter(steps)
    for done, _ in iterator:
        if done == step:
            break
    iterator.close()


def files_for(ids):
    return {f"{name}_{kind}.png" for name in ids for kind in ("mask", "map")}


def test_what_the_work_says_and_how_much_is_left_is_told_in_words():
    def work(progress):
        say("loading models, 1 of 2")
        for number in range(1, 3):
            progress(number, 2)

    steps = InSteps(work)
    told = [(*step, steps.text) for step in steps]
    assert told[0] == (0, 0, "loading models, 1 of 2")
    assert re.fullmatch(r"1 of 2, 1 left, about 1 s left", told[1][2]) and told[2] == (2, 2, "2 of 2")


def test_steps_come_in_order_and_the_result_after_them():
    def work(progress):
        for number in range(1, 4):
            progress(number, 3)
        return "done"

    steps = InSteps(work)
    assert list(steps) == [(1, 3), (2, 3), (3, 3)]
    assert steps.result == "done"
    assert not workers()


def test_work_without_steps_has_a_result():
    steps = InSteps(lambda progress: 42)
    assert list(steps) == []
    assert steps.result == 42


def test_the_work_does_not_hold_up_the_caller():
    caller = threading.get_ident()
    steps = InSteps(lambda progress: threading.get_ident())
    list(steps)
    assert steps.result != caller


def test_an_error_comes_after_the_steps_before_it():
    def work(progress):
        progress(1, 2)
        raise DatasetError("the second sample is gone")

    steps = iter(InSteps(work))
    assert next(steps) == (1, 2)
    with pytest.raises(DatasetError, match="second sample is gone"):
        next(steps)
    assert not workers()


def test_work_that_nobody_waits_for_stops_at_its_next_step():
    done = []

    def work(progress):
        for number in count(1):
            progress(number, PATIENCE)
            done.append(number)
            time.sleep(0.005)
            if number == PATIENCE:
                break

    give_up(InSteps(work), 3)
    assert not workers()
    assert 2 <= len(done) < PATIENCE


def test_an_error_of_the_caller_stops_the_work_too():
    def work(progress):
        stay_at(1, progress)(1, 2)
        finished.append(True)

    finished = []
    with pytest.raises(ZeroDivisionError):
        for done, _ in InSteps(work):
            done / 0
    assert not workers() and not finished


def test_a_run_that_is_given_up_is_resumed_without_loss(make_images, output):
    dataset = make_images(SAMPLES)
    models = fake.fake_models()
    options = {"models": models, "output_dir": output, "batch_size": 4}
    steps = InSteps(lambda progress: segment(dataset, progress=stay_at(3, progress), **options))
    give_up(steps, 3)
    assert not workers()
    dataset.reload()
    done = dataset.match({"vcap_acls_status": "ok"}).values("id")
    stored = len(done)  # the block that was stored, and the one after it, which was predicted already
    assert 4 <= stored <= 8 < SAMPLES and done == dataset.limit(stored).values("id")
    assert dataset.count("vcap_acls") == stored
    assert files_of(output / "vcap_acls") == files_for(done)

    models.segmenter.expressions.clear()
    rest = InSteps(lambda progress: segment(dataset, progress=progress, **options))
    left = SAMPLES - stored
    assert [step for step in rest if step != (0, 0)] == [(number, left) for number in range(1, left + 1)]
    assert (rest.result.ok, rest.result.skipped) == (left, stored)
    assert len(models.segmenter.expressions) == left
    assert dataset.count_values("vcap_acls_status") == {"ok": SAMPLES}
    assert files_of(output / "vcap_acls") == files_for(dataset.values("id"))


def test_an_evaluation_that_is_given_up_leaves_nothing(make_images, output):
    dataset = make_images(SAMPLES)
    segment(dataset, models=fake.fake_models(), output_dir=output, progress=False)
    before = set(dataset.get_field_schema())
    steps = InSteps(lambda progress: evaluate(dataset, "vcap_acls", progress=stay_at(3, progress)))
    give_up(steps, 3)
    assert not workers()
    dataset.reload()
    assert dataset.list_evaluations() == [] and set(dataset.get_field_schema()) == before
    assert evaluate(dataset, "vcap_acls", progress=False).counts["ok"] == SAMPLES
