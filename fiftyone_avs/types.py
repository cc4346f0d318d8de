"""What travels along the road: sounds, clips, captions, referrals and predictions.

All of them are frozen. Arrays inside are shared, not copied: treat them as read-only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Image: TypeAlias = npt.NDArray[np.uint8]
"""An RGB picture: uint8, shape (H, W, 3)."""

SoftMap: TypeAlias = npt.NDArray[np.float32]
"""How likely each pixel belongs to the sounding object: float32 in [0, 1], shape (H, W)."""

Mask: TypeAlias = npt.NDArray[np.bool_]
"""The pixels of the sounding object: bool, shape (H, W)."""

Status: TypeAlias = Literal["ok", "abstained", "failed"]


@dataclass(frozen=True, eq=False)
class Sound:
    """A mono sound.

    Attributes:
        samples: float32, shape (N,), nominally in [-1, 1], finite.
        sample_rate: samples per second (Hz).
    """

    samples: npt.NDArray[np.float32]
    sample_rate: int

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate


@dataclass(frozen=True, eq=False)
class Clip:
    """One picture and the sound that goes with it: the input of the pipeline.

    Attributes:
        id: names the clip in results and messages.
        image: uint8 RGB, shape (H, W, 3).
        sound: the sound, or None when there is none (a video without a sound track).
    """

    id: str
    image: Image
    sound: Sound | None


@dataclass(frozen=True)
class Caption:
    """What a captioner says, best first.

    Attributes:
        texts: one text or more, the most likely first. A captioner that searches with several
            beams may return all of them, so that a noun missed by the best one is not lost.
    """

    texts: tuple[str, ...]

    @property
    def text(self) -> str:
        """The most likely caption."""
        return self.texts[0] if self.texts else ""


@dataclass(frozen=True)
class Candidate:
    """A class or noun phrase and its score (a probability or a cosine similarity; higher is better)."""

    text: str
    score: float


@dataclass(frozen=True)
class Trace:
    """Every intermediate text and score on the way to a referring expression.

    Attributes:
        image_caption: what the image captioner said, if the strategy asked it.
        audio_caption: what the audio captioner said, if the strategy asked it.
        candidates: all classes or noun phrases with their scores, best first.
        note: which rule was applied where the paper leaves a case open, or "".
    """

    image_caption: Caption | None = None
    audio_caption: Caption | None = None
    candidates: tuple[Candidate, ...] = ()
    note: str = ""


@dataclass(frozen=True, eq=False)
class TokenEmbeddings:
    """A referring expression found by text inversion, given past the text encoder's embedding layer.

    Attributes:
        vectors: float32, shape (K, D): K token embeddings that stand between the start and end tokens.
        nearest: the K vocabulary words whose embeddings are nearest, for people to read.
    """

    vectors: npt.NDArray[np.float32]
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Referral:
    """What a strategy says to segment.

    Attributes:
        text: the referring expression (for inversion: the nearest words, to be read by people).
        confidence: the score of the expression; what it means is the strategy's to say.
        trace: every intermediate text and score.
        tokens: token embeddings to use instead of the text (inversion only).
        abstained: why the strategy declines to name an object, or None if it names one.
    """

    text: str
    confidence: float | None
    trace: Trace = field(default_factory=Trace)
    tokens: TokenEmbeddings | None = None
    abstained: str | None = None


@dataclass(frozen=True, eq=False)
class Prediction:
    """The end of the road for one clip.

    Attributes:
        id: the clip's id.
        status: "ok", "abstained" or "failed".
        reason: why it abstained or failed; "" when ok.
        referral: what was asked of the segmenter; None when the clip failed before that.
        soft_map: float32 in [0, 1], shape (H, W) of the image; None unless ok.
        mask: bool, shape (H, W): ``soft_map > threshold``; None unless ok.
        threshold: the segmenter's threshold that made the mask.
    """

    id: str
    status: Status
    reason: str = ""
    referral: Referral | None = None
    soft_map: SoftMap | None = None
    mask: Mask | None = None
    threshold: float | None = None
