"""The protocols by name: what each is, and which numbers it gives.

Numbers of different protocols must not be compared: the same model on the same data has been published as 78.8
(J) and 88.9 (F) per image and as 89.4 and 94.5 over the data set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from fiftyone_avs.metrics.boxes import BOXES
from fiftyone_avs.metrics.frames import AVSBENCH, AVSBenchSummary
from fiftyone_avs.metrics.localisation import PAIRS, SIX, Summary
from fiftyone_avs.metrics.samples import Protocol

ORACLE_NOTE = (
    "cIoU, AUC, mIoU and F are adaptive: they use the ground truth's area, so they compare localisers and do"
    " not judge masks. The threshold scores judge masks."
)
AVSBENCH_NOTE = (
    "J is the mean IoU of the frames at 0.5, an empty frame scoring its share of background. F is the highest point"
    " over 255 thresholds of a mean curve: of each video, or of all frames. Other protocols' J and F are other numbers."
)


@dataclass(frozen=True)
class ProtocolInfo:
    """A way to compare maps with ground truths.

    Attributes:
        name: as ``evaluate`` takes it.
        about: what it is, in a line.
        metrics: the numbers of a run: attributes of its summary and how tables call them.
        adaptive: whether it has adaptive scores, so that it takes an adaptive rule, a threshold and pairs.
        not_on_views: those of the metrics that do not follow from the scores of samples, so that they cannot be
            had on a part of them.
        note: what a reader of its numbers must know.
    """

    name: Protocol
    about: str
    metrics: Mapping[str, str]
    adaptive: bool
    not_on_views: frozenset[str]
    note: str

    def metrics_of(self, *, pairs: bool) -> dict[str, str]:
        """The metrics, with those of pairs if the samples come in pairs."""
        return {**self.metrics, **(PAIRS if pairs and self.adaptive else {})}


PROTOCOLS: Mapping[str, ProtocolInfo] = {
    "baav": ProtocolInfo(
        "baav", "maps and masks at 224 x 224 pixels, as the paper", SIX, True, frozenset(), ORACLE_NOTE
    ),
    "native": ProtocolInfo("native", "at the size of the ground truth", SIX, True, frozenset(), ORACLE_NOTE),
    "avsbench": ProtocolInfo(
        "avsbench",
        "J and F of AVSBench: at 0.5, and at the best of 255 thresholds per video",
        AVSBENCH,
        False,
        frozenset({"f_whole"}),
        AVSBENCH_NOTE,
    ),
    "boxes": ProtocolInfo(
        "boxes",
        "against boxes at 224 x 224 pixels, with AP over samples where nothing sounds (VGG-SS, Flickr)",
        BOXES,
        True,
        frozenset({"ap", "max_f1"}),
        ORACLE_NOTE,
    ),
}
"""The protocols by name."""

METRICS = dict(PROTOCOLS["baav"].metrics)
"""The paper's six numbers: attributes of ``Summary`` and how tables call them."""

EvaluationSummary: TypeAlias = Summary | AVSBenchSummary
"""The numbers of a run: of AVSBench's protocol, or of the others."""
