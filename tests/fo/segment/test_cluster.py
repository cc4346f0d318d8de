"""Runs on a real Ray cluster of this machine: the same results, whatever dies."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import fiftyone as fo
import numpy as np
import pytest
import ray
from PIL import Image

from fiftyone_avs import __version__, segment
from fiftyone_avs.errors import AVSError, ConfigurationError, ModelError
from fiftyone_avs.fo import segment_all
from fiftyone_avs.fo.runs.folder import RunFolder
from fiftyone_avs.fo.runs.start_or_resume import OpenRun
from fiftyone_avs.fo.schema.fields import RunFields, declare
from fiftyone_avs.fo.segment.cluster.driver import RayRunner, for_workers
from fiftyone_avs.fo.segment.cluster.job import ClusterJob
from fiftyone_avs.fo.segment.cluster.nodes import WorkerPlan, room_for
from fiftyone_avs.fo.segment.cluster.statuses import StatusStore
from fiftyone_avs.fo.segment.cluster.worker import start_work
from fiftyone_avs.fo.segment.loop import GONE
from fiftyone_avs.models import fake
from fiftyone_avs.pipeline import Pipeline
from fiftyone_avs.tiny.scenes import make_scenes, write_scenes
from tests.fo.samples import SIZE, files_of, new_process, write_video
from tests.fo.segment.cluster_models import Anything, delicate

ONE = RayRunner(workers=1, cpus=1, restarts=0)
PATIENCE = 30  # seconds


def tiny_dataset(folder: Path, count: int) -> fo.Dataset:
    rows = write_scenes(folder, make_scenes(5, count))
    dataset = fo.Dataset()
    dataset.info["fiftyone_avs_demo"] = True
    dataset.save()
    paths = [(folder / "img" / f"{row['id']}.png", folder / "wav" / f"{row['id']}.wav") for row in rows]
    dataset.add_samples(
        [fo.Sample(filepath=str(picture), audio_path=str(sound)) for picture, sound in paths], progress=False
    )
    return dataset


def texts_of(dataset: fo.Dataset, run: str) -> list[tuple]:
    """The status and every text that a run found, by file."""
    found = []
    for sample in dataset:
        query, candidates = sample[f"{run}_query"], sample[f"{run}_candidates"]
        found.append(
            (
                Path(sample.filepath).name,
                sample[f"{run}_status"],
                query and query.label,
                candidates and [candidate.label for candidate in candidates.classifications],
                sample["image_caption"] and sample["image_caption"].label,
            )
        )
    return found


def assert_same_pictures(sample: fo.Sample, twin: fo.Sample, run: str) -> None:
    """Scores, maps and masks are the same, but for the last digit: models may keep what they computed before."""
    assert sample[f"{run}_query"].confidence == pytest.approx(twin[f"{run}_query"].confidence, abs=1e-6)
    here, there = (
        [
            np.asarray(Image.open(path)).astype(int)
            for path in (found[run].mask_path, found[f"{run}_map"].map_path)
        ]
        for found in (sample, twin)
    )
    assert abs(here[1] - there[1]).max() <= 1
    undecided = abs(here[1] - 65535 / 2) <= 1
    assert (here[0] == there[0])[~undecided].all() and undecided.mean() < 0.01


@pytest.mark.usefixtures("no_datasets_stay")
def test_a_cluster_of_our_own_finds_what_this_process_finds(tmp_path, output):
    dataset = tiny_dataset(tmp_path / "world", 7)
    Path(dataset.last().filepath).unlink()
    twin = dataset.clone()
    options = {"preset": "tiny", "batch_size": 2, "progress": False}
    strategies = ["vcap_acls", "captioning"]
    before = signal.getsignal(signal.SIGTERM)
    there = segment_all(
        dataset, strategies, **options, output_dir=output / "ray", runner=RayRunner(workers=2, cpus=1)
    )
    here = segment_all(twin, strategies, **options, output_dir=output / "local")
    assert not ray.is_initialized()  # it was ours, so it is gone
    assert signal.getsignal(signal.SIGTERM) is before
    for ours, theirs in zip(here, there, strict=True):
        found = texts_of(dataset, ours.run)
        assert found == texts_of(twin, ours.run)
        for sample, same in zip(dataset.limit(6), twin.limit(6), strict=True):
            assert_same_pictures(sample, same, ours.run)
        assert [row[1] for row in found[:-1]] == ["ok"] * 6 and found[-1][1].startswith("failed: ")
        assert (theirs.ok, theirs.failed, theirs.skipped) == (ours.ok, ours.failed, ours.skipped) == (6, 1, 0)
        assert theirs.reasons == {dataset.last().id: found[-1][1].removeprefix("failed: ")}
    # Both know the run's settings as the same, so that either can go on with it.
    Image.new("RGB", (320, 320)).save(dataset.last().filepath)
    assert segment(dataset, **options, retry_failed=True).ok == 1


@pytest.fixture(scope="module")
def cluster():
    """A cluster that is there before the runs, and has to be there after them."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    context = ray.init(
        address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR"
    )
    yield context.address_info["address"]
    assert ray.is_initialized()
    ray.shutdown()


