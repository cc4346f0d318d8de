"""The models of one preset in every precision, and the samples that they work on.

Precisions are those of the package and ``tf32``, which is float32 with products rounded to TF32. Where stages and
precisions are compared, float32 is without that. Where speed is measured, torch's own settings decide, as in a
user's run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from media import Pair

from fiftyone_avs import load_pipeline
from fiftyone_avs.engine import BatchSizes, sizes_for
from fiftyone_avs.media import ClipFiles, read_clips
from fiftyone_avs.models import Models, load_models
from fiftyone_avs.pipeline import Pipeline
from fiftyone_avs.types import Clip, Prediction

from .accelerator import tf32
from .stages import CLIPSEG, STAGES, Inputs, Stage
from .weights import noun_extractor, write_clipseg, write_preset


class Bench:
    """A preset under test. Weights are written and loaded when they are first needed.

    Args:
        preset: "paper" or "open".
        device: "cpu" or a CUDA device.
        small: small variants of the networks.
        folder: where weights are written.
        pairs: files of pictures and sounds.
        compared: of how many samples the precisions are compared.

    Attributes:
        warm: engines that are warm already, by precision and strategy.
    """

    def __init__(
        self, preset: str, device: str, small: bool, folder: Path, pairs: Sequence[Pair], compared: int
    ) -> None:
        self.preset, self.device, self.small = preset, device, small
        self.folder, self.pairs, self.compared = folder, pairs, compared
        self.warm: dict[tuple[str, str], Any] = {}
        self._models: dict[tuple[str, str | None], Models] = {}

    @cached_property
    def clips(self) -> list[Clip]:
        """All samples, read."""
        return [read_pair(pair) for pair in self.pairs]

    @cached_property
    def given(self) -> dict[str, str]:
        """What plays each role."""
        nouns, _ = noun_extractor()
        return {**write_preset(self.preset, self.folder, self.small), "noun_extractor": nouns}

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """The stages of this preset."""
        return (*STAGES, CLIPSEG) if self.preset == "open" else STAGES

    def models(self, precision: str, strategy: str | None = None) -> Models:
        """The models in a precision; all precisions share the weights, which stay float32."""
        precision = "float32" if precision == "tf32" else precision
        key = precision, strategy
        if key not in self._models:
            given = self.given
            if strategy is not None:
                given = {"segmenter": write_clipseg(self.folder, self.small)}
            models = load_models(self.preset, overrides=given, device=self.device, precision=precision)
            if precision != "float32":
                models.share_with(self.models("float32", strategy))
            self._models[key] = models
        return self._models[key]

    def pipeline(self, precision: str, sizes: BatchSizes, strategy: str = "vcap_acls") -> Pipeline:
        """The engine with batch sizes that can be looked at."""
        models = self.models(precision)
        models.batch_sizes = sizes
        return load_pipeline(strategy, models=models)

    def first_sizes(self) -> BatchSizes:
        """Where the engine begins."""
        return sizes_for(self.device)

    @cached_property
    def exact(self) -> list[Prediction]:
        """What the whole pipeline finds in float32 for the samples that are compared."""
        return all_ok(self.predict("float32"))

    @cached_property
    def inputs(self) -> Inputs:
        """What float32 hands from stage to stage, for the samples that are compared."""
        referrals = [prediction.referral for prediction in self.exact if prediction.referral is not None]
        clips = self.clips[: self.compared]
        return Inputs(
            [clip.image for clip in clips],
            [clip.sound for clip in clips if clip.sound is not None],
            [[candidate.text for candidate in referral.trace.candidates] for referral in referrals],
            [referral.text for referral in referrals],
        )

    def predict(self, precision: str) -> list[Prediction]:
        """What the whole pipeline finds for the samples that are compared."""
        pipeline = self.pipeline(precision, self.first_sizes())
        self.forget(precision)
        with tf32(precision == "tf32"):
            return pipeline(self.clips[: self.compared])

    def run(self, stage: Stage, precision: str, inputs: Inputs) -> list[Any]:
        """A stage on one batch, as if its texts were new."""
        model = self.model(stage, precision)
        self.forget(precision, stage.strategy)
        with self.computing(stage, precision):
            return stage.call(model, inputs)

    def model(self, stage: Stage, precision: str) -> Any:
        """Who plays a stage's role."""
        return self.models(precision, stage.strategy).role(stage.role)

    @contextmanager
    def computing(self, stage: Stage, precision: str) -> Iterator[None]:
        """A context in which a stage computes in a precision."""
        with tf32(precision == "tf32"), self.models(precision, stage.strategy).computing():
            yield

    def forget(self, precision: str, strategy: str | None = None) -> None:
        """Let the models forget texts that they know: they would be free, or of another precision."""
        models = self.models(precision, strategy)
        for role in models.loaded:
            model: Any = models.role(role)
            remembering = model if role == "noun_extractor" else getattr(model, "text_features", None)
            if remembering is not None:
                remembering._known.clear()


def read_pair(pair: Pair) -> Clip:
    """A sample from its files.

    Raises:
        RuntimeError: if they cannot be read.
    """
    (clip,) = read_clips(ClipFiles(str(pair.picture), ((pair.name, str(pair.sound)),), "sound"))
    if not isinstance(clip, Clip):
        raise RuntimeError(f"{clip.id}: {clip.reason}")
    return clip


def all_ok(predictions: list[Prediction]) -> list[Prediction]:
    """The predictions themselves; samples that fail take less time.

    Raises:
        RuntimeError: if a sample is not ok.
    """
    bad = next((prediction for prediction in predictions if prediction.status != "ok"), None)
    if bad is not None:
        raise RuntimeError(f"{bad.id}: {bad.status}: {bad.reason}")
    return predictions
