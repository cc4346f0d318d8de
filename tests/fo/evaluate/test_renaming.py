"""Scores that an earlier version wrote: read by their record, never mixed with new ones, renamed on demand."""

from __future__ import annotations

import argparse

import fiftyone as fo
import pytest
from fiftyone import ViewField as F

from fiftyone_avs import browse_by_iou, evaluate, inspect_sample, rename_scores, segment
from fiftyone_avs.cli.evaluating import add_commands
from fiftyone_avs.errors import ConfigurationError, DatasetError
from fiftyone_avs.fo import EvalFields
from fiftyone_avs.fo.compare.standings import standings
from fiftyone_avs.fo.evaluate import renaming
from fiftyone_avs.fo.evaluate.listing import find_evaluation, list_evaluations
from fiftyone_avs.models import fake
from tests.fo.judged import write_scores

ROWS = [[0.86, 0.8, 0.05, 0.1], [0.5, 0.5, 0.6, 0.7], [None, 0.0, 0.0, 0.0]]
OLD = ["old_iou", "old_f", "old_iou_threshold", "old_f_threshold"]
NEW = ["old_iou", "old_f", "old_iou_adaptive", "old_f_adaptive"]


@pytest.fixture
def earlier(dataset):
    """Three samples with the scores of an evaluation as version 0.1 wrote them, and of a new one."""
    dataset.add_samples([fo.Sample(f"{index}.png") for index in range(3)], progress=False)
    write_scores(dataset, "old", ROWS, naming="adaptive")
    record = dataset._doc.evaluations["old"]
    del record.config["naming"], record.config["coverage"]  # which version 0.1 did not know
    record.save()
    dataset.reload()
    write_scores(dataset, "new", ROWS)
    return dataset


def fields_of(dataset):
    return {name for name in dataset.get_field_schema() if name.startswith("old")}


def test_earlier_scores_are_read_by_their_record(earlier):
    infos = list_evaluations(earlier)
    assert [(info.naming, info.coverage, info.fields.iou) for info in infos] == [
        ("adaptive", "all", "old_iou_threshold"),
        ("mask", "all", "new_iou"),
    ]
    old, new = standings(earlier, infos)
    assert old.summary == new.summary and old.summary.j == pytest.approx(0.65 / 3)
    assert (old.success, old.success_adaptive) == (new.success, new.success_adaptive)
    for key in ("old", "new"):
        assert browse_by_iou(earlier, key, low=0.6).values("filepath") == earlier[1:2].values("filepath")
        adaptive = browse_by_iou(earlier, key, low=0.6, iou="adaptive")
        assert adaptive.values("filepath") == earlier[:1].values("filepath")


def test_renaming_changes_names_and_no_score(earlier, capsys):
    old = standings(earlier, [find_evaluation(earlier, "old")])[0]
    earlier.save_view("good", earlier.match(F("old_iou") > 0.6))
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers())
    options = parser.parse_args(["rename-scores", earlier.name])
    assert options.run(options) == 0
    said = capsys.readouterr().out
    assert "old_iou is old_iou_adaptive now" in said and "old_iou_threshold is old_iou now" in said
    assert "'good'" in said and "new" not in said
    earlier.reload()
    assert fields_of(earlier) == set(NEW)
    assert earlier.values("old_iou") == [row[2] for row in ROWS]
    assert earlier.values("old_iou_adaptive") == [row[0] for row in ROWS]
    assert earlier.get_field("old_iou").description == "IoU of the mask with the ground truth"
    info = find_evaluation(earlier, "old")
    assert info.naming == "mask" and standings(earlier, [info])[0].summary == old.summary
    assert options.run(options) == 0 and "nothing to rename" in capsys.readouterr().out
    earlier.delete_evaluation("old")
    assert not fields_of(earlier)


@pytest.mark.parametrize("steps", [1, 2])
def test_an_interrupted_renaming_is_finished_by_another(earlier, monkeypatch, steps):
    rename = type(earlier).rename_sample_fields
    done = []

    def interrupted(self, names):
        rename(self, names)
        done.append(names)
        if len(done) == steps:
            raise KeyboardInterrupt

    monkeypatch.setattr(type(earlier), "rename_sample_fields", interrupted)
    with pytest.raises(KeyboardInterrupt):
        rename_scores(earlier)
    monkeypatch.undo()
    rename_scores(earlier, ["old"])
    assert earlier.values("old_iou") == [row[2] for row in ROWS]
    assert earlier.values("old_iou_adaptive") == [row[0] for row in ROWS]
    assert fields_of(earlier) == set(NEW)


