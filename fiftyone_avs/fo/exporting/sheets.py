"""A contact sheet of a dataset: picture, ground truth and the masks of several runs, for papers and for a look."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import fiftyone as fo
import numpy as np
from fiftyone.core.collections import SampleCollection
from PIL import Image as PILImage

from fiftyone_avs.drawing.contact_sheet import Cell, contact_sheet
from fiftyone_avs.errors import ConfigurationError, DatasetError
from fiftyone_avs.fo.compare.browsing import browse_by_iou
from fiftyone_avs.fo.evaluate.evaluation import mask_field
from fiftyone_avs.fo.exporting.output_folders import check_not_own
from fiftyone_avs.fo.review.inspection import SampleInspection, inspect_sample
from fiftyone_avs.fo.review.run_inspection import RunInspection
from fiftyone_avs.fo.runs.class_fields import class_path, sample_class_fields
from fiftyone_avs.fo.schema.checks import media_of, root_dataset
from fiftyone_avs.fo.schema.fields import FRAMES
from fiftyone_avs.fo.schema.findings import Finding, finding_of, raise_first
from fiftyone_avs.media.places import check_place
from fiftyone_avs.media.writing import placed
from fiftyone_avs.types import Image, Mask

DPI = 300
CELL = 320
"""Width and height of a picture on the sheet, in pixels: 27 mm in print."""

CELLS = range(48, 1601)
"""The sizes that a picture can have."""

ROWS = 10
MAX_PIXELS = 150_000_000

Saved = Literal["PNG", "PDF"]
FORMATS: Mapping[str, Saved] = {".png": "PNG", ".pdf": "PDF"}

_UNREADABLE: Image = np.full((64, 64, 3), 200, np.uint8)


@dataclass(frozen=True)
class SheetSummary:
    """What ``make_sheet`` did.

    Attributes:
        path: the file.
        rows: how many samples are on it.
        left_out: how many of the samples are not, because there were more than rows.
        problems: what is wrong with files of samples on it, by sample id.
    """

    path: str
    rows: int
    left_out: int
    problems: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        more = f", {self.left_out} more left out" if self.left_out else ""
        return f"{self.path}: {self.rows} samples{more}"


def make_sheet(
    samples: SampleCollection,
    runs: Sequence[str],
    path: str | Path,
    *,
    gt: str | None = "ground_truth",
    eval_keys: Sequence[str] | None = None,
    label_field: str | None = None,
    describe: Callable[[SampleInspection], str] | None = None,
    frame_number: int | None = None,
    max_rows: int = ROWS,
    cell: int = CELL,
) -> SheetSummary:
    """Draw a row for every sample: its picture, its ground truth, and each run's mask with what it was told.

    Below a mask stand the referring expression and the mask's IoU if there is an evaluation, or why there is no
    mask. A sample whose files cannot be read has its row, with the reason. Of videos one labelled frame is shown.

    Args:
        samples: a dataset or view, in the order of the rows; see ``choose_samples``.
        runs: the run keys, one column each.
        path: the file: ``.png``, or ``.pdf`` with the sheet as a picture of 300 dots per inch.
        gt: the field of the ground truth, with or without ``frames.`` for videos; None leaves its column out.
        eval_keys: whose IoUs are shown; None takes the newest evaluation of each run against the ground truth.
        label_field: the samples' class, which stands below the ground truth; None takes ``label`` if it can be one.
        describe: says what stands below the picture; None takes the file's name.
        frame_number: videos: the frame, from 1; shown is the last labelled one up to it, by default the first.
        max_rows: no more than so many samples, from the first on.
        cell: width and height of a picture on the sheet, in pixels; texts grow with it.

    Raises:
        ConfigurationError: if the sheet has no columns or rows or would be too large, or the file's ending is
            another one.
        DatasetError: if there is no such run, evaluation or field.
        AVSError: if the file cannot be written.
    """
    dataset = root_dataset(samples)
    on_frames = media_of(samples) == "video"
    raise_first(check_sheet(path, runs, max_rows, cell, samples=samples))
    target = Path(path).expanduser().absolute()
    truth = None if gt is None else mask_field(dataset, gt, on_frames).removeprefix(FRAMES)
    ids = samples.values("id")
    shown = ids[:max_rows]
    _check_size(len(shown), len(runs) + 2, cell)
    labels = _labels(dataset, shown, label_field)
    rows, problems = [], {}
    for sample_id in shown:
        seen = inspect_sample(
            dataset, sample_id, runs=runs, gt_field=truth, frame_number=frame_number, eval_keys=eval_keys
        )
        picture = _UNREADABLE if seen.picture is None else seen.picture
        text = describe(seen) if describe is not None else _name_of(seen)
        cells = [Cell(picture, None, f"{text} ({seen.picture_problem})" if seen.picture_problem else text)]
        if truth is not None:
            cells.append(_truth_cell(seen, picture, labels[sample_id]))
        asked = None if eval_keys is not None else truth
        rows.append([*cells, *(_run_cell(run, picture, asked) for run in seen.runs)])
        wrong = [problem for problem in seen.problems if not problem.startswith("sound")]
        if wrong:
            problems[sample_id] = "; ".join(wrong)
    columns = ["image", *(["ground truth"] if truth is not None else []), *runs]
    sheet = contact_sheet(columns, rows, size=cell)
    with placed(target) as temporary:
        _save(sheet, temporary, FORMATS[target.suffix.lower()])
    return SheetSummary(str(target), len(rows), len(ids) - len(rows), problems)


def choose_samples(
    samples: SampleCollection,
    *,
    ids: Sequence[str] | None = None,
    worst: str | None = None,
    best: str | None = None,
    limit: int | None = None,
) -> SampleCollection:
    """The samples of a sheet, in their order.

    Args:
        samples: a dataset or view.
        ids: only these, in this order.
        worst: an eval key: those whose masks have the lowest IoU first.
        best: an eval key: those with the highest first.
        limit: take no more than this many.

    Raises:
        ConfigurationError: if both orders are asked for, or the limit is not positive.
        DatasetError: if there is no such sample or evaluation.
    """
    if worst is not None and best is not None:
        raise ConfigurationError("the worst and the best cannot both come first; name one evaluation")
    if limit is not None and limit < 1:
        raise ConfigurationError(f"limit must be 1 or more, not {limit}")
    if ids is not None:
        known = set(samples.values("id"))
        missing = [sample_id for sample_id in ids if sample_id not in known]
        if missing:
            raise DatasetError(f"there is no sample {missing[0]!r} in dataset {root_dataset(samples).name!r}")
        samples = samples.select(list(ids), ordered=True)
    key = worst or best
    if key is not None:
        return browse_by_iou(samples, key, order="worst" if worst else "best", limit=limit)
    return samples if limit is None else samples.limit(limit)


def check_sheet(
    path: str | Path,
    runs: Sequence[str],
    max_rows: int = ROWS,
    cell: int = CELL,
    *,
    samples: SampleCollection | None = None,
    from_app: bool = False,
) -> list[Finding]:
    """What would stop ``make_sheet``, but for what is wrong with the samples; arguments as there.

    ``samples``: those of the sheet, whose dataset's own files are not written over; None asks nothing of them.
    ``from_app``: the path was typed in the App, where relative ones are refused.
    """
    name = Path(path).name
    found = [*finding_of("path", lambda: check_place(path, from_app=from_app))]
    if samples is not None and not found:
        dataset, target = root_dataset(samples), Path(path).expanduser().absolute()
        found += finding_of("path", lambda: check_not_own(dataset, target))
    if Path(path).suffix.lower() not in FORMATS:
        found.append(Finding("path", f"a sheet is written as {' or '.join(FORMATS)}, not {name!r}"))
    if not runs:
        found.append(Finding("runs", "name at least one run for the sheet"))
    if max_rows < 1:
        found.append(Finding("max_rows", f"max_rows must be 1 or more, not {max_rows}"))
    if cell not in CELLS:
        limits = f"{CELLS.start} .. {CELLS.stop - 1}"
        found.append(Finding("cell", f"cell must lie in {limits} pixels, not {cell}"))
    return found


def _check_size(rows: int, columns: int, cell: int) -> None:
    if rows * columns * cell**2 > MAX_PIXELS:
        raise ConfigurationError(
            f"a sheet of {rows} rows and {columns} columns of {cell} pixels is too large; take fewer rows or a smaller"
            " cell"
        )


def _labels(dataset: fo.Dataset, ids: Sequence[str], label_field: str | None) -> dict[str, str]:
    """The class of each sample, or ""."""
    if label_field is None and "label" in sample_class_fields(dataset):
        label_field = "label"
    if label_field is None:
        return dict.fromkeys(ids, "")
    values = dataset.select(list(ids), ordered=True).values(class_path(dataset, label_field))
    return {sample_id: value or "" for sample_id, value in zip(ids, values, strict=True)}


def _name_of(seen: SampleInspection) -> str:
    name = Path(seen.filepath).stem
    return name if seen.frame_number is None else f"{name}, frame {seen.frame_number}"


def _truth_cell(seen: SampleInspection, picture: Image, label: str) -> Cell:
    if seen.truth is None:
        return Cell(picture, None, seen.truth_problem or "no ground truth", truth=True)
    return Cell(picture, _fitted(seen.truth, picture), label, truth=True)


def _run_cell(run: RunInspection, picture: Image, truth: str | None) -> Cell:
    """What a run found: its mask, expression and IoU, or why it has none."""
    if run.mask is None:
        nothing = np.zeros(picture.shape[:2], bool)
        return Cell(picture, nothing, f"{run.status}: {run.reason}" if run.reason else run.problem)
    scores = next((one for one in run.scores if truth is None or one.gt_field == truth), None)
    iou = "" if scores is None or scores.iou is None else f"IoU {scores.iou:.2f}"
    return Cell(picture, _fitted(run.mask, picture), f"{run.query} {iou}".strip())


def _fitted(mask: Mask, picture: Image) -> Mask:
    """The mask at the picture's size."""
    height, width = picture.shape[:2]
    if mask.shape == (height, width):
        return mask
    return np.asarray(PILImage.fromarray(mask).resize((width, height), PILImage.Resampling.NEAREST))


def _save(sheet: PILImage.Image, path: Path, kind: Saved) -> None:
    if kind == "PDF":
        sheet.save(path, format="PDF", resolution=DPI, quality=95)
    else:
        sheet.save(path, format="PNG", dpi=(DPI, DPI))
