"""SAM 3, against transformers' own post-processing."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, Sam3Model

import fiftyone_avs as avs
from fiftyone_avs.models import CARDS
from fiftyone_avs.models.loading import load_pretrained
from fiftyone_avs.models.square import Square
from tests.models.builders import SAM3_SIZE, pictures, weights
from tests.models.helpers import play, play_card, processor_method

SIZES = (75, 111), (120, 61), (33, 200), (3, 40)
EXPRESSIONS = ["a photo of a dog.", "rain", "a red car on the road", "a bee"]
PHRASES = ["dog", "rain", "a red car on the road", "a bee"]
LOW = 0.12
"""A score that some instances of the random network reach and others do not."""


class Reference:
    """The network one picture at a time, as transformers' processor would feed it."""

    def __init__(self, folder):
        self.network = Sam3Model.from_pretrained(folder).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.square = Square(SAM3_SIZE, [0.5] * 3, [0.5] * 3)
        self.instances = processor_method("sam3", "post_process_instance_segmentation")

    @torch.inference_mode()
    def __call__(self, image, text):
        tokens = self.tokenizer(text, padding="max_length", max_length=32, return_tensors="pt")
        return self.network(
            pixel_values=self.square([image], torch.device("cpu")),
            input_ids=tokens.input_ids,
            attention_mask=tokens.attention_mask,
        )

    def kept(self, output, threshold, size, mask_threshold=0.5):
        (found,) = self.instances(None, output, threshold, mask_threshold, target_sizes=[size])
        return found


@pytest.fixture(scope="module")
def reference():
    return Reference(weights("sam3"))


@pytest.fixture(scope="module")
def segmenter():
    return play_card("sam3", weights("sam3"), score_threshold=LOW)


def test_masks_are_the_union_of_the_instances_of_transformers_post_processing(segmenter, reference):
    images = pictures(*SIZES)
    found = segmenter.segment(images, EXPRESSIONS)
    counts, areas = [], []
    for image, phrase, soft_map in zip(images, PHRASES, found, strict=True):
        own = reference.kept(reference(image, phrase), LOW, image.shape[:2])
        union = own["masks"].amax(0).bool().numpy()
        assert soft_map.shape == image.shape[:2] and soft_map.dtype == np.float32
        assert soft_map.min() >= 0 and soft_map.max() <= 1
        assert np.array_equal(soft_map > segmenter.threshold, union)
        counts.append(len(own["scores"]))
        areas.append(union.mean())
    assert min(counts) > 0 and min(counts) < 7
    assert max(areas) > 0 and min(areas) < 1


def test_sure_instances_rank_first_inside_the_mask(segmenter, reference):
    (image,) = pictures((75, 111))
    (soft_map,) = segmenter.segment([image], ["a dog"])
    output = reference(image, "a dog")
    scores = output.pred_logits.sigmoid() * output.presence_logits.sigmoid()
    expected = np.zeros(image.shape[:2])
    for index in (scores[0] >= LOW).nonzero()[:, 0]:
        one = torch.nn.functional.interpolate(
            output.pred_masks[:, index : index + 1].sigmoid(), image.shape[:2], mode="bilinear"
        )[0, 0].numpy()
        weighted = np.where(one > 0.5, 0.5 + (one - 0.5) * float(scores[0, index]), one)
        expected = np.maximum(expected, weighted)
    assert np.allclose(soft_map, expected, atol=1e-5)


def test_where_no_instance_reaches_the_score_the_best_one_is_dimmed(reference):
    strict = play("segmenter", f"sam3:{weights('sam3')}")
    assert strict.score_threshold == 0.5
    images = pictures(*SIZES)
    for image, phrase, soft_map in zip(images, PHRASES, strict.segment(images, EXPRESSIONS), strict=True):
        output = reference(image, phrase)
        assert not len(reference.kept(output, 0.5, image.shape[:2])["scores"])
        scores = (output.pred_logits.sigmoid() * output.presence_logits.sigmoid())[0]
        best = scores.argmax()
        inside = torch.nn.functional.interpolate(
            output.pred_masks[:, best : best + 1].sigmoid(), image.shape[:2], mode="bilinear"
        )[0, 0].numpy()
        weighted = np.where(inside > 0.5, 0.5 + (inside - 0.5) * float(scores[best]), inside)
        assert np.allclose(soft_map, weighted * float(scores[best]), atol=1e-5)  # 0.5 * score / 0.5
        assert not (soft_map > 0.5).any() and soft_map.max() > soft_map.min()


