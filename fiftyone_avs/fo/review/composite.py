"""An inspected sample as one picture: its picture, its ground truth and the mask of each run side by side."""

from __future__ import annotations

from collections.abc import Sequence

from fiftyone_avs.drawing.panes import Pane, draw_panes
from fiftyone_avs.fo.review.inspection import SampleInspection
from fiftyone_avs.fo.review.run_inspection import RunInspection


def composite(inspection: SampleInspection, *, width: int = 900) -> bytes:
    """Draw the picture, the ground truth (green) and each run's mask (red, the ground truth as a green line).

    Every mask has its run's name and scores above it. What is missing or cannot be read is said in its place.

    Args:
        inspection: what ``inspect_sample`` gave.
        width: of the picture in pixels, at least 160; best that of the place where it is shown, 600 to 900.

    Returns:
        A JPEG file.

    Raises:
        ConfigurationError: if the picture would be too narrow.
    """
    panes = [_picture_pane(inspection)]
    if inspection.gt_field is not None:
        panes.append(_truth_pane(inspection))
    panes += [_run_pane(inspection, run) for run in inspection.runs]
    return draw_panes(inspection.picture, panes, outline=inspection.truth, width=width)


def _picture_pane(inspection: SampleInspection) -> Pane:
    title = "picture" if inspection.frame_number is None else f"frame {inspection.frame_number}"
    picture = inspection.picture
    size = "" if picture is None else f"{picture.shape[1]} x {picture.shape[0]} pixels"
    return Pane(title, size, message=inspection.picture_problem)


def _truth_pane(inspection: SampleInspection) -> Pane:
    title = (inspection.gt_field or "").replace("_", " ")
    truth, problem = inspection.truth, inspection.truth_problem
    if truth is None:
        return Pane(title, message=problem or "there is no ground truth here")
    detail = problem or ("the green line on the masks" if truth.any() else "empty: nothing sounds here")
    return Pane(title, detail, mask=truth, truth=True)


def _run_pane(inspection: SampleInspection, run: RunInspection) -> Pane:
    scores = next((found for found in run.scores if found.gt_field == inspection.gt_field), None)
    details = ["" if run.status == "ok" else run.status]
    if scores is not None and scores.iou is not None:
        details.append(f"IoU {scores.iou:.2f}")
    if scores is not None and scores.iou_adaptive is not None:
        details.append(f"adaptive {scores.iou_adaptive:.2f}")
    if run.mask is None:
        message = f"{run.status}: {run.reason}" if run.reason else run.problem
        return Pane(run.run, _listed(details), message=message)
    details += ["" if run.mask.any() else "empty mask", run.problem]
    return Pane(run.run, _listed(details), mask=run.mask)


def _listed(details: Sequence[str]) -> str:
    return ", ".join(detail for detail in details if detail)
