"""What evaluations say of any view, counted by the database, against the same counted in Python."""

from __future__ import annotations

import random
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import fiftyone as fo
import numpy as np
import pytest
from fiftyone import ViewField as F

from fiftyone_avs import evaluate, segment
from fiftyone_avs.errors import ConfigurationError, DatasetError
from fiftyone_avs.fo import delete_run, sample_class_fields
from fiftyone_avs.fo.compare.joint import joint_scores
from fiftyone_avs.fo.compare.standings import class_standings, standings
from fiftyone_avs.fo.evaluate.listing import find_evaluation, list_evaluations
from fiftyone_avs.metrics import SampleScores, summarize
from fiftyone_avs.metrics.aggregate import AUC_THRESHOLDS, auc, success_rate
from fiftyone_avs.models import fake
from tests.fo.judged import judge_images, write_scores
from tests.fo.samples import SIZE

EXACT = 1e-12


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """Eight samples with two runs and their evaluations; not to be changed."""
    dataset = judge_images(tmp_path_factory.mktemp("judged"))
    yield dataset
    dataset.delete()


@pytest.fixture
def copy(judged):
    """The same, to be changed."""
    dataset = judged.clone()
    yield dataset
    dataset.delete()


@pytest.fixture
def numbered(dataset):
    """Sixty samples that have no media, to write scores on."""
    samples = [fo.Sample(f"{index}.png", kind=f"class {index % 3}") for index in range(60)]
    dataset.add_samples(samples, progress=False)
    return dataset


def random_scores(seed, count):
    rng = random.Random(seed)
    return [
        [None if rng.random() < 0.1 else rng.random(), *(rng.random() for _ in "fjt")] for _ in range(count)
    ]


def as_scores(rows):
    return [SampleScores(*(float("nan") if value is None else value for value in row)) for row in rows]


def check(standing, summary):
    """All eight numbers agree, undefined ones too."""
    assert asdict(standing.summary) == pytest.approx(asdict(summary), abs=EXACT, rel=0, nan_ok=True)


def test_evaluations_are_listed_from_their_configs(copy):
    evaluate(copy[5:], "plain", eval_key="native", protocol="native", threshold=0.2, progress=False)
    register_foreign(copy)
    first, second, third = list_evaluations(copy)
    assert [info.key for info in (first, second, third)] == ["plain_eval", "striped_eval", "native"]
    assert (first.run, first.gt_field, first.protocol, first.adaptive_rule, first.threshold) == (
        "plain",
        "ground_truth",
        "baav",
        "official",
        0.5,
    )
    assert first.is_run and not first.on_frames and first.class_field == "label"
    assert third.class_field is None and third.threshold == 0.2
    assert timedelta() <= datetime.now(UTC) - first.created < timedelta(minutes=5)
    assert first.group == second.group != third.group
    assert third.group_label == "ground truth ground_truth, protocol native, adaptive rule official"
    with pytest.raises(DatasetError, match=r"no evaluation 'other'.*plain_eval, striped_eval, native"):
        find_evaluation(copy, "other")


def register_foreign(dataset):
    """An evaluation that FiftyOne made itself."""
    dataset[5:].evaluate_segmentations("plain", "ground_truth", eval_key="simple", progress=False)


def test_a_record_that_names_no_class_is_read(copy):
    record = copy._doc.evaluations["plain_eval"]
    del record.config["class_field"]  # as older versions wrote it
    record.save()
    assert find_evaluation(copy, "plain_eval").class_field is None
    assert copy.load_evaluation_results("plain_eval", cache=False).config.class_field is None


def test_standings_of_the_dataset_are_those_of_the_results(judged):
    found = standings(judged, list_evaluations(judged))
    assert [standing.evaluation.key for standing in found] == ["plain_eval", "striped_eval"]
    for standing in found:
        results = judged.load_evaluation_results(standing.evaluation.key)
        check(standing, results.summary)
        assert standing.counts == results.counts == {"ok": 4, "abstained": 2, "failed": 1, "missing": 0}
        assert standing.scores["j"] == standing.summary.j
    plain = found[0].summary
    assert (plain.n, plain.n_undefined, plain.ciou > 0) == (7, 1, True)
    assert found[1].summary.miou != plain.miou


