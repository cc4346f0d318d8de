"""Nothing is computed twice: pictures that come several times in a batch, texts that come again and again."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

import fiftyone_avs as avs
from fiftyone_avs.models import similarity
from fiftyone_avs.models.similarity import TextFeatures, score_pairs
from tests.models.builders import pictures, sounds, weights
from tests.models.helpers import play
from tests.models.small_official import small_card, write

EXPRESSIONS = ["a photo of a dog.", "rain", "a bee", "a photo of a dog."]
PLACES = [0, 1, 0, 0]
SEGMENTERS = ("clipseg", "asda", "cris-r50", "etris-r101")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """Small variants of the adapters that look at pictures or read texts."""
    found = {"clipseg": play("segmenter", weights("clipseg"))}
    found["clip"] = play("image_text_scorer", weights("clip"))
    found["blip"] = play("image_captioner", weights("blip"))
    found["clap"] = play("audio_text_scorer", f"clap-htsat-unfused:{weights('clap')}")
    for name in (*SEGMENTERS[1:], "msclap-2023", "laion-clap-630k-audioset"):
        folder = tmp_path_factory.mktemp(name)
        write(folder, name)
        card = small_card(name, folder)
        found[name] = avs.Models({card.role: card}).role(card.role)
    return found


class Counted:
    """Counts the pictures or texts that enter the first layer of a kind, and takes its hook away again."""

    def __init__(self, network, kind):
        self.entered = 0
        layer = next(module for module in network.modules() if isinstance(module, kind))
        self.hook = layer.register_forward_hook(self._count)

    def _count(self, _module, inputs, _output):
        self.entered += len(inputs[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.hook.remove()


@pytest.mark.parametrize("name", SEGMENTERS)
def test_a_segmenter_looks_once_at_a_picture_with_several_expressions(loaded, name):
    segmenter, images = loaded[name], pictures((75, 111), (60, 40))
    with Counted(segmenter.network, torch.nn.Conv2d) as looked:
        together = segmenter.segment([images[place] for place in PLACES], EXPRESSIONS)
    assert looked.entered == 2
    for place, text, found in zip(PLACES, EXPRESSIONS, together, strict=True):
        alone = segmenter.segment([images[place].copy()], [text])[0]
        assert found.shape == images[place].shape[:2]
        assert np.abs(found - alone).max() < 1e-5
    assert np.abs(together[0] - together[2]).max() > 1e-6  # the words still matter


def test_clip_and_blip_look_once_at_a_picture(loaded):
    first, second = pictures((75, 111), (60, 40))
    images, texts = [first, second, first], [["a dog"], ["a dog", "rain"], ["rain", "a bee"]]
    with Counted(loaded["clip"].network, torch.nn.Conv2d) as looked:
        scores = loaded["clip"].score_images(images, texts)
    assert looked.entered == 2
    for image, row, found in zip(images, texts, scores, strict=True):
        assert loaded["clip"].score_images([image], [row])[0] == pytest.approx(found, abs=1e-6)
    with Counted(loaded["blip"].network, torch.nn.Conv2d) as looked:
        captions = loaded["blip"].caption_images(images)
    assert looked.entered == 2
    assert captions == [loaded["blip"].caption_images([image])[0] for image in images]
    assert captions[0] != captions[1]


@pytest.mark.parametrize("name", ["msclap-2023", "laion-clap-630k-audioset", "clap"])
def test_a_scorer_encodes_a_text_once(loaded, name):
    scorer, heard = loaded[name], sounds((1.0, 16000))
    with Counted(scorer.network, torch.nn.Embedding) as read:
        first = scorer.score_sounds(heard * 2, [["a violin", "a drum"], ["a drum"]])
        assert read.entered == 2
        again = scorer.score_sounds(heard, [["a drum", "a violin"]])
        assert read.entered == 2
        scorer.score_sounds(heard, [["a drum", "a train"]])
        assert read.entered == 3
    assert again[0] == pytest.approx(first[0][::-1], abs=1e-6)


def test_clip_and_clipseg_encode_a_text_once(loaded):
    image = pictures((60, 40))[0]
    with Counted(loaded["clip"].network, torch.nn.Embedding) as read:
        for _ in range(2):
            loaded["clip"].score_images([image], [["a violin", "a drum"]])
    assert read.entered == 2
    segmenter = loaded["clipseg"]
    with Counted(segmenter.network, torch.nn.Embedding) as read:
        maps = [segmenter.segment([image, image], ["a violin", "a drum"]) for _ in range(2)]
    assert read.entered == 2
    assert np.array_equal(maps[0], maps[1])


@pytest.mark.parametrize("text", ["a dog", "a dog!", "! a !! dog", "!", "", "dog " * 90])
@torch.inference_mode()
def test_msclap_reads_a_short_text_as_if_it_were_filled_up(loaded, text):
    scorer = loaded["msclap-2023"]
    ids, mask = scorer.tokens([text])
    assert ids.shape == (1, 77)
    assert ("!" in text) == bool((ids[mask == 1] == 0).any())  # the filler's id is that of "!"
    whole = scorer.network.embed_text(ids, mask)
    for others in ([], ["a very long text beside it, so that the batch is wider"]):
        assert torch.allclose(scorer._encode([text, *others])[:1], whole, atol=1e-5)


def fake_encoder(calls):
    def encode(texts):
        calls.append(list(texts))
        return torch.tensor([[float(len(text)), float(sum(map(ord, text)))] for text in texts])

    return encode


def test_texts_are_encoded_shortest_first_and_in_parts(monkeypatch):
    monkeypatch.setattr(similarity, "AT_ONCE", 2)
    calls = []
    features = TextFeatures(fake_encoder(calls))
    rows = features(["ccc", "a", "bb", "a", "dddd"])
    assert calls == [["a", "bb"], ["ccc", "dddd"]]
    assert rows[:, 0].tolist() == [3, 1, 2, 1, 4]


def test_texts_that_were_not_asked_for_lately_are_forgotten():
    calls = []
    features = TextFeatures(fake_encoder(calls), kept=2)
    features(["a", "b"])
    features(["a"])
    features(["c"])
    assert features(["a", "c", "dd", "eee"])[:, 0].tolist() == [1, 1, 2, 3]  # more than are kept
    features(["eee", "b"])
    assert calls == [["a", "b"], ["c"], ["dd", "eee"], ["b"]]


def test_threads_that_ask_for_the_same_texts_have_them_encoded_once():
    calls, rows = [], []
    features = TextFeatures(fake_encoder(calls))
    texts = [f"text {number}" for number in range(40)]
    threads = [threading.Thread(target=lambda: rows.append(features(texts))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rows) == 4 and all(torch.equal(rows[0], row) for row in rows)
    assert sum(map(len, calls)) == 40


def test_a_failed_encoding_leaves_what_is_known():
    calls = []
    encode = fake_encoder(calls)

    def fragile(texts):
        if "bad" in texts:
            raise RuntimeError("out of memory")
        return encode(texts)

    features = TextFeatures(fragile)
    features(["a"])
    with pytest.raises(RuntimeError):
        features(["a", "bad"])
    features(["a"])
    assert calls == [["a"]]
    assert score_pairs(torch.eye(2), [["a"], []], features)[1] == []


def test_beams_share_the_picture_and_find_the_same_captions(monkeypatch):
    from transformers import EncoderDecoderCache

    from fiftyone_avs.models import image_captioner, load_models
    from fiftyone_avs.tiny.scenes import make_scenes

    images = [scene.image for scene in make_scenes(11, 4)]
    found = load_models("tiny").image_captioner.caption_images(images)
    monkeypatch.setattr(image_captioner, "PictureAttention", lambda plain, beams: plain)
    monkeypatch.setattr(image_captioner, "FusedAttention", lambda plain: plain)
    monkeypatch.setattr(
        image_captioner.BeamCache, "reorder_cache", EncoderDecoderCache.reorder_cache
    )  # transformers' own way
    plain = load_models("tiny").image_captioner.caption_images(images)
    assert found == plain and len(found[0].texts) > 1


def test_a_text_is_parsed_once():
    from fiftyone_avs.models import load_models

    extractor = load_models("tiny").noun_extractor
    first = extractor.extract(["a dog and a cat", "a cat", "a dog and a cat"])
    parsed = []
    pipe = extractor.pipeline.pipe
    extractor.pipeline.pipe = lambda texts: (
        parsed.append(text) or document for text, document in _both(pipe, texts)
    )
    second = extractor.extract(["a cat", "a drum", "a dog and a cat"])
    assert parsed == ["a drum"]
    assert first[0] == first[2] == second[2] and first[1] == second[0]


def _both(pipe, texts):
    return zip(texts, pipe(texts), strict=True)
