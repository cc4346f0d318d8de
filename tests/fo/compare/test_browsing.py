"""Views of the samples behind a score."""

from __future__ import annotations

import argparse

import fiftyone as fo
import numpy as np
import pytest

from fiftyone_avs import evaluate, segment
from fiftyone_avs.cli.browsing import add_commands
from fiftyone_avs.errors import ConfigurationError, DatasetError
from fiftyone_avs.fo.compare.browsing import (
    browse_by_iou,
    describe_samples,
    view_of_cell,
    view_of_class,
    view_of_range,
)
from fiftyone_avs.fo.compare.joint import joint_scores
from fiftyone_avs.models import fake
from tests.fo.judged import judge_images, write_scores
from tests.fo.samples import SIZE

IOUS = [0.5, 0.0, None, 1.0, 0.25, 0.5, 0.0, 0.75]


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """Eight samples with two runs and their evaluations, and a third evaluation with scores of our own."""
    dataset = judge_images(tmp_path_factory.mktemp("judged"))
    write_scores(dataset, "own", [[0.9, 0.0, iou, 0.0] for iou in IOUS])
    yield dataset
    dataset.delete()


def ious(view):
    return view.values("own_iou")


def browse(*arguments):
    """Run the command as the command line does."""
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers())
    options = parser.parse_args(["browse", *arguments])
    return options.run(options)


def test_samples_come_in_the_order_of_their_iou(judged):
    assert ious(browse_by_iou(judged, "own")) == [0, 0, 0.25, 0.5, 0.5, 0.75, 1]
    best = browse_by_iou(judged, "own", order="best", limit=3)
    assert ious(best) == [1, 0.75, 0.5] and best.last().id == judged.first().id
    assert ious(browse_by_iou(judged, "own", low=0.25, high=0.5)) == [0.25, 0.5, 0.5]
    assert ious(browse_by_iou(judged, "own", high=0)) == [0, 0]
    assert ious(browse_by_iou(judged[:4], "own", low=0.1)) == [0.5, 1]


def test_the_adaptive_iou_is_there_for_the_asking(judged):
    """A mask can be bad where the adaptive IoU is high: whoever filters at 0.6 wants good masks."""
    assert ious(browse_by_iou(judged, "own", low=0.6)) == [0.75, 1]
    adaptive = browse_by_iou(judged, "own", low=0.6, iou="adaptive")
    assert len(adaptive) == 8 and {
        line.iou for line in describe_samples(adaptive, "own", iou="adaptive")
    } == {0.9}
    assert len(view_of_range(judged, "own", 0.8, 1, iou="adaptive")) == 8
    assert joint_scores(judged, "own", "plain_eval", iou="adaptive").iou == "adaptive"
    with pytest.raises(ConfigurationError, match="iou must be one of mask, adaptive"):
        browse_by_iou(judged, "own", iou="best")
    frames = write_scores(judged, "frames", [[0.0] * 4] * 8, protocol="avsbench")
    with pytest.raises(ConfigurationError, match="no adaptive scores"):
        browse_by_iou(judged, frames.key, iou="adaptive")
    judged.delete_evaluation(frames.key)


def test_a_view_can_be_saved_but_replaces_no_other(judged):
    browse_by_iou(judged, "own", limit=2, name="Worst ones")
    assert ious(judged.load_saved_view("Worst ones")) == [0, 0]
    with pytest.raises(ConfigurationError, match="'Worst ones' already"):
        browse_by_iou(judged, "own", limit=3, name="Worst ones")
    for name in ("worst-ones", "?"):  # the App could not tell it from the other; it has no letter
        with pytest.raises(ConfigurationError, match="cannot name a saved view"):
            browse_by_iou(judged, "own", name=name, overwrite=True)
    assert ious(judged.load_saved_view("Worst ones")) == [0, 0]
    browse_by_iou(judged, "own", order="best", limit=1, name="Worst ones", overwrite=True)
    assert ious(judged.load_saved_view("Worst ones")) == [1]
    judged.delete_saved_view("Worst ones")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": "middle"}, "worst"),
        ({"low": -0.1}, r"low must lie in \[0, 1\]"),
        ({"high": 50}, r"high must lie in \[0, 1\]"),
        ({"low": 0.6, "high": 0.4}, "between 0.6 and 0.4"),
        ({"limit": 0}, "limit"),
    ],
)
def test_wrong_arguments_are_refused(judged, options, message):
    with pytest.raises(ConfigurationError, match=message):
        browse_by_iou(judged, "own", **options)