def test_a_name_that_is_taken_is_not_overwritten(earlier):
    earlier.add_sample_field("old_iou_adaptive", fo.FloatField)
    with pytest.raises(ConfigurationError, match="'old_iou_adaptive'"):
        rename_scores(earlier)
    assert {*OLD, "old_iou_adaptive"} == fields_of(earlier)
    with pytest.raises(DatasetError, match="no evaluation 'other'"):
        rename_scores(earlier, ["other"])


def test_avsbench_keeps_two_scores(dataset):
    dataset.add_samples([fo.Sample("0.png")], progress=False)
    write_scores(dataset, "old", [[0.3, 0.4, 0.3, 0.4]], naming="adaptive", protocol="avsbench")
    assert fields_of(dataset) == set(OLD)
    assert find_evaluation(dataset, "old").fields.iou_adaptive is None
    rename_scores(dataset)
    assert fields_of(dataset) == {"old_iou", "old_f"}
    assert (dataset.values("old_iou"), dataset.values("old_f")) == ([0.3], [0.4])


def test_frames_are_renamed_with_their_samples(videos):
    write_frames(videos)
    rename_scores(videos)
    assert videos.values("old_iou") == [0.2] * len(videos)
    assert videos.first().frames[1]["old_iou"] == 0.1 and videos.first().frames[1]["old_iou_adaptive"] == 0.9
    assert "old_iou_threshold" not in videos.get_frame_field_schema()


def write_frames(videos):
    method = renaming_config().build()
    method.register_run(videos, "old")
    method.register_samples(videos, "old")
    for sample in videos:
        sample["old_iou"], sample["old_iou_threshold"] = 0.8, 0.2
        sample.frames[1]["old_iou"], sample.frames[1]["old_iou_threshold"] = 0.9, 0.1
        sample.save()


def renaming_config():
    from fiftyone_avs.fo.evaluate.backend import AVSEvaluationConfig

    return AVSEvaluationConfig("frames.masks", "frames.ground_truth")


def test_evaluating_again_under_an_old_key_leaves_no_old_field(make_images, output):
    dataset = make_images(2)
    segment(dataset, models=fake.fake_models(), output_dir=output, progress=False)
    evaluate(dataset, "vcap_acls", eval_key="old", progress=False)
    as_earlier_version(dataset, "old")
    scores = inspect_sample(dataset, dataset.first().id).runs[0].scores[0]
    assert (
        scores.iou == dataset.first()["old_iou_threshold"]
        and scores.iou_adaptive == dataset.first()["old_iou"]
    )
    evaluate(dataset, "vcap_acls", eval_key="old", progress=False)
    assert fields_of(dataset) == set(NEW) and find_evaluation(dataset, "old").naming == "mask"
    groups = {group.name: group.paths for group in dataset.app_config.sidebar_groups}
    assert sorted(groups["old"]) == sorted(NEW)


def as_earlier_version(dataset, key):
    """Turn an evaluation into what version 0.1 would have left."""
    new, old = EvalFields(key), EvalFields(key, naming="adaptive")
    dataset.rename_sample_fields({new.by_score[name]: old.by_score[name] for name in ("iou", "f")})
    dataset.rename_sample_fields(
        {new.by_score[name]: old.by_score[name] for name in ("iou_adaptive", "f_adaptive")}
    )
    config = dataset.get_evaluation_info(key).config
    config.naming = "adaptive"
    renaming.update_evaluation_config(dataset, key, config)


def test_a_name_that_is_taken_is_found_where_another_field_is_gone(earlier):
    earlier.delete_sample_field("old_f_threshold")
    earlier.add_sample_field("old_iou_adaptive", fo.FloatField)
    with pytest.raises(ConfigurationError, match="'old_iou_adaptive'"):
        rename_scores(earlier)
    assert find_evaluation(earlier, "old").naming == "adaptive"
