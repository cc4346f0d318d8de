"""Roles, cards and presets: who plays what, and what is said when nobody does."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch

import fiftyone_avs as avs
from fiftyone_avs.models import by_role
from fiftyone_avs.models.cards import ADAPTERS, CARDS, PRESETS, Card
from fiftyone_avs.models.fake import FakeSegmenter, fake_models
from fiftyone_avs.models.roles import ROLES


def test_every_card_and_preset_is_consistent():
    for card in CARDS.values():
        assert card.role in ROLES
        assert card.licence
    for preset in PRESETS.values():
        for role, name in preset.roles.items():
            assert CARDS[name].role == role
    assert set(PRESETS["tiny"].roles) == set(ROLES) == set(ADAPTERS)


def test_the_tiny_models_belong_to_no_other_preset():
    for preset in PRESETS.values():
        if preset.name != "tiny":
            assert not any(name.startswith("tiny/") for name in preset.roles.values())


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("cuda", "sees no CUDA GPU here; use 'cpu'"),
        ("cuda:7", "sees no CUDA GPU here"),
        ("mps", "sees no Apple GPU here"),
        ("xpu", "sees no Intel GPU here"),
        ("xpu:0", "sees no Intel GPU here"),
        ("meta", "unknown device 'meta'"),
        ("cpu:3", "no device 'cpu:3' here"),
        ("cuda:", "unknown device"),
        ("-1", "unknown device"),
    ],
)
def test_a_device_that_is_not_here_is_refused_before_anything_is_loaded(monkeypatch, device, message):
    for kind in (torch.cuda, torch.backends.mps, torch.xpu):
        monkeypatch.setattr(kind, "is_available", lambda: False)
    with pytest.raises(avs.ConfigurationError, match=message):
        avs.load_models("open", device=device)


def test_the_gpus_that_are_here_are_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert avs.load_models("open", device="cuda:1").device == "cuda:1"
    with pytest.raises(avs.ConfigurationError, match="use 'cuda:0', 'cuda:1', or 'cpu'"):
        avs.load_models("open", device="cuda:7")


def test_unknown_presets_roles_and_devices_are_refused():
    with pytest.raises(avs.ConfigurationError, match="open, paper, tiny"):
        avs.load_models("huge")
    with pytest.raises(avs.ConfigurationError, match="noun_extractor"):
        avs.load_models("tiny", overrides={"nouns": "tiny/nouns"})
    with pytest.raises(avs.ConfigurationError, match="plays the role"):
        avs.load_models("tiny", overrides={"segmenter": "tiny/nouns"})
    with pytest.raises(avs.ConfigurationError, match="unknown device"):
        avs.load_models("tiny", device="abacus")


def test_a_model_that_is_not_there_names_the_card_and_the_remedy(tmp_path):
    models = avs.load_models("tiny", overrides={"audio_classifier": str(tmp_path / "nowhere")})
    with pytest.raises(avs.ModelError, match=r"nowhere.*folder"):
        models.require(["audio_classifier"])


def test_an_uninstalled_spacy_pipeline_names_the_command():
    models = avs.load_models("tiny", overrides={"noun_extractor": "xx_no_such_pipeline"})
    with pytest.raises(avs.ModelError, match="spacy download xx_no_such_pipeline"):
        models.require(["noun_extractor"])


def test_any_object_with_the_right_methods_can_play_a_role():
    models = fake_models()
    segmenter = FakeSegmenter(threshold=0.3)
    models.use("segmenter", segmenter)
    assert models.segmenter is segmenter
    with pytest.raises(avs.ConfigurationError, match="does not play"):
        models.use("segmenter", object())


def test_a_card_of_ones_own_can_be_registered_once():
    card = Card("test/own", "segmenter", "tests.models.test_models:Own", "nowhere", "MIT")
    try:
        avs.register_card(card)
        avs.register_card(card)  # the same card again is no conflict
        with pytest.raises(avs.ConfigurationError, match="exists already"):
            avs.register_card(Card("test/own", "segmenter", "elsewhere:Own", "nowhere", "MIT"))
        models = avs.load_models("tiny", overrides={"segmenter": "test/own"})
        assert models.segmenter.threshold == 0.25
    finally:
        CARDS.pop("test/own", None)


class Own(FakeSegmenter):
    @classmethod
    def load(cls, card, models):
        return cls(threshold=0.25)


def test_the_record_names_card_source_revision_and_licence(tmp_path):
    (tmp_path / "weights").write_bytes(b"abc")
    first = avs.load_models("tiny", overrides={"segmenter": str(tmp_path)}).describe(["segmenter"])
    assert first["segmenter"]["source"] == str(tmp_path)
    assert first["segmenter"]["revision"].startswith("sha256:")
    (tmp_path / "weights").write_bytes(b"abd")
    second = avs.load_models("tiny", overrides={"segmenter": str(tmp_path)}).describe(["segmenter"])
    assert first["segmenter"]["revision"] != second["segmenter"]["revision"]


def test_a_replaced_model_is_not_kept():
    models = avs.load_models("tiny")
    first = weakref.ref(models.noun_extractor)
    models.use("noun_extractor", fake_models().noun_extractor)
    gc.collect()
    assert first() is None


def test_weights_that_do_not_fit_into_memory_are_refused_before_they_are_read(monkeypatch):
    monkeypatch.setattr(by_role, "free_on", lambda device: 1 << 20)
    models = avs.load_models("tiny")
    with pytest.raises(
        avs.ModelError, match=r"no memory for tiny/clip on 'cpu'.*4 MB.*1 MB are free.*smaller"
    ):
        models.require(["image_text_scorer"])
    assert not models.loaded


def test_a_gpu_too_small_for_the_weights_is_an_error_that_says_so(monkeypatch):
    def move(self, *args, **options):
        try:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        except torch.OutOfMemoryError as error:
            raise RuntimeError("cannot move") from error

    models = avs.load_models("tiny")
    monkeypatch.setattr(torch.nn.Module, "to", move)
    with pytest.raises(avs.ModelError, match=r"no memory for tiny/clip on 'cpu': its weights take \d MB"):
        _ = models.image_text_scorer
