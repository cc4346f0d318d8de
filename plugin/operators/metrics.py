"""The six numbers as metrics of FiftyOne's own evaluation: in its form, or ``custom_metrics=[uri]``."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from fiftyone_avs.fo import METRICS, metric_of

from ..forms import dropdown

PROTOCOLS = {
    "baav": "baav: at 224 x 224 pixels, as the paper",
    "native": "native: at the size of the ground truth",
}
"""Those with these numbers over masks."""

WHAT = {
    "ciou": "share of samples with an adaptive IoU of 0.5 or more",
    "auc": "area under the success rate over the IoU threshold",
    "miou": "mean adaptive IoU",
    "f": "mean adaptive F",
    "j": "mean IoU of the masks",
    "f_threshold": "mean F of the masks",
}


class AVSMetric(foo.EvaluationMetric):
    """One of the numbers; there is a class for each."""

    metric = ""

    @property
    def config(self) -> foo.EvaluationMetricConfig:
        """How FiftyOne lists it."""
        config = foo.EvaluationMetricConfig(
            f"avs_{self.metric}",
            label=f"AVS {METRICS[self.metric]}",
            description=f"Audio-visual segmentation: {WHAT[self.metric]}",
            eval_types=["segmentation"],
            aggregate_key=f"avs_{self.metric}",
            lower_is_better=False,
            unlisted=True,
        )
        config.kwargs["lower_is_better"] = False  # where FiftyOne looks for it
        return config

    def resolve_input(self, ctx: Any) -> types.Property:
        """The protocol."""
        inputs = types.Object()
        dropdown(inputs, "protocol", PROTOCOLS, label="Protocol", default="baav")
        return types.Property(inputs)

    def compute(self, samples: Any, results: Any, protocol: str | None = None) -> float | None:
        """The number."""
        return metric_of(samples, results, self.metric, protocol=protocol or "baav")


AVS_METRICS = tuple(type(f"AVSMetric_{name}", (AVSMetric,), {"metric": name}) for name in METRICS)
