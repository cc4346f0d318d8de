from __future__ import annotations

import csv
from pathlib import Path

import fiftyone as fo
import numpy as np
import pytest
from fiftyone import ViewField as F
from fiftyone.core.evaluation import EvaluationMethod
from PIL import Image

from fiftyone_avs import compare, evaluate, list_evaluations, segment
from fiftyone_avs.errors import ConfigurationError, DatasetError, RunConflictError
from fiftyone_avs.fo import AVSResults
from fiftyone_avs.metrics import score_sample, summarize
from fiftyone_avs.models import fake
from tests.fo.samples import SIZE, new_process, write_tone, write_truth

FIELDS = ("iou", "f", "iou_adaptive", "f_adaptive")


@pytest.fixture
def segmented(make_images, output):
    """Six samples: one abstained, one failed, four ok."""
    dataset = make_images(6)
    first, second = dataset[:2]
    write_tone(Path(first.audio_path), level=0)
    Path(second.audio_path).write_bytes(b"")
    segment(dataset, models=fake.fake_models(), output_dir=output, progress=False)
    return dataset


def soft_map_of(sample):
    return np.asarray(Image.open(sample.filepath).convert("RGB")).mean(axis=-1).astype(np.float32) / 255


def truth_of(sample):
    return np.asarray(Image.open(sample["ground_truth"].mask_path))


def test_scores_equal_those_of_the_float_map(segmented):
    results = evaluate(segmented, "vcap_acls", progress=False)
    expected = [score_sample(None, truth_of(sample)) for sample in segmented[:2]]
    expected += [
        score_sample(soft_map_of(sample), truth_of(sample), threshold=0.5) for sample in segmented[2:]
    ]
    assert results.summary == pytest.approx(summarize(expected), abs=1e-9)
    for field, score in zip(FIELDS, ("iou", "f", "iou_adaptive", "f_adaptive"), strict=True):
        values = [getattr(one, score) for one in expected]
        assert segmented.values(f"vcap_acls_eval_{field}") == pytest.approx(values)
    assert results.counts == {"ok": 4, "abstained": 1, "failed": 1, "missing": 0}
    assert results.ok_summary.n == 4 and results.ok_summary.miou > results.summary.miou > 0.3
    assert "4 ok, 1 abstained, 1 failed" in results.to_text()


def test_the_sidebar_can_filter_by_iou(segmented):
    evaluate(segmented, "vcap_acls", progress=False)
    assert len(segmented.match(F("vcap_acls_eval_iou") < 0.5)) == 2
    groups = {group.name: group.paths for group in segmented.app_config.sidebar_groups}
    assert groups["vcap_acls_eval"] == [f"vcap_acls_eval_{name}" for name in FIELDS]


def test_results_load_in_a_fresh_process_and_can_be_deleted(segmented):
    segmented.persistent = True
    results = evaluate(segmented, "vcap_acls", progress=False)
    code = f"""
import fiftyone as fo
results = fo.load_dataset({segmented.name!r}).load_evaluation_results("vcap_acls_eval")
print(type(results).__name__, results.summary.miou, results.counts["failed"], results.metrics()["miou"])
"""
    assert new_process(code).communicate()[0].split() == [
        "AVSResults",
        str(results.summary.miou),
        "1",
        str(results.summary.miou),
    ]
    assert segmented.list_evaluations() == ["vcap_acls_eval"]
    segmented.delete_evaluation("vcap_acls_eval")
    assert not [name for name in segmented.get_field_schema() if "_eval" in name]


def test_evaluations_can_be_renamed(segmented):
    evaluate(segmented, "vcap_acls", progress=False)
    segmented.rename_evaluation("vcap_acls_eval", "best")
    assert "best_iou" in segmented.get_field_schema()
    assert isinstance(segmented.load_evaluation_results("best"), AVSResults)