def test_what_is_not_there_is_named(judged):
    with pytest.raises(DatasetError, match=r"'other'.*plain_eval"):
        browse_by_iou(judged, "other")
    with pytest.raises(DatasetError, match="'own_iou' is not there"):
        browse_by_iou(judged.exclude_fields("own_iou"), "own")


def test_every_bar_of_a_histogram_holds_its_samples_once(judged):
    bars = [ious(view_of_range(judged, "own", edge / 4, (edge + 1) / 4)) for edge in range(4)]
    assert bars == [[0, 0], [0.25], [0.5, 0.5], [1, 0.75]]


def test_every_cell_of_the_grid_holds_as_many_samples_as_it_says(judged):
    found = joint_scores(judged, "own", "plain_eval", bins=4)
    edges = list(zip(found.edges, found.edges[1:], strict=False))
    counted = [
        [len(view_of_cell(judged, "own", "plain_eval", x_range, y_range)) for x_range in edges]
        for y_range in edges
    ]
    assert counted == [list(row) for row in found.grid]
    assert sum(map(sum, counted)) == found.n == 6


def test_the_samples_of_a_class(judged):
    for field in ("label", "kind"):
        assert [len(view_of_class(judged, field, name)) for name in ("dog", "bell", "cow", None)] == [
            4,
            1,
            0,
            1,
        ]
    assert view_of_class(judged, "label", None).first().id == judged.values("id")[4]
    with pytest.raises(DatasetError, match="'tags' of"):
        view_of_class(judged, "tags", "dog")


def test_samples_are_described_with_expression_or_reason(judged):
    lines = describe_samples(judged, "plain_eval")
    assert [line.id for line in lines] == judged.values("id")
    assert lines[5].file == "5.png" and lines[5].iou == judged.values("plain_eval_iou")[5]
    assert (lines[5].expression, lines[5].status) == ("a photo of dog.", "ok")
    assert lines[0].expression == "" and lines[0].status.startswith("abstained: ")
    assert lines[1].status.startswith("failed: ") and lines[3].iou == 0
    assert describe_samples(judged, "plain_eval", iou="adaptive")[3].iou is None
    own = describe_samples(judged[:1], "own")  # of masks that no run made
    assert (own[0].iou, own[0].expression, own[0].status) == (0.5, "", "")


def test_videos_are_described_by_the_expressions_of_their_frames(videos, output):
    segment(videos, run="plain", models=fake.fake_models(), output_dir=output, progress=False)
    for sample in videos:
        sample.frames[1]["ground_truth"] = fo.Segmentation(mask=np.ones(SIZE, np.uint8))
        sample.save()
    first = videos.first()
    first.frames[11]["plain_query"].label = "a photo of cat."
    first.save()
    evaluate(videos, "plain", adaptive_rule="topk", progress=False)
    found = browse_by_iou(videos, "plain_eval", order="best", iou="adaptive")
    best, *others = describe_samples(found, "plain_eval", iou="adaptive")
    assert (best.id, best.iou, best.expression) == (first.id, 1, "a photo of dog.; a photo of cat.")
    assert [other.expression for other in others] == ["", ""]
    assert others[0].status == "abstained: there is no sound to listen to"


def test_the_command_prints_and_saves(judged, capsys):
    assert browse(judged.name, "plain_eval", "--best", "--between", "0.01", "1", "--limit", "2") == 0
    lines = capsys.readouterr().out.splitlines()
    best = browse_by_iou(judged, "plain_eval", order="best").first()
    assert lines[0] == f"{best.id}  {best['plain_eval_iou']:.3f}  7.png  a photo of dog."
    assert len(lines) == 3 and lines[2] == "2 samples"
    assert browse(judged.name, "own", "--between", "1", "1", "--save", "right") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("3.png  (no expression)") and lines[1] == "1 sample, saved as view 'right'"
    with pytest.raises(ConfigurationError, match="'right' already"):
        browse(judged.name, "own", "--save", "right")
    assert browse(judged.name, "own", "--save", "right", "--overwrite", "--between", "0.3", "0.3") == 0
    assert capsys.readouterr().out == "0 samples, saved as view 'right'\n"
    assert len(judged.load_saved_view("right")) == 0
    judged.delete_saved_view("right")
    with pytest.raises(SystemExit):
        browse("--help")
    assert "example" in capsys.readouterr().out