def whiten(sample: fo.Sample) -> None:
    Image.new("RGB", SIZE[::-1], (255, 255, 255)).save(sample.filepath)


def run(dataset, output, models, runner=ONE, **options):
    options = {"batch_size": 2, "progress": False, **options}
    return segment(dataset, Anything(), models=models, output_dir=output, runner=runner, **options)


def wanted_files(dataset: fo.Dataset) -> set[str]:
    return {f"{name}_{kind}.png" for name in dataset.values("id") for kind in ("mask", "map")}


def test_a_worker_that_is_killed_is_replaced(cluster, make_images, output, tmp_path):
    dataset = make_images(9)
    white = dataset.skip(4).first()
    whiten(white)
    fuse = tmp_path / "fuse"
    fuse.touch()
    told = []
    summary = run(
        dataset,
        output,
        delicate(white="die", fuse=str(fuse)),
        RayRunner(workers=2, cpus=1, block=4),
        progress=lambda done, total: told.append((done, total)),
    )
    assert not fuse.exists()  # a worker did die
    assert (summary.ok, summary.abstained, summary.failed, summary.skipped) == (9, 0, 0, 0)
    assert told == [(number, 9) for number in range(1, 10)]
    assert dataset.count_values("anything_status") == {"ok": 9}
    assert files_of(output / "anything") == wanted_files(dataset)
    for sample in dataset:
        assert sample["anything_query"].label == f"object of {sample.id}"
        mask = np.asarray(Image.open(sample["anything"].mask_path)) > 0
        assert mask.all() if sample.id == white.id else 0.4 < mask.mean() < 0.6


def test_a_sample_that_kills_every_worker_fails_alone(cluster, make_images, output):
    dataset = make_images(4)
    white = dataset.last()
    whiten(white)
    summary = run(dataset, output, delicate(white="die"))
    assert (summary.ok, summary.failed) == (3, 1)
    assert list(summary.reasons) == [white.id] and "worker processes died" in summary.reasons[white.id]
    white.reload()
    assert white["anything_status"] == f"failed: {summary.reasons[white.id]}" and white["anything"] is None
    assert files_of(output / "anything") == wanted_files(dataset[:3])


def test_workers_that_die_while_loading_end_the_run(cluster, make_images, output):
    with pytest.raises(AVSError, match="1 workers in a row died while they loaded the models"):
        run(make_images(1), output, delicate(white="die while loading"))


def test_an_error_that_concerns_every_sample_ends_the_run_as_it_is(cluster, make_images, output):
    dataset = make_images(4)
    whiten(dataset.skip(2).first())
    with pytest.raises(ModelError, match=r"^the weights are gone$"):
        run(dataset, output, delicate(white="lose the weights"))
    assert dataset.values("anything_status") == ["ok", "ok", None, None]


def test_an_interrupted_run_ends_its_workers_and_is_resumed(cluster, make_images, output):
    dataset = make_images(4)

    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        run(dataset, output, delicate(white="die"), progress=interrupt)
    assert caught.traceback  # even while the traceback keeps all frames
    deadline = time.monotonic() + PATIENCE
    while ray.available_resources().get("CPU") != 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert ray.available_resources()["CPU"] == 2
    done = dataset.count("anything_status")
    assert done >= 2
    assert run(dataset, output, delicate(white="die"), "local").skipped == done
    assert dataset.count_values("anything_status") == {"ok": 4}


def test_a_killed_driver_leaves_a_run_that_is_resumed(cluster, make_images, output, monkeypatch):
    dataset = make_images(60)
    dataset.persistent = True
    monkeypatch.setenv("RAY_ADDRESS", cluster)
    process = new_process(
        f"from tests.fo.segment import cluster_models as m; m.main({dataset.name!r}, {str(output)!r})"
    )
    for line in process.stdout:
        if int(line) >= 3:
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + PATIENCE
    while ray.available_resources().get("CPU") != 2 and time.monotonic() < deadline:
        time.sleep(0.1)  # until its worker is gone
    dataset.reload()
    done = dataset.exists("anything_status").values("id")
    assert 3 <= len(done) < 60
    old = {path: path.stat().st_mtime_ns for name in done for path in (output / "anything").glob(f"{name}_*")}
    assert len(old) == 2 * len(done)
    summary = run(dataset, output, delicate(white="die"), "local")
    assert (summary.ok, summary.skipped) == (60 - len(done), len(done))
    assert files_of(output / "anything") == wanted_files(dataset)
    assert {path: path.stat().st_mtime_ns for path in old} == old


