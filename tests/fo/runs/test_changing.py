"""Giving runs other keys, and deleting them with their evaluations: nothing else is touched, nothing is lost."""

from __future__ import annotations

from pathlib import Path

import fiftyone as fo
import numpy as np
import pytest

from fiftyone_avs import compare, evaluate
from fiftyone_avs.errors import ConfigurationError, DatasetError
from fiftyone_avs.fo import (
    check_rename,
    delete_run,
    list_evaluations,
    list_run_keys,
    list_runs,
    rename_run,
    run_info,
)
from fiftyone_avs.models import fake
from tests.fo.samples import SIZE, add_images, files_of, segment_with_fakes as run, write_video

OWN = ("", "_map", "_query", "_candidates", "_status")


class Inverted(fake.FakeSegmenter):
    """Marks the dark half of a picture, so that its masks are told from those of the plain fake."""

    def segment(self, images, expressions):
        return [1 - found for found in super().segment(images, expressions)]


def content(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def sidebar(dataset):
    return {group.name: group.paths for group in dataset.app_config.sidebar_groups}


def judge(dataset, folder):
    """Make a dataset three images with two runs, and an evaluation of each."""
    add_images(dataset, folder, 3)
    for key in ("vcap_acls", "other"):
        run(dataset, folder / "out", run=key)
        evaluate(dataset, key, progress=False)
    return dataset


@pytest.fixture
def owner(dataset, tmp_path):
    """Such a dataset, to which the files of its runs belong."""
    return judge(dataset, tmp_path)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """Such a dataset, not to be changed."""
    dataset = judge(fo.Dataset(), tmp_path_factory.mktemp("images"))
    yield dataset
    dataset.delete()


@pytest.fixture
def judged(original):
    """A clone of it, to be changed."""
    clone = original.clone()
    yield clone
    clone.delete()


@pytest.fixture(scope="module")
def original_videos(tmp_path_factory):
    """A video with two runs, ground truths on labelled frames, and an evaluation of each; not to be changed."""
    folder = tmp_path_factory.mktemp("videos")
    write_video(folder / "a.mp4", seconds=2)
    dataset = fo.Dataset()
    dataset.add_sample(fo.Sample(filepath=str(folder / "a.mp4")))
    for key in ("vcap_acls", "other"):
        run(dataset, folder / "out", run=key)
    truth = np.zeros(SIZE, np.uint8)
    truth[:, SIZE[1] // 2 :] = 255
    sample = dataset.first()
    for number in (1, 11):
        sample.frames[number]["ground_truth"] = fo.Segmentation(mask=truth)
    sample.save()
    for key in ("vcap_acls", "other"):
        evaluate(dataset, key, progress=False)
    yield dataset
    dataset.delete()


@pytest.fixture
def videos(original_videos):
    """A clone of it, to be changed."""
    clone = original_videos.clone()
    yield clone
    clone.delete()


def test_fields_record_and_sidebar_get_the_new_name_and_files_stay(owner):
    ids, masks = owner.values(["id", "vcap_acls.mask_path"])
    groups, before = sidebar(owner), run_info(owner, "vcap_acls")
    files = content(before.directory)
    rename_run(owner, "vcap_acls", "first_try")
    owner.reload()
    assert owner.values(["id", "first_try.mask_path"]) == (ids, masks)
    assert content(before.directory) == files
    assert not [name for name in owner.get_field_schema() if name in {f"vcap_acls{end}" for end in OWN}]
    assert owner.count_values("first_try_status") == {"ok": 3}
    assert "vcap_acls" not in owner.mask_targets
    assert owner.mask_targets["first_try"] == {0: "background", 255: "sounding object"}
    assert sidebar(owner).keys() == {*groups, "first_try", "first_try_eval"} - {
        "vcap_acls",
        "vcap_acls_eval",
    }
    assert sidebar(owner)["first_try"] == [f"first_try{end}" for end in OWN]
    after = run_info(owner, "first_try")
    assert (after.settings, after.created, after.directory) == (
        before.settings,
        before.created,
        before.directory,
    )
    assert list_run_keys(owner) == ["first_try", "other"]
    assert [info.key for info in list_runs(owner)] == ["first_try", "other"]


def test_evaluations_follow_and_keep_their_scores(judged):
    loaded = judged.load_evaluation_results("vcap_acls_eval")
    scores = judged.values("vcap_acls_eval_iou")
    rename_run(judged, "vcap_acls", "first_try")
    results = judged.load_evaluation_results("first_try_eval")
    assert (results.config.pred_field, results.config.gt_field) == ("first_try", "ground_truth")
    assert results.rows == loaded.rows and results.key == "first_try_eval"
    assert [row.name for row in compare([results]).rows] == ["first_try"]
    assert judged.values("first_try_eval_iou") == scores and not judged.has_field("vcap_acls_eval_iou")
    assert {info.key: (info.run, info.stale) for info in list_evaluations(judged)} == {
        "first_try_eval": ("first_try", ""),
        "other_eval": ("other", ""),
    }
    again = evaluate(judged, "first_try", progress=False)
    assert again.rows == loaded.rows


def test_evaluations_with_names_of_their_own_keep_them(judged):
    evaluate(judged, "vcap_acls", eval_key="best", progress=False)
    rename_run(judged, "vcap_acls", "first_try")
    assert {info.key: info.run for info in list_evaluations(judged)} == {
        "first_try_eval": "first_try",
        "best": "first_try",
        "other_eval": "other",
    }


def test_a_key_after_which_an_evaluation_cannot_be_called_is_refused(judged):
    evaluate(judged, "other", eval_key="first_try_eval", progress=False)
    judged.add_sample_field("second_eval_iou", fo.FloatField)
    before = state(judged)
    for new in ("first_try", "second"):
        (found,) = check_rename(judged, "vcap_acls", new)
        assert found.argument == "new_run" and f"would be called '{new}_eval'" in found.message
        with pytest.raises(ConfigurationError, match=f"would be called '{new}_eval'"):
            rename_run(judged, "vcap_acls", new)
    judged.reload()
    assert state(judged) == before


def test_only_the_runs_own_evaluations_follow(judged):
    mask = np.zeros(SIZE, np.uint8)
    judged.set_values("drawn", [fo.Segmentation(mask=mask) for _ in range(len(judged))])
    evaluate(judged, "drawn", progress=False)
    judged.evaluate_segmentations("vcap_acls", gt_field="ground_truth", eval_key="built_in", progress=False)
    rename_run(judged, "vcap_acls", "first_try")
    preds = {key: judged.get_evaluation_info(key).config.pred_field for key in judged.list_evaluations()}
    assert preds == {
        "first_try_eval": "first_try",
        "other_eval": "other",
        "drawn_eval": "drawn",
        "built_in": "first_try",
    }


def test_frames_are_renamed_with_the_status_of_their_video(videos):
    frames = videos.first().frames
    masks = {number: frames[number]["vcap_acls"].mask_path for number in (1, 11)}
    loaded = videos.load_evaluation_results("vcap_acls_eval")
    rename_run(videos, "vcap_acls", "first_try")
    videos.reload()
    sample = videos.first()
    assert {number: sample.frames[number]["first_try"].mask_path for number in (1, 11)} == masks
    assert sample["first_try_status"] == sample.frames[1]["first_try_status"] == "ok"
    schema = {*videos.get_field_schema(), *videos.get_frame_field_schema()}
    assert not schema & {f"vcap_acls{end}" for end in OWN}
    results = videos.load_evaluation_results("first_try_eval")
    assert results.config.pred_field == "frames.first_try" and results.rows == loaded.rows
    assert videos.get_evaluation_info("other_eval").config.pred_field == "frames.other"
    assert evaluate(videos, "first_try", progress=False).rows == loaded.rows


def test_a_renamed_run_is_resumed_and_deleted_by_its_new_key(make_images, output):
    dataset = make_images(3)
    run(dataset[:1], output)
    rename_run(dataset, "vcap_acls", "first_try")
    summary = run(dataset, None, run="first_try")
    assert (summary.ok, summary.skipped) == (2, 1)
    assert len(files_of(output / "vcap_acls")) == 6
    delete_run(dataset, "first_try")
    assert list_runs(dataset) == [] and not any(output.iterdir())


@pytest.mark.parametrize("chosen", [True, False], ids=["chosen output_dir", "default output_dir"])
def test_a_new_run_under_the_old_key_leaves_the_renamed_runs_files_alone(make_images, output, chosen):
    dataset = make_images(2)
    out = output if chosen else None
    run(dataset, out)
    rename_run(dataset, "vcap_acls", "first_try")
    old = Path(run_info(dataset, "first_try").directory)
    before = content(old)
    inverted = fake.fake_models(segmenter=Inverted())
    run(dataset[:1], out, models=inverted)
    summary = run(dataset, out, models=inverted)  # goes on in the same folder
    new = Path(run_info(dataset, "vcap_acls").directory)
    assert (summary.ok, summary.skipped) == (1, 1) and len(files_of(new)) == 4
    assert new.parent == old.parent and new != old and content(old) == before
    rename_run(dataset, "vcap_acls", "second_try")
    run(dataset, out)
    assert len({info.directory for info in list_runs(dataset)}) == 3
    delete_run(dataset, "first_try")
    assert not old.exists() and len(files_of(new)) == 4
    delete_run(dataset, "second_try")
    delete_run(dataset, "vcap_acls")
    assert not new.exists()


def test_a_clone_is_renamed_without_the_original(owner):
    clone = owner.clone()
    try:
        rename_run(clone, "vcap_acls", "first_try")
        assert list_run_keys(clone) == ["first_try", "other"]
        assert clone.load_evaluation_results("first_try_eval").config.pred_field == "first_try"
        owner.reload()
        assert list_run_keys(owner) == ["vcap_acls", "other"] and owner.count("vcap_acls") == 3
        assert owner.load_evaluation_results("vcap_acls_eval").config.pred_field == "vcap_acls"
        delete_run(clone, "first_try", evaluations=True)
        assert all(Path(path).is_file() for path in owner.values("vcap_acls.mask_path"))
        assert set(owner.list_evaluations()) == {"vcap_acls_eval", "other_eval"}
        rename_run(owner, "other", "first_try")
        assert list_run_keys(clone) == ["other"]
    finally:
        clone.delete()


REFUSED = [
    ("nothing", "first_try", DatasetError, "no run 'nothing'; its runs: other, vcap_acls"),
    ("vcap_acls", "not a key", ConfigurationError, "cannot be a run key"),
    ("vcap_acls", "", ConfigurationError, "cannot be a run key"),
    ("vcap_acls", "class", ConfigurationError, "cannot be a run key"),
    ("vcap_acls", "vcap_acls", ConfigurationError, "has a run 'vcap_acls' already"),
    ("vcap_acls", "other", ConfigurationError, "has a run 'other' already"),
    ("vcap_acls", "foreign", ConfigurationError, "has a run 'foreign' already"),
    ("vcap_acls", "ground_truth", ConfigurationError, "the field 'ground_truth'"),
    ("vcap_acls", "notes", ConfigurationError, "the field 'notes_query'"),
]


def test_keys_that_cannot_be_are_refused_and_nothing_changes(judged):
    judged.register_run("foreign", fo.RunConfig())
    judged.add_sample_field("notes_query", fo.StringField)
    before = state(judged)
    for run_key, new, error, message in REFUSED:
        found = check_rename(judged, run_key, new)
        with pytest.raises(error, match=message) as raised:
            rename_run(judged, run_key, new)
        assert str(raised.value) == found[0].message and found[0].blocks
    judged.reload()
    assert state(judged) == before


def state(dataset):
    """All samples, and which runs and evaluations there are of which fields."""
    preds = {key: dataset.get_evaluation_info(key).config.pred_field for key in dataset.list_evaluations()}
    return dataset.to_dict()["samples"], dataset.list_runs(), preds, set(dataset.get_field_schema())


def test_the_status_of_videos_must_be_free_too(videos):
    videos.add_sample_field("mine_status", fo.StringField)
    with pytest.raises(ConfigurationError, match="'mine_status'"):
        rename_run(videos, "vcap_acls", "mine")
    assert check_rename(videos, "vcap_acls", "yours") == []


def test_a_run_that_lost_a_field_is_not_renamed_in_part(judged):
    judged.delete_sample_field("vcap_acls_candidates")
    with pytest.raises(DatasetError, match="its field 'vcap_acls_candidates' is gone"):
        rename_run(judged, "vcap_acls", "first_try")
    assert list_run_keys(judged) == ["vcap_acls", "other"] and judged.count("vcap_acls") == 3


def test_deleting_leaves_evaluations_if_told(judged):
    scores = judged.values("vcap_acls_eval_iou")
    delete_run(judged, "vcap_acls", evaluations=False)
    assert judged.values("vcap_acls_eval_iou") == scores
    assert set(judged.list_evaluations()) == {"vcap_acls_eval", "other_eval"}


def test_deleting_with_evaluations_leaves_those_of_other_runs(judged):
    evaluate(judged, "vcap_acls", eval_key="again", protocol="native", progress=False)
    other = judged.load_evaluation_results("other_eval").rows
    delete_run(judged, "vcap_acls")
    assert judged.list_evaluations() == ["other_eval"]
    assert judged.load_evaluation_results("other_eval").rows == other
    assert not [name for name in judged.get_field_schema() if name.startswith(("vcap_acls", "again"))]
    assert judged.count("other_eval_iou") == 3 and list_run_keys(judged) == ["other"]


def test_deleting_with_evaluations_leaves_those_of_other_runs_on_videos(videos):
    delete_run(videos, "vcap_acls", evaluations=True)
    assert videos.list_evaluations() == ["other_eval"]
    schema = {*videos.get_field_schema(), *videos.get_frame_field_schema()}
    assert not [name for name in schema if name.startswith("vcap_acls")]
    assert videos.count("frames.other_eval_iou") == 2
