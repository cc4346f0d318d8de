"""A strategy beside controls that cannot hear: their runs, their sounds, and what the sound earns."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import fiftyone as fo
import numpy as np
import pytest
from PIL import Image

import fiftyone_avs as avs
from fiftyone_avs import evaluate, segment
from fiftyone_avs.cli import EXIT_OK, EXIT_USAGE, main
from fiftyone_avs.controls.floors import RandomNoun, SalientNoun
from fiftyone_avs.controls.report import CONTROL_METRICS, measure
from fiftyone_avs.controls.sounds import OwnSound, swap_sounds
from fiftyone_avs.errors import ConfigurationError, DatasetError, RunConflictError
from fiftyone_avs.fo import DEMO_MARK, delete_run, list_run_keys, run_info
from fiftyone_avs.fo.studies.control_plan import CONTROLS
from fiftyone_avs.fo.studies.controls import run_controls
from fiftyone_avs.media import is_silent, read_sound
from fiftyone_avs.metrics import SampleScores, summarize
from fiftyone_avs.models import fake
from fiftyone_avs.tiny.scenes import make_scenes, write_scenes
from tests.fo.samples import write_tone

SCENES = 6
FEW = ("swapped", "centre")


class Lister(fake.FakeAudioCaptioner):
    """Hears how long a sound is."""

    def caption_sounds(self, sounds):
        self.calls += len(sounds)
        return [avs.Caption((f"a sound of {len(sound.samples)}",)) for sound in sounds]


@pytest.fixture(scope="module")
def tried(tmp_path_factory):
    """Scenes of the demo world with all controls of vcap_acls on the demo's models; not to be changed."""
    folder = tmp_path_factory.mktemp("world")
    rows = write_scenes(folder, make_scenes(21, SCENES))
    dataset = avs.dataset_from_folder(folder)
    labels = {row["id"]: row["label"] for row in rows}
    dataset.set_values(
        "label", [fo.Classification(label=labels[Path(path).stem]) for path in dataset.values("filepath")]
    )
    dataset.info[DEMO_MARK] = True
    dataset.save()
    steps = []
    report = run_controls(
        dataset,
        preset="tiny",
        output_dir=folder / "out",
        progress=lambda done, total: steps.append((done, total)),
    )
    yield dataset, report, steps
    dataset.delete()


def control(dataset, output=None, **options):
    usual = {"models": fake.fake_models(), "controls": FEW, "output_dir": output, "progress": False}
    options = {**usual, **options}
    return run_controls(dataset, **options)


def lengthen(dataset):
    """Give every sample a sound of another length."""
    for index, sample in enumerate(dataset):
        write_tone(Path(sample.audio_path), seconds=0.2 + index / 100)


def test_controls_are_runs_and_the_report_has_them_all(tried):
    dataset, report, _ = tried
    runs = ["vcap_acls", "vcap_acls_swapped", "vcap_acls_silence", "vcap_acls_noise"]
    assert set(list_run_keys(dataset)) == {*runs, "floor_salient", "floor_noun", "floor_centre"}
    assert [one.name for one in report.controls] == list(CONTROLS)
    assert report.n == SCENES
    for one in (report.strategy, *report.controls):
        statuses = dataset.count_values(f"{one.run}_status")
        assert sum(statuses.values()) == SCENES and sum(one.counts.values()) == SCENES
        summary = dataset.load_evaluation_results(one.eval_key).summary
        assert one.scores == pytest.approx(
            {name: getattr(summary, name) for name in CONTROL_METRICS}, abs=1e-12
        )
    for earned in report.earned:
        best = max(report.controls, key=lambda one: one.scores[earned.metric])
        assert earned.deaf == best.scores[earned.metric]
        assert earned.difference == pytest.approx(report.strategy.scores[earned.metric] - earned.deaf)
        assert earned.low <= earned.difference <= earned.high
        assert earned.share == pytest.approx(earned.difference / earned.score)


def test_on_the_demo_world_the_sound_earns_something(tried):
    _, report, _ = tried
    miou = next(earned for earned in report.earned if earned.metric == "miou")
    assert miou.difference > 0 and 0 < miou.share < 1


def test_progress_rises_to_its_end(tried):
    _, _, steps = tried
    totals = {total for _, total in steps}
    assert totals == {2 * (len(CONTROLS) + 1) * SCENES}
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert steps[-1][0] == totals.pop()


def test_control_sounds_are_what_they_say(tried):
    dataset, _, _ = tried
    own = dict(zip(dataset.values("audio_path"), dataset.values("label.label"), strict=True))
    for sample in dataset:
        assert sample.audio_swapped in own and sample.audio_swapped != sample.audio_path
        assert own[sample.audio_swapped] != sample.label.label
        assert is_silent(read_sound(sample.audio_silence).samples, -200)
        assert 0.05 < np.std(read_sound(sample.audio_noise).samples) < 0.2
    assert sorted(dataset.values("audio_swapped")) == sorted(own)
    assert len(set(dataset.values("audio_silence"))) == 1
    assert "swapped" in dataset.get_field("audio_swapped").description


