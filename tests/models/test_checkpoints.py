"""Official files: read without running code, refused with a reason, converted once."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

import fiftyone_avs as avs
from fiftyone_avs.cli import main
from fiftyone_avs.models.audioset import display_names
from fiftyone_avs.models.checkpoints import load_official
from tests.models import small_official
from tests.models.conftest import MIDS

RATE = 16000


def tone(hertz=300.0, seconds=1.0):
    time = np.arange(int(seconds * RATE)) / RATE
    return avs.Sound(np.sin(2 * np.pi * hertz * time).astype(np.float32), RATE)


def classify(source):
    models = avs.load_models("paper", overrides={"audio_classifier": source})
    return models.audio_classifier.classify([tone(), tone(900, 0.4)])


def refused(path, match):
    models = avs.load_models("paper", overrides={"audio_classifier": f"beats-as2m:{path}"})
    with pytest.raises(avs.ModelError, match=match) as error:
        models.require(["audio_classifier"])
    text = str(error.value)
    assert "beats-as2m" in text and str(path) in text
    assert "BEATs_iter3_plus_AS2M" in text  # what was expected
    assert "github.com/microsoft/unilm" in text  # and where to get it
    return text


class Loud:
    """Unpickling this would leave a file behind."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return (os.mkdir, (str(self.trace),))


def test_an_official_file_plays_its_role(beats_file):
    found = classify(f"beats-as2m:{beats_file}")
    assert [len(classes) for classes in found] == [10, 10]
    assert {c.text for classes in found for c in classes} <= {display_names()[mid] for mid in MIDS}
    assert all(0 <= c.score <= 1 for classes in found for c in classes)
    assert all(list(classes) == sorted(classes, key=lambda c: -c.score) for classes in found)


def test_a_folder_with_one_checkpoint_is_as_good_as_the_file(beats_file):
    (beats_file.parent / "alone").mkdir()
    beats_file.rename(beats_file.parent / "alone" / "x.pt")
    assert classify(f"beats-as2m:{beats_file.parent / 'alone'}")


def test_a_folder_with_two_checkpoints_is_ambiguous(beats_file, tmp_path):
    (tmp_path / "other.pt").write_bytes(beats_file.read_bytes())
    models = avs.load_models("paper", overrides={"audio_classifier": f"beats-as2m:{tmp_path}"})
    with pytest.raises(avs.ModelError, match=r"one checkpoint.*BEATs.pt, other.pt"):
        models.require(["audio_classifier"])


def test_a_converted_checkpoint_is_found_by_the_preset_and_gives_the_same(beats_file, models_home, capsys):
    before = classify(f"beats-as2m:{beats_file}")
    assert main(["models", "convert", "beats-as2m", str(beats_file)]) == 0
    assert "model.safetensors" in capsys.readouterr().out
    beats_file.unlink()
    models = avs.load_models("paper")
    after = models.audio_classifier.classify([tone(), tone(900, 0.4)])
    assert after == before
    record = json.loads((models_home / "beats-as2m" / "card.json").read_text())
    assert record["card"] == "beats-as2m" and len(record["sha256"]) == 64
    described = models.describe(["audio_classifier"])["audio_classifier"]
    assert described["revision"].startswith("sha256:")
    assert sorted(path.name for path in (models_home / "beats-as2m").iterdir()) == [
        "card.json",
        "model.safetensors",
    ]


def test_shared_tensors_are_written_once(beats_file, models_home):
    folder = avs.convert_model("beats-as2m", beats_file)
    with safe_open(folder / "model.safetensors", "pt") as file:
        biases = [name for name in file.keys() if "relative_attention_bias" in name]  # noqa: SIM118
        aliases = json.loads(file.metadata()["aliases"])
    assert len(biases) == 1
    assert set(aliases.values()) == set(biases) and len(aliases) == 2


def test_half_precision_weights_are_computed_with_in_float32(beats_content, tmp_path):
    half = {name: tensor.half() for name, tensor in beats_content["model"].items()}
    torch.save({**beats_content, "model": half}, tmp_path / "half.pt")
    models = avs.load_models("paper", overrides={"audio_classifier": f"beats-as2m:{tmp_path / 'half.pt'}"})
    network = models.audio_classifier.network
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    assert not any(parameter.requires_grad for parameter in network.parameters()) and not network.training


def test_a_missing_checkpoint_says_what_to_get_and_what_to_do():
    models = avs.load_models("paper")
    with pytest.raises(
        avs.ModelError, match=r"BEATs_iter3.*github.com/microsoft/unilm.*models convert beats-as2m"
    ):
        models.require(["audio_classifier"])


def test_a_missing_file_is_named(tmp_path):
    refused(tmp_path / "nowhere.pt", "there is no such file")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git-lfs"),
        (b"hello", "not a file of weights that torch wrote"),
    ],
)
def test_what_is_no_checkpoint_is_recognised(tmp_path, content, match):
    path = tmp_path / "file.pt"
    path.write_bytes(content)
    refused(path, match)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_with_code_is_refused_and_the_code_does_not_run(tmp_path, beats_content, zipped):
    trace = tmp_path / "trace"
    path = tmp_path / "evil.pt"
    torch.save({**beats_content, "extra": Loud(trace)}, path, _use_new_zipfile_serialization=zipped)
    text = refused(path, "could run code")
    assert "mkdir" in text
    assert not trace.exists()
    with pytest.raises(avs.ModelError, match="could run code"):
        avs.convert_model("beats-as2m", path)
    assert not trace.exists()


