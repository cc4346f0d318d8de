"""Sounds that say nothing of their picture: another sample's, silence and noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fiftyone_avs.types import Sound

SOUND_KINDS = ("swapped", "silence", "noise")
"""The kinds of such sounds; the field of a kind is ``audio_<kind>``."""

SECONDS = 10.0
SAMPLE_RATE = 16000
NOISE_RMS = 0.1
"""Of the noise: -20 dBFS."""

_FORBIDDEN = 1000  # a price that no exchange may have
_TRIES = 200  # exchanges that are tried for one sample
_PASSES = 5


@dataclass(frozen=True)
class OwnSound:
    """A sample's own sound, and whose sounds would tell something of its picture.

    Attributes:
        path: of the file, absolute.
        groups: what the sample shares with others: its picture, its video.
        label: its class, if it is known.
    """

    path: str
    groups: frozenset[str] = frozenset()
    label: str | None = None


def swap_sounds(owned: Sequence[OwnSound], seed: int) -> list[str | None]:
    """Give every sample the sound of another one.

    Every sound is given once, as far as that can be; never to a sample of its own file, picture or video, and
    to one of its own class only where no exchange is found that avoids it.

    Args:
        owned: each sample's own sound.
        seed: of the choice.

    Returns:
        The path that each sample gets; None if there is none that it may have.
    """
    rng = np.random.default_rng(seed)
    given = rng.permutation(len(owned)).tolist()

    def price(taker: int, giver: int) -> int:
        mine, other = owned[taker], owned[giver]
        if mine.path == other.path or mine.groups & other.groups:
            return _FORBIDDEN
        return int(mine.label is not None and mine.label == other.label)

    for _ in range(_PASSES):
        if not _exchange(given, price, rng):
            break
    return [_allowed(taker, giver, owned, price, rng) for taker, giver in enumerate(given)]


def _exchange(given: list[int], price: Callable[[int, int], int], rng: np.random.Generator) -> bool:
    """Exchange what badly served samples got with others, where both are served better; whether any was."""
    better = False
    for taker in range(len(given)):
        if not price(taker, given[taker]):
            continue
        for other in rng.permutation(len(given))[:_TRIES].tolist():
            now = price(taker, given[taker]) + price(other, given[other])
            if price(taker, given[other]) + price(other, given[taker]) < now:
                given[taker], given[other] = given[other], given[taker]
                better = True
                break
    return better


def _allowed(
    taker: int,
    giver: int,
    owned: Sequence[OwnSound],
    price: Callable[[int, int], int],
    rng: np.random.Generator,
) -> str | None:
    """What a sample got, or if it may not have it, a sound that others have, too."""
    if price(taker, giver) < _FORBIDDEN:
        return owned[giver].path
    prices = {other: price(taker, other) for other in rng.permutation(len(owned)).tolist()}
    best = min(prices, key=prices.__getitem__)
    return owned[best].path if prices[best] < _FORBIDDEN else None


def make_sound(kind: str, seed: int) -> Sound:
    """Silence, or the noise of a seed: ``SECONDS`` at ``SAMPLE_RATE``."""
    length = int(SECONDS * SAMPLE_RATE)
    if kind == "silence":
        return Sound(np.zeros(length, np.float32), SAMPLE_RATE)
    noise = np.random.default_rng(seed).standard_normal(length) * NOISE_RMS
    return Sound(noise.astype(np.float32), SAMPLE_RATE)
