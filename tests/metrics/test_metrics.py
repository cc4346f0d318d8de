"""Scores: parity with official evaluators, agreement with a slow reference, and the documented rules."""

from __future__ import annotations

import importlib.util
import math
import subprocess
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings, strategies as st
from PIL import Image

from fiftyone_avs import metrics

CHECK = Path(__file__).parents[1] / "parity" / "check.py"
CASES = Path(__file__).parents[1] / "parity" / "cases" / "metrics_cases.npz"


def _load_check() -> ModuleType:
    spec = importlib.util.spec_from_file_location("parity_check", CHECK)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


Arrays = dict[str, npt.NDArray[Any]]

check = _load_check()


# Parity with the official evaluators


@pytest.fixture(scope="module")
def cases() -> Arrays:
    with np.load(CASES) as archive:
        return {name: archive[name] for name in archive.files}


def test_every_quantity_of_the_official_evaluators_agrees(cases: Arrays) -> None:
    comparisons = check.compare_metrics(cases)
    inputs = {"kind", "index_u8", "index_u16", "pred_u8", "pred_u16", "gt_packed", "agg_names"}
    assert {comparison.name for comparison in comparisons} == set(cases) - inputs
    assert {
        comparison.name: comparison.difference for comparison in comparisons if not comparison.agrees
    } == {}


def test_summary_equals_the_official_aggregates_over_finite_samples(
    cases: Arrays,
) -> None:
    pairs = check.read_pairs(cases)
    scores = [metrics.SampleScores(*row) for row in _rows(pairs)]
    summary = metrics.summarize(scores)
    expected = dict(zip(cases["agg_names"].tolist(), cases["agg_finite_50"].tolist(), strict=True))
    assert summary.n == 40
    assert summary.n_undefined == 1
    assert summary.ciou == pytest.approx(expected["ciou_adap"], abs=1e-9)
    assert summary.auc == pytest.approx(expected["auc_adap"], abs=1e-9)
    assert summary.miou == pytest.approx(expected["miou_adap"], abs=1e-9)
    assert summary.f == pytest.approx(expected["f_adap"], abs=1e-9)
    every = dict(zip(cases["agg_names"].tolist(), cases["agg_all_50"].tolist(), strict=True))
    assert summary.j == pytest.approx(every["miou_fixed"], abs=1e-9)
    assert summary.f_threshold == pytest.approx(every["f_fixed"], abs=1e-9)


def _rows(pairs: tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]) -> npt.NDArray[np.float64]:
    fixed = metrics.threshold_scores_batch(*pairs, 0.5)
    adaptive = metrics.adaptive_scores_batch(*pairs)
    return np.stack([adaptive.iou, adaptive.f, fixed.iou, fixed.f], axis=1)


def test_score_sample_gives_the_official_numbers_for_maps_of_the_protocol_size(
    cases: Arrays,
) -> None:
    pred, gt = (array[12] for array in check.read_pairs(cases))
    scores = metrics.score_sample(pred, gt, threshold=0.35)
    assert scores.iou == pytest.approx(float(cases["fix35_iou"][12]), abs=1e-9)
    assert scores.f_adaptive == pytest.approx(float(cases["adap_f"][12]), abs=1e-9)


def test_check_script_runs_from_any_folder(tmp_path: Path) -> None:
    command = [sys.executable, str(CHECK), "metrics", str(CASES)]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "fix50_iou" in result.stdout


def test_check_exit_status(tmp_path: Path, cases: Arrays, capsys: pytest.CaptureFixture[str]) -> None:
    few = _first_pairs(cases, 7)
    _save(tmp_path / "few.npz", few)
    assert check.main(["metrics", str(tmp_path / "few.npz")]) == 0

    few["fix35_f"] = few["fix35_f"] + 1e-6
    _save(tmp_path / "wrong.npz", few)
    assert check.main(["metrics", str(tmp_path / "wrong.npz")]) == 1
    assert "DIFFERS" in capsys.readouterr().out

    assert check.main([]) == 2
    assert check.main(["unknown", str(tmp_path / "few.npz")]) == 2
    assert check.main(["metrics", str(tmp_path / "missing.npz")]) == 2


