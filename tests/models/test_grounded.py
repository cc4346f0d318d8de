"""Grounding DINO and SAM 2, against transformers' own post-processing and direct calls."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import interpolate
from transformers import (
    AutoTokenizer,
    GroundingDinoForObjectDetection,
    GroundingDinoImageProcessorPil,
    GroundingDinoProcessor,
    Sam2Model,
    Sam2VideoConfig,
    Sam2VideoModel,
)

import fiftyone_avs as avs
from fiftyone_avs.models import CARDS
from fiftyone_avs.models.fake import fake_models
from fiftyone_avs.models.square import Square
from tests.models.builders import SAM2_SIZE, build, pictures, sam2_config, weights
from tests.models.helpers import play, play_card, processor_method

SIZES = (75, 111), (120, 61), (33, 200), (75, 111), (3, 40)
EXPRESSIONS = ["a photo of a dog.", "rain", "a red dog playing the violin on the roof", "a cat", "the Man"]
QUESTIONS = ["dog.", "rain.", "a red dog playing the violin on the roof.", "a cat.", "the man."]
CARD = "grounding-dino-sam2"


class Reference:
    """The two networks one picture at a time, with transformers' own processors."""

    def __init__(self, folder):
        self.detector = GroundingDinoForObjectDetection.from_pretrained(folder).eval()
        self.processor = GroundingDinoProcessor(
            GroundingDinoImageProcessorPil.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
        )
        self.painter = Sam2Model.from_pretrained(folder / "masks").eval()
        self.square = Square(SAM2_SIZE, [0.4, 0.5, 0.6], [0.2, 0.25, 0.3])
        self.to_picture = processor_method("sam2", "post_process_masks")

    @torch.inference_mode()
    def boxes(self, image, question, threshold):
        inputs = self.processor(images=Image.fromarray(image), text=question, return_tensors="pt")
        output = self.detector(**inputs)
        (found,) = self.processor.post_process_grounded_object_detection(
            output, threshold=threshold, text_threshold=0.25, target_sizes=[image.shape[:2]]
        )
        return found["boxes"], found["scores"]

    @torch.inference_mode()
    def paint(self, image, boxes):
        height, width = image.shape[:2]
        scale = torch.tensor([SAM2_SIZE / width, SAM2_SIZE / height] * 2)
        pixels = self.square([image], torch.device("cpu"))
        output = self.painter(pixel_values=pixels, input_boxes=(boxes * scale)[None], multimask_output=False)
        (logits,) = self.to_picture(None, output.pred_masks, [(height, width)], binarize=False)
        return logits.sigmoid().amax((0, 1)).numpy()


@pytest.fixture(scope="module")
def reference():
    return Reference(weights("grounded"))


@pytest.fixture(scope="module")
def segmenter():
    return play("segmenter", f"{CARD}:{weights('grounded')}")


def test_maps_are_the_union_of_what_is_in_the_boxes_above_the_threshold(segmenter, reference):
    images = pictures(*SIZES)
    found = segmenter.segment(images, EXPRESSIONS)
    kept = []
    for image, question, soft_map in zip(images, QUESTIONS, found, strict=True):
        boxes, _ = reference.boxes(image, question, 0.25)
        kept.append(len(boxes))
        assert soft_map.shape == image.shape[:2] and soft_map.dtype == np.float32
        assert soft_map.min() >= 0 and soft_map.max() <= 1
        assert np.allclose(soft_map, reference.paint(image, boxes), atol=1e-5)
    assert min(kept) > 0 and min(kept) < 12 == segmenter.detector.config.num_queries
    assert all(soft_map.max() - soft_map.min() > 0.02 for soft_map in found)


def test_where_no_box_reaches_the_threshold_the_best_one_is_dimmed(reference):
    strict = play_card(CARD, weights("grounded"), box_threshold=1.0)
    (image,) = pictures((75, 111))
    (soft_map,) = strict.segment([image], ["a dog"])
    boxes, scores = reference.boxes(image, "a dog.", 0)
    best = scores.argmax()
    assert 0.5 < scores[best] < 1
    expected = 0.5 * float(scores[best]) * reference.paint(image, boxes[best][None])
    assert np.allclose(soft_map, expected, atol=1e-5)
    assert not (soft_map > strict.threshold).any() and soft_map.max() > soft_map.min()


def test_a_picture_is_segmented_the_same_in_any_batch(segmenter):
    images = pictures(*SIZES)
    together = segmenter.segment(images, EXPRESSIONS)
    for soft_map, again in zip(together, segmenter.segment(images, EXPRESSIONS), strict=True):
        assert np.array_equal(soft_map, again)
    for image, text, soft_map in zip(images, EXPRESSIONS, together, strict=True):
        assert np.allclose(segmenter.segment([image], [text])[0], soft_map, atol=1e-5)


def test_several_expressions_may_share_one_picture(segmenter):
    image, other = pictures((75, 111), (120, 61))
    seen = []
    hook = segmenter.painter.vision_encoder.register_forward_pre_hook(
        lambda _module, inputs: seen.append(len(inputs[0]))
    )
    together = segmenter.segment([image, other, image], ["a dog", "a dog", "the violin on the roof"])
    hook.remove()
    assert seen == [2]  # the shared picture is encoded once
    alone = segmenter.segment([image.copy()], ["the violin on the roof"])[0]
    assert np.allclose(together[2], alone, atol=1e-5)
    assert np.abs(together[0] - together[2]).max() > 1e-3