def test_the_newest_run_hears_the_samples_own_sound(tried):
    dataset, _, _ = tried
    inspected = avs.inspect_sample(dataset, dataset.first().id)
    assert inspected.audio == dataset.first().audio_path


def test_the_report_is_text_table_and_picture(tried, tmp_path):
    _, report, _ = tried
    text = str(report)
    assert f"{SCENES} samples" in text and all(name in text for name in CONTROLS)
    assert "earned by the sound" in text and "vcap_acls_swapped" not in text.splitlines()[1]
    report.to_csv(tmp_path / "controls.csv")
    rows = list(csv.DictReader((tmp_path / "controls.csv").open()))
    assert [row["metric"] for row in rows] == list(CONTROL_METRICS)
    assert float(rows[2]["vcap_acls"]) == report.strategy.scores["miou"]
    assert float(rows[2]["difference"]) == report.earned[2].difference
    report.plot(tmp_path / "controls.png")
    with Image.open(tmp_path / "controls.png") as picture:
        assert picture.width > 1000


def test_calling_again_does_nothing_and_goes_on_with_new_samples(make_images, output):
    dataset = make_images(4)
    models = fake.fake_models()
    first = control(dataset[:3], output, models=models)
    sounds = dataset.values("audio_swapped")
    calls = len(models.segmenter.expressions)
    assert first.n == 3 and sounds[3] is None
    assert str(control(dataset[:3], output, models=models)) == str(first)
    assert len(models.segmenter.expressions) == calls
    with pytest.raises(ConfigurationError, match="no other sound"):
        control(dataset, output, models=models)  # the fourth sample has nobody to exchange with
    assert control(dataset, output, models=models, overwrite=True).n == 4
    assert None not in dataset.values("audio_swapped")


def test_the_strategys_own_run_and_evaluation_are_kept(make_images, output):
    dataset = make_images(3)
    models = fake.fake_models()
    segment(dataset, run="mine", models=models, threshold=0.25, silence="run", progress=False)
    evaluate(dataset, "mine", class_field="audio_path", progress=False)
    created = run_info(dataset, "mine").created
    report = control(dataset, models=models, run="mine", controls=["noise", "centre"])
    assert run_info(dataset, "mine").created == created
    assert dataset.get_evaluation_info("mine_eval").config.class_field == "audio_path"
    assert run_info(dataset, "mine_noise").threshold == 0.25
    assert [one.run for one in report.controls] == ["mine_noise", "floor_centre"]
    with pytest.raises(RunConflictError, match="audio_field"):
        control(dataset, models=models, run="mine", audio_field="audio_noise", controls=["centre"])


def test_a_sample_that_failed_counts_nowhere_for_more_than_0(make_images, output):
    dataset = make_images(4)
    lengthen(dataset)
    Path(dataset.first().audio_path).write_bytes(b"")
    report = control(dataset, output)
    assert report.n == 4
    for one in (report.strategy, *report.controls):
        assert one.counts["failed"] == 1
        assert dataset.first()[f"{one.eval_key}_iou"] == 0
    assert dataset.first()["audio_swapped"] is None
    assert dataset.first().audio_path not in dataset.values("audio_swapped")


def test_silent_samples_are_not_given_to_deaf_controls_as_silence_is_to_the_strategy(make_images, output):
    dataset = make_images(3)
    lengthen(dataset)
    write_tone(Path(dataset.first().audio_path), level=0)
    report = control(dataset, output, controls=["silence", "centre"])
    assert report.strategy.counts["abstained"] == 1
    assert {one.counts["ok"] for one in report.controls} == {3}


def test_controls_keep_the_captions_of_the_samples_own_sounds(make_images, output):
    dataset = make_images(3)
    lengthen(dataset)
    captioner = Lister()
    models = fake.fake_models(audio_captioner=captioner)
    control(dataset, output, strategy="captioning", models=models, controls=["swapped", "noise"])
    captions = [(sample.audio_caption.label, sample.audio_caption.source) for sample in dataset]
    own = [f"a sound of {len(read_sound(sample.audio_path).samples)}" for sample in dataset]
    assert captions == [(text, "audio_path") for text in own]
    heard = [sample["captioning_swapped_query"].label for sample in dataset]
    assert sorted(heard) == sorted(own) and all(a != b for a, b in zip(heard, own, strict=True))
    calls = captioner.calls
    segment(dataset, "acap_vcls", models=models, progress=False)
    assert captioner.calls == calls == 9


def test_floors_load_no_models_of_sounds(make_images, output):
    dataset = make_images(2)
    players = fake.fake_models()
    segment(dataset, models=players, output_dir=output, progress=False)
    listeners = ("audio_classifier", "audio_captioner", "audio_text_scorer")
    for role in listeners:
        del players._loaded[role], players.cards[role]
    for floor in (SalientNoun(), RandomNoun()):
        assert segment(dataset, floor, models=players, output_dir=output, progress=False).ok == 2


