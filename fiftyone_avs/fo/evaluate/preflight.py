"""What would stop a call of ``evaluate``, told before it is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import fiftyone as fo
from fiftyone.core.collections import SampleCollection

from fiftyone_avs.errors import AVSError
from fiftyone_avs.fo.evaluate.choices import check_coverage, choose
from fiftyone_avs.fo.evaluate.evaluation import check_eval_key, mask_field
from fiftyone_avs.fo.runs.class_fields import class_path
from fiftyone_avs.fo.schema.checks import media_of, root_dataset
from fiftyone_avs.fo.schema.fields import FRAMES, GROUND_TRUTH
from fiftyone_avs.fo.schema.findings import Finding, finding_of
from fiftyone_avs.metrics import PROTOCOLS

DEFAULTS = {"adaptive_rule": "official"}
"""Those of the choices that are not None."""


def check_evaluate(
    samples: SampleCollection,
    pred: str,
    gt: str | None = "ground_truth",
    *,
    eval_key: str | None = None,
    class_field: str | None = None,
    protocol: str = "baav",
    threshold: float | None = None,
    adaptive_rule: str = "official",
    pair_field: str | None = None,
    video_field: str | None = None,
    boxes_field: str | None = None,
    coverage: str = "run",
) -> list[Finding]:
    """What would stop ``evaluate`` from scoring a run against a ground truth; arguments as there."""
    try:
        on_frames = media_of(samples) == "video"
    except AVSError as error:
        return [Finding("samples", str(error), error=error)]
    dataset = root_dataset(samples)
    gt = gt or GROUND_TRUTH
    found = [
        *finding_of("pred", lambda: mask_field(dataset, pred, on_frames)),
        *finding_of("gt", lambda: mask_field(dataset, gt, on_frames)),
        *finding_of("coverage", lambda: check_coverage(coverage)),
    ]
    masks = not any(one.argument in ("pred", "gt") for one in found)
    if class_field is not None:
        found += finding_of("class_field", lambda: class_path(dataset, class_field))
    if any(one.argument == "gt" for one in found):
        return found
    found += _check_choices(
        dataset,
        mask_field(dataset, gt, on_frames),
        protocol,
        {
            "threshold": threshold,
            "adaptive_rule": adaptive_rule,
            "pair_field": pair_field,
            "video_field": video_field,
            "boxes_field": boxes_field,
        },
    )
    if not masks:
        return found
    key = eval_key or f"{pred.removeprefix(FRAMES)}_eval"
    fields = [mask_field(dataset, name, on_frames) for name in (pred, gt)]
    found += finding_of("eval_key", lambda: check_eval_key(dataset, key, *fields))
    if found:
        return found
    if key in dataset.list_evaluations():
        found.append(Finding("eval_key", f"evaluation {key!r} exists and will be replaced", blocks=False))
    uncovered = _uncovered(samples, pred.removeprefix(FRAMES), fields[0])
    if uncovered and coverage == "run":
        about = f"{uncovered}; the others do not count, unless coverage is 'all'"
        found.append(Finding("coverage", about, blocks=False))
    return found


def _uncovered(samples: SampleCollection, run: str, pred_field: str) -> str:
    """How many samples a run came to, if not to all; of masks that no run made, how many there are."""
    field = f"{run}_status" if samples.get_field(f"{run}_status") is not None else pred_field
    if field.startswith(FRAMES):
        return ""  # most frames have neither masks nor ground truth
    covered, all_of_them = samples.count(field), samples.count()
    return "" if covered == all_of_them else f"{run!r} covers {covered} of {all_of_them} samples"


def _check_choices(
    dataset: fo.Dataset, gt_field: str, protocol: str, given: Mapping[str, Any]
) -> Iterator[Finding]:
    """What is wrong with the choices, each told of its own: what was found wrong is left out of the next look."""
    unknown = [*finding_of("protocol", lambda: choose(dataset, gt_field, protocol=protocol))]
    if unknown and (not isinstance(protocol, str) or protocol not in PROTOCOLS):
        yield from unknown
        return
    left = dict(given)
    told: set[str] = set()
    while True:
        try:
            choose(dataset, gt_field, protocol=protocol, **left)
            return
        except AVSError as error:
            argument = next((name for name in left if name in str(error)), None)
            argument = argument or ("video_field" if protocol == "avsbench" else "pair_field")
            if argument in told:
                return  # what would be taken if nothing were given, and something was
            told.add(argument)
            yield Finding(argument, str(error), error=error)
            if left.get(argument, DEFAULTS.get(argument)) == DEFAULTS.get(argument):
                return  # the dataset itself names a field that will not do
            left[argument] = DEFAULTS.get(argument)
