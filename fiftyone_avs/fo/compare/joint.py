"""Two evaluations against each other, sample by sample: where one is better, and by how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from fiftyone.core.collections import SampleCollection

from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.fo.evaluate.listing import find_evaluation
from fiftyone_avs.fo.schema.aggregation import aggregate, bin_of, check_field
from fiftyone_avs.fo.schema.checks import root_dataset
from fiftyone_avs.fo.schema.eval_fields import IoUKind


class JointPoint(NamedTuple):
    """A sample's id and its IoUs under both evaluations, in [0, 1]."""

    id: str
    x: float
    y: float


@dataclass(frozen=True)
class JointScores:
    """IoUs of the samples that have one under both evaluations.

    Attributes:
        x_key: the eval key of the first one.
        y_key: the eval key of the second one.
        n: number of samples.
        x_better: how many have the higher IoU under the first one.
        y_better: how many under the second one.
        points: all samples, in the order of their ids; None if there are more than was asked for.
        edges: the edges of the grid's bins, from 0 to 1; a bin holds its lower edge, the last one 1, too.
        grid: number of samples per bin: one row per bin of y, from low to high, with one number per bin of
            x; ``view_of_cell`` shows the samples of one.
        iou: which IoU: "mask" or "adaptive".
    """

    x_key: str
    y_key: str
    n: int
    x_better: int
    y_better: int
    points: tuple[JointPoint, ...] | None
    edges: tuple[float, ...]
    grid: tuple[tuple[int, ...], ...]
    iou: IoUKind = "mask"

    @property
    def equal(self) -> int:
        """How many samples have the same IoU under both."""
        return self.n - self.x_better - self.y_better


def joint_scores(
    samples: SampleCollection,
    x_key: str,
    y_key: str,
    *,
    max_points: int = 1000,
    bins: int = 20,
    iou: IoUKind = "mask",
) -> JointScores:
    """Compare the IoUs of two evaluations sample by sample; videos by the means of their frames.

    Args:
        samples: a dataset or view.
        x_key: an eval key.
        y_key: another one.
        max_points: up to so many samples are returned as points, too.
        bins: number of the grid's bins along each axis.
        iou: "mask" for the IoU of the masks, "adaptive" for the paper's.

    Raises:
        ConfigurationError: if there would be no bins, or an evaluation has no such IoU.
        DatasetError: if there is no such evaluation, its fields are gone or left out of the view, or the samples are
            not those of a plain dataset.
    """
    if bins < 1:
        raise ConfigurationError(f"a grid needs at least one bin, not {bins}")
    dataset = root_dataset(samples)
    x, y = (find_evaluation(dataset, key).fields.iou_of(iou) for key in (x_key, y_key))
    for path in (x, y):
        check_field(samples, path)
    edges = tuple(step / bins for step in range(bins + 1))
    both: dict[str, Any] = {"$match": {x: {"$ne": None}, y: {"$ne": None}}}
    group: dict[str, Any] = {
        "_id": {"x": bin_of(f"${x}", edges[:-1]), "y": bin_of(f"${y}", edges[:-1])},
        "n": {"$sum": 1},
        "x_better": {"$sum": {"$cond": [{"$gt": [f"${x}", f"${y}"]}, 1, 0]}},
        "y_better": {"$sum": {"$cond": [{"$gt": [f"${y}", f"${x}"]}, 1, 0]}},
    }
    cells = aggregate(samples, [both, {"$group": group}])
    grid = [[0] * bins for _ in range(bins)]
    for cell in cells:
        grid[cell["_id"]["y"]][cell["_id"]["x"]] = cell["n"]
    n = sum(cell["n"] for cell in cells)
    points = None
    if n <= max_points:
        found = aggregate(samples, [both, {"$sort": {"_id": 1}}, {"$project": {"x": f"${x}", "y": f"${y}"}}])
        points = tuple(JointPoint(str(one["_id"]), one["x"], one["y"]) for one in found)
    return JointScores(
        x_key=x_key,
        y_key=y_key,
        n=n,
        x_better=sum(cell["x_better"] for cell in cells),
        y_better=sum(cell["y_better"] for cell in cells),
        points=points,
        edges=edges,
        grid=tuple(tuple(row) for row in grid),
        iou=iou,
    )