def test_boxes_are_painted_in_small_groups(segmenter, monkeypatch):
    image, expected = pictures((75, 111))[0], segmenter.segment(pictures((75, 111)), ["a cat"])[0]
    monkeypatch.setattr("fiftyone_avs.models.grounded.AT_ONCE", 2)
    assert np.allclose(segmenter.segment([image], ["a cat"])[0], expected, atol=1e-5)


def test_prompts_lose_their_frame_unless_it_is_asked_for(segmenter, reference):
    (image,) = pictures((75, 111))
    bare = segmenter.segment([image, image], ["A photo of a DOG.", "dog"])
    assert np.array_equal(*bare)
    framed = play_card(CARD, weights("grounded"), bare=False).segment([image], ["A photo of a DOG."])[0]
    boxes, _ = reference.boxes(image, "a photo of a dog.", 0.25)
    assert np.allclose(framed, reference.paint(image, boxes), atol=1e-5)
    assert np.abs(framed - bare[0]).max() > 1e-3


def test_a_very_long_text_is_cut(segmenter):
    (soft_map,) = segmenter.segment(pictures((40, 50)), ["a dog on the roof " * 40])
    assert np.isfinite(soft_map).all()


def test_the_thresholds_are_those_of_the_card(segmenter):
    assert (segmenter.threshold, segmenter.box_threshold) == (0.5, 0.25)
    small = play("segmenter", f"grounding-dino-sam2-small:{weights('grounded')}")
    assert (small.threshold, small.box_threshold) == (0.5, 0.25)
    assert play_card(CARD, weights("grounded"), threshold=0.3).threshold == 0.3


def test_token_embeddings_are_refused_with_the_way_out(segmenter):
    tokens = avs.TokenEmbeddings(np.zeros((2, 32), np.float32))
    with pytest.raises(avs.ModelError, match="clipseg-rd64"):
        segmenter.segment(pictures((40, 50)), [tokens])


def test_a_picture_thin_as_a_thread_is_refused_in_words(segmenter):
    with pytest.raises(avs.MediaError, match=r"400x4 pixels is too thin"):
        segmenter.segment(pictures((4, 400)), ["a dog"])


def test_a_picture_thin_as_a_thread_fails_alone(segmenter):
    pipeline = avs.load_pipeline("classification", models=fake_models(segmenter=segmenter))
    tone = avs.Sound(np.sin(np.arange(16000)).astype(np.float32), 16000)
    clips = [avs.Clip(str(i), image, tone) for i, image in enumerate(pictures((4, 400), (40, 60)))]
    thin, good = pipeline(clips)
    assert (thin.status, good.status) == ("failed", "ok")
    assert "too thin" in thin.reason


def test_sam2_may_lie_anywhere():
    card = replace(CARDS[CARD], source=str(weights("grounding_dino")), parts={"masks": str(weights("sam2"))})
    images = pictures((75, 111))
    apart = avs.Models({"segmenter": card}).segmenter.segment(images, ["a dog"])[0]
    together = play("segmenter", f"{CARD}:{weights('grounded')}").segment(images, ["a dog"])[0]
    assert np.array_equal(apart, together)


def test_sam2_comes_as_its_authors_publish_it_with_the_videos_memory(tmp_path):
    config = sam2_config()
    memory = {
        "memory_attention_hidden_size": 32,
        "memory_attention_num_layers": 1,
        "memory_attention_feed_forward_hidden_size": 32,
        "memory_attention_rope_feat_sizes": [4, 4],
        "memory_encoder_hidden_size": 32,
        "memory_encoder_output_channels": 16,
        "memory_fuser_embed_dim": 32,
        "memory_fuser_intermediate_dim": 32,
        "memory_fuser_num_layers": 1,
        "mask_downsampler_embed_dim": 32,
    }
    video_config = Sam2VideoConfig(
        vision_config=config.vision_config,
        prompt_encoder_config=config.prompt_encoder_config.to_dict(),
        mask_decoder_config=config.mask_decoder_config.to_dict(),
        image_size=SAM2_SIZE,
        **memory,
    )
    video = build(Sam2VideoModel, video_config, 9)
    shutil.copytree(weights("grounding_dino"), tmp_path, dirs_exist_ok=True)
    video.save_pretrained(tmp_path / "masks")
    assert json.loads((tmp_path / "masks" / "config.json").read_text())["model_type"] == "sam2_video"
    segmenter = play("segmenter", f"{CARD}:{tmp_path}")
    weight = video.mask_decoder.upscale_conv1.weight
    assert torch.equal(segmenter.painter.mask_decoder.upscale_conv1.weight, weight)
    assert segmenter.square.mean.flatten().tolist() == pytest.approx([0.485, 0.456, 0.406])
    (soft_map,) = segmenter.segment(pictures((75, 111)), ["a dog"])
    assert np.isfinite(soft_map).all()


def test_the_square_has_the_constants_of_the_checkpoint(segmenter):
    assert segmenter.square.mean.flatten().tolist() == pytest.approx([0.4, 0.5, 0.6])
    assert segmenter.square.std.flatten().tolist() == pytest.approx([0.2, 0.25, 0.3])
    assert segmenter.square.size == SAM2_SIZE


def test_masks_go_back_to_the_picture_as_sam2s_own_processor_does(reference):
    logits = torch.randn(1, 2, 16, 16, generator=torch.Generator().manual_seed(0))
    (own,) = reference.to_picture(None, [logits[0][None]], [(33, 57)], binarize=False)
    assert torch.equal(own, interpolate(logits, (33, 57), mode="bilinear", align_corners=False))