def test_training_state_besides_tensors_is_refused_with_a_way_out(tmp_path, beats_content):
    path = tmp_path / "trained.pt"
    torch.save({**beats_content, "loss": np.float64(0.1)}, path)
    text = refused(path, r"numpy.*scalar")
    assert "torch.save" in text


def test_a_truncated_file_is_recognised(beats_file, tmp_path):
    path = tmp_path / "cut.pt"
    path.write_bytes(beats_file.read_bytes()[:-5000])
    refused(path, "truncated")


def test_a_truncated_conversion_is_recognised(beats_file, models_home):
    path = avs.convert_model("beats-as2m", beats_file) / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-64])
    refused(path, "truncated")


def test_a_program_is_refused(tmp_path):
    path = tmp_path / "script.pt"
    torch.jit.script(torch.nn.Linear(2, 2)).save(path)
    refused(path, "TorchScript")


def test_a_file_without_the_weights_is_refused(tmp_path, beats_content):
    torch.save([1, 2], tmp_path / "list.pt")
    refused(tmp_path / "list.pt", "holds a list")
    torch.save({"cfg": {}, "optimizer": {"lr": 1.0}}, tmp_path / "other.pt")
    refused(tmp_path / "other.pt", r"no state dict under 'model'; it holds cfg, optimizer")
    torch.save({"model": beats_content["model"]}, tmp_path / "bare.pt")
    refused(tmp_path / "bare.pt", "not the entries cfg, label_dict")


def test_a_configuration_that_the_network_cannot_have_is_refused(tmp_path, beats_content):
    cfg = {**beats_content["cfg"], "layer_norm_first": True}
    torch.save({**beats_content, "cfg": cfg}, tmp_path / "odd.pt")
    refused(tmp_path / "odd.pt", "layer_norm_first")


def test_classes_that_are_not_audiosets_are_refused(tmp_path, beats_content):
    torch.save(
        {**beats_content, "label_dict": {**beats_content["label_dict"], 3: "/m/none"}}, tmp_path / "c.pt"
    )
    models = avs.load_models("paper", overrides={"audio_classifier": f"beats-as2m:{tmp_path / 'c.pt'}"})
    with pytest.raises(avs.ModelError, match="/m/none"):
        models.require(["audio_classifier"])


def test_keys_and_shapes_that_do_not_fit_are_listed(tmp_path, beats_content):
    state = dict(beats_content["model"])
    state["surplus.weight"] = torch.zeros(1)
    del state["layer_norm.bias"]
    state["predictor.bias"] = torch.zeros(12)
    torch.save({**beats_content, "model": state}, tmp_path / "misfit.pt")
    text = refused(tmp_path / "misfit.pt", "not the weights of this network")
    assert "1 tensors missing (layer_norm.bias)" in text
    assert "surplus.weight" in text
    assert "predictor.bias (12,) instead of (11,)" in text


def test_weights_of_another_architecture_are_recognised(tmp_path):
    from fiftyone_avs.models.cards import CARDS
    from fiftyone_avs.models.checkpoints import build_network, skip_initialisation

    with torch.device("meta"), skip_initialisation():
        keys = build_network(CARDS["cris-r50"], None).state_dict()
    # whole bytes keep the file small: only names and shapes matter here
    state = {f"module.{name}": torch.empty(tensor.shape, dtype=torch.int8) for name, tensor in keys.items()}
    torch.save({"state_dict": state}, tmp_path / "best_model.pth")
    models = avs.load_models("paper", overrides={"segmenter": f"cris-r101:{tmp_path / 'best_model.pth'}"})
    with pytest.raises(avs.ModelError, match=r"not the weights of this network.*cris-r50"):
        models.require(["segmenter"])


@pytest.mark.parametrize(
    "name", ["wavcaps-htsat-bart", "msclap-2023", "clapcap-2023", "laion-clap-630k-audioset"]
)
def test_no_weights_are_drawn_that_a_file_replaces(name, tmp_path):
    small_official.write(tmp_path, name)
    before = torch.get_rng_state()
    load_official(small_official.small_card(name, tmp_path), tmp_path / "official.pth")
    assert torch.equal(torch.get_rng_state(), before)


def test_a_conversion_that_fails_leaves_nothing(tmp_path, beats_content, models_home):
    state = {**beats_content["model"], "surplus.weight": torch.zeros(1)}
    torch.save({**beats_content, "model": state}, tmp_path / "misfit.pt")
    with pytest.raises(avs.ModelError, match=r"surplus\.weight"):
        avs.convert_model("beats-as2m", tmp_path / "misfit.pt")
    assert not models_home.exists()


def test_what_needs_no_conversion_says_so(beats_file):
    with pytest.raises(avs.ConfigurationError, match="needs no conversion"):
        avs.convert_model("blip-base", beats_file)
    with pytest.raises(avs.ConfigurationError, match="unknown model"):
        avs.convert_model("beets", beats_file)


def test_a_safetensors_file_without_its_entries_is_refused(tmp_path, beats_content):
    tensors = {name: tensor.clone() for name, tensor in beats_content["model"].items()}
    save_file(tensors, tmp_path / "plain.safetensors")
    refused(tmp_path / "plain.safetensors", r"lacks cfg, label_dict.*models convert")
