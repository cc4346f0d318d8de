"""The protocols beside the paper's: AVSBench's frames, boxes, average precision, pairs."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from PIL import Image

from fiftyone_avs import metrics

RNG = np.random.default_rng(3)
SIZE = 224


def soft_maps(count, size=(SIZE, SIZE)):
    fields = torch.randn(count, 1, 7, 7, generator=torch.Generator().manual_seed(count))
    return torch.sigmoid(4 * torch.nn.functional.interpolate(fields, size=size, mode="bicubic")).numpy()[:, 0]


def slow_f_curve(pred, gt):
    """F at 255 thresholds with torch, one after the other, as AVSBench's script does it."""
    curve = torch.zeros(255)
    target = torch.from_numpy(gt.astype(np.float32))
    for index, level in enumerate(torch.linspace(0, 1 - 1e-10, 255)):
        chosen = (torch.from_numpy(pred) >= level).float()
        hits = (chosen * target).sum()
        precision, recall = hits / (chosen.sum() + 1e-20), hits / (target.sum() + 1e-20)
        f = 1.3 * precision * recall / (0.3 * precision + recall)
        curve[index] = 0 if torch.isnan(f) else f
    return curve


# AVSBench


def test_a_tally_of_frames_gives_the_numbers_of_whole_videos():
    maps, truths = soft_maps(7), soft_maps(8)[:7] > 0.6
    truths[2] = False
    videos = ["a", "b", "a", "b", "c", "a", "c"]
    tally = metrics.FrameTally()
    frames = [metrics.score_frame(*pair) for pair in zip(maps, truths, strict=True)]
    for video, frame in zip(videos, frames, strict=True):
        tally.add(video, frame)
    members = {name: [i for i, video in enumerate(videos) if video == name] for name in "abc"}
    expected = {name: metrics.avsbench_f(maps[part], truths[part]) for name, part in members.items()}
    assert {name: tally.f(name) for name in "abc"} == expected
    found = tally.summary
    assert found.f_videos == np.mean(list(expected.values()))
    assert found.f_whole == metrics.avsbench_f(maps, truths)
    assert found.j == pytest.approx(
        np.mean([metrics.avsbench_iou(*p) for p in zip(maps, truths, strict=True)])
    )
    assert (found.n, found.n_videos) == (7, 3)


def test_the_f_of_a_video_is_the_maximum_of_the_curve_that_torch_adds_up():
    maps, truths = soft_maps(3), soft_maps(4)[:3] > 0.6
    total = sum(slow_f_curve(*pair) for pair in zip(maps, truths, strict=True))
    tally = metrics.FrameTally()
    for pair in zip(maps, truths, strict=True):
        tally.add("", metrics.score_frame(*pair))
    assert tally.f("") == pytest.approx(float((total / 3).max()), abs=1e-6)


def test_groups_without_an_object_count_as_zero_and_no_groups_as_nothing():
    tally = metrics.FrameTally()
    assert math.isnan(tally.summary.j) and math.isnan(tally.summary.f_videos)
    tally.add("silent", metrics.score_frame(np.zeros((SIZE, SIZE)), np.zeros((SIZE, SIZE), bool)))
    truth = soft_maps(1)[0] > 0.5
    tally.add("loud", metrics.score_frame(truth.astype(np.float32), truth))
    assert tally.summary.j == pytest.approx(1, abs=1e-6)
    assert tally.summary.f_videos == pytest.approx(0.5, abs=1e-6)
    assert tally.summary.f_whole == pytest.approx(1, abs=1e-6)


def test_a_frame_without_a_prediction_is_right_on_silence_only():
    silent = metrics.score_frame(None, np.zeros((50, 60), np.uint8))
    assert silent.iou == pytest.approx(1) and silent.curve is None
    loud = metrics.score_frame(None, np.full((50, 60), 255, np.uint8))
    assert loud.iou == 0 and loud.curve.max() == 0 and loud.curve.shape == (255,)


