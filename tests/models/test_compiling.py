"""Networks that torch compiles find what they found before."""

from __future__ import annotations

import shutil
from typing import ClassVar

import numpy as np
import pytest
import torch

from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.models import Card, Models, compiling, load_models

needs_compiler = pytest.mark.skipif(
    shutil.which("g++") is None, reason="torch compiles for a CPU with a C++ compiler, and there is none"
)


class Brightness:
    """A segmenter with a network of one layer."""

    compiled: ClassVar[tuple[str, ...]] = ("network",)
    threshold = 0.5

    def __init__(self) -> None:
        self.network = torch.nn.Sequential(torch.nn.Conv2d(3, 1, 1), torch.nn.Sigmoid())
        for parameter in self.network.parameters():
            torch.nn.init.constant_(parameter, 0.25)

    @classmethod
    def load(cls, card, models):
        return cls()

    @torch.inference_mode()
    def segment(self, images, expressions):
        pixels = torch.from_numpy(np.stack(images) / 255).float().permute(0, 3, 1, 2)
        return list(self.network(pixels)[:, 0].numpy())


def brightness(**options):
    return Models(
        {"segmenter": Card("brightness", "segmenter", f"{__name__}:Brightness", "", "none")}, **options
    )


@needs_compiler
def test_a_compiled_network_finds_the_same(monkeypatch):
    images = [np.full((8, 8, 3), value, np.uint8) for value in (0, 100, 250)]
    plain = brightness().segmenter.segment(images, [""] * 3)
    segmenter = brightness(compile=True).segmenter
    compiled = segmenter.network._compiled_call_impl
    assert compiled is not None
    calls = []
    monkeypatch.setattr(segmenter.network, "_compiled_call_impl", lambda x: calls.append(1) or compiled(x))
    np.testing.assert_allclose(segmenter.segment(images, [""] * 3), plain, atol=1e-6)
    np.testing.assert_allclose(segmenter.segment(images[:2], [""] * 2), plain[:2], atol=1e-6)
    assert len(calls) == 2


def test_without_a_compiler_it_is_said_before_anything_is_done(monkeypatch):
    def broken(function):
        raise RuntimeError("no working compiler found\nand much more")

    monkeypatch.setattr(torch, "compile", broken)
    compiling._check_compiler.cache_clear()
    with pytest.raises(ConfigurationError, match=r"for 'cpu' here \(no working compiler found\); leave out"):
        brightness(compile=True).require(["segmenter"])
    compiling._check_compiler.cache_clear()


def test_what_is_to_be_compiled_is_there():
    """Every name in an adapter's list is a module; they are compiled when they first work."""
    models = load_models("tiny")
    named = 0
    for role in models.cards:
        if role == "text_inverter":
            continue
        model = models.role(role)
        for name in getattr(model, "compiled", ()):
            part = model
            for attribute in name.split("."):
                part = getattr(part, attribute)
            assert isinstance(part, torch.nn.Module)
            named += 1
    assert named == 4
