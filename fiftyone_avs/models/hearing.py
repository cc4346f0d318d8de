"""How a sound is brought into the form a model listens to.

A sound is resampled to the model's rate. One longer than the model's window is cut to its middle, always
the same part; how a shorter one is filled up is what differs between models.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from fiftyone_avs.media import Fit, fit_window, resample
from fiftyone_avs.types import Sound


class Ear:
    """A transformers feature extractor together with the rule for sounds of other lengths and rates.

    A long sound is cut before the extractor sees it (CLAP's own would cut at random). A short one is
    filled up by the extractor as the model was trained: CLAP repeats it, the others append silence.

    Args:
        extractor: a transformers feature extractor.
        window: the model's window in seconds.
    """

    def __init__(self, extractor: Any, window: float) -> None:
        self.extractor = extractor
        self.window = window

    def __call__(self, sounds: Sequence[Sound]) -> dict[str, torch.Tensor]:
        """The extractor's features of a batch of sounds, as tensors by name."""
        rate = self.extractor.sampling_rate
        waves = [_middle(sound, rate, self.window) for sound in sounds]
        return dict(self.extractor(waves, sampling_rate=rate, return_tensors="pt"))


def waves_of(
    sounds: Sequence[Sound], sample_rate: int, seconds: float, *, shortest: int = 0
) -> list[torch.Tensor]:
    """Waves of sounds, float32, each (N,) with N up to the window, and zeros behind one below ``shortest``."""
    waves = (_middle(sound, sample_rate, seconds) for sound in sounds)
    return [torch.from_numpy(np.pad(wave, (0, max(0, shortest - len(wave))))) for wave in waves]


def window_of(sounds: Sequence[Sound], sample_rate: int, seconds: float, fill: Fit) -> torch.Tensor:
    """Waves of sounds that all fill the window, float32, shape (B, N); see `fiftyone_avs.media.fit_window`."""
    cut = (Sound(_middle(sound, sample_rate, seconds), sample_rate) for sound in sounds)
    return torch.from_numpy(np.stack([fit_window(sound, seconds, fill).samples for sound in cut]))


def _middle(sound: Sound, sample_rate: int, seconds: float) -> npt.NDArray[np.float32]:
    """The samples of a sound at a rate, or of its middle if it is longer than the window."""
    sound = resample(sound, sample_rate)
    if sound.duration > seconds:
        sound = fit_window(sound, seconds, "centre")
    return sound.samples
