"""CLIP, BLIP and CLIPSeg in transformers' own format, against direct calls of transformers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate
from transformers import (
    AutoTokenizer,
    BlipForConditionalGeneration,
    BlipImageProcessorPil,
    CLIPImageProcessorPil,
    CLIPModel,
    CLIPSegForImageSegmentation,
    ViTImageProcessorPil,
)
from transformers.models.auto import image_processing_auto

import fiftyone_avs as avs
from tests.models.builders import pictures, weights
from tests.models.helpers import play, play_card

SIZES = (75, 111), (120, 61), (33, 200), (48, 48)
TEXTS = [["a photo of a dog.", "a bee"], ["rain"], ["a cat", "a photo of a car.", "a dog"], ["a frog"]]
EXPRESSIONS = ["a photo of a dog.", "rain", "a red car on the road", "a bee"]


@torch.inference_mode()
def test_clip_gives_the_cosines_of_clips_own_forward():
    images = pictures(*SIZES)
    found = play("image_text_scorer", weights("clip")).score_images(images, TEXTS)
    network = CLIPModel.from_pretrained(weights("clip")).eval()
    processor = CLIPImageProcessorPil.from_pretrained(weights("clip"))
    tokenizer = AutoTokenizer.from_pretrained(weights("clip"))
    for image, texts, row in zip(images, TEXTS, found, strict=True):
        inputs = tokenizer(texts, padding=True, return_tensors="pt")
        pixels = processor(images=image, return_tensors="pt")["pixel_values"]
        output = network(inputs.input_ids, pixels, attention_mask=inputs.attention_mask)
        expected = (output.logits_per_image / network.logit_scale.exp())[0]
        assert row == pytest.approx(expected.tolist(), abs=1e-6)
        assert all(-1 <= score <= 1 for score in row)
    assert max(found[0]) - min(found[0]) > 1e-3  # texts matter
    alone = play("image_text_scorer", weights("clip")).score_images(images[1:2], [TEXTS[0]])
    assert alone[0] != pytest.approx(found[0], abs=1e-3)  # pictures matter


def test_clip_scores_a_picture_the_same_in_any_batch():
    scorer, images = play("image_text_scorer", weights("clip")), pictures(*SIZES)
    together = scorer.score_images(images, TEXTS)
    assert together == scorer.score_images(images, TEXTS)
    for image, texts, row in zip(images, TEXTS, together, strict=True):
        assert scorer.score_images([image], [texts])[0] == pytest.approx(row, abs=1e-5)


@torch.inference_mode()
def test_blip_says_what_blips_own_generate_says():
    images = pictures(*SIZES)
    captioner = play_card("blip-base", weights("blip"), beams=3, max_tokens=8)
    found = captioner.caption_images(images)
    network = BlipForConditionalGeneration.from_pretrained(weights("blip")).eval()
    processor = BlipImageProcessorPil.from_pretrained(weights("blip"))
    tokenizer = AutoTokenizer.from_pretrained(weights("blip"))
    for image, caption in zip(images, found, strict=True):
        pixels = processor(images=image, return_tensors="pt")["pixel_values"]
        tokens = network.generate(pixels, num_beams=3, num_return_sequences=3, max_new_tokens=8)
        texts = tokenizer.batch_decode(tokens, skip_special_tokens=True)
        assert caption.texts == tuple(dict.fromkeys(" ".join(text.split()) for text in texts))
    assert len({caption.text for caption in found}) > 1  # pictures matter


def test_blip_by_folder_is_greedy_and_repeatable():
    captioner, images = play("image_captioner", weights("blip")), pictures(*SIZES)
    found = captioner.caption_images(images)
    assert found == captioner.caption_images(images)
    assert found == [captioner.caption_images([image])[0] for image in images]
    assert all(len(caption.texts) == 1 and caption.text for caption in found)


@torch.inference_mode()
def test_clipseg_draws_what_clipsegs_own_forward_draws():
    images = pictures(*SIZES)
    found = play("segmenter", weights("clipseg")).segment(images, EXPRESSIONS)
    network = CLIPSegForImageSegmentation.from_pretrained(weights("clipseg")).eval()
    processor = ViTImageProcessorPil.from_pretrained(weights("clipseg"))
    tokenizer = AutoTokenizer.from_pretrained(weights("clipseg"))
    for image, text, soft_map in zip(images, EXPRESSIONS, found, strict=True):
        pixels = processor(images=image, return_tensors="pt")["pixel_values"]
        output = network(**tokenizer(text, return_tensors="pt"), pixel_values=pixels)
        logits = output.logits.reshape(1, 1, 48, 48)
        expected = interpolate(logits.sigmoid(), image.shape[:2], mode="bilinear", align_corners=False)
        assert soft_map.dtype == np.float32 and soft_map.shape == image.shape[:2]
        assert np.allclose(soft_map, expected[0, 0], atol=1e-5)
        assert soft_map.max() - soft_map.min() > 0.1


def test_clipseg_draws_a_picture_the_same_in_any_batch():
    segmenter, images = play("segmenter", weights("clipseg")), pictures(*SIZES)
    together = segmenter.segment(images, EXPRESSIONS)
    for image, text, soft_map in zip(images, EXPRESSIONS, together, strict=True):
        assert np.allclose(segmenter.segment([image], [text])[0], soft_map, atol=1e-5)
    others = segmenter.segment(images, EXPRESSIONS[::-1])
    assert all(np.abs(a - b).max() > 1e-3 for a, b in zip(together, others, strict=True))  # texts matter


def test_clipseg_takes_a_texts_own_token_embeddings():
    segmenter, (image,) = play("segmenter", weights("clipseg")), pictures((75, 111))
    tower = segmenter.text_tower
    ids = tower.tokenizer("a bee", add_special_tokens=False)["input_ids"]
    tokens = avs.TokenEmbeddings(tower.table[ids].detach().numpy())
    by_text, by_tokens = segmenter.segment([image, image], ["a bee", tokens])
    assert np.allclose(by_text, by_tokens, atol=1e-5)


def test_clipseg_has_the_threshold_of_its_card():
    assert play("segmenter", weights("clipseg")).threshold == 0.5
    assert play_card("clipseg-rd64", weights("clipseg"), threshold=0.3).threshold == 0.3


def test_clip_cuts_a_text_that_is_longer_than_its_context():
    scores = play("image_text_scorer", weights("clip")).score_images(
        pictures((40, 40)), [["dog " * 200, "dog"]]
    )
    assert all(-1 <= score <= 1 for score in scores[0])


def test_pictures_are_prepared_by_pillow_whatever_else_is_installed(monkeypatch):
    asked = []
    plain = image_processing_auto._resolve_backend

    def resolve(backend, *rest):
        asked.append(plain(backend, *rest))
        return asked[-1]

    monkeypatch.setattr(image_processing_auto, "is_torchvision_available", lambda: True)
    monkeypatch.setattr(image_processing_auto, "_resolve_backend", resolve)
    for role, name in (("image_captioner", "blip"), ("image_text_scorer", "clip"), ("segmenter", "clipseg")):
        assert type(play(role, weights(name)).processor).__name__.endswith("Pil")
    assert asked == ["pil"] * 3