def _save(path: Path, arrays: Arrays) -> None:
    np.savez(path, allow_pickle=False, **arrays)


def _first_pairs(cases: Arrays, count: int) -> Arrays:
    """Cut a file down to its first pairs, which are all 8-bit; the aggregates no longer apply."""
    result = {name: values[:count] for name, values in cases.items() if len(values) == 40}
    result["index_u8"] = np.arange(count)
    result["pred_u8"] = cases["pred_u8"][:count]
    result["agg_names"] = cases["agg_names"]
    result["avs_group_iou"] = cases["avs_group_iou"][:1]
    result["avs_group_f"] = cases["avs_group_f"][:1]
    return result


# A slow reference, written with loops from the rules alone


def _slow_scores(selected: npt.NDArray[np.bool_], gt: npt.NDArray[np.bool_]) -> tuple[float | None, float]:
    hits = misses = false_alarms = 0
    for chosen, there in zip(selected.ravel().tolist(), gt.ravel().tolist(), strict=True):
        hits += chosen and there
        misses += there and not chosen
        false_alarms += chosen and not there
    union = hits + misses + false_alarms
    iou = hits / union if union else None
    if hits == 0:
        return iou, 0.0
    precision = hits / (hits + false_alarms)
    recall = hits / (hits + misses)
    return iou, 1.3 * precision * recall / (0.3 * precision + recall)


def _slow_adaptive(pred: npt.NDArray[np.float32], gt: npt.NDArray[np.bool_]) -> tuple[float | None, float]:
    pixels = pred.size
    wanted = sum(gt.ravel().tolist())
    if wanted == 0:
        wanted = pixels // 2
    threshold = sorted(pred.ravel().tolist())[pixels - wanted]
    return _slow_scores(np.array([value > threshold for value in pred.ravel().tolist()]), gt)


@st.composite
def _pairs(draw: st.DrawFn) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    height = draw(st.integers(1, 9))
    width = draw(st.integers(2, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    levels = draw(st.sampled_from([2, 5, 256, 65536]))
    pred = rng.integers(0, levels, (height, width)).astype(np.float32) / np.float32(levels - 1)
    gt = rng.random((height, width)) < draw(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]))
    return pred, gt


Pair = tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]


@given(_pairs(), st.floats(0, 1))
@settings(max_examples=150, deadline=None)
def test_threshold_scores_equal_the_slow_reference(pair: Pair, threshold: float) -> None:
    pred, gt = pair
    iou, f = _slow_scores(pred > np.float32(threshold), gt)
    scores = metrics.threshold_scores(pred, gt, threshold)
    assert scores.iou == pytest.approx(0.0 if iou is None else iou, abs=1e-12)
    assert scores.f == pytest.approx(f, abs=1e-12)


@given(_pairs())
@settings(max_examples=150, deadline=None)
def test_adaptive_scores_equal_the_slow_reference(pair: Pair) -> None:
    pred, gt = pair
    iou, f = _slow_adaptive(pred, gt)
    scores = metrics.adaptive_scores(pred, gt)
    assert scores.iou == pytest.approx(math.nan if iou is None else iou, abs=1e-12, nan_ok=True)
    assert scores.f == pytest.approx(f, abs=1e-12)


@given(st.lists(st.floats(0, 1) | st.sampled_from([0.0, 0.15, 0.5, 1.0]), min_size=1, max_size=30))
@settings(max_examples=150, deadline=None)
def test_auc_equals_the_slow_reference(ious: list[float]) -> None:
    shares = [sum(iou >= 0.05 * step for iou in ious) / len(ious) for step in range(21)]
    area = sum((shares[step] + shares[step + 1]) / 2 * 0.05 for step in range(20))
    assert metrics.auc(ious) == pytest.approx(area, abs=1e-12)
    assert metrics.ciou(ious) == pytest.approx(shares[10], abs=1e-12)


