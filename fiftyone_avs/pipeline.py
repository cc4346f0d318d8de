"""The road: picture and sound -> captions -> referring expression -> soft map and mask.

Read ``predict_together`` from top to bottom. Everything runs stage by stage over a batch, and a clip that fails in
one stage leaves the road there, with a reason, without stopping the others. Several pipelines may take the road
together: what they have in common is then done once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import numpy as np

from fiftyone_avs.engine import BatchSizes, Failure, run_stage
from fiftyone_avs.errors import ConfigurationError, check_share, check_whole
from fiftyone_avs.media import is_silent
from fiftyone_avs.models import Models
from fiftyone_avs.strategies import Evidence, Strategy
from fiftyone_avs.types import Caption, Clip, Prediction, Referral, SoftMap, Sound, TokenEmbeddings

NO_SOUND = "there is no sound to listen to"

Result = TypeVar("Result")


@dataclass(frozen=True)
class Captions:
    """Captions of one clip that are known already, so that no captioner need be asked again."""

    image: Caption | None = None
    audio: Caption | None = None


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
    sizes: BatchSizes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.batch_size is not None:
            check_whole("batch_size", self.batch_size, 1)
        given = self.batch_size
        sizes = self.models.batch_sizes if given is None else BatchSizes(given, given)
        object.__setattr__(self, "sizes", sizes)
        if self.silence not in ("abstain", "run"):
            raise ConfigurationError(f"silence must be 'abstain' or 'run', not {self.silence!r}")
        if self.threshold is not None:
            check_share("threshold", self.threshold)

    @property
    def roles(self) -> list[str]:
        """The roles of the models that it uses."""
        return [*self.strategy.needs, "segmenter"]

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
        return predict_together([Task(self, clips, known or {})])[0]

    def unheard(self, sound: Sound | None) -> str:
        """Why a sound cannot be listened to, or "". No sound always abstains, silence by default."""
        if sound is None or not len(sound.samples):
            return NO_SOUND
        if self.silence == "abstain" and is_silent(sound.samples, self.silence_db):
            return f"the sound is silent (below {self.silence_db:g} dBFS)"
        return ""


@dataclass(frozen=True)
class Task:
    """Clips that one pipeline has to predict; see ``Pipeline.__call__``."""

    pipeline: Pipeline
    clips: Sequence[Clip]
    known: Mapping[str, Captions] = field(default_factory=dict)


@dataclass
class _Traveller:
    """One clip on the road of one pipeline, and what it has gathered so far."""

    pipeline: Pipeline
    clip: Clip
    unheard: str
    image_caption: Caption | None = None
    audio_caption: Caption | None = None
    referral: Referral | None = None
    soft_map: SoftMap | None = None
    failure: str = ""

    @property
    def sound(self) -> Sound:
        if self.clip.sound is None:
            raise ValueError(NO_SOUND)
        return self.clip.sound

    @property
    def evidence(self) -> Evidence:
        return Evidence(self.clip.id, self.clip.image, self.sound, self.image_caption, self.audio_caption)

    def arrive(self) -> Prediction:
        """Say how the journey ended."""
        if self.unheard:
            return Prediction(self.clip.id, "abstained", self.unheard)
        if self.referral is not None and self.referral.abstained is not None:
            return Prediction(self.clip.id, "abstained", self.referral.abstained, self.referral)
        if self.soft_map is None:
            return Prediction(self.clip.id, "failed", self.failure, self.referral)
        threshold = self.pipeline.threshold
        if threshold is None:
            threshold = self.pipeline.models.segmenter.threshold
        mask = self.soft_map > threshold
        return Prediction(self.clip.id, "ok", "", self.referral, self.soft_map, mask, threshold)


def predict_together(tasks: Sequence[Task]) -> list[list[Prediction]]:
    """Predict with several pipelines at once: a picture or sound that they share is captioned once by each captioner,
    and equal expressions for one picture are segmented once.

    Args:
        tasks: what each pipeline has to do. Clips are shared if they are the same objects. The pipelines' models
            are on one device and compute in one precision.

    Returns:
        For each task what its pipeline returns.

    Raises:
        ConfigurationError: if two clips of a task have the same id.
        ModelError: if a model cannot be loaded.
    """
    journeys = [_set_out(task) for task in tasks]
    road = [traveller for journey in journeys for traveller in journey if not traveller.unheard]
    with ExitStack() as computing:
        for models in {id(task.pipeline.models): task.pipeline.models for task in tasks}.values():
            computing.enter_context(models.computing())
        _caption_pictures(road)
        _caption_sounds(road)
        _refer(road)
        _segment(road)
    return [[traveller.arrive() for traveller in journey] for journey in journeys]


def _set_out(task: Task) -> list[_Traveller]:
    if len({clip.id for clip in task.clips}) < len(task.clips):
        raise ConfigurationError("clips of a batch need ids of their own, and two of these share one")
    travellers = []
    for clip in task.clips:
        known = task.known.get(clip.id, Captions())
        unheard = task.pipeline.unheard(clip.sound)
        travellers.append(_Traveller(task.pipeline, clip, unheard, known.image, known.audio))
    return travellers


def _caption_pictures(road: Sequence[_Traveller]) -> None:
    """Caption each picture once, however many sounds and strategies go with it: they share the array."""

    def caption(some: Sequence[_Traveller]) -> list[Caption]:
        return some[0].pipeline.models.image_captioner.caption_images([t.clip.image for t in some])

    waiting = [t for t in road if t.image_caption is None and "image_captioner" in t.pipeline.strategy.needs]
    for captioner in _groups(waiting, lambda t: id(t.pipeline.models.image_captioner)):
        for traveller, found in _stage("image captioner", caption, captioner, lambda t: id(t.clip.image)):
            traveller.image_caption = found


def _caption_sounds(road: Sequence[_Traveller]) -> None:
    """Caption each sound once, however many strategies hear it."""

    def caption(some: Sequence[_Traveller]) -> list[Caption]:
        return some[0].pipeline.models.audio_captioner.caption_sounds([t.sound for t in some])

    waiting = [t for t in road if t.audio_caption is None and "audio_captioner" in t.pipeline.strategy.needs]
    for captioner in _groups(waiting, lambda t: id(t.pipeline.models.audio_captioner)):
        for traveller, found in _stage("audio captioner", caption, captioner, lambda t: id(t.sound)):
            traveller.audio_caption = found


def _refer(road: Sequence[_Traveller]) -> None:
    """Let each pipeline's strategy name what to segment."""

    def refer(some: Sequence[_Traveller]) -> list[Referral]:
        pipeline = some[0].pipeline
        return pipeline.strategy.refer([t.evidence for t in some], pipeline.models)

    for travellers in _groups(road, lambda t: id(t.pipeline)):
        name = f"strategy {travellers[0].pipeline.strategy.name}"
        for traveller, referral in _stage(name, refer, travellers, id):
            traveller.referral = referral


