"""The commands evaluate and compare under the protocols."""

from __future__ import annotations

import pytest

from fiftyone_avs import segment
from fiftyone_avs.cli import EXIT_OK, EXIT_USAGE, main
from fiftyone_avs.models import fake


@pytest.fixture
def segmented(make_images, output):
    """Four images of two videos with the run vcap_acls."""
    dataset = make_images(4)
    dataset.set_values("video_id", ["a", "a", "b", "b"])
    segment(dataset, models=fake.fake_models(), output_dir=output, progress=False)
    return dataset


def test_each_protocol_prints_its_numbers_and_none_is_mixed(segmented, capsys):
    name = segmented.name
    framed = ["--protocol", "avsbench", "--video-field", "video_id", "--eval-key", "frames"]
    assert main(["evaluate", name, "vcap_acls", *framed]) == EXIT_OK
    printed = capsys.readouterr().out
    assert "protocol avsbench" in printed and "F over 2 groups of frames" in printed and "cIoU" not in printed
    paired = ["--pair-field", "video_id", "--adaptive-rule", "half", "--eval-key", "paired"]
    assert main(["evaluate", name, "vcap_acls", *paired]) == EXIT_OK
    printed = capsys.readouterr().out
    assert "adaptive rule half" in printed and "IIoU and IAUC over 2 pairs" in printed
    assert main(["compare", name, "frames"]) == EXIT_OK
    assert "Protocol avsbench" in capsys.readouterr().out
    assert main(["compare", name, "frames", "paired"]) == EXIT_USAGE
    assert "differ in protocol (avsbench, baav)" in capsys.readouterr().err


def test_what_does_not_fit_is_told(segmented, capsys):
    name = segmented.name
    assert main(["evaluate", name, "vcap_acls", "--protocol", "avsbench", "--threshold", "0.3"]) == EXIT_USAGE
    assert "threshold of its own, 0.5" in capsys.readouterr().err
    boxes = ["--protocol", "boxes", "--boxes-field", "boxes"]
    assert main(["evaluate", name, "vcap_acls", *boxes]) != EXIT_OK
    assert "fields with boxes: none" in capsys.readouterr().err
    assert segmented.list_evaluations() == []