def test_bad_ground_truths_are_left_out_and_named(segmented):
    silent, failed, wrong, damaged, unset, _ = segmented
    write_truth(Path(wrong["ground_truth"].mask_path), (SIZE[0] + 1, SIZE[1]))
    write_truth(Path(silent["ground_truth"].mask_path), (10, 10))
    Path(damaged["ground_truth"].mask_path).write_bytes(b"no picture")
    unset["ground_truth"] = None
    unset.save()
    results = evaluate(segmented, "vcap_acls", progress=False)
    assert set(results.excluded) == {silent.id, wrong.id, damaged.id, unset.id}
    assert results.excluded[wrong.id] == "the ground truth is 64 x 49 pixels, the picture 64 x 48"
    assert "10 x 10" in results.excluded[silent.id]
    assert "cannot be read" in results.excluded[damaged.id]
    assert results.excluded[unset.id] == "no ground truth"
    assert results.summary.n == 2 and segmented.values("vcap_acls_eval_iou")[2:5] == [None] * 3
    assert failed.id not in results.excluded and wrong.id in results.to_text()


def test_empty_ground_truths_never_write_nan(segmented):
    for sample in segmented:
        sample["ground_truth"] = fo.Segmentation(mask=np.zeros(SIZE, np.uint8))
        sample.save()
    results = evaluate(segmented, "vcap_acls", progress=False)
    values = [value for name in FIELDS for value in segmented.values(f"vcap_acls_eval_{name}")]
    assert not any(value is not None and np.isnan(value) for value in values)
    # abstaining is right there, a failure is none the better for it
    assert results.summary.n_undefined == 1
    assert segmented.values("vcap_acls_eval_iou_adaptive") == [None, *[0.0] * 5]


def test_a_right_answer_never_scores_below_a_failure(segmented):
    segmented.set_values("ground_truth", [fo.Segmentation(mask=np.zeros(SIZE, np.uint8))] * 6)
    nothing = fo.Segmentation(mask=np.zeros(SIZE, np.uint8))
    segmented.set_values("sam", [nothing] * 6)
    for rule in ("topk", "official"):
        with pytest.warns(UserWarning, match="soft maps"):
            right = evaluate(segmented, "sam", adaptive_rule=rule, progress=False).summary
        assert (right.n, right.n_undefined) == (6, 6) and np.isnan(right.miou)
    for rule in ("topk", "official", "half"):
        evaluate(
            segmented, "vcap_acls", adaptive_rule=rule, threshold=1.0, progress=False
        )  # all masks are empty
        values = segmented.values("vcap_acls_eval_iou_adaptive")
        failure = values.pop(1)
        assert failure == 0 and all(value is None or value >= failure for value in values)


def test_samples_that_the_run_never_saw_do_not_count_unless_asked_for(make_images, output):
    dataset = make_images(3)
    segment(dataset[:2], models=fake.fake_models(), output_dir=output, progress=False)
    results = evaluate(dataset, "vcap_acls", progress=False)
    assert results.counts == {"ok": 2, "abstained": 0, "failed": 0, "missing": 0} and results.uncovered == 1
    assert results.coverage.startswith("covers 2 of 3 samples") and results.coverage in results.to_text()
    assert dataset.last()["vcap_acls_eval_iou"] is None and not results.excluded
    again = dataset.load_evaluation_results("vcap_acls_eval", cache=False)
    assert again.coverage == results.coverage
    whole = evaluate(dataset[:2], "vcap_acls", eval_key="whole", progress=False)
    assert whole.summary == results.summary and whole.coverage == ""
    assert "vcap_acls_eval covers 2 of 3 samples" in compare([results, whole]).to_text()

    results = evaluate(dataset, "vcap_acls", coverage="all", progress=False)
    assert results.counts["missing"] == 1 and dataset.last()["vcap_acls_eval_iou"] == 0
    assert results.coverage == "" and results.summary.j == pytest.approx(whole.summary.j * 2 / 3)
    with pytest.raises(ConfigurationError, match="coverage must be one of run, all"):
        evaluate(dataset, "vcap_acls", coverage="some")


