"""The form and the panel follow the protocol: what is asked, which columns there are, what stands side by side."""

from __future__ import annotations

import asyncio

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from fiftyone.operators.executor import ExecutionContext, ExecutionError, Executor, resolve_type
from fiftyone.operators.registry import OperatorRegistry

import fiftyone_avs as avs
from fiftyone_avs.fo.app.plugin_install import PLUGIN

URI = f"{PLUGIN}/evaluate_avs"


@pytest.fixture
def framed(images):
    """Images of two videos and four pairs, with boxes, and a run."""
    box = fo.Detections(
        detections=[fo.Detection(label="dog", bounding_box=[0.2, 0.2, 0.5, 0.5], annotator=0)]
    )
    images.set_values("video_id", ["a"] * 4 + ["b"] * 4)
    images.set_values("pair_id", [1, 1, 2, 2, 3, 3, 4, 4])
    images.set_values("ground_truth_boxes", [box.copy() for _ in images])
    images.info["fiftyone_avs_pair_field"] = "pair_id"
    images.save()
    avs.segment(images, "classification", preset="tiny", progress=False)
    return images


def form(dataset, **params):
    """The properties of the form as it is with these entries."""
    request = {"dataset_name": dataset.name, "params": params, "target": "inputs"}
    found = asyncio.run(resolve_type(OperatorRegistry(), URI, request))
    return found.type.properties


def panel(dataset, **state):
    """What AVS Compare shows, by the names of its parts."""
    context = ExecutionContext(
        {"dataset_name": dataset.name, "params": {"panel_id": "test", "panel_state": state}},
        operator_uri=f"{PLUGIN}/avs_compare",
        executor=Executor(requests=[], logs=[]),
    )
    found = foo.get_operator(f"{PLUGIN}/avs_compare").render(context)
    return found.type.properties


def rows(parts):
    return parts["leaderboard"].default


def headings(parts):
    return [column.label for column in parts["leaderboard"].view.columns]


def markdown(parts, name):
    return parts[name].default if name in parts else ""


def evaluate(dataset, **params):
    foo.execute_operator(URI, {"dataset": dataset}, params={"preds": ["classification"], **params})


def test_the_form_asks_for_what_the_protocol_needs(framed):
    plain = form(framed, preds=["classification"])
    assert {"pair_field", "adaptive_rule", "threshold"} <= set(plain)
    assert not {"video_field", "boxes_field"} & set(plain)
    assert plain["pair_field"].default == "pair_id"
    frames = form(framed, preds=["classification"], protocol="avsbench")
    assert "video_field" in frames and not {"pair_field", "adaptive_rule", "threshold", "boxes_field"} & set(
        frames
    )
    boxes = form(framed, preds=["classification"], protocol="boxes")
    assert boxes["boxes_field"].default == "ground_truth_boxes" and "threshold" in boxes


def test_the_form_says_why_boxes_are_not_offered(images):
    avs.segment(images, "classification", preset="tiny", progress=False)
    asked = form(images, preds=["classification"])["protocol"]
    assert asked.type.values == ["baav", "native", "avsbench"]
    assert "boxes needs a field of boxes" in asked.view.description


def test_entries_of_another_protocol_s_form_play_no_part(framed):
    left_over = {"threshold": 0.3, "adaptive_rule": "topk", "pair_field": "pair_id"}
    evaluate(framed, protocol="avsbench", video_field="video_id", **left_over)
    config = framed.get_evaluation_info("classification_eval").config
    assert (config.threshold, config.video_field, config.pair_field) == (0.5, "video_id", None)
    evaluate(framed, protocol="boxes", video_field="video_id", boxes_field="ground_truth_boxes", **left_over)
    config = framed.get_evaluation_info("classification_eval").config
    assert (config.threshold, config.video_field, config.pair_field) == (0.3, None, "pair_id")
    assert config.boxes_field == "ground_truth_boxes"


def test_a_problem_is_told_in_the_form_and_by_the_call(framed):
    framed.info["fiftyone_avs_pair_field"] = "gone"
    framed.save()
    parts = form(framed, preds=["classification"])
    assert any(
        "'gone'" in str(part.view.description) for part in parts.values() if hasattr(part.view, "description")
    )
    with pytest.raises(ExecutionError, match="'gone'"):
        evaluate(framed)


def test_the_panel_keeps_protocols_apart_and_shows_each_one_s_columns(framed):
    framed.info["fiftyone_avs_benchmark"] = "is3"
    framed.save()
    evaluate(framed, eval_key="paper")
    evaluate(framed, eval_key="frames", protocol="avsbench", video_field="video_id")
    evaluate(framed, eval_key="boxes", protocol="boxes", boxes_field="ground_truth_boxes")
    groups = list(form_choices(panel(framed)["group"]))
    assert len(groups) == 3
    paper = panel(framed, chosen=["paper"])
    assert headings(paper) == [
        "Evaluation",
        "cIoU",
        "AUC",
        "mIoU",
        "F",
        "J",
        "F thr.",
        "IIoU",
        "IAUC",
        "Samples",
    ]
    assert any("(published)" in row["name"] for row in rows(paper))
    assert {row["iiou"] for row in rows(paper) if "(published)" in row["name"]} == {"-"}
    assert "protocol baav" in markdown(paper, "title") and "not_on_views" not in paper
    frames = panel(framed, chosen=["frames"])
    assert headings(frames) == ["Evaluation", "J", "F / video", "F whole", "Samples"]
    assert len(rows(frames)) == 1 and "other_protocol" in frames
    assert "protocol avsbench" in markdown(frames, "title") and "adaptive" not in markdown(frames, "title")
    summary = framed.load_evaluation_results("frames").summary
    assert (
        rows(frames)[0]["f_videos"] == f"{100 * summary.f_videos:.1f}" and rows(frames)[0]["f_whole"] == "-"
    )
    assert "F (whole set)" in markdown(frames, "not_on_views")
    boxes = panel(framed, chosen=["boxes"])
    assert "AP@0.5" in headings(boxes) and rows(boxes)[0]["ap"] == "-" and len(rows(boxes)) == 1
    assert "rates" in panel(framed, chosen=["boxes"])["figures"].type.properties
    both = panel(framed, chosen=["paper", "frames"])
    assert headings(both) == headings(paper)
    assert len([row for row in rows(both) if "(published)" not in row["name"]]) == 1


def form_choices(part):
    return [choice.value for choice in part.view.choices]
