"""Views of the samples behind a score: by IoU, by a cell of two evaluations' IoUs, by class."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import fiftyone as fo
from fiftyone import ViewField
from fiftyone.core.collections import SampleCollection

from fiftyone_avs.errors import check_share, check_whole
from fiftyone_avs.fo.evaluate.listing import find_evaluation
from fiftyone_avs.fo.runs.class_fields import class_path
from fiftyone_avs.fo.schema.aggregation import check_field
from fiftyone_avs.fo.schema.checks import root_dataset
from fiftyone_avs.fo.schema.eval_fields import IoUKind
from fiftyone_avs.fo.schema.fields import FRAMES
from fiftyone_avs.fo.schema.findings import Finding, finding_of, raise_first
from fiftyone_avs.fo.schema.private import check_view_name


@dataclass(frozen=True)
class BrowsedSample:
    """A sample as a line of text.

    Attributes:
        id: its id.
        file: the name of its picture or video.
        iou: the IoU of its mask in [0, 1], or its adaptive one if that was asked for; for videos the mean of the
            frames. None if undefined.
        expression: the referring expression; for videos the different ones of its frames, joined by "; ".
            "" if there is none.
        status: how the prediction ended; "" if no run of ours made it.
    """

    id: str
    file: str
    iou: float | None
    expression: str
    status: str


def browse_by_iou(
    samples: SampleCollection,
    eval_key: str,
    *,
    order: Literal["worst", "best"] = "worst",
    low: float | None = None,
    high: float | None = None,
    limit: int | None = None,
    name: str | None = None,
    overwrite: bool = False,
    iou: IoUKind = "mask",
) -> fo.DatasetView:
    """The samples of an evaluation in the order of their IoU; those without one are left out.

    Args:
        samples: a dataset or view.
        eval_key: the evaluation.
        order: "worst" or "best" first; samples with the same IoU come in the order of their ids.
        low: leave out what is below.
        high: leave out what is above.
        limit: take so many samples at most, after sorting.
        name: save the view on the dataset under this name.
        overwrite: replace a saved view of that name.
        iou: "mask" for the IoU of the masks that are seen, "adaptive" for the paper's, which knows how large the
            answer is and can be high where the mask is bad.

    Raises:
        ConfigurationError: if an argument cannot work, or the name is taken.
        DatasetError: if there is no such evaluation, or the view leaves its fields out.
    """
    raise_first(
        check_browse(
            samples,
            eval_key,
            order=order,
            low=low,
            high=high,
            limit=limit,
            name=name,
            overwrite=overwrite,
            iou=iou,
        )
    )
    dataset = root_dataset(samples)
    field = _iou_field(samples, eval_key, iou)
    bottom, top = (0.0 if low is None else low), (1.0 if high is None else high)
    view = samples.match((ViewField(field) >= bottom) & (ViewField(field) <= top))
    view = view.sort_by([(field, 1 if order == "worst" else -1), ("id", 1)])
    if limit is not None:
        view = view.limit(limit)
    if name is not None:
        dataset.save_view(name, view, overwrite=dataset.has_saved_view(name))
    return view


def check_browse(
    samples: SampleCollection,
    eval_key: str,
    *,
    order: str = "worst",
    low: float | None = None,
    high: float | None = None,
    limit: int | None = None,
    name: str | None = None,
    overwrite: bool = False,
    iou: IoUKind = "mask",
) -> list[Finding]:
    """What would stop ``browse_by_iou``; arguments as there."""
    found = [*finding_of("samples", lambda: root_dataset(samples))]
    if found:
        return found
    dataset = root_dataset(samples)
    found += finding_of("eval_key", lambda: find_evaluation(dataset, eval_key))
    if not found:
        found += finding_of("iou", lambda: find_evaluation(dataset, eval_key).fields.iou_of(iou))
    if not found:
        found += finding_of("samples", lambda: _iou_field(samples, eval_key, iou))
    if order not in ("worst", "best"):
        found.append(Finding("order", f"order must be 'worst' or 'best', not {order!r}"))
    for argument, value in (("low", low), ("high", high)):
        if value is not None:
            found += finding_of(argument, partial(check_share, argument, value))
    numbers = not any(one.argument in ("low", "high") for one in found)
    if numbers and low is not None and high is not None and low > high:
        found.append(Finding("low", f"no IoU lies between {low:g} and {high:g}: the lower one comes first"))
    if limit is not None:
        found += finding_of("limit", lambda: check_whole("limit", limit, 1))
    if name is not None and not dataset.has_saved_view(name):
        found += finding_of("name", lambda: check_view_name(dataset, name))
    elif name is not None and not overwrite:
        taken = f"dataset {dataset.name!r} has a saved view {name!r} already; choose another name, or overwrite it"
        found.append(Finding("name", taken))
    return found


def describe_samples(
    samples: SampleCollection, eval_key: str, *, iou: IoUKind = "mask"
) -> list[BrowsedSample]:
    """What a list of samples shows of an evaluation, in the order of the dataset or view.

    Args:
        samples: a dataset or view.
        eval_key: the evaluation.
        iou: as for ``browse_by_iou``.

    Raises:
        DatasetError: if there is no such evaluation, or the view leaves its fields out.
    """
    info = find_evaluation(root_dataset(samples), eval_key)
    ids, files, ious = samples.values(["id", "filepath", _iou_field(samples, eval_key, iou)])
    query = f"{FRAMES if info.on_frames else ''}{info.run}_query"
    expressions: list[Any] = [None] * len(ids)
    if samples.get_field(query) is not None:
        expressions = samples.values(f"{query}.label")
    statuses: list[Any] = [None] * len(ids)
    if info.is_run and samples.get_field(f"{info.run}_status") is not None:
        statuses = samples.values(f"{info.run}_status")
    return [
        BrowsedSample(sample_id, Path(file).name, value, _joined(expression), status or "")
        for sample_id, file, value, expression, status in zip(
            ids, files, ious, expressions, statuses, strict=True
        )
    ]


def view_of_range(
    samples: SampleCollection, eval_key: str, low: float, high: float, *, iou: IoUKind = "mask"
) -> fo.DatasetView:
    """The samples of a bar of a histogram: IoU from low up to, but not including, high.

    An upper edge of 1 is included, so that bars that touch each other hold every sample once.

    Args:
        samples: a dataset or view.
        eval_key: the evaluation.
        low: the lower edge, in [0, 1].
        high: the upper edge.
        iou: as for ``browse_by_iou``.

    Raises:
        DatasetError: if there is no such evaluation, or its fields are gone or left out of the view.
        ConfigurationError: if the evaluation has no such IoU.
    """
    value = ViewField(_iou_field(samples, eval_key, iou))
    return samples.match((value >= low) & (value <= high if high == 1 else value < high))


def view_of_cell(
    samples: SampleCollection,
    x_key: str,
    y_key: str,
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    *,
    iou: IoUKind = "mask",
) -> fo.DatasetView:
    """The samples of a cell of ``JointScores.grid``, by the edges of its bins; see ``view_of_range``.

    Raises:
        DatasetError, ConfigurationError: as ``view_of_range``.
    """
    return view_of_range(view_of_range(samples, x_key, *x_range, iou=iou), y_key, *y_range, iou=iou)


def view_of_class(samples: SampleCollection, class_field: str, label: str | None) -> fo.DatasetView:
    """The samples of a class; None for those without one.

    Raises:
        DatasetError: if the field cannot be a class.
    """
    return samples.match(ViewField(class_path(samples, class_field)) == label)


def _iou_field(samples: SampleCollection, eval_key: str, iou: IoUKind) -> str:
    """The field of an evaluation's IoU, whatever version wrote it."""
    field = find_evaluation(root_dataset(samples), eval_key).fields.iou_of(iou)
    check_field(samples, field)
    return field


def _joined(expression: str | Iterable[str | None] | None) -> str:
    """A sample's expression, or the different ones of a video's frames in their order."""
    if expression is None or isinstance(expression, str):
        return expression or ""
    return "; ".join(dict.fromkeys(text for text in expression if text))