def test_grey_ground_truths_are_dithered_and_black_and_white_ones_are_not():
    grey = np.linspace(0, 255, SIZE * SIZE).reshape(SIZE, SIZE).astype(np.uint8)
    found = metrics.dithered_ground_truth(grey)
    np.testing.assert_array_equal(found, np.asarray(Image.fromarray(grey).convert("1")))
    cut = metrics.ground_truth_mask(grey)
    assert np.mean(found != cut) > 0.2 and abs(found.mean() - cut.mean()) < 0.02
    black_and_white = np.where(cut, np.uint8(255), np.uint8(0))
    np.testing.assert_array_equal(metrics.dithered_ground_truth(black_and_white), cut)
    large = np.kron(black_and_white, np.ones((2, 2), np.uint8))
    np.testing.assert_array_equal(metrics.dithered_ground_truth(large), metrics.resize_ground_truth(large))


def test_frames_of_another_size_are_brought_to_the_protocol_s():
    soft, truth = soft_maps(1, (100, 150))[0], soft_maps(2, (100, 150))[0] > 0.5
    found = metrics.score_frame(soft, truth)
    resized = metrics.resize_soft_map(soft), metrics.resize_ground_truth(truth)
    assert found.iou == metrics.avsbench_iou(*resized)
    np.testing.assert_array_equal(found.curve, metrics.avsbench_f_curve(*resized))


# Boxes


def slow_box_scores(selected, weights):
    """IoU and F with loops, from the definition."""
    hits = wrong = present = 0.0
    for chosen, weight in zip(selected.ravel().tolist(), weights.ravel().tolist(), strict=True):
        present += weight
        hits += weight if chosen else 0
        wrong += chosen and weight == 0
    if hits == 0:
        return 0.0, 0.0
    precision, recall = hits / (hits + wrong), hits / present
    return hits / (present + wrong), 1.3 * precision * recall / (0.3 * precision + recall)


def test_boxes_are_cut_to_whole_pixels_of_the_protocol_s_grid():
    weights = metrics.draw_boxes([(0.1, 0.2, 0.503, 0.75)])
    rows, columns = np.nonzero(weights)
    assert (columns.min(), columns.max() + 1) == (int(0.1 * 224), int(0.503 * 224))
    assert (rows.min(), rows.max() + 1) == (int(0.2 * 224), 168)
    assert weights.dtype == np.float32 and weights.shape == (224, 224) and weights.max() == 1


@given(st.integers(0, 1000), st.integers(0, 1000))
@settings(max_examples=100, deadline=None)
def test_edges_that_went_through_a_width_are_still_cut_where_the_official_code_cuts_them(low, high):
    low, high = sorted((low / 1000, high / 1000))
    official = int(np.clip(high, 0, 1) * 224) - int(np.clip(low, 0, 1) * 224)
    weights = metrics.draw_boxes([(low, 0.0, low + (high - low), 1.0)])
    assert np.count_nonzero(weights[0]) == official


def test_boxes_beyond_the_picture_are_clipped_and_narrow_ones_draw_nothing():
    np.testing.assert_array_equal(metrics.draw_boxes([(-3, -0.5, 4, 1.5)]), np.ones((224, 224)))
    assert not metrics.draw_boxes([(0.5, 0.1, 0.5, 0.9)]).any()
    assert metrics.draw_boxes([]).sum() == 0


def test_one_person_s_boxes_unite_and_several_people_s_vote():
    boxes = [(0.0, 0.0, 0.5, 0.5), (0.25, 0.0, 0.75, 0.5), (0.25, 0.0, 0.5, 1.0)]
    union = metrics.draw_boxes(boxes)
    assert set(np.unique(union)) == {0, 1}
    votes = metrics.draw_boxes(boxes, consensus=True)
    assert (votes[0, 0], votes[0, 60], votes[0, 130], votes[200, 60], votes[200, 0]) == (0.5, 1, 0.5, 0.5, 0)
    np.testing.assert_array_equal(votes > 0, union > 0)


