"""The protocol ``avsbench``: one frame's IoU and curve of F, and a run's J and F.

Rules of this package where AVSBench's script leaves a case open: a frame without a prediction is an empty
mask. On an empty ground truth that is right, so it scores 1; elsewhere its IoU is 0, and so is its F at every
threshold, although AVSBench would select all of a black map at threshold 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fiftyone_avs.metrics.aggregate import mean
from fiftyone_avs.metrics.avsbench import (
    N_THRESHOLDS,
    Curve,
    GroupCurves,
    avsbench_f_curve,
    avsbench_iou,
)
from fiftyone_avs.metrics.inputs import PROTOCOL_SIZE, dithered_ground_truth, resize_soft_map

AVSBENCH = {"j": "J", "f_videos": "F (per video)", "f_whole": "F (whole set)"}
"""AVSBench's numbers: attributes of ``AVSBenchSummary`` and how tables call them."""

AVSBENCH_THRESHOLD = 0.5
"""The protocol's threshold of the IoU."""


@dataclass(frozen=True, eq=False)
class FrameScores:
    """What a frame adds to a run's scores.

    Attributes:
        iou: in [0, 1].
        curve: F at the 255 thresholds, float32; None if the ground truth is empty, which F leaves out.
    """

    iou: float
    curve: Curve | None


@dataclass(frozen=True)
class AVSBenchSummary:
    """The scores of a run as AVSBench computes them; each in [0, 1], or NaN if no frame counts.

    Attributes:
        n: number of frames.
        n_videos: number of groups of frames.
        j: mean IoU of the frames.
        f_videos: mean over videos of F, which is the maximum of the video's mean curve.
        f_whole: F with all frames as one group.
    """

    n: int
    n_videos: int
    j: float
    f_videos: float
    f_whole: float

    @property
    def remarks(self) -> tuple[str, ...]:
        """How the frames were grouped, in words."""
        alone = "; every sample is a group of its own: name the field of the videos with video_field"
        return (f"F over {self.n_videos} groups of frames{alone if self.n_videos == self.n > 1 else ''}",)


def score_frame(soft_map: npt.ArrayLike | None, gt: npt.ArrayLike) -> FrameScores:
    """Score one prediction at 224 x 224 pixels.

    Args:
        soft_map: in [0, 1] (after the sigmoid), shape (H, W), any size, resized with bilinear interpolation;
            None if there is no prediction.
        gt: ground truth, shape (H, W): bool, 0/1, 0/255 or 8-bit grey, which is dithered as in
            `dithered_ground_truth`.

    Raises:
        ValueError: wrong input; the message names the problem.
    """
    mask = dithered_ground_truth(gt)
    if soft_map is None:
        nothing = np.zeros(PROTOCOL_SIZE, np.float32)
        curve = np.zeros(N_THRESHOLDS, np.float32) if mask.any() else None
        return FrameScores(avsbench_iou(nothing, mask), curve)
    prediction = resize_soft_map(soft_map)
    return FrameScores(avsbench_iou(prediction, mask), avsbench_f_curve(prediction, mask))


class FrameTally:
    """Adds up frames as they come, so that no map and no curve of a frame has to be kept."""

    def __init__(self) -> None:
        self._ious: list[float] = []
        self._videos = GroupCurves()
        self._whole = GroupCurves()

    def add(self, video: str, scores: FrameScores) -> None:
        """Add a frame. The order within a video, and of all frames, is that of the official sums."""
        self._ious.append(scores.iou)
        self._videos.add(video, scores.curve)
        self._whole.add("", scores.curve)

    def f(self, video: str) -> float:
        """F of one video."""
        return self._videos.f(video)

    @property
    def summary(self) -> AVSBenchSummary:
        """The numbers of all frames so far."""
        return AVSBenchSummary(
            n=len(self._ious),
            n_videos=len(self._videos),
            j=mean(self._ious),
            f_videos=self._videos.mean_f(),
            f_whole=self._whole.mean_f(),
        )