def test_masks_that_no_run_made_do_not_count_where_there_is_none(segmented):
    masks = [fo.Segmentation(mask=truth_of(sample)) for sample in segmented]
    segmented.set_values("sam", [*masks[:2], *[None] * 4])
    with pytest.warns(UserWarning, match="soft maps"):
        results = evaluate(segmented, "sam", protocol="native", progress=False)
    assert results.summary.j == 1 and results.coverage.startswith("covers 2 of 6")


@pytest.mark.parametrize("protocol", ["baav", "native", "avsbench"])
def test_lost_and_damaged_files_count_as_failed_and_are_named(segmented, protocol):
    before = evaluate(segmented, "vcap_acls", protocol=protocol, progress=False)
    damaged, lost = list(segmented)[-2:]
    Path(lost["vcap_acls_map"].map_path).unlink()
    path = Path(damaged["vcap_acls_map"].map_path)
    path.write_bytes(path.read_bytes()[:100])
    results = evaluate(segmented, "vcap_acls", protocol=protocol, progress=False)
    assert set(results.unread) == {lost.id, damaged.id} and not results.excluded
    assert all("prediction cannot be read" in reason for reason in results.unread.values())
    assert "2 count as failed" in results.to_text() and lost.id in results.to_text()
    assert results.counts["failed"] == before.counts["failed"] + 2
    assert results.summary.n == before.summary.n and results.summary.j < before.summary.j
    assert segmented.last()["vcap_acls_eval_iou"] == 0
    loaded = segmented.load_evaluation_results("vcap_acls_eval")
    assert loaded.unread == results.unread


def test_other_masks_can_be_evaluated_too(segmented):
    for sample in segmented:
        sample["sam"] = fo.Segmentation(mask=truth_of(sample))
        sample.save()
    with pytest.warns(UserWarning, match="topk"):
        results = evaluate(segmented, "sam", adaptive_rule="topk", protocol="native", progress=False)
    assert results.summary.miou == 1 and results.summary.j == 1
    assert results.config.threshold == 0.5


def test_fiftyones_own_pixel_counts_agree(segmented):
    results = evaluate(segmented[2:], "vcap_acls", protocol="native", progress=False)
    pairs = [(truth_of(sample) > 0, soft_map_of(sample) > 0.5) for sample in segmented[2:]]
    hits = sum(int(np.sum(truth & found)) for truth, found in pairs)
    assert results.pixel_confusion_matrix[1, 1] == hits
    recall = hits / sum(int(truth.sum()) for truth, _ in pairs)
    assert results.metrics()["recall"] == pytest.approx(recall)
    assert results.report()["sounding object"]["recall"] == pytest.approx(recall)  # for the App's panel


def test_eval_keys_are_protected(segmented, tmp_path):
    evaluate(segmented, "vcap_acls", progress=False)
    evaluate(segmented, "vcap_acls", threshold=0.1, progress=False)
    segment(
        segmented,
        "captioning",
        models=fake.fake_models(),
        output_dir=tmp_path,
        progress=False,
        max_samples=0,
    )
    with pytest.raises(RunConflictError, match="vcap_acls_eval"):
        evaluate(segmented, "captioning", eval_key="vcap_acls_eval", progress=False)
    segmented.add_sample_field("mine_iou", fo.FloatField)
    with pytest.raises(ConfigurationError, match="mine_iou"):
        evaluate(segmented, "vcap_acls", eval_key="mine", progress=False)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"pred": "nothing"}, DatasetError, "does not exist.*'vcap_acls'"),
        ({"gt": "audio_path"}, DatasetError, "does not hold masks"),
        ({"protocol": "coco"}, ConfigurationError, "baav, native, avsbench, boxes"),
        ({"adaptive_rule": "best"}, ConfigurationError, "topk"),
        ({"threshold": 2}, ConfigurationError, "threshold"),
        ({"class_field": "vcap_acls"}, DatasetError, "'vcap_acls'.*cannot be.*would do: none"),
        ({"class_field": "label"}, DatasetError, "'label'.*cannot be"),
    ],
)
def test_wrong_arguments_are_refused(segmented, options, error, message):
    with pytest.raises(error, match=message):
        evaluate(segmented, **{"pred": "vcap_acls", "progress": False, **options})
    assert segmented.list_evaluations() == []