@given(_pairs())
@settings(max_examples=60, deadline=None)
def test_avsbench_f_equals_the_slow_reference(pair: Pair) -> None:
    pred, gt = pair
    best = 0.0
    for threshold in torch.linspace(0, 1 - 1e-10, 255).tolist():
        best = max(best, _slow_scores(pred >= np.float32(threshold), gt)[1])
    assert metrics.avsbench_f(pred, gt) == pytest.approx(best, abs=1e-5)


# Properties


@given(_pairs(), st.floats(0, 1))
@settings(max_examples=100, deadline=None)
def test_scores_lie_in_range_and_iou_never_exceeds_one(pair: Pair, threshold: float) -> None:
    pred, gt = pair
    values = [*metrics.threshold_scores(pred, gt, threshold)]
    for rule in ("official", "topk", "half"):
        values += metrics.adaptive_scores(pred, gt, rule)
    values += [metrics.avsbench_iou(pred, gt), metrics.avsbench_f(pred, gt)]
    assert all(math.isnan(value) or -1e-9 <= value <= 1 + 1e-6 for value in values)


@given(_pairs())
@settings(max_examples=100, deadline=None)
def test_topk_takes_exactly_as_many_pixels_as_the_ground_truth_has(pair: Pair) -> None:
    """With k pixels selected and k there, precision equals recall, so F = P and IoU = P / (2 - P)."""
    pred, gt = pair
    scores = metrics.adaptive_scores(pred, gt, "topk")
    if gt.any():
        assert scores.iou == pytest.approx(scores.f / (2 - scores.f), abs=1e-12)


@given(_pairs())
@settings(max_examples=60, deadline=None)
def test_batches_equal_single_calls(pair: Pair) -> None:
    pred, gt = pair
    preds = np.stack([pred, 1 - pred])
    gts = np.stack([gt, gt])
    for index in range(2):
        fixed = metrics.threshold_scores_batch(preds, gts, 0.4)
        assert (fixed.iou[index], fixed.f[index]) == metrics.threshold_scores(preds[index], gts[index], 0.4)
        adaptive = metrics.adaptive_scores_batch(preds, gts, "topk")
        single = metrics.adaptive_scores(preds[index], gts[index], "topk")
        np.testing.assert_array_equal([adaptive.iou[index], adaptive.f[index]], single)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.integers(0, 19), st.floats(0, 1))
@settings(max_examples=100, deadline=None)
def test_raising_one_iou_never_lowers_an_aggregate(ious: list[float], index: int, gain: float) -> None:
    better = list(ious)
    better[index % len(ious)] = min(1.0, better[index % len(ious)] + gain)
    for aggregate in (metrics.mean, metrics.ciou, metrics.auc):
        assert aggregate(better) >= aggregate(ious) - 1e-12


