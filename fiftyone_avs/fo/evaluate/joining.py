"""The frames of the protocol "avsbench" added up by video."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from fiftyone_avs.fo.evaluate.scoring import Scored
from fiftyone_avs.metrics import FrameTally, SampleScores


def join_videos(outcomes: Iterable[Scored]) -> tuple[list[Scored], dict[str, Any]]:
    """Add up the frames of the protocol "avsbench" as they come.

    Returns:
        The outcomes, each with its video's F beside its own IoU; and the numbers over all frames and over those
        with status "ok".
    """
    tallies, scored = {"all": FrameTally(), "ok": FrameTally()}, []
    for one in outcomes:
        if one.frame is not None:
            tallies["all"].add(one.case.group, one.frame)
            if one.case.status == "ok":
                tallies["ok"].add(one.case.group, one.frame)
            iou = one.frame.iou
            one = replace(one, frame=None, scores=SampleScores(iou, math.nan, iou, math.nan))
        scored.append(one)
    joined = [
        one
        if one.scores is None
        else replace(one, scores=replace(one.scores, f_adaptive=(f := tallies["all"].f(one.case.group)), f=f))
        for one in scored
    ]
    numbers = {
        part: {name: None if math.isnan(v) else v for name, v in asdict(t.summary).items()}
        for part, t in tallies.items()
    }
    return joined, numbers
