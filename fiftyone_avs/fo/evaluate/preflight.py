"""What would stop a call of ``evaluate``, told before it is made."""

from __future__ import annotations

from fiftyone.core.collections import SampleCollection

from fiftyone_avs.errors import AVSError
from fiftyone_avs.fo.evaluate.choices import check_coverage, choose
from fiftyone_avs.fo.evaluate.evaluation import check_eval_key, mask_field
from fiftyone_avs.fo.runs.class_fields import class_path
from fiftyone_avs.fo.schema.checks import media_of, root_dataset
from fiftyone_avs.fo.schema.fields import FRAMES
from fiftyone_avs.fo.schema.findings import Finding


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
        dataset = root_dataset(samples)
        on_frames = media_of(samples) == "video"
        pred_field = mask_field(dataset, pred, on_frames)
        gt_field = mask_field(dataset, gt or "ground_truth", on_frames)
        check_coverage(coverage)
        choose(
            dataset,
            gt_field,
            protocol=protocol,
            threshold=threshold,
            adaptive_rule=adaptive_rule,
            pair_field=pair_field,
            video_field=video_field,
            boxes_field=boxes_field,
        )
        key = eval_key or f"{pred.removeprefix(FRAMES)}_eval"
        check_eval_key(dataset, key, pred_field, gt_field)
        if class_field is not None:
            class_path(dataset, class_field)
    except AVSError as error:
        return [Finding("evaluation", str(error))]
    found = []
    if key in dataset.list_evaluations():
        found.append(Finding("eval_key", f"evaluation {key!r} exists and will be replaced", blocks=False))
    uncovered = _uncovered(samples, pred.removeprefix(FRAMES), pred_field)
    if uncovered and coverage == "run":
        found.append(
            Finding(
                "coverage", f"{uncovered}; the others do not count, unless coverage is 'all'", blocks=False
            )
        )
    return found


def _uncovered(samples: SampleCollection, run: str, pred_field: str) -> str:
    """How many samples a run came to, if not to all; of masks that no run made, how many there are."""
    field = f"{run}_status" if samples.get_field(f"{run}_status") is not None else pred_field
    if field.startswith(FRAMES):
        return ""  # most frames have neither masks nor ground truth
    covered, all_of_them = samples.count(field), samples.count()
    return "" if covered == all_of_them else f"{run!r} covers {covered} of {all_of_them} samples"
