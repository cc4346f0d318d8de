"""What would stop a call of ``evaluate``, told before it is made."""

from __future__ import annotations

from fiftyone.core.collections import SampleCollection

from fiftyone_avs.errors import AVSError
from fiftyone_avs.fo.evaluate.choices import choose
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
) -> list[Finding]:
    """What would stop ``evaluate`` from scoring a run against a ground truth; arguments as there."""
    try:
        dataset = root_dataset(samples)
        on_frames = media_of(samples) == "video"
        pred_field = mask_field(dataset, pred, on_frames)
        gt_field = mask_field(dataset, gt or "ground_truth", on_frames)
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
    if key in dataset.list_evaluations():
        return [Finding("eval_key", f"evaluation {key!r} exists and will be replaced", blocks=False)]
    return []
