"""What is tried on scenes of the drawn world, and how the scores are told.

The demo and the report beside the weights both try the same strategies and controls on the same kind of
scenes and tell their scores by the same subsets.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fiftyone_avs.controls.floors import CentreBox, NoText, OracleText, RandomNoun, WholeImage, only_segmenter
from fiftyone_avs.metrics import SampleScores, summarize
from fiftyone_avs.models import Models
from fiftyone_avs.strategies import Strategy, get_strategy

STRATEGIES = ("classification", "captioning", "inversion", "vcap_acls", "acap_vcls")
CONTROLS = ("floor_image", "floor_centre", "floor_noun", "oracle_text")
SCORES = ("ciou", "auc", "miou", "f", "j", "f_threshold")

SceneRow = Mapping[str, Any]
"""The metadata of one scene, as ``write_scenes`` lists it."""

SUBSETS: dict[str, Callable[[SceneRow], bool]] = {
    "all": lambda row: True,
    "single": lambda row: bool(row["kind"] == "single"),
    "pair": lambda row: bool(row["kind"] == "pair"),
    "sound_alike": lambda row: bool(row["sound_alike"]),
    "unseen_style": lambda row: bool(row["unseen"]),
}
"""Which scenes each subset holds."""


def plan_trial(models: Models, labels: Mapping[str, str]) -> dict[str, tuple[Strategy, Models]]:
    """Every strategy and control by name, with the models it runs on.

    Args:
        models: of the preset "tiny".
        labels: the true class by clip id, for the oracle.
    """
    plan = {
        name: (get_strategy(name, **models.strategy_options.get(name, {})), models) for name in STRATEGIES
    }
    plan["floor_image"] = (NoText(), only_segmenter(WholeImage(), models.device))
    plan["floor_centre"] = (NoText(), only_segmenter(CentreBox(), models.device))
    plan["floor_noun"] = (RandomNoun(), models)
    plan["oracle_text"] = (OracleText(labels), models)
    return plan


def score_rows(
    name: str, scenes: Sequence[SceneRow], scores: Sequence[SampleScores], statuses: Sequence[str]
) -> list[dict[str, Any]]:
    """One row per subset: scores in 0..1 (None where a subset is empty) and counts.

    Args:
        name: the strategy or control.
        scenes: the metadata of the scenes.
        scores: the scores of each scene.
        statuses: how each scene ended: "ok", "abstained: why" or "failed: why".
    """
    rows = []
    for subset, belongs in SUBSETS.items():
        members = [index for index, scene in enumerate(scenes) if belongs(scene)]
        summary = summarize([scores[index] for index in members])
        kinds = [statuses[index].partition(":")[0] for index in members]
        values = {score: _number(getattr(summary, score)) for score in SCORES}
        counts = {kind: kinds.count(kind) for kind in ("ok", "abstained", "failed")}
        rows.append({"name": name, "subset": subset, "n": len(members), **values, **counts})
    return rows


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)
