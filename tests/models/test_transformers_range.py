"""What is used of transformers beyond its promises, by name: the first to fail when a new version changes it.

That the numbers are transformers' own is tested elsewhere.
"""

from __future__ import annotations

import inspect
import tomllib
from pathlib import Path

import pytest
import transformers
from packaging.requirements import Requirement
from transformers import (
    AutoImageProcessor,
    BlipConfig,
    BlipForConditionalGeneration,
    ClapFeatureExtractor,
    CLIPSegForImageSegmentation,
    DynamicCache,
    EncoderDecoderCache,
)
from transformers.image_processing_base import ImageProcessingMixin

from tests.models.builders import weights

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wanted():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = map(Requirement, project["dependencies"])
    return next(found for found in requirements if found.name == "transformers").specifier


def test_the_range_is_the_one_that_was_tried(wanted):
    assert wanted.contains(transformers.__version__)
    # 5.3 lacks image processors on Pillow; up to 5.17 AutoImageProcessor wants torchvision, whatever is asked for.
    assert not any(wanted.contains(version) for version in ("5.3.0", "5.4.0", "5.17.0", "6.0.0"))
    assert wanted.contains("5.18.0")


def test_blip_has_the_parts_that_faster_ones_are_made_of():
    tiny = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {**tiny, "encoder_hidden_size": 16, "vocab_size": 40}
    config = BlipConfig(text_config=text, vision_config={**tiny, "image_size": 32})
    network = BlipForConditionalGeneration(config)
    looking = network.vision_model.encoder.layers[0].self_attn
    assert looking.num_heads == 2 and looking.qkv.out_features == 48 and looking.projection.in_features == 16
    reading = network.text_decoder.bert.encoder.layer[0].crossattention.self
    assert {"query", "key", "value"} <= dict(reading.named_children()).keys()
    assert (reading.num_attention_heads, reading.layer_idx) == (2, 0)
    arguments = inspect.signature(type(reading).forward).parameters
    assert {"hidden_states", "encoder_hidden_states", "past_key_values"} <= arguments.keys()


def test_caches_have_the_parts_that_beams_share():
    import torch

    cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
    cache.cross_attention_cache.update(torch.ones(1, 2, 3, 4), torch.ones(1, 2, 3, 4), 0)
    assert cache.cross_attention_cache.layers[0].keys.shape == (1, 2, 3, 4)
    assert not cache.is_updated.get(0)
    assert callable(cache.self_attention_cache.reorder_cache)


def test_other_parts_that_are_used_by_name():
    network = CLIPSegForImageSegmentation.from_pretrained(weights("clipseg"))
    assert network.extract_layers and callable(network.decoder)
    extractor = ClapFeatureExtractor()
    assert extractor.mel_filters.shape[0] == extractor.mel_filters_slaney.shape[0]
    assert callable(ImageProcessingMixin.get_image_processor_dict)
    processor = AutoImageProcessor.from_pretrained(weights("clip"), backend="pil")
    assert type(processor).__name__.endswith("Pil")