def test_failed_videos_are_tried_again_and_the_others_are_not(cluster, dataset, output, tmp_path):
    good, bad = tmp_path / "good.mp4", tmp_path / "bad.mp4"
    write_video(good, seconds=2)
    bad.write_bytes(b"no video")
    dataset.add_samples([fo.Sample(filepath=str(good)), fo.Sample(filepath=str(bad))], progress=False)
    models = delicate(white="die")
    first = run(dataset, output, models, "local")
    assert (first.ok, first.failed) == (1, 1)
    bad.write_bytes(good.read_bytes())
    assert run(dataset, output, models).skipped == 2  # nothing to do: no worker starts
    second = run(dataset, output, models, retry_failed=True)
    assert (second.ok, second.failed, second.skipped) == (1, 0, 1)
    frames = dataset.values("frames.anything_status")
    assert frames[0] == frames[1] and frames[1].count("ok") == 2
    assert len(files_of(output / "anything")) == 8


def test_other_machines_need_a_database_that_they_reach(cluster, make_images, output, monkeypatch):
    real = ray.nodes()
    monkeypatch.setattr(ray, "nodes", lambda: [*real, {**real[0], "NodeManagerAddress": "198.51.100.7"}])
    with pytest.raises(ConfigurationError, match=r"other machines \(198.51.100.7\).*FIFTYONE_DATABASE_URI"):
        run(make_images(1), output, delicate(white="die"))


def test_more_than_any_machine_has_is_refused(cluster, make_images, output):
    with pytest.raises(ConfigurationError, match=r"no machine .* 3 CPUs and 0 GPUs .* have 2 CPUs, 0 GPUs"):
        run(make_images(1), output, delicate(white="die"), RayRunner(cpus=3))
    with pytest.raises(ConfigurationError, match="device 'cuda' needs a GPU for each worker"):
        run(make_images(1), output, delicate(white="die"), device="cuda")


def test_no_cluster_at_the_address(make_images, output, monkeypatch):
    monkeypatch.setattr(ray, "is_initialized", lambda: False)

    def refuse(**options):
        raise ConnectionError("nobody answers")

    monkeypatch.setattr(ray, "init", refuse)
    with pytest.raises(ConfigurationError, match="cannot join a Ray cluster at 'head:6379': nobody answers"):
        run(make_images(1), output, delicate(white="die"), RayRunner(address="head:6379"))


def test_without_ray_the_error_says_what_to_install(make_images, output, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    dataset = make_images(1)
    with pytest.raises(ConfigurationError, match=r"pip install 'fiftyone-avs\[ray\]'"):
        run(dataset, output, delicate(white="die"), "ray")
    assert not dataset.list_runs()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"models": fake.fake_models()}, "an object of your own plays segmenter.*Name models by role"),
        ({"device": "cuda:1"}, "Ray gives every worker GPUs of its own"),
        ({"runner": "dask"}, "runner must be 'local', 'ray' or a RayRunner, not 'dask'"),
    ],
)
def test_what_cannot_run_on_a_cluster_is_refused_before_anything_is_written(
    make_images, output, options, message
):
    dataset = make_images(1)
    with pytest.raises(ConfigurationError, match=message):
        run(dataset, output, **{"models": delicate(white="die"), **options})
    assert not dataset.list_runs() and not output.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 0}, "workers must be a whole number, 1 or more, or None, not 0"),
        ({"cpus": 1.5}, "cpus must be a whole number, 1 or more, or None, not 1.5"),
        ({"block": None}, "block must be a whole number, 1 or more, not None"),
        ({"restarts": -1}, "restarts must be a whole number, 0 or more, not -1"),
        ({"gpus": -1}, "gpus must be"),
        ({"gpus": 1.5}, "gpus must be"),
        ({"gpus": float("nan")}, "gpus must be"),
    ],
)
def test_impossible_numbers_are_refused(options, message):
    with pytest.raises(ConfigurationError, match=message):
        RayRunner(**options)


CPU_BOX, SMALL_BOX, HEAD = {"CPU": 16.0}, {"CPU": 2.0}, {"memory": 1.0}
GPU_BOX = {"CPU": 96.0, "GPU": 8.0}


