"""Counting inside the database: the parts that the leaderboard's aggregations share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fiftyone.core.collections import SampleCollection

from fiftyone_avs.errors import DatasetError
from fiftyone_avs.fo.schema.checks import root_dataset
from fiftyone_avs.fo.schema.private import aggregate_documents, own_dataset


def aggregate(
    samples: SampleCollection, stages: Sequence[dict[str, Any]], *, frames: bool = False
) -> list[dict[str, Any]]:
    """Run stages of a MongoDB aggregation after those of a dataset or view.

    Args:
        samples: a dataset or view.
        stages: what follows; they meet one document per sample.
        frames: give each document its list of frames, as ``frames``.

    Raises:
        DatasetError: if the dataset is grouped, or the view's samples are not the dataset's own.
    """
    root_dataset(samples)
    return aggregate_documents(samples, stages, frames=frames)


def check_field(samples: SampleCollection, path: str) -> None:
    """Raise DatasetError unless a dataset or view has a field, so that its lack is not counted as zeros."""
    if samples.get_field(path) is None:
        raise DatasetError(
            f"field {path!r} is not there: the evaluation was deleted or renamed, or the view leaves the field"
            f" out (dataset {own_dataset(samples).name!r})"
        )


def bin_of(value: Any, edges: Sequence[float], first: int = 0) -> Any:
    """An expression for the bin of a value: the index of the highest edge that it reaches.

    The edges are searched by halves, and compared as they are, so that no rounding moves a value.

    Args:
        value: an expression, such as ``"$run_eval_iou"``.
        edges: rising.
        first: the index of the first edge.

    Returns:
        The expression; it is ``first - 1`` below all edges and for None, which is less than any number.
    """
    if not edges:
        return first - 1
    middle = len(edges) // 2
    above = bin_of(value, edges[middle + 1 :], first + middle + 1)
    below = bin_of(value, edges[:middle], first)
    return {"$cond": [{"$gte": [value, edges[middle]]}, above, below]}