@pytest.mark.parametrize("consensus", [False, True])
@pytest.mark.parametrize("rule", ["official", "topk", "half"])
def test_scores_over_boxes_are_those_of_the_definition(consensus, rule):
    soft = soft_maps(1, (40, 40))[0]
    boxes = [(0.1, 0.2, 0.5, 0.7), (0.3, 0.3, 0.9, 0.6)]
    weights = metrics.draw_boxes(boxes, consensus=consensus, size=(40, 40))
    found = metrics.score_boxes(soft, weights, threshold=0.4, adaptive_rule=rule).scores
    ordered, wanted = np.sort(soft, axis=None), int(np.count_nonzero(weights))
    level = {"official": ordered[-wanted], "topk": np.nextafter(ordered[-wanted], 0), "half": ordered[800]}[
        rule
    ]
    assert (found.iou_adaptive, found.f_adaptive) == pytest.approx(slow_box_scores(soft > level, weights))
    assert (found.iou, found.f) == pytest.approx(slow_box_scores(soft > np.float32(0.4), weights))


def test_a_union_scores_like_a_mask():
    soft, weights = soft_maps(1)[0], metrics.draw_boxes([(0.1, 0.2, 0.5, 0.7)])
    assert metrics.score_boxes(soft, weights).scores == metrics.score_sample(soft, weights > 0)


