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
from fiftyone_avs.models.loading import to_device
from fiftyone_avs.types import Sound

MEL_FLOOR = 1e-10
"""The least energy of a band."""


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


class MelEar(Ear):
    """CLAP's log-mel spectrograms of a whole batch at once, on the device of the network.

    The extractor's own loops over frames in numpy, one sound after the other, which takes longer than the network.
    Here it gives its constants only; the results are the same up to rounding (1e-3 dB).
    """

    def features(self, sounds: Sequence[Sound], device: torch.device) -> torch.Tensor:
        """The network's input, float32, shape (B, 1 or 4, frames, bands), in dB."""
        extractor = self.extractor
        window = extractor.nb_max_samples
        waves = [
            self._filled(_middle(sound, extractor.sampling_rate, self.window), window) for sound in sounds
        ]
        fused = extractor.truncation == "fusion"  # such networks hear a short sound four times
        bank = extractor.mel_filters if fused else extractor.mel_filters_slaney
        with torch.autocast(device.type, enabled=False):
            spectrum = torch.stft(
                to_device(torch.from_numpy(np.stack(waves)), device),
                extractor.fft_window_size,
                extractor.hop_length,
                window=torch.hann_window(extractor.fft_window_size, device=device),
                return_complex=True,
            )
            power = spectrum.real.square() + spectrum.imag.square()
            energies = power.transpose(1, 2) @ torch.from_numpy(bank).to(device, torch.float32)
            decibels = 10 * energies.clamp(min=MEL_FLOOR).log10()[:, None]
        return decibels.expand(-1, 4 if fused else 1, -1, -1)

    def _filled(self, wave: npt.NDArray[np.float32], samples: int) -> npt.NDArray[np.float32]:
        """A wave of the window's length: repeated as the checkpoint's settings say, then silence."""
        times = samples // len(wave)
        if self.extractor.padding == "repeat":
            return np.tile(wave, times + 1)[:samples]
        if self.extractor.padding == "repeatpad":
            wave = np.tile(wave, times)
        return np.pad(wave, (0, samples - len(wave)))


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
