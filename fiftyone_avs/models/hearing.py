"""How a sound is brought into the form a model listens to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from fiftyone_avs.media import fit_window, resample
from fiftyone_avs.types import Sound


class Ear:
    """A transformers feature extractor together with the rule for sounds of other lengths and rates.

    A sound is resampled to the extractor's rate. One longer than the model's window is cut to its
    middle, always the same part (CLAP's own extractor would cut at random). A shorter one is filled up
    by the extractor as the model was trained: CLAP repeats it, the others append silence.

    Args:
        extractor: a transformers feature extractor.
        window: the model's window in seconds.
    """

    def __init__(self, extractor: Any, window: float) -> None:
        self.extractor = extractor
        self.window = window

    def __call__(self, sounds: Sequence[Sound]) -> dict[str, torch.Tensor]:
        """The extractor's features of a batch of sounds, as tensors by name."""
        waves = [self._wave(sound) for sound in sounds]
        rate = self.extractor.sampling_rate
        return dict(self.extractor(waves, sampling_rate=rate, return_tensors="pt"))

    def _wave(self, sound: Sound) -> npt.NDArray[np.float32]:
        sound = resample(sound, self.extractor.sampling_rate)
        if sound.duration > self.window:
            sound = fit_window(sound, self.window, "centre")
        return sound.samples
