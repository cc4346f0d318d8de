"""The road itself: every clip arrives once, with a status and a reason, whatever happens to the others."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

import fiftyone_avs as avs
from fiftyone_avs.models.fake import FakeImageCaptioner, FakeSegmenter, fake_models
from fiftyone_avs.pipeline import Captions, Task, predict_together
from fiftyone_avs.planning import share_models

LOUD = avs.Sound(np.full(1600, 0.5, np.float32), 16000)
SILENT = avs.Sound(np.full(1600, 1e-5, np.float32), 16000)


def clip(name, sound=LOUD, brightness=200, size=(6, 4)):
    return avs.Clip(name, np.full((*size, 3), brightness, np.uint8), sound)


@dataclass
class Picky:
    """A segmenter that cannot bear dark pictures, alone or in a batch."""

    threshold: float = 0.5
    batches: list[int] = field(default_factory=list)

    def segment(self, images, expressions):
        self.batches.append(len(images))
        if any(image.max() < 10 for image in images):
            raise RuntimeError("too dark")
        return [np.full(image.shape[:2], 0.75, np.float32) for image in images]


def test_a_prediction_has_the_pictures_size_and_the_mask_follows_the_threshold():
    pipeline = avs.load_pipeline("vcap_acls", models=fake_models())
    bright, dark = pipeline([clip("a", size=(7, 5)), clip("b", brightness=20)])
    assert bright.status == "ok"
    assert bright.soft_map.shape == (7, 5)
    assert bright.soft_map.dtype == np.float32
    assert bright.mask.all()
    assert not dark.mask.any()
    assert bright.threshold == 0.5
    assert bright.referral.text == "a photo of dog."


def test_the_threshold_can_be_set():
    pipeline = avs.load_pipeline("classification", models=fake_models(), threshold=0.9)
    (prediction,) = pipeline([clip("a")])
    assert not prediction.mask.any()
    assert prediction.threshold == 0.9


def test_one_bad_clip_fails_alone_with_a_reason():
    segmenter = Picky()
    pipeline = avs.load_pipeline("classification", models=fake_models(segmenter=segmenter))
    predictions = pipeline([clip("a"), clip("b", brightness=0), clip("c")])
    assert [p.status for p in predictions] == ["ok", "failed", "ok"]
    assert predictions[1].reason == "segmenter: too dark"
    assert predictions[1].referral.text == "a photo of dog."  # what was asked is kept for people to read
    assert segmenter.batches == [3, 1, 1, 1]


def test_a_model_that_cannot_work_at_all_stops_the_run():
    class Broken(FakeSegmenter):
        def segment(self, images, expressions):
            raise avs.ModelError("the weights are gone")

    pipeline = avs.load_pipeline("classification", models=fake_models(segmenter=Broken()))
    with pytest.raises(avs.ModelError, match="gone"):
        pipeline([clip("a"), clip("b")])


@pytest.mark.parametrize(
    "bad",
    [
        np.full((6, 4), np.nan, np.float32),
        np.full((6, 4), 1.5, np.float32),
        np.full((5, 4), 0.5, np.float32),
    ],
    ids=["nan", "out of range", "wrong size"],
)
def test_an_impossible_soft_map_is_a_failure_not_a_result(bad):
    class Bad(FakeSegmenter):
        def segment(self, images, expressions):
            return [bad for _ in images]

    (prediction,) = avs.load_pipeline("classification", models=fake_models(segmenter=Bad()))([clip("a")])
    assert prediction.status == "failed"
    assert prediction.soft_map is None


def test_silence_abstains_unless_told_to_run():
    models = fake_models()
    (quiet,) = avs.load_pipeline("classification", models=models)([clip("a", SILENT)])
    assert quiet.status == "abstained"
    assert "silent" in quiet.reason
    (run,) = avs.load_pipeline("classification", models=models, silence="run")([clip("a", SILENT)])
    assert run.status == "ok"


@pytest.mark.parametrize("silence", ["abstain", "run"])
def test_no_sound_always_abstains(silence):
    pipeline = avs.load_pipeline("classification", models=fake_models(), silence=silence)
    statuses = [
        p.status for p in pipeline([clip("a", None), clip("b", avs.Sound(np.zeros(0, np.float32), 8000))])
    ]
    assert statuses == ["abstained", "abstained"]


def test_an_abstaining_strategy_is_not_segmented():
    segmenter = FakeSegmenter()
    pipeline = avs.load_pipeline(
        "classification", models=fake_models(segmenter=segmenter), strategy_options={"min_confidence": 0.99}
    )
    (prediction,) = pipeline([clip("a")])
    assert prediction.status == "abstained"
    assert prediction.mask is None
    assert not segmenter.expressions


def test_known_captions_are_not_asked_for_again():
    captioner = FakeImageCaptioner()
    pipeline = avs.load_pipeline("vcap_acls", models=fake_models(image_captioner=captioner))
    known = {"a": avs.Captions(image=avs.Caption(("a cat",)))}
    first, second = pipeline([clip("a"), clip("b")], known)
    assert first.referral.text == "a photo of cat."
    assert second.referral.text == "a photo of dog."
    assert captioner.calls == 1


def test_an_empty_batch_is_an_empty_list():
    assert avs.load_pipeline("vcap_acls", models=fake_models())([]) == []


def test_clips_that_share_an_id_are_refused():
    pipeline = avs.load_pipeline("classification", models=fake_models())
    with pytest.raises(avs.ConfigurationError, match="ids of their own"):
        pipeline([clip("a"), clip("a", brightness=20)])


def test_impossible_settings_are_refused():
    with pytest.raises(avs.ConfigurationError, match="silence"):
        avs.load_pipeline("classification", models=fake_models(), silence="ignore")
    with pytest.raises(avs.ConfigurationError, match="threshold"):
        avs.load_pipeline("classification", models=fake_models(), threshold=2)


def test_pipelines_together_share_captions_pictures_and_expressions():
    models = fake_models()
    first, second = (avs.load_pipeline(name, models=models) for name in ("captioning", "acap_vcls"))
    clips = [clip("a"), clip("b", brightness=20), clip("c", sound=SILENT)]
    known = {"b": Captions(audio=avs.Caption(("a cat",)))}
    found = predict_together([Task(first, clips, known), Task(second, clips[:2], known)])
    assert [[p.status for p in predictions] for predictions in found] == [
        ["ok", "ok", "abstained"],
        ["ok", "ok"],
    ]
    assert [[p.referral.text for p in predictions[:2]] for predictions in found] == [
        ["a dog is barking", "a cat"],
        ["a photo of dog.", "a photo of cat."],
    ]
    assert models.audio_captioner.calls == 1
    # What is looked for in one picture comes together.
    assert models.segmenter.expressions == ["a dog is barking", "a photo of dog.", "a cat", "a photo of cat."]


def test_what_fails_for_one_fails_for_all_that_share_it_and_for_nobody_else():
    models = fake_models(segmenter=Picky())
    first, second = (avs.load_pipeline(name, models=models) for name in ("captioning", "acap_vcls"))
    other = avs.load_pipeline("captioning", models=fake_models(), threshold=0.9)
    clips = [clip("a"), clip("b", brightness=0)]
    found = predict_together([Task(pipeline, clips) for pipeline in (first, second, other)])
    assert [[p.reason for p in predictions] for predictions in found] == [
        ["", "segmenter: too dark"],
        ["", "segmenter: too dark"],
        ["", ""],
    ]
    assert found[2][0].threshold == 0.9 and not found[2][0].mask.any() and found[0][0].mask.all()


def test_models_are_loaded_once_for_pipelines_that_share_them():
    first, second, third = share_models(
        [avs.load_pipeline(name, preset="tiny") for name in ("captioning", "acap_vcls", "inversion")]
    )
    assert first.models.audio_captioner is second.models.audio_captioner
    assert first.models.segmenter is third.models.segmenter
    other = avs.load_pipeline("captioning", preset="tiny")
    assert other.models.segmenter is not first.models.segmenter
