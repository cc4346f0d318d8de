"""The preprocessing of SAM 2 and SAM 3, and the choice among scored instances."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import ViTImageProcessorPil
from transformers.image_utils import (
    IMAGENET_DEFAULT_MEAN,
    IMAGENET_DEFAULT_STD,
    IMAGENET_STANDARD_MEAN,
    IMAGENET_STANDARD_STD,
)

from fiftyone_avs.models import grounded, sam3
from fiftyone_avs.models.instances import keep, noun_phrase
from fiftyone_avs.models.square import Square, distinct
from tests.models.builders import pictures
from tests.models.helpers import processor_constants

SIZES = (75, 111), (120, 61), (9, 200), (3, 40), (40, 3), (64, 64), (1, 1)
CPU = torch.device("cpu")


def test_the_square_is_what_pillow_and_transformers_make_of_a_picture():
    mean, std = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]
    images = pictures(*SIZES)
    found = Square(64, mean, std)(images, CPU)
    assert found.shape == (len(SIZES), 3, 64, 64) and found.dtype == torch.float32
    processor = ViTImageProcessorPil(
        size={"height": 64, "width": 64}, resample=2, image_mean=mean, image_std=std
    )
    for image, pixels in zip(images, found, strict=True):
        expected = processor(images=image, input_data_format="channels_last", return_tensors="pt")
        steps = (pixels - expected["pixel_values"][0]).abs() * 255 * torch.tensor(std).view(3, 1, 1)
        assert steps.max() < 1.01 and steps.mean() < 0.3  # of 255 grey levels: rounding, and nothing else


def test_pictures_of_any_memory_layout_are_taken_and_left_alone():
    (image,) = pictures((30, 50))
    square = Square(32, [0.5] * 3, [0.5] * 3)
    expected = square([image], CPU)
    frozen = image.copy()
    frozen.flags.writeable = False
    for same in (frozen, np.asfortranarray(image), image[::-1].copy()[::-1]):
        assert torch.equal(square([same], CPU), expected)
    assert np.array_equal(image, frozen)


@pytest.mark.parametrize(
    ("model", "name", "size", "mean", "std"),
    [
        ("sam2", "Sam2ImageProcessor", 1024, "IMAGENET_DEFAULT_MEAN", "IMAGENET_DEFAULT_STD"),
        ("sam3", "Sam3ImageProcessor", 1008, "IMAGENET_STANDARD_MEAN", "IMAGENET_STANDARD_STD"),
    ],
)
def test_transformers_processors_still_do_these_steps(model, name, size, mean, std):
    constants = processor_constants(model, name)
    assert constants["size"] == str({"height": size, "width": size})
    assert constants["resample"] == "PILImageResampling.BILINEAR"
    assert (constants["image_mean"], constants["image_std"]) == (mean, std)
    assert [constants[step] for step in ("do_resize", "do_rescale", "do_normalize")] == ["True"] * 3
    assert constants["do_pad"] == "None" and "do_center_crop" not in constants


def test_the_constants_for_checkpoints_without_a_preprocessor_file_are_transformers():
    assert list(grounded.IMAGENET_MEAN) == IMAGENET_DEFAULT_MEAN
    assert list(grounded.IMAGENET_STD) == IMAGENET_DEFAULT_STD
    assert list(sam3.HALF) == IMAGENET_STANDARD_MEAN == IMAGENET_STANDARD_STD


def test_the_same_array_is_counted_once_and_an_equal_one_is_not():
    first, second = pictures((4, 4), (5, 5))
    found, places = distinct([first, second, first, first.copy()])
    assert places == [0, 1, 0, 2]
    assert found[0] is first and found[1] is second and len(found) == 3


def test_instances_that_reach_the_score_are_kept_as_they_are():
    kept = keep(torch.tensor([0.1, 0.9, 0.25, 0.2]), 0.25)
    assert kept.indices.tolist() == [1, 2] and kept.factor == 1


def test_without_one_the_best_is_dimmed_below_one_half():
    kept = keep(torch.tensor([0.1, 0.2, 0.05]), 0.25)
    assert kept.indices.tolist() == [1]
    assert kept.factor == pytest.approx(0.5 * 0.2 / 0.25)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("a photo of a dog.", "dog"),
        ("A photo of the red car.", "red car"),
        ("a photo of man playing guitar.", "man playing guitar"),
        ("a picture of an ambulance", "ambulance"),
        ("a photo of apples.", "apples"),
        ("dog", "dog"),
        ("a dog is barking.", "a dog is barking"),
        ("a photo of .", "a photo of ."),
        ("", ""),
    ],
)
def test_the_frame_of_a_prompt_comes_off(text, phrase):
    assert noun_phrase(text) == phrase
