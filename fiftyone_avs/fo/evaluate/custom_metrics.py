"""The six numbers as metrics of FiftyOne's own ``evaluate_segmentations(..., custom_metrics=[...])``."""

from __future__ import annotations

import math
from typing import Any, Literal

from fiftyone.core.collections import SampleCollection

from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.fo.evaluate.backend import AVSEvaluation, AVSEvaluationConfig
from fiftyone_avs.fo.evaluate.evaluation import DEFAULT_THRESHOLD
from fiftyone_avs.fo.evaluate.results import AVSResults
from fiftyone_avs.fo.runs.records import find_record
from fiftyone_avs.fo.schema.checks import root_dataset
from fiftyone_avs.fo.schema.fields import FRAMES
from fiftyone_avs.metrics import METRICS, EvaluationSummary, Summary


def metric_of(
    samples: SampleCollection, results: Any, metric: str, *, protocol: Literal["baav", "native"] = "baav"
) -> float | None:
    """One number of a segmentation evaluation that FiftyOne made.

    Results of ``evaluate`` have it already. For any other the masks are scored now, once for all metrics:
    soft maps where a run of ours left them, with the official adaptive rule; else the masks themselves,
    with as many pixels as the ground truth (``topk``), because the official rule gives masks next to 0.

    Args:
        samples: what was evaluated.
        results: FiftyOne's results, whose config names the fields.
        metric: a key of ``METRICS``, such as "ciou".
        protocol: "baav" or "native"; plays no part for results of ``evaluate``.

    Returns:
        A number in [0, 1]; None if no sample counts, or the protocol of ``evaluate`` has no such number.

    Raises:
        ConfigurationError: if there is no such metric.
    """
    if metric not in METRICS:
        raise ConfigurationError(f"unknown metric {metric!r}; choose one of {', '.join(METRICS)}")
    if isinstance(results, AVSResults) and not isinstance(results.summary, Summary):
        return None
    value = float(getattr(_summary(samples, results, protocol), metric))
    return None if math.isnan(value) else value


def _summary(samples: SampleCollection, results: Any, protocol: str) -> EvaluationSummary:
    if isinstance(results, AVSResults):
        return results.summary
    kept: dict[str, EvaluationSummary] = results.__dict__.setdefault("_avs_summaries", {})
    if protocol not in kept:
        kept[protocol] = _score(samples, results.config, protocol)
    return kept[protocol]


def _score(samples: SampleCollection, made: Any, protocol: str) -> EvaluationSummary:
    record = find_record(root_dataset(samples), made.pred_field.removeprefix(FRAMES))
    config = AVSEvaluationConfig(
        made.pred_field,
        made.gt_field,
        protocol=protocol,
        threshold=DEFAULT_THRESHOLD if record is None else float(record.settings["threshold"]),
        adaptive_rule="topk" if record is None else "official",
        is_run=record is not None,
    )
    scored: AVSResults = AVSEvaluation(config).evaluate_samples(samples)
    return scored.summary