def test_what_cannot_work_is_said_before_anything_is_written(make_images, videos, output):
    dataset = make_images(2)
    with pytest.raises(ConfigurationError, match="unknown control 'mute'"):
        control(dataset, controls=["mute"])
    with pytest.raises(ConfigurationError, match="no control"):
        control(dataset, controls=[])
    with pytest.raises(ConfigurationError, match="protocol"):
        control(dataset, protocol="boxes")
    with pytest.raises(DatasetError, match="'nothing'"):
        control(dataset, gt="nothing")
    with pytest.raises(ConfigurationError, match="image samples"):
        control(videos)
    assert list_run_keys(dataset) == []


def test_fields_of_others_and_other_seeds_are_refused(make_images, output):
    dataset = make_images(3)
    lengthen(dataset)
    dataset.set_values("audio_noise", ["mine"] * 3)
    with pytest.raises(ConfigurationError, match="'audio_noise' that is not of a control"):
        control(dataset, output, controls=["noise"])
    assert dataset.values("audio_noise") == ["mine"] * 3
    control(dataset, output, controls=["swapped"])
    with pytest.raises(ConfigurationError, match=r"'seed': 0.*'seed': 1.*overwrite"):
        control(dataset, output, controls=["swapped"], seed=1)
    control(dataset, output, controls=["swapped"], seed=1, overwrite=True)
    delete_run(dataset, "vcap_acls_swapped")


def test_sounds_are_exchanged_beyond_pair_video_and_class():
    owned = [
        OwnSound(f"{number}.wav", frozenset({f"pair:{number // 2}"}), "dog" if number % 3 else "cat")
        for number in range(60)
    ]
    given = swap_sounds(owned, seed=3)
    by_path = {one.path: one for one in owned}
    assert sorted(given) == sorted(by_path)
    assert given == swap_sounds(owned, seed=3) != swap_sounds(owned, seed=4)
    for one, path in zip(owned, given, strict=True):
        assert not one.groups & by_path[path].groups
    same = sum(one.label == by_path[path].label for one, path in zip(owned, given, strict=True))
    assert same == 20  # of 40 dogs, 20 must hear another dog


def test_frames_of_one_video_share_a_file_and_never_get_it():
    owned = [OwnSound(f"{video}.wav", frozenset({video})) for video in "aaaaabc" for _ in "x"]
    given = swap_sounds(owned, seed=0)
    assert all(path != one.path for one, path in zip(owned, given, strict=True))
    assert swap_sounds([OwnSound("a.wav"), OwnSound("a.wav")], 0) == [None, None]
    assert swap_sounds([], 0) == []


def test_the_numbers_are_those_of_the_summary_with_undefined_samples_left_out():
    rng = np.random.default_rng(1)
    scores = {
        name: {
            str(index): SampleScores(math.nan if index < lost else float(iou), 0.5 * iou, iou / 2, iou / 3)
            for index, iou in enumerate(rng.random(50))
        }
        for name, lost in (("own", 3), ("deaf", 7), ("other", 0))
    }
    counts = {name: {"ok": 50} for name in scores}
    report = measure("own", {name: (name, name) for name in scores}, scores, counts, "title")
    for one in (report.strategy, *report.controls):
        expected = summarize(scores[one.name].values())
        assert one.scores == pytest.approx(
            {name: getattr(expected, name) for name in CONTROL_METRICS}, abs=1e-12
        )
    ious = [scores["own"][key].iou - scores["deaf"][key].iou for key in scores["own"]]
    earned = next(one for one in report.earned if one.metric == "j")
    if earned.control == "deaf":
        spread = 1.96 * np.std(ious) / math.sqrt(50)
        assert earned.high - earned.low == pytest.approx(2 * spread, rel=0.15)
    nothing = measure("own", {"own": ("a", "b"), "deaf": ("c", "d")}, {"own": {}, "deaf": {}}, counts, "t")
    assert nothing.n == 0 and math.isnan(nothing.earned[0].difference) and "-" in str(nothing)


def test_the_command_prints_and_writes_the_report(tried, tmp_path, capsys):
    dataset, _, _ = tried
    csv_file, plot = tmp_path / "controls.csv", tmp_path / "controls.png"
    arguments = ["controls", dataset.name, "--only", "centre", "--limit", "4"]
    assert main([*arguments, "--csv", str(csv_file), "--plot", str(plot)]) == EXIT_OK
    shown = capsys.readouterr().out
    assert "4 samples, scores x 100" in shown and "earned by the sound" in shown and str(csv_file) in shown
    assert csv_file.stat().st_size and plot.stat().st_size
    assert main(["controls", dataset.name, "--limit", "0"]) == EXIT_USAGE
    assert main(["controls", dataset.name, "--only", "swapped", "--seed", "5"]) == EXIT_USAGE
    assert "--overwrite" in capsys.readouterr().err