@given(_pairs(), st.sampled_from(["official", "topk", "half"]), st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_batches_give_all_four_scores_in_any_number_of_threads(pair: Pair, rule: Any, threads: int) -> None:
    preds, gts = np.stack([pair[0], 1 - pair[0], pair[0]]), np.stack([pair[1], pair[1], ~pair[1]])
    found = metrics.score_batch(preds, gts, threshold=0.4, rule=rule, threads=threads)
    for index, one in enumerate(zip(preds, gts, strict=True)):
        expected = [*metrics.adaptive_scores(*one, rule), *metrics.threshold_scores(*one, 0.4)]
        np.testing.assert_array_equal([column[index] for column in found], expected)
    grey = metrics.score_batch(preds, gts.astype(np.uint8) * 255, threshold=0.4, rule=rule)
    np.testing.assert_array_equal(grey, found)


@pytest.mark.filterwarnings("ignore::fiftyone_avs.metrics.MetricWarning")
def test_many_maps_are_scored_block_by_block() -> None:
    rng = np.random.default_rng(4)
    preds = rng.integers(0, 9, (2 * metrics.batches.BLOCK + 5, 7, 9)).astype(np.float32) / 8
    gts = rng.random(preds.shape) < rng.random((len(preds), 1, 1))
    found = metrics.score_batch(preds, gts, threads=3)
    expected = [metrics.score_sample(*pair, protocol="native") for pair in zip(preds, gts, strict=True)]
    np.testing.assert_array_equal(np.transpose(found), [list(vars(one).values()) for one in expected])


@given(_pairs(), _pairs())
@settings(max_examples=60, deadline=None)
def test_iou_of_two_masks_is_symmetric(one: Pair, other: Pair) -> None:
    first, second = np.resize(one[1], (6, 6)), np.resize(other[1], (6, 6))
    there = metrics.threshold_scores(first, second, 0.5).iou
    assert there == metrics.threshold_scores(second, first, 0.5).iou
    assert (there == 1.0) == (np.array_equal(first, second) and bool(first.any()))


@given(_pairs(), st.integers(0, 80), st.floats(0, 1))
@settings(max_examples=100, deadline=None)
def test_one_hit_more_never_lowers_a_threshold_score_and_one_false_alarm_more_never_raises_it(
    pair: Pair, pixel: int, threshold: float
) -> None:
    pred, gt = pair
    raised = pred.copy()
    raised.flat[pixel % pred.size] = 1.0
    before, after = (metrics.threshold_scores(one, gt, threshold) for one in (pred, raised))
    if gt.flat[pixel % pred.size]:
        assert after.iou >= before.iou and after.f >= before.f - 1e-12
    else:
        assert after.iou <= before.iou and after.f <= before.f + 1e-12


@given(_pairs(), st.integers(0, 2**32 - 1), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_threshold_scores_do_not_see_where_pixels_are_and_no_score_sees_a_flip(
    pair: Pair, seed: int, threshold: float
) -> None:
    pred, gt = pair
    order = np.random.default_rng(seed).permutation(pred.size)
    shuffled = pred.ravel()[order].reshape(pred.shape), gt.ravel()[order].reshape(gt.shape)
    flipped = pred[:, ::-1], gt[:, ::-1]
    for other in (shuffled, flipped):
        assert metrics.threshold_scores(*other, threshold) == metrics.threshold_scores(pred, gt, threshold)
        for rule in ("official", "half"):
            np.testing.assert_array_equal(
                metrics.adaptive_scores(*other, rule), metrics.adaptive_scores(pred, gt, rule)
            )
        assert metrics.avsbench_iou(*other) == metrics.avsbench_iou(pred, gt)
        assert metrics.avsbench_f(*other) == metrics.avsbench_f(pred, gt)


@given(_pairs())
@settings(max_examples=60, deadline=None)
def test_values_a_rounding_error_below_zero_are_ordered_as_numbers(pair: Pair) -> None:
    """Their bits are not, which the quick way to the adaptive threshold must not fall for."""
    pred, gt = pair
    low = np.where(pred < 0.5, -np.float32(1e-7) * pred, pred).astype(np.float32)
    expected = np.sort(low, axis=None)[low.size - (int(gt.sum()) or low.size // 2)]
    assert metrics.adaptive_threshold(low, gt) == expected


# The documented rules, one by one


def _disc(size: int = 224) -> npt.NDArray[np.bool_]:
    rows, columns = np.mgrid[:size, :size]
    return np.asarray((rows - size / 2) ** 2 + (columns - size / 3) ** 2 < (size / 5) ** 2)


def _soft(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """A map without ties that is highest inside the mask."""
    ramp = np.linspace(0, 0.4, mask.size, dtype=np.float32).reshape(mask.shape)
    return np.asarray(ramp + 0.55 * mask, np.float32)


def test_perfect_soft_map_loses_one_pixel_under_the_official_rule_and_none_under_topk() -> None:
    gt = _disc()
    count = int(gt.sum())
    assert metrics.adaptive_scores(_soft(gt), gt).iou == pytest.approx((count - 1) / count)
    assert metrics.adaptive_scores(_soft(gt), gt, "topk") == (1.0, 1.0)
    assert metrics.threshold_scores(_soft(gt), gt, 0.5) == (1.0, 1.0)


def test_hard_mask_equal_to_the_ground_truth_scores_zero_under_the_official_rule() -> None:
    gt = _disc()
    assert metrics.adaptive_scores(gt, gt) == (0.0, 0.0)
    assert metrics.adaptive_scores(gt, gt, "topk") == (1.0, 1.0)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_constant_map_scores_zero_under_the_official_rule(value: float) -> None:
    gt = _disc()
    assert metrics.adaptive_scores(np.full(gt.shape, value), gt) == (0.0, 0.0)


def test_topk_gives_ties_to_the_first_pixels() -> None:
    gt = np.array([[True, True], [False, False]])
    constant = np.full((2, 2), 0.3)
    assert metrics.adaptive_scores(constant, gt, "topk") == (1.0, 1.0)
    assert metrics.adaptive_scores(constant, gt[::-1], "topk") == (0.0, 0.0)


def test_empty_ground_truth() -> None:
    empty = np.zeros((10, 10), bool)
    ramp = np.linspace(0, 1, 100).reshape(10, 10)
    assert metrics.threshold_scores(np.zeros((10, 10)), empty, 0.5) == (0.0, 0.0)
    assert metrics.threshold_scores(ramp, empty, 0.5) == (0.0, 0.0)
    assert metrics.adaptive_scores(ramp, empty) == (0.0, 0.0)
    undefined = metrics.adaptive_scores(np.zeros((10, 10)), empty)
    assert math.isnan(undefined.iou)
    assert undefined.f == 0.0
    assert metrics.avsbench_iou(np.zeros((10, 10)), empty) == 1.0
    assert metrics.avsbench_f(ramp, empty) == 0.0
    assert metrics.avsbench_f_curve(ramp, empty) is None


def test_full_ground_truth() -> None:
    full = np.ones((10, 10), bool)
    ramp = np.linspace(0, 1, 100).reshape(10, 10)
    assert metrics.adaptive_scores(ramp, full).iou == pytest.approx(0.99)
    assert metrics.adaptive_scores(ramp, full, "topk").iou == 1.0
    assert metrics.threshold_scores(np.ones((10, 10)), full, 0.5) == (1.0, 1.0)


@pytest.mark.parametrize("adaptive_rule", ["official", "topk", "half"])
def test_missing_map_scores_zero_whatever_the_rule(adaptive_rule: metrics.AdaptiveRule) -> None:
    scores = metrics.score_sample(None, np.ones((30, 40), bool), adaptive_rule=adaptive_rule)
    assert scores == metrics.SampleScores(0.0, 0.0, 0.0, 0.0)
    nothing = metrics.score_sample(None, np.zeros((30, 40), bool), adaptive_rule=adaptive_rule)
    assert math.isnan(nothing.iou_adaptive)
    assert (nothing.iou, nothing.f, nothing.f_adaptive) == (0.0, 0.0, 0.0)


def test_summary_leaves_undefined_samples_out_of_adaptive_numbers_only() -> None:
    undefined = metrics.SampleScores(math.nan, 0.0, 0.0, 0.0)
    summary = metrics.summarize([metrics.SampleScores(0.6, 0.8, 0.4, 0.2), undefined])
    assert (summary.n, summary.n_undefined) == (2, 1)
    assert (summary.miou, summary.f, summary.ciou) == (0.6, 0.8, 1.0)
    assert (summary.j, summary.f_threshold) == (0.2, 0.1)


def test_summary_of_nothing_is_nan_without_warnings() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        summary = metrics.summarize([])
    assert summary.n == 0
    assert math.isnan(summary.miou) and math.isnan(summary.auc) and math.isnan(summary.j)


def test_group_minimum_keeps_the_order_of_groups() -> None:
    lowest = metrics.group_minimum([0.9, 0.2, 0.6, 0.7], ["b", "a", "b", "a"])
    assert lowest.tolist() == [0.6, 0.2]


def test_avsbench_f_takes_the_mean_curve_before_the_maximum() -> None:
    gt = _disc(32)
    low = gt * np.float32(0.2)
    high = 0.5 + gt * np.float32(0.3)
    single = metrics.avsbench_f_of_groups([(low, gt), (high, gt)])
    together = metrics.avsbench_f(np.stack([low, high]), np.stack([gt, gt]))
    assert single == pytest.approx(1.0, abs=1e-6)
    assert together < 0.8


# Sizes and ground truths


@pytest.mark.parametrize("protocol", ["baav", "native"])
@pytest.mark.parametrize("scale", [1, 255])
def test_ground_truths_of_0_and_1_score_like_0_and_255(protocol: metrics.Protocol, scale: int) -> None:
    gt = np.repeat(np.repeat(_disc(60), 4, 0), 5, 1)
    soft = _soft(_disc(104))
    expected = metrics.score_sample(soft, gt, protocol=protocol)
    assert expected.iou > 0.5
    assert metrics.score_sample(soft, gt.astype(np.uint8) * scale, protocol=protocol) == expected
    assert metrics.score_sample(soft, gt.astype(np.float64) * scale, protocol=protocol) == expected


def test_grey_ground_truth_is_resized_before_it_is_cut_at_128() -> None:
    rng = np.random.default_rng(0)
    grey = np.asarray(Image.fromarray(_disc(300)).convert("L")) // 2 + rng.integers(0, 100, (300, 300))
    grey = grey.astype(np.uint8)
    expected = np.asarray(Image.fromarray(grey).resize((224, 224))) >= 128
    np.testing.assert_array_equal(metrics.resize_ground_truth(grey), expected)
    assert 0 < expected.sum() < expected.size


def test_soft_maps_are_resized_as_torch_does() -> None:
    soft = np.random.default_rng(1).random((208, 130)).astype(np.float32)
    tensor = torch.from_numpy(soft)[None, None]
    expected = torch.nn.functional.interpolate(tensor, size=(224, 224), mode="bilinear", align_corners=False)
    np.testing.assert_array_equal(metrics.resize_soft_map(soft), expected[0, 0].numpy())
    assert metrics.resize_soft_map(soft, (50, 60)).shape == (50, 60)


def test_inputs_are_left_unchanged_and_views_are_accepted() -> None:
    soft = np.asfortranarray(_soft(_disc(50)))[::-1]
    soft.setflags(write=False)
    before = soft.copy()
    metrics.score_sample(soft, _disc(50))
    np.testing.assert_array_equal(soft, before)


def test_few_levels_are_warned_about_under_the_official_rule_only() -> None:
    gt = _disc()
    with pytest.warns(metrics.MetricWarning, match="topk"):
        metrics.score_sample(gt, gt)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metrics.score_sample(gt, gt, adaptive_rule="topk")
        metrics.score_sample(_soft(gt), gt)


# Wrong inputs


@pytest.mark.parametrize(
    ("pred", "gt", "message"),
    [
        (np.full((4, 4), np.nan), np.ones((4, 4)), "16 NaN"),
        (np.full((4, 4), np.inf), np.ones((4, 4)), "NaN or infinite"),
        (np.full((4, 4), 1.5), np.ones((4, 4)), r"\[0, 1\]"),
        (np.full((4, 4), -0.5), np.ones((4, 4)), r"\[0, 1\]"),
        (np.full((4, 4), 200, np.uint8), np.ones((4, 4)), "divide 8-bit maps"),
        (np.ones((4, 4, 3)), np.ones((4, 4)), r"\(H, W\)"),
        (np.ones((0, 4)), np.ones((0, 4)), "empty"),
        (np.ones((4, 4)), np.ones((4, 4, 3)), "ground truth must have the shape"),
        (np.ones((4, 4)), np.full((4, 4), 0.5), "not binary"),
        (np.ones((4, 4)), np.array([[0, 1, 2, 3]] * 4), "class numbers"),
        (np.ones((4, 4)), np.full((4, 4), 300), "8-bit"),
        (np.ones((4, 4)), np.full((4, 4), np.nan), "not binary"),
        (np.ones((4, 4)), np.array([["a"]]), "numbers"),
        (np.array([["a"]]), np.ones((1, 1)), "numbers"),
    ],
)
def test_wrong_inputs_are_named(pred: npt.ArrayLike, gt: npt.ArrayLike, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        metrics.score_sample(pred, gt)


def test_wrong_sizes_thresholds_and_names_are_named() -> None:
    ones = np.ones((4, 4))
    with pytest.raises(ValueError, match="differ in size"):
        metrics.threshold_scores(ones, np.ones((4, 5)), 0.5)
    with pytest.raises(ValueError, match="differ in shape"):
        metrics.avsbench_f(ones, np.ones((5, 4)))
    with pytest.raises(ValueError, match="1 soft maps but 2"):
        metrics.avsbench_f(ones, np.ones((2, 4, 4)))
    with pytest.raises(ValueError, match="threshold must lie"):
        metrics.threshold_scores(ones, ones, 1.5)
    with pytest.raises(ValueError, match="threshold must lie"):
        metrics.threshold_scores(ones, ones, math.nan)
    with pytest.raises(ValueError, match="rules are"):
        metrics.adaptive_scores(ones, ones, "best")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unknown rule"):
        metrics.score_sample(ones, ones, adaptive_rule="best")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unknown protocol 'avsbench' here"):
        metrics.score_sample(ones, ones, protocol="avsbench")
    with pytest.raises(ValueError, match="not binary"):
        metrics.threshold_scores(ones, np.array([[0, 7, 200, 255]] * 4), 0.5)
    with pytest.raises(ValueError, match="2 IoUs but 1"):
        metrics.group_minimum([0.1, 0.2], ["a"])
    with pytest.raises(ValueError, match="1 samples but 2 names"):
        metrics.summarize([metrics.SampleScores(0, 0, 0, 0)], ["a", "b"])
    with pytest.raises(ValueError, match="one shape"):
        metrics.score_batch(np.ones((2, 4, 4)), np.ones((1, 4, 4)))
    with pytest.raises(ValueError, match="NaN"):
        metrics.score_batch(np.full((2, 4, 4), np.nan), np.ones((2, 4, 4)), threads=2)


def test_the_export_list_is_complete() -> None:
    for name in metrics.__all__:
        assert getattr(metrics, name).__doc__ or name in ("AdaptiveRule", "Protocol")


def test_topk_leaves_what_is_right_on_an_empty_ground_truth_undefined() -> None:
    """An empty mask is right there, and a failure is undefined, too: neither may be the better one."""
    empty = np.zeros((8, 8), bool)
    for right in (np.zeros((8, 8), np.float32), np.full((8, 8), 0.3, np.float32), _ramp() * 0.4):
        scores = metrics.score_sample(right, empty, protocol="native", adaptive_rule="topk")
        assert math.isnan(scores.iou_adaptive) and (scores.f_adaptive, scores.iou, scores.f) == (0, 0, 0)
        batch = metrics.score_batch(right[None], empty[None], rule="topk")
        assert math.isnan(batch.iou_adaptive[0]) and (batch.iou[0], batch.f[0], batch.f_adaptive[0]) == (
            0,
            0,
            0,
        )
    assert math.isnan(metrics.adaptive_scores(empty.astype(np.float32), empty, "topk").iou)
    for wrong in (np.ones((8, 8), np.float32), _ramp()):
        assert metrics.score_sample(wrong, empty, protocol="native", adaptive_rule="topk").iou_adaptive == 0
        assert metrics.score_batch(wrong[None], empty[None], rule="topk").iou_adaptive[0] == 0
        assert metrics.adaptive_scores(wrong, empty, "topk").iou == 0
    boxes = metrics.score_boxes(
        np.zeros((9, 9), np.float32), np.zeros((8, 8), np.float32), adaptive_rule="topk"
    )
    assert math.isnan(boxes.scores.iou_adaptive)


def _ramp() -> np.ndarray:
    return np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
