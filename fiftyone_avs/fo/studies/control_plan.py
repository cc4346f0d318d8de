"""The runs that a study of controls is made of: the strategy, and what cannot hear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fiftyone_avs.controls.floors import CentreBox, NoText, RandomNoun, SalientNoun, only_segmenter
from fiftyone_avs.controls.sounds import SOUND_KINDS
from fiftyone_avs.fo.runs.records import AVSRunConfig
from fiftyone_avs.fo.studies.control_sounds import (
    control_field,
)
from fiftyone_avs.models import Models
from fiftyone_avs.strategies import Strategy

FLOORS = {"salient_noun": "floor_salient", "random_noun": "floor_noun", "centre": "floor_centre"}
"""Controls that look at the picture at most, and their run keys."""

CONTROLS = (*FLOORS, *SOUND_KINDS)
"""All controls: three floors, and the strategy itself on a sound that says nothing of the picture."""

CONTROLS_ABOUT = {
    "salient_noun": "segments what the image captioner names first",
    "random_noun": "segments a random noun of the image caption",
    "centre": "a box in the centre of the picture",
    "swapped": "the strategy, hearing another sample's sound",
    "silence": "the strategy, hearing silence",
    "noise": "the strategy, hearing noise",
}


@dataclass(frozen=True)
class ControlStep:
    """A run of the plan."""

    name: str
    run: str
    strategy: str | Strategy
    models: Models
    options: Mapping[str, Any] | None
    audio_field: str

    @property
    def eval_key(self) -> str:
        """The key of its evaluation."""
        return f"{self.run}_controls"


def plan_controls(
    run: str,
    strategy: str,
    controls: Sequence[str],
    models: Models,
    options: Mapping[str, Any] | None,
    audio_field: str,
    seed: int,
) -> list[ControlStep]:
    """The strategy, then the controls: those with sounds of their own first.

    Who looks at a sample hears the sound of its newest run, and that should be the sample's own.
    """
    floors: dict[str, tuple[Strategy, Models]] = {
        "salient_noun": (SalientNoun(), models),
        "random_noun": (RandomNoun(seed=seed), models),
        "centre": (NoText(), only_segmenter(CentreBox(), models.device)),
    }
    deaf = [
        ControlStep(name, f"{run}_{name}", strategy, models, options, control_field(name))
        for name in SOUND_KINDS
        if name in controls
    ]
    blind = [
        ControlStep(name, FLOORS[name], floor, players, None, audio_field)
        for name, (floor, players) in floors.items()
        if name in controls
    ]
    return [ControlStep(run, run, strategy, models, options, audio_field), *deaf, *blind]


def kept_settings(record: AVSRunConfig | None) -> dict[str, Any]:
    """Silence and threshold of a run that is there already."""
    return {} if record is None else {name: record.settings[name] for name in ("silence", "threshold")}