def test_samples_without_boxes_or_without_a_prediction():
    soft = soft_maps(1, (60, 90))[0]
    negative = metrics.score_boxes(soft, None)
    assert negative.scores is None
    ordered = np.sort(metrics.resize_soft_map(soft), axis=None)
    assert negative.confidence == pytest.approx(ordered[-SIZE * SIZE // 4 :].mean(), abs=1e-6)
    missing = metrics.score_boxes(None, metrics.draw_boxes([(0, 0, 1, 1)]))
    assert missing.confidence == 0 and missing.scores == metrics.SampleScores(0, 0, 0, 0)
    assert metrics.map_confidence(np.array([[0.1, 0.9, 0.2], [0.3, 0.5, 0.4]], np.float32)) == pytest.approx(
        0.7
    )


# Average precision, against loops that follow the definition


def slow_detection(ious, confidences, level):
    right = wrong = missed = 0
    for iou, confidence in zip(ious, confidences, strict=True):
        detected = confidence >= level
        if iou is None:
            wrong += detected
        elif not detected:
            missed += 1
        elif iou >= 0.5:
            right += 1
        else:
            wrong += 1
    precision = right / (right + wrong) if right + wrong else 1.0
    recall = right / (right + missed) if right + missed else 1.0
    return precision, recall


def slow_average_precision(ious, confidences):
    levels = sorted(confidences)[:-1]
    levels = list(reversed(levels))[:: max(1, len(ious) // 200)]
    points = [slow_detection(ious, confidences, level) for level in levels]
    area = 0.0
    for index in range(len(points) - 1):
        best = max(precision for precision, _ in points[index:])
        area += best * (points[index + 1][1] - points[index][1])
    return area


def slow_best_f1(ious, confidences):
    levels = sorted(confidences)[:: max(1, len(ious) // 10)]
    points = [slow_detection(ious, confidences, level) for level in levels]
    return max(2 * p * r / (p + r) if p + r else 0.0 for p, r in points)


samples = st.lists(
    st.tuples(
        st.none() | st.sampled_from([0.5, math.nan, np.nextafter(0.5, 0)]) | st.floats(0, 1),
        st.sampled_from([0.0, 0.25, 0.5]) | st.floats(0, 1),
    ),
    min_size=1,
    max_size=40,
)


@given(samples)
@settings(max_examples=200, deadline=None)
def test_average_precision_and_f1_equal_the_slow_reference(found):
    ious, confidences = zip(*found, strict=True)
    assert metrics.average_precision(ious, confidences) == pytest.approx(
        slow_average_precision(ious, confidences), abs=1e-12
    )
    assert metrics.best_f1(ious, confidences) == pytest.approx(slow_best_f1(ious, confidences), abs=1e-12)


def test_average_precision_of_many_samples_skips_thresholds():
    ious = [None if value < 0.2 else value for value in RNG.random(1030)]
    confidences = RNG.random(1030).round(2).tolist()
    expected = slow_average_precision(ious, confidences)
    assert metrics.average_precision(ious, confidences) == pytest.approx(expected, abs=1e-12)
    assert metrics.best_f1(ious, confidences) == pytest.approx(slow_best_f1(ious, confidences), abs=1e-12)


def test_average_precision_of_nothing_is_undefined_and_lists_must_match():
    assert math.isnan(metrics.average_precision([], [])) and math.isnan(metrics.best_f1([], []))
    assert metrics.average_precision([0.7], [0.3]) == 0.0
    with pytest.raises(ValueError, match="1 IoUs but 2"):
        metrics.average_precision([0.5], [0.1, 0.2])


def test_negatives_count_in_average_precision_only():
    scores = [metrics.SampleScores(iou, 0.5, 0.4, 0.3) for iou in (0.9, 0.2, 0.6)]
    with_them = metrics.summarize_boxes(scores, [0.9, 0.8, 0.7], [0.95, 0.1])
    without = metrics.summarize_boxes(scores, [0.9, 0.8, 0.7])
    assert with_them.n_negative == 2 and without.n_negative == 0 and with_them.n == without.n == 3
    assert with_them.ciou == without.ciou == pytest.approx(2 / 3)
    assert with_them.ap == slow_average_precision([0.9, 0.2, 0.6, None, None], [0.9, 0.8, 0.7, 0.95, 0.1])
    assert with_them.max_f1 == pytest.approx(2 / 3) and without.max_f1 == pytest.approx(0.8)


# Pairs


def test_a_pair_counts_as_its_worst_sample():
    found = metrics.pair_scores([0.9, 0.2, 0.6, 0.7, 0.55], ["b", "a", "b", "a", "c"])
    assert found.iiou == pytest.approx(2 / 3)
    assert found.iauc == metrics.auc([0.6, 0.2, 0.55])
    assert (found.n, found.n_incomplete) == (3, 1)


def test_undefined_samples_leave_their_pair_incomplete():
    scores = [metrics.SampleScores(iou, 0, 0, 0) for iou in (0.9, math.nan, 0.6, 0.3)]
    summary = metrics.summarize(scores, ["a", "a", "b", "b"])
    assert (summary.iiou, summary.n_pairs, summary.n_incomplete) == (0.5, 2, 1)
    assert any("2 pairs, 1 of them incomplete" in remark for remark in summary.remarks)
    alone = metrics.summarize(scores)
    assert math.isnan(alone.iiou) and not any("pairs" in remark for remark in alone.remarks)


@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from("abcd")), min_size=1, max_size=20))
@settings(max_examples=100, deadline=None)
def test_pairs_never_score_more_than_their_best_samples_and_samples_alone_are_pairs(found):
    ious, pairs = zip(*found, strict=True)
    scores = metrics.pair_scores(ious, pairs)
    best = [max(iou for iou, pair in found if pair == name) for name in set(pairs)]
    assert scores.iiou <= metrics.ciou(best) and scores.iauc <= metrics.auc(best) + 1e-12
    alone = metrics.pair_scores(ious, [str(index) for index in range(len(ious))])
    assert alone.iiou == metrics.ciou(ious) and alone.n_incomplete == alone.n == len(ious)


def test_every_protocol_names_numbers_that_its_summary_has():
    summaries = {
        "baav": metrics.summarize([]),
        "native": metrics.summarize([]),
        "avsbench": metrics.FrameTally().summary,
        "boxes": metrics.summarize_boxes([], []),
    }
    assert set(metrics.PROTOCOLS) == set(summaries)
    for name, info in metrics.PROTOCOLS.items():
        for metric in info.metrics_of(pairs=True):
            assert math.isnan(getattr(summaries[name], metric))
        assert info.not_on_views <= set(info.metrics)
        assert ("iiou" in info.metrics_of(pairs=True)) == info.adaptive