def test_standings_of_a_view_are_those_of_its_samples(judged):
    view = judged.match(F("label.label") == "dog").sort_by("filepath", reverse=True).limit(3)
    for standing in standings(view, list_evaluations(judged)):
        results = judged.load_evaluation_results(standing.evaluation.key)
        inside = [scores for row, scores in zip(results.rows, results.scores, strict=True) if row[0] in view]
        check(standing, summarize(inside))
        assert standing.summary.n == 3 and sum(standing.counts.values()) == 3


def test_random_scores_are_averaged_exactly(numbered):
    rows = {key: random_scores(seed, 60) for seed, key in enumerate(("one", "two"))}
    infos = [write_scores(numbered, key, scores) for key, scores in rows.items()]
    for view, part in ((numbered, slice(None)), (numbered[10:25], slice(10, 25))):
        for standing in standings(view, infos):
            expected = as_scores(rows[standing.evaluation.key][part])
            check(standing, summarize(expected))
            ious = [score.iou_adaptive for score in expected if not np.isnan(score.iou_adaptive)]
            assert standing.success_adaptive == tuple(success_rate(ious, edge) for edge in AUC_THRESHOLDS)
            assert (
                np.trapezoid(standing.success_adaptive, AUC_THRESHOLDS) == standing.summary.auc == auc(ious)
            )
            masks = [score.iou for score in expected]
            assert standing.success == tuple(success_rate(masks, edge) for edge in AUC_THRESHOLDS)
            assert (standing.success_by("mask"), standing.success_by("adaptive")) == (
                standing.success,
                standing.success_adaptive,
            )


def test_an_iou_on_a_threshold_reaches_it_and_one_just_below_does_not(numbered):
    edges = [np.nextafter(edge, way) for edge in AUC_THRESHOLDS[1:] for way in (0, edge, 2)]
    ious = np.minimum(edges, 1.0).tolist()
    (standing,) = standings(
        numbered, [write_scores(numbered, "edge", [[iou, 0.5, iou, 0.5] for iou in ious])]
    )
    assert standing.success == tuple(success_rate(ious, edge) for edge in AUC_THRESHOLDS)
    assert standing.success_adaptive == standing.success
    assert standing.summary.ciou == success_rate(ious, 0.5)


def test_nothing_evaluated_is_none_and_not_zero(numbered):
    info = write_scores(numbered, "some", [*[[None] * 4] * 59, [None, 0.0, 0.25, 0.5]])
    nothing, undefined = standings(numbered[:59], [info])[0], standings(numbered, [info])[0]
    assert nothing.summary.n == 0 and nothing.success == () and set(nothing.scores.values()) == {None}
    assert (undefined.summary.n, undefined.summary.n_undefined, undefined.success_adaptive) == (1, 1, ())
    assert undefined.success[:7] == (1.0,) * 6 + (0.0,)  # the mask's IoU is 0.25
    assert undefined.scores == {
        "ciou": None,
        "auc": None,
        "miou": None,
        "f": None,
        "j": 0.25,
        "f_threshold": 0.5,
    }
    assert standings(numbered, []) == []


def test_samples_that_the_run_never_saw_are_missing(make_images, output):
    dataset = make_images(3)
    segment(dataset[:1], run="plain", models=fake.fake_models(), output_dir=output, progress=False)
    evaluate(dataset, "plain", progress=False)
    (standing,) = standings(dataset, list_evaluations(dataset))
    assert standing.counts == {"ok": 1, "abstained": 0, "failed": 0, "missing": 0}
    assert standing.coverage == "covers 1 of 3 samples"
    assert standings(dataset[:1], [standing.evaluation])[0].coverage == ""
    results = evaluate(dataset, "plain", coverage="all", progress=False)
    (standing,) = standings(dataset, list_evaluations(dataset))
    assert standing.counts == results.counts == {"ok": 1, "abstained": 0, "failed": 0, "missing": 2}
    assert standing.coverage == ""
    delete_run(dataset, "plain", evaluations=False)
    (standing,) = standings(dataset, list_evaluations(dataset))
    assert standing.counts == {}
    check(standing, results.summary)


