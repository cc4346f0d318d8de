"""The fields of an evaluation's scores: their names, by the naming that its record says, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from fiftyone_avs.errors import ConfigurationError

IoUKind: TypeAlias = Literal["mask", "adaptive"]
"""Which IoU samples are filtered and sorted by: that of the mask, or the paper's, which knows the answer's size."""

IOU_LABELS: Mapping[str, str] = {"mask": "IoU", "adaptive": "adaptive IoU"}
"""How each kind of IoU is called wherever it is shown."""

MASK_NAMING, ADAPTIVE_NAMING = "mask", "adaptive"
"""``<eval_key>_iou`` is the mask's IoU; before version 0.2 it was the adaptive one, as records without a naming say."""

_SUFFIXES: Mapping[str, Mapping[str, str]] = {
    MASK_NAMING: {
        "iou": "iou",
        "f": "f",
        "iou_adaptive": "iou_adaptive",
        "f_adaptive": "f_adaptive",
    },
    ADAPTIVE_NAMING: {
        "iou": "iou_threshold",
        "f": "f_threshold",
        "iou_adaptive": "iou",
        "f_adaptive": "f",
    },
}

_ABOUT: Mapping[str, str] = {
    "iou": "IoU of the mask with the ground truth",
    "f": "F of the mask against the ground truth",
    "iou_adaptive": "adaptive IoU: of as many pixels as the ground truth has, whatever the mask shows",
    "f_adaptive": "adaptive F: of as many pixels as the ground truth has, whatever the mask shows",
}


@dataclass(frozen=True)
class EvalFields:
    """Names of the fields that hold an evaluation's scores, without the prefix ``frames.``.

    Attributes:
        key: the eval key.
        naming: ``MASK_NAMING``, or ``ADAPTIVE_NAMING`` for evaluations made before version 0.2.
        adaptive: whether the protocol has adaptive scores.

    Examples:
        >>> EvalFields("mine_eval").iou, EvalFields("mine_eval").iou_adaptive
        ('mine_eval_iou', 'mine_eval_iou_adaptive')
        >>> EvalFields("mine_eval", naming="adaptive").iou
        'mine_eval_iou_threshold'
    """

    key: str
    naming: str = MASK_NAMING
    adaptive: bool = True

    @property
    def iou(self) -> str:
        """The IoU of the mask."""
        return self._name("iou")

    @property
    def f(self) -> str:
        """F of the mask; under the protocol "avsbench" F of the frame's video."""
        return self._name("f")

    @property
    def iou_adaptive(self) -> str | None:
        """The adaptive IoU; None where the protocol has none."""
        return self._name("iou_adaptive") if self.adaptive else None

    @property
    def f_adaptive(self) -> str | None:
        """The adaptive F; None where the protocol has none."""
        return self._name("f_adaptive") if self.adaptive else None

    @property
    def by_score(self) -> dict[str, str]:
        """Attribute of ``metrics.SampleScores`` -> field, for all scores that are written."""
        written = _SUFFIXES[self.naming]
        if self.naming == MASK_NAMING and not self.adaptive:
            written = {name: suffix for name, suffix in written.items() if name in ("iou", "f")}
        return {name: f"{self.key}_{suffix}" for name, suffix in written.items()}

    @property
    def abouts(self) -> dict[str, str]:
        """Field -> what it means, as the App's sidebar tells it."""
        return {field: _ABOUT[name] for name, field in self.by_score.items()}

    def iou_of(self, kind: IoUKind) -> str:
        """The field of the mask's or the adaptive IoU.

        Raises:
            ConfigurationError: if there is no such kind, or the protocol has no adaptive scores.
        """
        if kind not in get_args(IoUKind):
            raise ConfigurationError(f"iou must be one of {', '.join(get_args(IoUKind))}, not {kind!r}")
        if kind == "mask":
            return self.iou
        if self.iou_adaptive is None:
            raise ConfigurationError(
                f"evaluation {self.key!r} has no adaptive scores, its protocol knows none; take iou='mask'"
            )
        return self.iou_adaptive

    def _name(self, score: str) -> str:
        return f"{self.key}_{_SUFFIXES[self.naming][score]}"
