"""How well a model hears: shares of right answers. A sound-alike counts as right: no ear can tell them apart."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fiftyone_avs.tiny.world.language import split_words
from fiftyone_avs.tiny.world.vocabulary import CLASSES, PARTNER
from fiftyone_avs.training.tiny.audio_data import SOUND_OF, AudioSet, load_audio


def recognition(answers: Sequence[str | None], clips: AudioSet) -> dict[str, float]:
    """Shares of right answers.

    Args:
        answers: the class a model gave to each clip, or None.
        clips: the clips.

    Returns:
        `right`: the class or its sound-alike; `distinct`: the same for classes without a sound-alike;
        `alike_exact`: the very class for sound-alikes, where 0.5 is the best one can expect.
    """
    heard = [
        answer is not None and SOUND_OF[answer] == SOUND_OF[name] for answer, name in _pairs(answers, clips)
    ]
    distinct = [right for right, name in zip(heard, clips.names, strict=True) if name not in PARTNER]
    exact = [answer == name for answer, name in _pairs(answers, clips) if name in PARTNER]
    return {"right": _share(heard), "distinct": _share(distinct), "alike_exact": _share(exact)}


def first_class(text: str) -> str | None:
    """The class that a text names first, or None."""
    spaced = f" {' '.join(split_words(text))} "
    positions = {name: spaced.find(f" {name} ") for name in CLASSES}
    named = [name for name, position in positions.items() if position >= 0]
    return min(named, key=positions.__getitem__, default=None)


def write_audio_figures(
    work: Path, model_name: str, family: str, measure: Callable[[AudioSet], dict[str, float]]
) -> dict[str, Any]:
    """Measure a trained model on both held-out splits; the figures also go to `report.json` in its work folder."""
    report = {split: measure(load_audio(work, family, split)) for split in ("validation", "unseen")}
    path = work / model_name / "report.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2))
    return report


def _pairs(answers: Sequence[str | None], clips: AudioSet) -> list[tuple[str | None, str]]:
    return list(zip(answers, clips.names, strict=True))


def _share(hits: Sequence[bool]) -> float:
    return sum(hits) / max(1, len(hits))