def _segment(road: Sequence[_Traveller]) -> None:
    """Let the segmenters find what was named; what is named twice in one picture is looked for once."""
    waiting = [t for t in road if t.referral is not None and t.referral.abstained is None]
    for travellers in _groups(waiting, lambda t: id(t.pipeline.models.segmenter)):
        # Pictures that come together are looked at once, whatever is named in them.
        ordered = [t for sharing in _groups(travellers, lambda t: id(t.clip.image)) for t in sharing]
        for traveller, soft_map in _stage("segmenter", _segment_batch, ordered, _wanted):
            traveller.soft_map = soft_map


def _expression(traveller: _Traveller) -> str | TokenEmbeddings:
    if traveller.referral is None:
        raise ValueError("nothing was named")
    return traveller.referral.tokens or traveller.referral.text


def _wanted(traveller: _Traveller) -> Hashable:
    """What is looked for, and where."""
    expression = _expression(traveller)
    return id(traveller.clip.image), expression if isinstance(expression, str) else id(expression)


def _segment_batch(travellers: Sequence[_Traveller]) -> list[SoftMap]:
    images = [t.clip.image for t in travellers]
    segmenter = travellers[0].pipeline.models.segmenter
    soft_maps = segmenter.segment(images, [_expression(t) for t in travellers])
    for image, soft_map in zip(images, soft_maps, strict=True):
        check_soft_map(soft_map, image.shape[:2])
    return soft_maps


def _groups(
    travellers: Sequence[_Traveller], key: Callable[[_Traveller], Hashable]
) -> list[list[_Traveller]]:
    """Those with the same key together, in the order of the first of each group."""
    groups: dict[Hashable, list[_Traveller]] = {}
    for traveller in travellers:
        groups.setdefault(key(traveller), []).append(traveller)
    return list(groups.values())


def _stage(
    name: str,
    call: Callable[[Sequence[_Traveller]], Sequence[Result]],
    travellers: Sequence[_Traveller],
    key: Callable[[_Traveller], Hashable],
) -> Iterator[tuple[_Traveller, Result]]:
    """Run one stage for those still on the road, once per key; mark the failed, yield the others with results."""
    groups = _groups([traveller for traveller in travellers if not traveller.failure], key)
    if not groups:
        return
    firsts = [group[0] for group in groups]
    results = run_stage(name, call, firsts, firsts[0].pipeline.sizes)
    for group, result in zip(groups, results, strict=True):
        for traveller in group:
            if isinstance(result, Failure):
                traveller.failure = result.reason
            else:
                yield traveller, result


def check_soft_map(soft_map: SoftMap, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless a soft map has the picture's shape and finite values in [0, 1]."""
    if soft_map.shape != shape:
        raise ValueError(f"the soft map has shape {soft_map.shape}, the picture {shape}")
    if not np.isfinite(soft_map).all():
        raise ValueError("the soft map holds NaN or infinite values")
    if soft_map.size and (soft_map.min() < 0 or soft_map.max() > 1):
        raise ValueError(f"the soft map's values leave [0, 1]: {soft_map.min():g} .. {soft_map.max():g}")