def test_a_picture_is_segmented_the_same_in_any_batch(segmenter):
    images = pictures(*SIZES)
    together = segmenter.segment(images, EXPRESSIONS)
    for soft_map, again in zip(together, segmenter.segment(images, EXPRESSIONS), strict=True):
        assert np.array_equal(soft_map, again)
    for image, text, soft_map in zip(images, EXPRESSIONS, together, strict=True):
        assert np.allclose(segmenter.segment([image], [text])[0], soft_map, atol=1e-5)
    others = segmenter.segment(images, EXPRESSIONS[::-1])
    assert all(np.abs(a - b).max() > 1e-4 for a, b in zip(together, others, strict=True))  # texts matter


def test_a_picture_that_several_expressions_share_is_encoded_once(segmenter):
    image, other = pictures((75, 111), (120, 61))
    seen = []
    hook = segmenter.network.vision_encoder.register_forward_pre_hook(
        lambda _module, inputs: seen.append(len(inputs[0]))
    )
    together = segmenter.segment([image, image, other], ["a dog", "a red car on the road", "a dog"])
    hook.remove()
    assert seen == [2]
    alone = [
        segmenter.segment([picture.copy()], [text])[0]
        for picture, text in ((image, "a dog"), (image, "a red car on the road"), (other, "a dog"))
    ]
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(together, alone, strict=True))


def test_instances_are_merged_in_small_groups(segmenter, monkeypatch):
    images = pictures((75, 111))
    expected = segmenter.segment(images, ["a cat"])[0]
    monkeypatch.setattr("fiftyone_avs.models.sam3.AT_ONCE", 1)
    assert np.array_equal(segmenter.segment(images, ["a cat"])[0], expected)


def test_prompts_lose_their_frame_unless_it_is_asked_for(segmenter):
    images = pictures((75, 111))
    bare, phrase = (segmenter.segment(images, [text])[0] for text in ("a photo of a dog.", "dog"))
    assert np.array_equal(bare, phrase)
    framed = play_card("sam3", weights("sam3"), score_threshold=LOW, bare=False)
    assert np.abs(framed.segment(images, ["a photo of a dog."])[0] - bare).max() > 1e-4


def test_a_text_longer_than_the_context_is_cut(segmenter):
    (soft_map,) = segmenter.segment(pictures((40, 50)), ["a dog on the road " * 40])
    assert np.isfinite(soft_map).all()


def test_the_threshold_is_that_of_the_card(segmenter):
    assert segmenter.threshold == 0.5
    assert play_card("sam3", weights("sam3"), threshold=0.4).threshold == 0.4


def test_token_embeddings_are_refused_with_the_way_out(segmenter):
    tokens = avs.TokenEmbeddings(np.zeros((2, 32), np.float32))
    with pytest.raises(avs.ModelError, match="clipseg-rd64"):
        segmenter.segment(pictures((40, 50)), [tokens])


def test_sam3_comes_as_its_authors_publish_it_with_the_videos_tracker(tmp_path):
    shutil.copytree(weights("sam3"), tmp_path, dirs_exist_ok=True)
    config = json.loads((tmp_path / "config.json").read_text())
    published = {"architectures": ["Sam3VideoModel"], "model_type": "sam3_video", "detector_config": config}
    (tmp_path / "config.json").write_text(json.dumps(published))
    tensors = load_file(tmp_path / "model.safetensors")
    tensors = {f"detector_model.{name}": tensor for name, tensor in tensors.items()}
    tensors["tracker_model.no_memory_embedding"] = torch.zeros(3)
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    (tmp_path / "processor_config.json").write_text(
        json.dumps({"image_processor": {"image_mean": [0.4] * 3, "image_std": [0.25] * 3}})
    )
    segmenter = play("segmenter", f"sam3:{tmp_path}")
    assert segmenter.square.size == SAM3_SIZE
    assert segmenter.square.mean.flatten().tolist() == pytest.approx([0.4] * 3)
    own = play("segmenter", f"sam3:{weights('sam3')}")
    own.square = segmenter.square
    images = pictures((75, 111))
    assert np.array_equal(segmenter.segment(images, ["a dog"])[0], own.segment(images, ["a dog"])[0])


def test_a_gated_model_names_the_form_and_the_ungated_alternative():
    def refuse(source, **_options):
        raise OSError(
            f"You are trying to access a gated repo.\nMake sure to have access to it at"
            f" https://huggingface.co/{source}.\n401 Client Error. Access to model {source} is restricted."
        )

    with pytest.raises(avs.ModelError, match=r"form.*hf auth login.*segmenter='grounding-dino-sam2'"):
        load_pretrained(SimpleNamespace(from_pretrained=refuse), CARDS["sam3"])
