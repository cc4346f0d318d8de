"""The road: picture and sound -> captions -> referring expression -> soft map and mask.

Read ``Pipeline.__call__`` from top to bottom. Everything runs stage by stage over a batch, and a clip
that fails in one stage leaves the road there, with a reason, without stopping the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import numpy as np

from fiftyone_avs.engine import BatchSizes, Failure, run_stage
from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.media import is_silent
from fiftyone_avs.models import Models
from fiftyone_avs.strategies import Evidence, Strategy
from fiftyone_avs.types import Caption, Clip, Prediction, Referral, SoftMap, Sound

NO_SOUND = "there is no sound to listen to"

Result = TypeVar("Result")


@dataclass(frozen=True)
class Captions:
    """Captions of one clip that are known already, so that no captioner need be asked again."""

    image: Caption | None = None
    audio: Caption | None = None


@dataclass
class _Traveller:
    """One clip that can be heard, and what it has gathered on the road so far."""

    clip: Clip
    sound: Sound
    image_caption: Caption | None = None
    audio_caption: Caption | None = None
    referral: Referral | None = None
    soft_map: SoftMap | None = None
    failure: str = ""

    @property
    def evidence(self) -> Evidence:
        return Evidence(self.clip.id, self.clip.image, self.sound, self.image_caption, self.audio_caption)


@dataclass(frozen=True)
class Pipeline:
    """Zero-shot audio-visual segmentation with one strategy and one set of models.

    Attributes:
        strategy: makes the referring expression.
        models: plays the roles that the strategy needs, and the segmenter.
        silence: what to do with a silent sound: "abstain" (default), or "run" to treat it as any other.
        silence_db: a sound whose RMS level is below this (dBFS) is silent.
        threshold: pixels of the soft map above this belong to the mask; None takes the segmenter's own.
        batch_size: how many clips go through a model at once; None finds a size for every stage, by the time that
            batches take. Either way a batch that does not fit into memory is halved.
    """

    strategy: Strategy
    models: Models
    silence: Literal["abstain", "run"] = "abstain"
    silence_db: float = -60.0
    threshold: float | None = None
    batch_size: int | None = None
    _sizes: BatchSizes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.batch_size is not None and self.batch_size < 1:
            raise ConfigurationError(f"batch_size must be 1 or more, not {self.batch_size!r}")
        given = self.batch_size
        sizes = self.models.batch_sizes if given is None else BatchSizes(given, given)
        object.__setattr__(self, "_sizes", sizes)
        if self.silence not in ("abstain", "run"):
            raise ConfigurationError(f"silence must be 'abstain' or 'run', not {self.silence!r}")
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise ConfigurationError(f"threshold must lie in [0, 1], not {self.threshold!r}")

    def __call__(
        self, clips: Sequence[Clip], known: Mapping[str, Captions] | None = None
    ) -> list[Prediction]:
        """Predict a batch of clips.

        Args:
            clips: pictures with their sounds; ids must be unique within the batch.
            known: captions found by an earlier run, by clip id; they are not computed again.

        Returns:
            One prediction per clip, in order, each "ok", "abstained" or "failed" with a reason.

        Raises:
            ConfigurationError: if two clips of the batch have the same id.
            ModelError: if a model cannot be loaded.
        """
        if len({clip.id for clip in clips}) < len(clips):
            raise ConfigurationError("clips of a batch need ids of their own, and two of these share one")
        deaf = {clip.id: reason for clip in clips if (reason := self._unheard(clip.sound))}
        travellers = {
            clip.id: _Traveller(clip, clip.sound)
            for clip in clips
            if clip.id not in deaf and clip.sound is not None
        }
        road = list(travellers.values())
        with self.models.computing():
            self._caption(road, known or {})
            self._refer(road)
            self._segment(road)
        return [
            Prediction(clip.id, "abstained", deaf[clip.id])
            if clip.id in deaf
            else self._arrive(travellers[clip.id])
            for clip in clips
        ]

    def _unheard(self, sound: Sound | None) -> str:
        """Why a sound cannot be listened to, or "". No sound always abstains, silence by default."""
        if sound is None or not len(sound.samples):
            return NO_SOUND
        if self.silence == "abstain" and is_silent(sound.samples, self.silence_db):
            return f"the sound is silent (below {self.silence_db:g} dBFS)"
        return ""

    def _caption(self, road: list[_Traveller], known: Mapping[str, Captions]) -> None:
        """Ask the captioners that the strategy needs, unless the captions are known already."""
        for traveller in road:
            captions = known.get(traveller.clip.id, Captions())
            traveller.image_caption, traveller.audio_caption = captions.image, captions.audio
        if "image_captioner" in self.strategy.needs:
            waiting = [traveller for traveller in road if traveller.image_caption is None]
            self._caption_pictures(waiting)
        if "audio_captioner" in self.strategy.needs:
            waiting = [traveller for traveller in road if traveller.audio_caption is None]
            for traveller, caption in self._stage("audio captioner", self._caption_sounds, waiting):
                traveller.audio_caption = caption

    def _caption_pictures(self, waiting: list[_Traveller]) -> None:
        """Caption each picture once, however many sounds go with it: such clips share the array."""
        sharing: dict[int, list[_Traveller]] = {}
        for traveller in waiting:
            sharing.setdefault(id(traveller.clip.image), []).append(traveller)
        firsts = [group[0] for group in sharing.values()]
        for traveller, caption in self._stage("image captioner", self._caption_images, firsts):
            traveller.image_caption = caption
        for first, *others in sharing.values():
            for other in others:
                other.image_caption, other.failure = first.image_caption, first.failure

    def _caption_images(self, travellers: Sequence[_Traveller]) -> list[Caption]:
        return self.models.image_captioner.caption_images([t.clip.image for t in travellers])

    def _caption_sounds(self, travellers: Sequence[_Traveller]) -> list[Caption]:
        return self.models.audio_captioner.caption_sounds([t.sound for t in travellers])

    def _refer(self, road: list[_Traveller]) -> None:
        """Let the strategy name what to segment."""

        def refer(travellers: Sequence[_Traveller]) -> list[Referral]:
            return self.strategy.refer([t.evidence for t in travellers], self.models)

        for traveller, referral in self._stage(f"strategy {self.strategy.name}", refer, road):
            traveller.referral = referral

    def _segment(self, road: list[_Traveller]) -> None:
        """Let the segmenter find what was named."""
        waiting = [t for t in road if t.referral is not None and t.referral.abstained is None]
        for traveller, soft_map in self._stage("segmenter", self._segment_batch, waiting):
            traveller.soft_map = soft_map

    def _segment_batch(self, travellers: Sequence[_Traveller]) -> list[SoftMap]:
        referrals = [t.referral for t in travellers if t.referral is not None]
        images = [t.clip.image for t in travellers]
        soft_maps = self.models.segmenter.segment(images, [r.tokens or r.text for r in referrals])
        for image, soft_map in zip(images, soft_maps, strict=True):
            check_soft_map(soft_map, image.shape[:2])
        return soft_maps

    def _stage(
        self,
        name: str,
        call: Callable[[Sequence[_Traveller]], Sequence[Result]],
        travellers: list[_Traveller],
    ) -> Iterator[tuple[_Traveller, Result]]:
        """Run one stage for those still on the road; mark the failed, yield the others with their results."""
        waiting = [traveller for traveller in travellers if not traveller.failure]
        results = run_stage(name, call, waiting, self._sizes)
        for traveller, result in zip(waiting, results, strict=True):
            if isinstance(result, Failure):
                traveller.failure = result.reason
            else:
                yield traveller, result

    def _arrive(self, traveller: _Traveller) -> Prediction:
        """Say how the journey of one clip ended."""
        clip_id, referral = traveller.clip.id, traveller.referral
        if referral is not None and referral.abstained is not None:
            return Prediction(clip_id, "abstained", referral.abstained, referral)
        if traveller.soft_map is None:
            return Prediction(clip_id, "failed", traveller.failure, referral)
        threshold = self.models.segmenter.threshold if self.threshold is None else self.threshold
        mask = traveller.soft_map > threshold
        return Prediction(clip_id, "ok", "", referral, traveller.soft_map, mask, threshold)


def check_soft_map(soft_map: SoftMap, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless a soft map has the picture's shape and finite values in [0, 1]."""
    if soft_map.shape != shape:
        raise ValueError(f"the soft map has shape {soft_map.shape}, the picture {shape}")
    if not np.isfinite(soft_map).all():
        raise ValueError("the soft map holds NaN or infinite values")
    if soft_map.size and (soft_map.min() < 0 or soft_map.max() > 1):
        raise ValueError(f"the soft map's values leave [0, 1]: {soft_map.min():g} .. {soft_map.max():g}")
