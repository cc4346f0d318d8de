"""Folders that lack something or hold something else are refused, with words that help."""

from __future__ import annotations

import re
import shutil

import pytest
from safetensors.torch import load_file, save_file

import fiftyone_avs as avs
from tests.models.builders import weights
from tests.models.helpers import play

MODELS = {
    "clip": ("image_text_scorer", ""),
    "blip": ("image_captioner", ""),
    "clap": ("audio_text_scorer", ""),
    "ast": ("audio_classifier", ""),
    "clipseg": ("segmenter", ""),
    "grounded": ("segmenter", "grounding-dino-sam2:"),
    "sam3": ("segmenter", "sam3:"),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_folder_without_weights_is_refused(name, tmp_path):
    role, card = MODELS[name]
    shutil.copytree(weights(name), tmp_path, dirs_exist_ok=True)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(avs.ModelError, match=rf"{tmp_path}.*model\.safetensors"):
        play(role, f"{card}{tmp_path}")


def test_a_folder_without_the_second_models_weights_is_refused(tmp_path):
    shutil.copytree(weights("grounded"), tmp_path, dirs_exist_ok=True)
    (tmp_path / "masks" / "model.safetensors").unlink()
    with pytest.raises(avs.ModelError, match=r"masks.*model\.safetensors"):
        play("segmenter", f"grounding-dino-sam2:{tmp_path}")


@pytest.mark.parametrize("name", MODELS)
def test_a_checkpoint_that_lacks_a_tensor_is_refused(name, tmp_path):
    role, card = MODELS[name]
    shutil.copytree(weights(name), tmp_path, dirs_exist_ok=True)
    tensors = load_file(tmp_path / "model.safetensors")
    lost = next(key for key in sorted(tensors) if key.endswith("weight"))
    del tensors[lost]
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(avs.ModelError, match=f"lacks 1 weights.*{re.escape(lost)}"):
        play(role, f"{card}{tmp_path}")


@pytest.mark.parametrize("name", [name for name in MODELS if name != "ast"])
def test_a_folder_without_a_tokenizer_is_refused(name, tmp_path):
    role, card = MODELS[name]
    shutil.copytree(weights(name), tmp_path, dirs_exist_ok=True)
    for file in tmp_path.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(avs.ModelError, match=str(tmp_path)):
        play(role, f"{card}{tmp_path}")


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("clip", "blip"),
        ("clip", "clipseg"),
        ("blip", "clip"),
        ("blip", "clipseg"),
        ("clap", "ast"),
        ("clap", "clip"),
        ("ast", "clap"),
        ("clipseg", "clip"),
        ("clipseg", "blip"),
        ("grounded", "clip"),
        ("grounded", "sam3"),
        ("grounded", "sam2"),
        ("sam3", "clip"),
        ("sam3", "grounded"),
    ],
)
def test_the_folder_of_another_model_is_refused(name, other):
    role, card = MODELS[name]
    with pytest.raises(avs.ModelError, match=str(weights(other))):
        play(role, f"{card}{weights(other)}")


@pytest.mark.parametrize("other", ["sam3", "clip", "grounding_dino"])
def test_another_model_in_the_place_of_sam2_is_refused(other, tmp_path):
    shutil.copytree(weights("grounding_dino"), tmp_path, dirs_exist_ok=True)
    shutil.copytree(weights(other), tmp_path / "masks")
    with pytest.raises(avs.ModelError, match="masks"):
        play("segmenter", f"grounding-dino-sam2:{tmp_path}")
