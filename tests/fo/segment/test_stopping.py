"""Stopping a call of ``segment`` from elsewhere, what is said of it meanwhile, and going on with its settings."""

from __future__ import annotations

import fiftyone as fo
import pytest

from fiftyone_avs import list_unfinished, resume_run, segment, segment_all, stop_run
from fiftyone_avs.errors import ConfigurationError, DatasetError
from fiftyone_avs.fo import check_resume, delete_run
from fiftyone_avs.fo.runs import calls
from fiftyone_avs.models import Models, fake
from fiftyone_avs.progress import listening
from tests.fo.samples import files_of, segment_with_fakes

COUNT = 6


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(calls, "OFTEN", 0.0)


@pytest.fixture
def fakes_by_name(monkeypatch):
    """Lets names of models stand for the fake ones, so that a call can be noted."""
    monkeypatch.setattr("fiftyone_avs.planning.load_models", lambda preset, **_: fake.fake_models())


def stop_at(dataset, number, run=None):
    """A progress function that asks to stop after so many samples."""

    def tell(done, total):
        if done == number:
            stop_run(dataset, run)

    return tell


def test_a_stopped_run_stores_what_is_computed_and_is_resumed_with_its_settings(
    make_images, output, fakes_by_name
):
    dataset = make_images(COUNT)
    view = dataset[1:]
    options = {"output_dir": output, "batch_size": 1, "threshold": 0.7, "silence": "run"}
    summary = segment(view, "vcap_acls", run="mine", progress=stop_at(dataset, 2), **options)
    assert summary.stopped and 2 <= summary.ok < COUNT - 1 and summary.ok + summary.left == COUNT - 1
    assert f"stopped with {summary.left} left" in str(summary)
    done = set(dataset.match({"mine_status": {"$ne": None}}).values("id"))
    assert files_of(output / "mine") == {f"{name}_{kind}.png" for name in done for kind in ("mask", "map")}

    (call,) = list_unfinished(dataset)
    assert (call.runs, call.state, call.done, call.left) == (("mine",), "stopped", summary.ok, summary.left)
    assert call.settings.startswith("vcap_acls, ") and "threshold 0.7" in call.settings
    assert check_resume(dataset, "mine") == []
    (again,) = resume_run(dataset, "mine", progress=False)
    assert (again.run, again.ok, again.skipped, again.left) == ("mine", summary.left, summary.ok, 0)
    assert dataset.count("mine_status") == COUNT - 1, "only the view is done"
    settings = dataset.get_run_info("mine").config.settings
    assert (settings["threshold"], settings["silence"]) == (0.7, "run")
    assert list_unfinished(dataset) == []


def test_runs_in_one_pass_stop_and_go_on_together(make_images, output, fakes_by_name):
    dataset = make_images(COUNT)
    stopped = segment_all(
        dataset,
        ["vcap_acls", "captioning"],
        output_dir=output,
        batch_size=1,
        progress=stop_at(dataset, 1, "captioning"),
    )
    table = str(stopped).splitlines()
    assert table[0].split() == ["run", "ok", "abstained", "failed", "done", "already", "left"]
    assert table[1].split()[0] == "vcap_acls" and table[2].split()[0] == "captioning"
    assert "stopped: vcap_acls, captioning" in table[3]
    assert [one.left for one in resume_run(dataset, progress=False)] == [0, 0]
    assert dataset.count("vcap_acls_status") == dataset.count("captioning_status") == COUNT


def test_videos_stop_between_videos(videos, output, fakes_by_name):
    summary = segment(videos, "vcap_acls", output_dir=output, progress=stop_at(videos, 1))
    assert summary.stopped and summary.left == 2
    assert resume_run(videos, progress=False)[0].left == 0


def test_an_overwriting_run_is_not_overwritten_again_when_it_is_resumed(make_images, output, fakes_by_name):
    dataset = make_images(COUNT)
    segment(dataset, "vcap_acls", output_dir=output, progress=False)
    segment(
        dataset, "vcap_acls", output_dir=output, overwrite=True, batch_size=1, progress=stop_at(dataset, 2)
    )
    done = dataset.count("vcap_acls_status")
    assert resume_run(dataset, progress=False)[0].skipped == done


