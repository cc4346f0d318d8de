"""Spectrograms as the training code of the networks computed them; batched, on any device, always float32.

Sources: Kaldi's filter bank as BEATs uses it (torchaudio ``kaldi.fbank``); the log-mel layer of HTSAT
(torchlibrosa). Waves are mono, float32, nominally in [-1, 1], shape (B, N), all of one length.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional
from transformers.audio_utils import mel_filter_bank

KALDI_RATE = 16000
KALDI_FRAME, KALDI_SHIFT, KALDI_FFT = 400, 160, 512
KALDI_MELS = 128
KALDI_RANGE = (20, 8000)  # Hz
KALDI_FLOOR = float(np.finfo(np.float32).eps)
PREEMPHASIS = 0.97
POVEY_POWER = 0.85

MEL_FFT = 1024
MEL_BANDS = 64
MEL_RANGE = (50, 14000)  # Hz
MEL_FLOOR = 1e-10

INT16_PEAK = 32767.0


def kaldi_fbank(waves: Tensor) -> Tensor:
    """Kaldi's log filter-bank energies, without dither.

    Args:
        waves: shape (B, N), 16 kHz, N >= 400. They are raised to the range of 16-bit samples first.

    Returns:
        Natural logarithms of the energies in 128 bands, shape (B, 1 + (N - 400) // 160, 128), not
        normalised.

    Raises:
        ValueError: if the waves are shorter than one frame.
    """
    if waves.shape[-1] < KALDI_FRAME:
        raise ValueError(f"{waves.shape[-1]} samples are less than one frame of {KALDI_FRAME}")
    with full_precision(waves):
        frames = waves.float().mul(2**15).unfold(-1, KALDI_FRAME, KALDI_SHIFT)
        frames = frames - frames.mean(-1, keepdim=True)
        before = torch.cat([frames[..., :1], frames[..., :-1]], -1)  # nothing precedes a frame but itself
        frames = (frames - PREEMPHASIS * before) * _povey_window(frames.device)
        power = _power(torch.fft.rfft(frames, KALDI_FFT))
        energies = power @ torch.from_numpy(_kaldi_bank()).to(power.device)
        return energies.clamp(min=KALDI_FLOOR).log()


def log_mel(waves: Tensor, sample_rate: int, hop: int) -> Tensor:
    """HTSAT's log-mel spectrogram in decibels.

    Args:
        waves: shape (B, N), N > 512.
        sample_rate: the rate (Hz) that the filter bank is made for.
        hop: samples from one frame to the next.

    Returns:
        10 log10 of the power in 64 bands from 50 to 14000 Hz, shape (B, 1, 1 + N // hop, 64).
    """
    with full_precision(waves):
        window = torch.hann_window(MEL_FFT, device=waves.device)
        spectrum = torch.stft(
            waves.float(), MEL_FFT, hop, window=window, center=True, pad_mode="reflect", return_complex=True
        )
        power = _power(spectrum).transpose(1, 2)
        energies = power @ torch.from_numpy(_slaney_bank(sample_rate)).to(power.device)
        return 10 * energies.clamp(min=MEL_FLOOR).log10().unsqueeze(1)


def repeat_pad(wave: Tensor, samples: int) -> Tensor:
    """Fit a wave of (..., N), N > 0, to a window as LAION-CLAP does ("repeatpad").

    A shorter wave is repeated as often as it fits in whole, and silence follows; a longer one is cut.
    """
    times = max(1, samples // wave.shape[-1])
    fitted = wave.repeat(*[1] * (wave.ndim - 1), times)[..., :samples]
    return functional.pad(fitted, (0, samples - fitted.shape[-1]))


def through_int16(waves: Tensor) -> Tensor:
    """What is left of waves that were stored as 16-bit samples: clipped to [-1, 1], towards zero."""
    return (waves.clamp(-1, 1) * INT16_PEAK).trunc() / INT16_PEAK


def full_precision(like: Tensor) -> Any:
    """A context without autocast on a tensor's device."""
    return torch.autocast(like.device.type, enabled=False)


def _power(spectrum: Tensor) -> Tensor:
    return spectrum.real.square() + spectrum.imag.square()


def _povey_window(device: torch.device) -> Tensor:
    return torch.hann_window(KALDI_FRAME, periodic=False, device=device).pow(POVEY_POWER)


@lru_cache
def _kaldi_bank() -> npt.NDArray[np.float32]:
    """Triangles equally spaced and linear on Kaldi's mel scale, shape (257, 128)."""
    hertz = np.arange(KALDI_FFT // 2 + 1) * (KALDI_RATE / KALDI_FFT)
    bins = 1127 * np.log1p(hertz / 700)[:, None]
    lowest, highest = (1127 * math.log1p(limit / 700) for limit in KALDI_RANGE)
    edges = np.linspace(lowest, highest, KALDI_MELS + 2)
    left, peak, right = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.minimum((bins - left) / (peak - left), (right - bins) / (right - peak))
    bank: npt.NDArray[np.float32] = np.maximum(triangles, 0).astype(np.float32)
    return bank


@lru_cache
def _slaney_bank(sample_rate: int) -> npt.NDArray[np.float32]:
    """Triangles of equal area, equally spaced on Slaney's mel scale, shape (513, 64)."""
    return mel_filter_bank(
        MEL_FFT // 2 + 1, MEL_BANDS, *MEL_RANGE, sample_rate, norm="slaney", mel_scale="slaney"
    ).astype(np.float32)