@pytest.mark.parametrize(
    ("machines", "options", "room"),
    [
        ([CPU_BOX], {}, WorkerPlan(4, 4, 0)),
        ([HEAD, CPU_BOX, SMALL_BOX], {}, WorkerPlan(9, 2, 0)),
        ([CPU_BOX], {"cpus": 1}, WorkerPlan(16, 1, 0)),
        ([CPU_BOX], {"workers": 2}, WorkerPlan(2, 4, 0)),
        ([GPU_BOX], {}, WorkerPlan(8, 12, 1)),
        ([HEAD, CPU_BOX, GPU_BOX], {"device": "cuda"}, WorkerPlan(8, 12, 1)),
        ([GPU_BOX], {"gpus": 0.5}, WorkerPlan(16, 6, 0.5)),
        ([GPU_BOX], {"gpus": 4}, WorkerPlan(2, 48, 4)),
        ([GPU_BOX], {"device": "cpu"}, WorkerPlan(24, 4, 0)),
        ([GPU_BOX], {"cpus": 48}, WorkerPlan(2, 48, 1)),
    ],
)
def test_workers_fill_the_machines(machines, options, room):
    nodes = [{"Alive": True, "Resources": machine} for machine in machines]
    nodes.append({"Alive": False, "Resources": GPU_BOX})
    arguments = {"workers": None, "cpus": None, "gpus": None, "device": None, **options}
    assert room_for(SimpleNamespace(nodes=lambda: nodes), **arguments) == room


@pytest.fixture
def job(make_images, output):
    """A job as a worker gets it."""
    dataset = make_images(1)
    folder = RunFolder(output / "anything", "id", "anything")
    folder.claim({})
    pipeline = for_workers(Pipeline(Anything(), delicate(white="die"), batch_size=2), None)
    settings = {"models": {}, "media": "image", "audio_field": "audio_path"}
    run = OpenRun(pipeline, RunFields("anything"), folder, settings)
    return ClusterJob((run,), "cpu", dataset.name, "audio_path", 1.0)


def test_a_worker_does_what_each_run_lacks(job, make_images):
    dataset = make_images(2)  # beside the one of the job
    first_run = job.runs[0]
    folder = RunFolder(first_run.folder.path.with_name("other"), "id", "other")
    folder.claim({})
    other = replace(first_run, fields=RunFields("other"), folder=folder)
    for run in (first_run, other):
        declare(dataset, run.fields)
    first, second, third = dataset.values("id")
    dataset.set_values("anything_status", {first: "ok", second: "abstained: of old"}, key_field="id")
    dataset.set_values("other_status", {first: "failed: of old"}, key_field="id")
    work = start_work(ray.cloudpickle.dumps((replace(job, runs=(first_run, other)), None)), __version__)
    told = dict(
        outcome for news in work.do([first, second, third, "6b06d29ff862a7680f704e3e"]) for outcome in news
    )
    assert told.pop("6b06d29ff862a7680f704e3e") == dict.fromkeys(("anything", "other"), f"failed: {GONE}")
    assert told == {
        first: {"anything": "ok", "other": "failed: of old"},
        second: {"anything": "abstained: of old", "other": "ok"},
        third: {"anything": "ok", "other": "ok"},
    }
    assert dataset.values("anything.mask_path")[:2] == [None, None]
    assert dataset.values("other_status") == ["failed: of old", "ok", "ok"]


def test_what_is_given_up_keeps_what_other_runs_found(job, make_images):
    dataset = make_images(0)
    other = replace(job.runs[0], fields=RunFields("other"), folder=replace(job.runs[0].folder, run="other"))
    for run in (job.runs[0], other):
        declare(dataset, run.fields)
    sample_id = dataset.first().id
    dataset.set_values("other_status", {sample_id: "ok"}, key_field="id")
    store = StatusStore(dataset, (job.runs[0], other))
    assert store.settled([sample_id]) == {}
    statuses = {"anything": "failed: it died", "other": "ok"}
    assert store.give_up(sample_id, "failed: it died") == statuses
    assert store.settled([sample_id]) == {sample_id: statuses}
    store.forget({sample_id: ["anything"]})
    assert store.stored([sample_id]) == {sample_id: {"other": "ok"}}


def test_a_machine_that_lacks_something_says_what_and_where(job, output, tmp_path):
    import socket

    def begin(job, witness=None, version=__version__):
        start_work(ray.cloudpickle.dumps((job, witness)), version)

    begin(job, __file__)
    here = f"worker on {socket.gethostname()}: "
    with pytest.raises(ConfigurationError, match=f"{here}fiftyone-avs {__version__} is installed there"):
        begin(job, version="0.0.0")
    with pytest.raises(ConfigurationError, match=f"{here}its FiftyOne database has no dataset 'elsewhere'"):
        begin(replace(job, dataset="elsewhere"))
    with pytest.raises(ConfigurationError, match=f"{here}/nowhere/a.png is not there; all machines must see"):
        begin(job, "/nowhere/a.png")
    (output / "anything" / "run.json").unlink()
    with pytest.raises(ConfigurationError, match=f"{here}the run's folder .* is not there"):
        begin(job)