def test_the_class_field_is_kept_and_changes_no_score(segmented):
    segmented.set_values("label", [fo.Classification(label="dog")] * 6)
    segmented.set_values("scene", ["street"] * 6)
    plain = evaluate(segmented, "vcap_acls", progress=False)
    assert plain.config.class_field is None
    for name in ("label", "scene"):
        named = evaluate(segmented, "vcap_acls", class_field=name, progress=False)
        assert named.rows == plain.rows
        assert segmented.get_evaluation_info("vcap_acls_eval").config.class_field == name
    with pytest.raises(DatasetError, match=r"would do: 'label', 'scene'"):
        evaluate(segmented, "vcap_acls", class_field="ground_truth", progress=False)
    assert segmented.get_evaluation_info("vcap_acls_eval").config.class_field == "scene"


def test_comparison(segmented, output, tmp_path):
    segment(segmented, run="low", threshold=0.1, models=fake.fake_models(), output_dir=output, progress=False)
    both = [evaluate(segmented, name, progress=False) for name in ("vcap_acls", "low")]
    comparison = compare(both)
    text = comparison.to_text()
    lines = text.splitlines()
    assert "Protocol baav" in lines[0] and "*" in text and "ground truth's area" in text
    assert lines[2].split()[0] == "vcap_acls" and lines[2].split()[-4:] == ["4", "1", "1", "0"]
    j = f"{100 * both[0].summary.j:.1f}*"
    assert j in lines[2] and f"{100 * both[0].summary.miou:.1f}*" in lines[3]
    comparison.to_csv(tmp_path / "table.csv")
    rows = list(csv.DictReader((tmp_path / "table.csv").open()))
    assert float(rows[1]["miou"]) == both[1].summary.miou and rows[1]["failed"] == "1"
    comparison.plot(tmp_path / "figure.png")
    assert Image.open(tmp_path / "figure.png").size[0] > 1000
    assert compare(both, ok_only=True).rows[0].summary == both[0].ok_summary


def test_comparisons_that_mislead_are_refused(segmented):
    one = evaluate(segmented, "vcap_acls", eval_key="one", progress=False)
    two = evaluate(segmented, "vcap_acls", eval_key="two", protocol="native", progress=False)
    three = evaluate(segmented[1:], "vcap_acls", eval_key="three", progress=False)
    with pytest.raises(ConfigurationError, match="protocol"):
        compare([one, two])
    with pytest.raises(ConfigurationError, match="nothing"):
        compare([])
    with pytest.raises(ConfigurationError, match="1 names"):
        compare([one, three], names=["a"])
    comparison = compare([one, three])
    assert "different samples" in str(comparison) and [row.name for row in comparison.rows] == [
        "one",
        "three",
    ]


def test_an_interrupted_evaluation_says_so(make_images, output):
    """A process that is killed while its scores are written leaves an evaluation without results."""
    dataset = make_images(2)
    segment(dataset, models=fake.fake_models(), output_dir=output, progress=False)
    evaluate(dataset, "vcap_acls", progress=False)
    assert [info.stale for info in list_evaluations(dataset)] == [""]
    EvaluationMethod.save_run_results(dataset, "vcap_acls_eval", None)
    dataset.reload()
    assert dataset.load_evaluation_results("vcap_acls_eval") is None
    assert [info.stale for info in list_evaluations(dataset)] == ["it was interrupted before it was complete"]
    with pytest.raises(ConfigurationError, match="unfinished"):
        compare([dataset.load_evaluation_results("vcap_acls_eval")])
    assert not evaluate(dataset, "vcap_acls", progress=False).stale
