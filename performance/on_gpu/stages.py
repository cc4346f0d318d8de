"""The stages whose networks run on the device: what each is given, and how its results are compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from fiftyone_avs.types import Candidate, Image, SoftMap, Sound

TELLING = (0.01, 0.99)
"""Shares of a picture between which a mask can tell two results apart."""


@dataclass(frozen=True)
class Inputs:
    """What stages are given, one of each per sample.

    Attributes:
        images: pictures, each an array of its own.
        sounds: sounds.
        nouns: texts to compare a picture or sound with.
        expressions: what to segment.
    """

    images: list[Image]
    sounds: list[Sound]
    nouns: list[list[str]]
    expressions: list[str]

    def many(self, count: int) -> Inputs:
        """So many samples: these ones, again and again, each with arrays of its own."""
        places = [index % len(self.images) for index in range(count)]
        return Inputs(
            [self.images[place].copy() for place in places],
            [Sound(self.sounds[place].samples.copy(), self.sounds[place].sample_rate) for place in places],
            [self.nouns[place] for place in places],
            [self.expressions[place] for place in places],
        )


@dataclass(frozen=True)
class Stage:
    """A role's work on a batch.

    Attributes:
        name: for the record.
        role: who works.
        strategy: whose segmenter it is, where a strategy wants another one.
        kind: how results are compared.
        call: from a model and its inputs to one result per sample.
    """

    name: str
    role: str
    kind: Literal["texts", "classes", "scores", "maps"]
    call: Callable[[Any, Inputs], list[Any]]
    strategy: str | None = None


SEGMENTER = Stage("segmenter", "segmenter", "maps", lambda m, i: m.segment(i.images, i.expressions))

STAGES = (
    SEGMENTER,
    Stage("image captioner", "image_captioner", "texts", lambda m, i: m.caption_images(i.images)),
    Stage("audio-text scorer", "audio_text_scorer", "scores", lambda m, i: m.score_sounds(i.sounds, i.nouns)),
    Stage("image-text scorer", "image_text_scorer", "scores", lambda m, i: m.score_images(i.images, i.nouns)),
    Stage("audio captioner", "audio_captioner", "texts", lambda m, i: m.caption_sounds(i.sounds)),
    Stage("audio classifier", "audio_classifier", "classes", lambda m, i: m.classify(i.sounds)),
)
"""Of both presets, what matters most first."""

CLIPSEG = Stage("CLIPSeg", "segmenter", "maps", SEGMENTER.call, strategy="inversion")
"""The segmenter of the preset "open" for the strategy inversion."""


def compare(
    kind: str, expected: Sequence[Any], found: Sequence[Any], threshold: float | None = None
) -> dict[str, Any]:
    """How far results are from those expected.

    Args:
        kind: of the stage.
        expected: the results of float32.
        found: the others, in the same order.
        threshold: of masks.
    """
    if kind == "maps":
        assert threshold is not None
        return compare_maps(expected, found, threshold)
    if kind == "texts":
        return {"equal_texts": _share([a.text == b.text for a, b in zip(expected, found, strict=True)])}
    tables = [(_table(a), _table(b)) for a, b in zip(expected, found, strict=True)]
    gaps = [abs(a[name] - b[name]) for a, b in tables for name in a.keys() & b.keys()]
    best = [max(a, key=a.__getitem__) == max(b, key=b.__getitem__) for a, b in tables]
    return {"largest_difference": round(max(gaps), 6), "equal_best": _share(best)}


def compare_maps(expected: Sequence[SoftMap], found: Sequence[SoftMap], threshold: float) -> dict[str, Any]:
    """The IoU of masks.

    Networks that are filled at random give masks which are full or empty, and agree whatever happens. Where float32's
    mask covers less than 1 % of a picture or more than 99 %, what lies above the median of its map is compared.
    """
    ious, gaps, covered, halves = [], [], [], 0
    for ours, theirs in zip(found, expected, strict=True):
        level = threshold
        if not TELLING[0] <= (theirs > level).mean() <= TELLING[1]:
            level, halves = float(np.median(theirs)), halves + 1
        ious.append(iou(ours > level, theirs > level))
        covered.append((theirs > level).mean())
        gaps.append(np.abs(ours - theirs).max())
    return {
        "mask_iou_lowest": round(float(np.min(ious)), 6),
        "mask_iou_mean": round(float(np.mean(ious)), 6),
        "compared_at_the_median": halves,
        "share_of_pixels_in_masks": round(float(np.mean(covered)), 4),
        "soft_map_largest_difference": round(float(np.max(gaps)), 6),
        "samples": len(ious),
    }


def iou(mask: np.ndarray, other: np.ndarray) -> float:
    """Two empty masks agree."""
    union = np.logical_or(mask, other).sum()
    return float(np.logical_and(mask, other).sum() / union) if union else 1.0


def _table(scores: Sequence[float] | Sequence[Candidate]) -> dict[Any, float]:
    """Scores by what they are of: a class, or the place of a text."""
    return dict((s.text, s.score) if isinstance(s, Candidate) else (n, s) for n, s in enumerate(scores))


def _share(equal: Sequence[bool]) -> float:
    return round(float(np.mean(equal)), 4)