def test_what_is_done_is_said_and_noted_while_it_runs(make_images, output):
    dataset = make_images(COUNT)
    segment_with_fakes(dataset, output, max_samples=2)
    heard, noted = [], []

    def hear(what):
        heard.append(what)
        noted.extend(str(call) for call in list_unfinished(dataset))

    with listening(hear):
        summary = segment_with_fakes(dataset, output, max_samples=3)
    assert heard == ["3 samples to do, 1 left for later, 2 done already"]
    assert noted == [
        "vcap_acls: running, 3 samples to do, 1 left for later, 2 done already; 0 of 3 samples done, 3 left"
    ]
    assert summary.left == 1 and not summary.stopped


def test_models_are_named_while_they_are_loaded(make_images, output, monkeypatch):
    dataset = make_images(1)
    monkeypatch.setattr(Models, "loaded", ())  # although the fakes are
    heard = []
    with listening(heard.append):
        segment_with_fakes(dataset, output, "classification")
    assert heard[:2] == [
        f"loading models, {number} of 2: fiftyone_avs.models.fake.{name}"
        for number, name in ((1, "FakeAudioClassifier"), (2, "FakeSegmenter"))
    ]


def test_ctrl_c_leaves_a_run_that_is_resumed(make_images, output, fakes_by_name):
    dataset = make_images(COUNT)

    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        segment(dataset, "vcap_acls", output_dir=output, batch_size=1, progress=interrupt)
    (call,) = list_unfinished(dataset)
    assert call.state == "interrupted"
    resume_run(dataset, progress=False)
    assert dataset.count("vcap_acls_status") == COUNT


def test_what_cannot_be_stopped_or_resumed_is_said(make_images, output, fakes_by_name):
    dataset = make_images(COUNT)
    with pytest.raises(DatasetError, match=r"no run under way .* under way: none"):
        stop_run(dataset)
    with pytest.raises(DatasetError, match="unfinished: none"):
        resume_run(dataset)
    segment_with_fakes(dataset, output, batch_size=1, progress=stop_at(dataset, 1))
    with pytest.raises(ConfigurationError, match="models or strategies of your own"):
        resume_run(dataset)
    assert check_resume(dataset)[0].blocks
    with pytest.raises(DatasetError, match="run 'other' is not unfinished"):
        resume_run(dataset, "other")
    delete_run(dataset, "vcap_acls")
    assert list_unfinished(dataset) == []


def test_a_call_that_cannot_begin_leaves_no_note(make_images, output, fakes_by_name):
    dataset = make_images(1)
    dataset.add_sample_field("mine", fo.StringField)
    with pytest.raises(ConfigurationError):
        segment(dataset, "vcap_acls", run="mine", output_dir=output, progress=False)
    assert list_unfinished(dataset) == []


def test_a_call_whose_process_died_counts_as_interrupted(make_images, output, monkeypatch, fakes_by_name):
    dataset = make_images(2)
    states = []

    def tell(done, total):
        states.append(list_unfinished(dataset)[0].state)
        monkeypatch.setattr(calls.os, "kill", _nobody)
        states.append(list_unfinished(dataset)[0].state)
        monkeypatch.undo()

    segment(dataset, "vcap_acls", output_dir=output, progress=tell, max_samples=1)
    assert states == ["running", "interrupted"]


def _nobody(process, number):
    raise ProcessLookupError


def test_a_word_to_stop_that_comes_when_all_is_done_leaves_nothing_to_resume(
    make_images, output, fakes_by_name
):
    dataset = make_images(COUNT)
    summary = segment(dataset, "vcap_acls", progress=stop_at(dataset, COUNT), output_dir=output, batch_size=1)
    assert (summary.ok, summary.left, summary.stopped) == (COUNT, 0, False)
    assert list_unfinished(dataset) == []