def test_masks_without_a_run_count_as_ok_or_missing(make_images):
    dataset = make_images(3)
    dataset.set_values("sam", [fo.Segmentation(mask=np.eye(*SIZE, dtype=np.uint8)), None, None])
    with pytest.warns(UserWarning, match="no soft maps"):
        results = evaluate(dataset, "sam", adaptive_rule="topk", coverage="all", progress=False)
    (standing,) = standings(dataset, list_evaluations(dataset))
    assert standing.counts == results.counts == {"ok": 1, "abstained": 0, "failed": 0, "missing": 2}
    check(standing, results.summary)


def test_videos_are_counted_by_frames(videos, output):
    segment(videos, run="plain", models=fake.fake_models(), output_dir=output, progress=False)
    truth = np.zeros(SIZE, np.uint8)
    empty = fo.Segmentation(mask=truth.copy())
    truth[:, SIZE[1] // 2 :] = 255
    for sample in videos:
        for number in (1, 2, 11) if sample != videos.last() else (1,):
            sample.frames[number]["ground_truth"] = fo.Segmentation(mask=truth)
        sample.frames[21]["ground_truth"] = empty
        sample.save()
    videos.set_values("kind", ["bell", "dog", "dog"])
    results = evaluate(videos, "plain", adaptive_rule="topk", class_field="kind", progress=False)
    (info,) = list_evaluations(videos)
    (standing,) = standings(videos, [info])
    assert info.on_frames and (info.run, info.gt_field) == ("plain", "frames.ground_truth")
    check(standing, results.summary)
    assert standing.counts == results.counts and standing.counts["failed"] == 2
    assert standing.summary.n_undefined == 1  # the abstained one, where nothing sounds
    first = [
        scores
        for row, scores in zip(results.rows, results.scores, strict=True)
        if videos.first().id in row[0]
    ]
    check(standings(videos[:1], [info])[0], summarize(first))
    classes = class_standings(videos, [info], "kind")
    assert [(row.label, row.n_samples, row.n, row.mean_iou) for row in classes] == [
        ("dog", 2, {"plain_eval": 2}, {"plain_eval": 0.0}),
        ("bell", 1, {"plain_eval": 1}, {"plain_eval": videos.first()["plain_eval_iou"]}),
    ]
    with pytest.raises(DatasetError, match=r"'frames.plain_query'.*of the samples"):
        class_standings(videos, [info], "frames.plain_query")


def test_classes_are_averaged(numbered):
    rows = {key: random_scores(seed, 60) for seed, key in enumerate(("one", "two"))}
    infos = [write_scores(numbered, key, scores) for key, scores in rows.items()]
    view = numbered[1:]  # so that class 0 has fewer samples
    found = class_standings(view, infos, "kind")
    adaptive = class_standings(view, infos, "kind", iou="adaptive")
    assert [row.label for row in found] == ["class 1", "class 2", "class 0"]
    assert [row.n_samples for row in found] == [20, 20, 19]
    for row in found:
        for key, scores in rows.items():
            index = int(row.label[-1])
            members = scores[1:][(index - 1) % 3 :: 3]
            for kind, place, rows_of in (("mask", 2, found), ("adaptive", 0, adaptive)):
                ious = [one[place] for one in members if one[place] is not None]
                row = next(one for one in rows_of if one.label == row.label)
                assert row.n[key] == len(ious), kind
                assert row.mean_iou[key] == pytest.approx(np.mean(ious), abs=EXACT, rel=0)
    by_name = class_standings(view, infos, "kind", order="name")
    assert [row.label for row in by_name] == ["class 0", "class 1", "class 2"]


def test_samples_without_a_class_or_an_iou_are_not_lost(judged):
    infos = list_evaluations(judged)
    found = class_standings(judged, infos, "label")
    assert [(row.label, row.n_samples, row.n["plain_eval"]) for row in found] == [
        ("dog", 4, 4),
        ("cat", 2, 2),
        ("bell", 1, 1),
        (None, 1, 0),
    ]
    assert found[3].mean_iou == {"plain_eval": None, "striped_eval": None}
    assert class_standings(judged, infos, "kind") == found
    adaptive = class_standings(judged, infos, "label", iou="adaptive")
    assert (adaptive[2].n["plain_eval"], adaptive[2].mean_iou["plain_eval"]) == (0, None)


def test_which_fields_can_be_a_class(judged):
    assert sample_class_fields(judged) == ["label", "kind"]
    with pytest.raises(DatasetError, match=r"'ground_truth'.*cannot be.*would do: 'label', 'kind'"):
        class_standings(judged, [], "ground_truth")
    with pytest.raises(DatasetError, match="'nothing'"):
        class_standings(judged, [], "nothing")


def test_two_evaluations_sample_by_sample(judged):
    found = joint_scores(judged, "plain_eval", "striped_eval")
    pairs = list(zip(*judged.values(["id", "plain_eval_iou", "striped_eval_iou"]), strict=True))
    pairs = sorted(pair for pair in pairs if None not in pair)
    assert list(found.points) == pairs and found.n == len(pairs) == 7
    assert found.x_better == sum(x > y for _, x, y in pairs) > 0
    assert found.equal == sum(x == y for _, x, y in pairs) >= 2
    assert found.x_better + found.y_better + found.equal == found.n
    assert found.edges[0] == 0 and found.edges[-1] == 1 and len(found.grid) == 20
    turned = joint_scores(judged, "striped_eval", "plain_eval")
    assert (turned.x_better, turned.y_better) == (found.y_better, found.x_better)
    assert turned.grid == tuple(zip(*found.grid, strict=True))


def test_many_samples_are_counted_on_a_grid(numbered):
    rng = random.Random(5)
    levels = [0.0, 0.1, 0.25, 0.5, np.nextafter(0.5, 0), 0.75, 1.0, None]
    xs, ys = ([rng.choice(levels) for _ in range(60)] for _ in "xy")
    write_scores(numbered, "x", [[0, 0, x, 0] for x in xs])
    write_scores(numbered, "y", [[0, 0, y, 0] for y in ys])
    defined = [(x, y) for x, y in zip(xs, ys, strict=True) if x is not None and y is not None]
    found = joint_scores(numbered, "x", "y", max_points=len(defined) - 1, bins=4)
    assert found.points is None and found.n == len(defined)
    expected, *_ = np.histogram2d(*np.transpose(defined), bins=[found.edges] * 2)
    assert np.array_equal(found.grid, expected.T)
    assert len(joint_scores(numbered, "x", "y", max_points=len(defined)).points) == len(defined)


def test_fields_that_are_not_there_are_named(judged, copy):
    infos = list_evaluations(judged)
    narrow = judged.select_fields("plain_eval_iou")
    with pytest.raises(DatasetError, match="'plain_eval_f' is not there"):
        standings(narrow, infos)
    with pytest.raises(DatasetError, match="'striped_eval_iou' is not there"):
        joint_scores(narrow, "plain_eval", "striped_eval")
    with pytest.raises(DatasetError, match="'striped_eval_iou' is not there"):
        class_standings(judged.exclude_fields("striped_eval_iou"), infos, "label")
    with pytest.raises(ConfigurationError, match="at least one bin"):
        joint_scores(judged, "plain_eval", "striped_eval", bins=0)
    copy.delete_evaluation("plain_eval")
    with pytest.raises(DatasetError, match="deleted or renamed"):
        standings(copy, infos)
