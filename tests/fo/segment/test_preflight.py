"""What forms say before a call is made is what the call itself would say, and nothing is touched."""

from __future__ import annotations

import sys

import fiftyone as fo
import numpy as np
import pytest

from fiftyone_avs import evaluate, segment
from fiftyone_avs.errors import AVSError, RunConflictError
from fiftyone_avs.fo import DEMO_MARK, check_evaluate, check_segment
from fiftyone_avs.models.store import HOME_VARIABLE
from tests.fo.samples import add_images, write_tone


@pytest.fixture(autouse=True)
def no_checkpoints(tmp_path, monkeypatch):
    """As on a machine where nobody has converted a checkpoint."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "no-models"))


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """Three images of the demo world, so to speak, with a run of the preset tiny; not to be changed."""
    folder = tmp_path_factory.mktemp("images")
    dataset = fo.Dataset()
    add_images(dataset, folder, 3)
    dataset.info[DEMO_MARK] = True
    segment(dataset, preset="tiny", output_dir=folder / "out", progress=False)
    yield dataset
    dataset.delete()


@pytest.fixture
def segmented(original):
    """The same, to be changed."""
    clone = original.clone()
    yield clone
    clone.delete()


@pytest.fixture(scope="module")
def evaluated(original):
    """The same with an evaluation, masks of others and a field in the way; not to be changed."""
    clone = original.clone()
    clone.add_sample_field("taken_iou", fo.FloatField)
    mask = np.zeros((48, 64), np.uint8)
    clone.set_values("other", [fo.Segmentation(mask=mask) for _ in range(len(clone))])
    evaluate(clone, "vcap_acls", eval_key="used", progress=False)
    yield clone
    clone.delete()


def check(samples, *strategies, **options):
    found = check_segment(samples, strategies or ["vcap_acls"], **{"preset": "tiny", **options})
    return [
        one for one in found if one.blocks or one.argument != "preset"
    ]  # the demo's models do not know these


def arguments(findings):
    return [(found.argument, found.blocks) for found in findings]


def test_nothing_is_found_where_all_is_well(make_images):
    assert check(make_images(2), "vcap_acls", "inversion") == []


def test_the_demos_models_are_named_on_other_data(make_images):
    dataset = make_images(1)
    (note,) = check_segment(dataset, ["vcap_acls"], preset="tiny")
    assert not note.blocks and "knows the drawn demo world only" in note.message
    dataset.info[DEMO_MARK] = True
    assert check_segment(dataset, ["vcap_acls"], preset="tiny") == []


def test_what_stops_a_run_on_ray_is_found(make_images, monkeypatch):
    dataset = make_images(1)
    dataset.info[DEMO_MARK] = True
    assert check(dataset, ray={"workers": 2, "gpus": 0.5}) == []
    assert check(dataset, device="cuda", ray={}) == []  # the workers' device, not this process's
    (found,) = check(dataset, ray={"gpus": 1.5})
    assert (
        found.argument == "runner" and found.blocks and "gpus must be 0, a fraction below 1" in found.message
    )
    monkeypatch.setitem(sys.modules, "ray", None)
    (found,) = check(dataset, ray={})
    assert "pip install 'fiftyone-avs[ray]'" in found.message


def test_nothing_is_chosen_or_nothing_is_there(make_images):
    dataset = make_images(1)
    assert arguments(check_segment(dataset, [])) == [("strategies", True)]
    assert arguments(check(dataset.limit(0))) == [("samples", True)]


@pytest.mark.parametrize(
    ("argument", "strategies", "options", "message"),
    [
        ("strategies", ["vcap"], {}, "unknown strategy 'vcap'"),
        ("audio_field", ["vcap_acls"], {"audio_field": "sound"}, "'sound'"),
        ("audio_field", ["vcap_acls"], {"audio_field": "ground_truth"}, "does not hold text"),
        ("preset", ["vcap_acls"], {"preset": "huge"}, "huge"),
        ("device", ["vcap_acls"], {"device": "toaster"}, "unknown device 'toaster'"),
        ("models", ["vcap_acls"], {"models": {"segmenter": "asda"}}, "checkpoint is not on this machine"),
        ("models", ["vcap_acls"], {"models": {"drummer": "asda"}}, "drummer"),
        ("run", ["vcap_acls"], {"runs": ["not a key"]}, "cannot be a run key"),
        ("run", ["classification"], {"runs": ["ground_truth"]}, "would write the field 'ground_truth'"),
    ],
)
def test_what_stops_a_run_is_what_segment_would_raise(make_images, argument, strategies, options, message):
    dataset = make_images(1)
    dataset.info[DEMO_MARK] = True
    [found] = check(dataset, *strategies, **options)
    assert (found.argument, found.blocks) == (argument, True) and message in found.message
    rest = {"preset": "tiny", **{name: value for name, value in options.items() if name != "runs"}}
    run = options.get("runs", [None])[0]
    with pytest.raises(AVSError) as raised:
        segment(dataset, strategies[0], run=run, progress=False, **rest)
    assert str(raised.value) == found.message
    assert dataset.list_runs() == []


def test_every_missing_checkpoint_is_named_once(make_images):
    findings = check(make_images(1), "vcap_acls", "acap_vcls", preset="paper")
    assert {found.argument for found in findings} == {"models"}
    assert all(found.blocks and "fiftyone-avs models convert" in found.message for found in findings)
    assert len(findings) == len({found.message for found in findings})
    [inversion] = check(make_images(1), "inversion", preset="open")
    assert "train-bridge" in inversion.message


def test_models_that_download_themselves_are_no_obstacle(make_images):
    assert check(make_images(1), "classification", preset="open") == []


def test_a_run_that_is_there_is_gone_on_with_overwritten_or_in_the_way(segmented):
    [on] = check(segmented)
    assert not on.blocks and "that have no result yet are done" in on.message
    [over] = check(segmented, overwrite=True)
    assert over.argument == "overwrite" and not over.blocks
    assert "will be deleted first: 3 masks" in over.message
    for findings in (
        check(segmented, "classification", runs=["vcap_acls"]),
        check(segmented, preset="open"),
    ):
        [other] = [found for found in findings if found.argument == "run"]
        assert other.blocks and "exists with other settings" in other.message
        with pytest.raises(RunConflictError) as raised:
            segment(segmented, "classification", run="vcap_acls", preset="tiny", progress=False)
        assert "exists with other settings" in str(raised.value)
    assert check(segmented, runs=["second"]) == []


def test_two_strategies_cannot_share_a_run_key(make_images):
    findings = check(make_images(1), "vcap_acls", "classification", runs=["mine", "mine"])
    assert arguments(findings) == [("run", True)] and "share" in findings[0].message


def test_a_caption_field_of_another_kind_is_found(make_images):
    dataset = make_images(1)
    dataset.add_sample_field("image_caption", fo.StringField)
    [found] = check(dataset)
    assert found.argument == "run" and "not a Classification" in found.message
    assert check(dataset, "classification") == []  # which writes no captions of pictures


def test_videos_bring_their_own_sound(dataset):
    dataset.add_sample(fo.Sample(filepath="somewhere.mp4"))
    assert check(dataset, audio_field="nowhere") == []
    dataset.add_frame_field("mine_map", fo.StringField)
    [found] = check(dataset, runs=["mine"])
    assert "'mine_map'" in found.message


def test_other_media_are_refused(dataset, tmp_path):
    write_tone(tmp_path / "a.wav")
    dataset.add_sample(fo.Sample(filepath=str(tmp_path / "a.wav")))
    assert arguments(check(dataset)) == [("samples", True)]


def test_checking_writes_nothing(segmented):
    before = (set(segmented.get_field_schema()), segmented.list_runs(), segmented.list_evaluations())
    check(segmented, "vcap_acls", "captioning", overwrite=True)
    check_evaluate(segmented, "vcap_acls")
    segmented.reload()
    assert (set(segmented.get_field_schema()), segmented.list_runs(), segmented.list_evaluations()) == before


def test_an_evaluation_that_can_be_made_and_one_that_would_be_replaced(segmented):
    assert check_evaluate(segmented, "vcap_acls", None) == []
    evaluate(segmented, "vcap_acls", progress=False)
    [found] = check_evaluate(segmented, "vcap_acls")
    assert arguments([found]) == [("eval_key", False)] and "'vcap_acls_eval' exists" in found.message
    assert check_evaluate(segmented, "vcap_acls", eval_key="again") == []


@pytest.mark.parametrize(
    ("argument", "pred", "options", "message"),
    [
        ("pred", "nothing", {}, "'nothing' does not exist"),
        ("pred", "audio_path", {}, "does not hold masks"),
        ("gt", "vcap_acls", {"gt": "truth"}, "'truth' does not exist"),
        ("eval_key", "vcap_acls", {"eval_key": "not a key"}, "cannot be an eval key"),
        ("eval_key", "vcap_acls", {"eval_key": "taken"}, "'taken_iou'"),
        ("class_field", "vcap_acls", {"class_field": "genre"}, "'genre'"),
        ("eval_key", "vcap_acls", {"gt": "other", "eval_key": "used"}, "is taken by an evaluation"),
    ],
)
def test_what_stops_an_evaluation_is_what_evaluate_would_raise(evaluated, argument, pred, options, message):
    [found] = check_evaluate(evaluated, pred, **options)
    assert arguments([found]) == [(argument, True)] and message in found.message
    with pytest.raises(AVSError) as raised:
        evaluate(evaluated, pred, progress=False, **options)
    assert str(raised.value) == found.message
    assert evaluated.list_evaluations() == ["used"]


def test_the_class_field_is_one_of_the_dataset_even_where_a_view_hides_it(segmented):
    segmented.set_values("label", [fo.Classification(label="dog")] * len(segmented))
    view = segmented.exclude_fields("label")
    assert check_evaluate(view, "vcap_acls", class_field="label") == []
    evaluate(view, "vcap_acls", class_field="label", progress=False)


def test_masks_on_frames_are_found_with_and_without_their_prefix(dataset):
    dataset.add_sample(fo.Sample(filepath="somewhere.mp4"))
    for name in ("pred", "ground_truth"):
        dataset.add_frame_field(name, fo.EmbeddedDocumentField, embedded_doc_type=fo.Segmentation)
    assert check_evaluate(dataset, "frames.pred", "frames.ground_truth") == []
    assert check_evaluate(dataset, "pred") == []
    [found] = check_evaluate(dataset, "frames.other")
    assert "'frames.other' does not exist" in found.message
