"""Preset ``open`` from the hub: what is asked for, what is fetched, and what is said when that goes wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub import constants

import fiftyone_avs as avs
from fiftyone_avs.models import CARDS, fetching, hub, transfer
from fiftyone_avs.models.cards import Card
from fiftyone_avs.models.hub import PREPROCESSOR, TOKENIZER, WEIGHTS, Repository
from fiftyone_avs.models.revisions import REVISIONS
from tests.models.builders import pictures
from tests.models.fake_hub import (
    AST,
    BLIP,
    CLAP,
    CLIP,
    CLIPSEG,
    DINO,
    GPT2,
    MSCLAP,
    SAM2,
    leave,
    nowhere,
    serving,
    use,
)

ROOT = Path(__file__).parents[2]
ALL = (WEIGHTS, PREPROCESSOR, TOKENIZER)


@pytest.fixture(scope="module")
def run(repositories, tmp_path_factory):
    """A process of its own, as a user's, with the fake hub as its hub and an empty cache."""
    home = tmp_path_factory.mktemp("home")
    own = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "TRANSFORMERS_"))}
    with serving(repositories) as served:
        own |= {"HF_HOME": str(home), "HF_ENDPOINT": served.address, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "tests.models.hub_run"]
        done = subprocess.run(command, env=own, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-4000:]
        yield SimpleNamespace(hub=served, home=home, found=json.loads(done.stdout), said=done.stderr)


def test_open_works_by_its_default_names(run):
    assert "downloading" in run.said and "Salesforce/blip-image-captioning-base (" in run.said
    # Confidences are probabilities of each class, though the file does not say that several can be right.
    assert sum(score for _, score in run.found["classes"][0]) > 1.5
    assert all(len(texts) >= 1 for texts in run.found["heard"] + run.found["seen"])
    assert run.found["revisions"]["image_captioner"] == REVISIONS[BLIP]
    assert run.found["revisions"]["audio_captioner"].startswith("sha256:")
    assert run.found["threads"] == ["MainThread"], "the process would not end"


def test_exactly_the_files_are_fetched_that_are_needed_and_each_once(run):
    wanted = {
        AST: {"config.json", "model.safetensors", "preprocessor_config.json"},
        BLIP: {"config.json", "generation_config.json", "pytorch_model.bin"},
        GPT2: {"config.json", "tokenizer_config.json"},
        MSCLAP: {"clapcap_weights_2023.pth"},
        SAM2: {"config.json", "model.safetensors", "preprocessor_config.json"},
    }
    keys = list(run.hub.served)
    got = {name: {Path(key).name for key in keys if key.startswith(name)} for name in wanted}
    assert all(names <= got[name] for name, names in wanted.items())
    assert got[MSCLAP] == {"clapcap_weights_2023.pth"}
    assert not {"model.safetensors", "pytorch_model.bin"} & got[GPT2]
    unneeded = ("tf_model.h5", "flax_model.msgpack", "README.md", "CLAP_weights_2022.pth")
    assert not [key for key in keys if key.endswith(unneeded)]
    assert not [line for line in run.hub.asked if "refs/pr" in line or "discussions" in line]
    sizes = {key: (run.hub.root / key).stat().st_size for key in keys}
    assert run.hub.served == sizes, "a file was fetched twice"


def test_what_is_cached_is_loaded_where_there_is_no_network_and_nobody_said_so(run, monkeypatch):
    use(monkeypatch, nowhere(), run.home / "hub")
    assert all(status.ready for status in avs.list_models("open"))
    card = CARDS["clapcap-2023"]
    small = replace(card.checkpoint, network="tests.models.small_official:clapcap", sha256=None)
    monkeypatch.setitem(CARDS, card.name, replace(card, checkpoint=small))
    models = avs.load_models("open", device="cpu")
    models.require(list(models.cards))
    scores = models.image_text_scorer.score_images(
        pictures((60, 80), (75, 50)), [["a dog"], ["a cat", "rain"]]
    )
    assert scores == [pytest.approx(row, abs=1e-5) for row in run.found["picture scores"]]
    leave()


@pytest.mark.parametrize(
    ("repository", "weights"),
    [
        (AST, "model.safetensors"),
        (BLIP, "pytorch_model.bin"),
        (CLAP, "pytorch_model.bin"),
        (DINO, "model.safetensors"),
    ],
)
def test_the_weights_that_there_are_and_no_second_copy(online, repository, weights):
    needs = ALL[:2] if repository == AST else ALL
    (parcel,) = fetching.ask([Repository(repository, None, needs)])
    names = [file.name for file in parcel.listing.files]
    assert names[-1] == weights  # last: with the weights, all is there
    assert [name for name in names if name.endswith((".bin", ".safetensors", ".h5"))] == [weights]
    assert parcel.size == sum((online.root / repository / name).stat().st_size for name in names)


def test_a_tokenizer_is_fetched_without_the_weights_beside_it(online):
    folder = fetching.folder_in_cache(Repository(GPT2, None, (TOKENIZER,)))
    assert not {"model.safetensors", "pytorch_model.bin"} & {path.name for path in folder.iterdir()}
    assert Repository(GPT2, None, (WEIGHTS,)).cached() is None


def test_a_line_that_breaks_again_and_again_is_an_error_and_the_next_run_goes_on(online, monkeypatch):
    monkeypatch.setattr(transfer, "LARGE", 10_000)
    repository, key = Repository(CLIP, None, ALL), f"{CLIP}/pytorch_model.bin"
    size = (online.root / key).stat().st_size
    online.cut_after = size // 20
    with pytest.raises(
        avs.ModelError, match=r"pytorch_model\.bin of 'openai/.*was cut off.*goes on from there"
    ):
        fetching.folder_in_cache(repository)
    assert repository.cached() is None
    assert online.served[key] < size
    (parcel,) = fetching.ask([repository])
    assert parcel.begun == online.served[key]  # nothing of it is lost
    online.cut_after = None
    told = []
    fetching.bring([parcel], progress=lambda done, total: told.append((done, total)))
    assert repository.cached() is not None
    assert online.served[key] == size, "bytes were fetched twice"
    content = (repository.cached() / "pytorch_model.bin").read_bytes()
    assert content == (online.root / key).read_bytes()


def test_a_few_breaks_are_nobodys_business(online, monkeypatch):
    monkeypatch.setattr(transfer, "LARGE", 10_000)
    key = f"{CLIP}/pytorch_model.bin"
    online.cut_after = (online.root / key).stat().st_size // 3
    assert (fetching.folder_in_cache(Repository(CLIP, None, ALL)) / "pytorch_model.bin").is_file()


def test_a_file_that_arrives_damaged_is_thrown_away(online, monkeypatch):
    monkeypatch.setattr(transfer, "LARGE", 10_000)
    monkeypatch.setattr(transfer, "_sha256", lambda path: "0" * 64)
    repository = Repository(CLIP, None, ALL)
    with pytest.raises(avs.ModelError, match="arrived damaged"):
        fetching.folder_in_cache(repository)
    assert repository.cached() is None and transfer.begun(repository) == 0


def test_a_disk_that_is_too_small_is_known_before_anything_is_fetched(online, monkeypatch):
    monkeypatch.setattr(fetching, "room", lambda: fetching.SPARE + 1000)
    with pytest.raises(avs.ModelError, match=r"the disk is too full: .* are to be downloaded .*HF_HOME"):
        avs.load_models("open").require(["image_text_scorer"])
    assert not online.served


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_fills_up_meanwhile_is_an_error_that_says_so(online, monkeypatch):
    monkeypatch.setattr(transfer, "LARGE", 10_000)
    repository = Repository(CLIP, None, ALL)
    (parcel,) = fetching.ask([repository])
    blobs = repository.folder / "blobs"
    blobs.mkdir(parents=True)
    content = transfer._sha256(online.root / CLIP / "pytorch_model.bin")
    (blobs / f"{content}.part").symlink_to("/dev/full")
    with pytest.raises(avs.ModelError, match=r"the disk is full: pytorch_model\.bin of .*HF_HOME"):
        fetching.bring([parcel])


def test_what_is_not_there_without_a_network(online, monkeypatch):
    use(monkeypatch, nowhere(), constants.HF_HUB_CACHE)
    with pytest.raises(avs.ModelError, match=r"not in the hub's cache .*cannot be reached.*give a folder"):
        avs.load_models("open").require(["image_text_scorer"])
    with pytest.raises(
        avs.ModelError, match=r"'clip-vit-b16' for the role 'image_text_scorer'.*cannot be reached"
    ):
        _ = avs.load_models("open").image_text_scorer


def test_a_hub_that_does_not_answer_is_given_up_soon(online, monkeypatch):
    monkeypatch.setattr(hub, "TIMEOUT", 0.2)
    online.silent = True
    with pytest.raises(avs.ModelError, match="cannot be reached"):
        fetching.folder_in_cache(Repository(CLIP, None, ALL))
    assert len(online.asked) == 1  # and not asked again and again


def test_offline_is_offline(online, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    leave()
    with pytest.raises(avs.ModelError, match="HF_HUB_OFFLINE forbids to download"):
        avs.load_models("open").require(["image_text_scorer"])
    assert not online.asked


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nobody/nothing", "the hub has no model 'nobody/nothing'.*check the name"),
        ("/no/such/folder", "there is no folder '/no/such/folder'"),
        (MSCLAP, "has no weights in transformers' format"),
    ],
)
def test_a_name_that_means_nothing(online, name, message):
    with pytest.raises(avs.ModelError, match=message):
        avs.load_models("open", overrides={"image_text_scorer": name}).require(["image_text_scorer"])


def test_a_mirror_with_other_commits_and_no_sizes_serves_as_well(online):
    online.mirror = True
    repository = Repository(CLIP, None, ALL)
    (parcel,) = fetching.ask([repository])
    assert parcel.size == sum(
        (online.root / CLIP / file.name).stat().st_size for file in parcel.listing.files
    )
    folder = fetching.folder_in_cache(repository)
    assert folder == repository.cached() and folder.name == repository.commit_in_cache() != REVISIONS[CLIP]
    online.forget()
    assert fetching.folder_in_cache(repository) == folder and not online.asked


def test_a_revision_that_is_not_there(online):
    with pytest.raises(avs.ModelError, match=f"has no revision '{'a' * 40}'"):
        fetching.folder_in_cache(Repository(CLIP, "a" * 40, ALL))


def test_a_model_with_a_form_names_the_one_without(online):
    online.gated.add("facebook/sam3")
    folder = online.root / "facebook/sam3"
    folder.mkdir(exist_ok=True)
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (folder / name).write_text("{}")
    for call in (lambda models: models.require(["segmenter"]), lambda models: models.segmenter):
        with pytest.raises(avs.ModelError, match=r"form.*hf auth login.*grounding-dino-sam2"):
            call(avs.load_models("open", overrides={"segmenter": "sam3"}))


def test_a_hub_in_trouble_is_told_apart(online):
    online.answer = 503
    with pytest.raises(avs.ModelError, match=r"the hub answers 503.*try again later"):
        fetching.folder_in_cache(Repository(CLIPSEG, None, ALL))


def test_an_adapter_from_outside_says_itself_where_its_files_are(online):
    card = Card("mine", "segmenter", "tests.models.test_hub:Mine", "my/colours", "MIT")
    models = avs.Models({"segmenter": card})
    models.require(["segmenter"])
    assert isinstance(models.segmenter, Mine) and not online.asked
    named = replace(card, needs=("weights",))
    with pytest.raises(avs.ModelError, match="the hub has no model 'my/colours'"):
        avs.Models({"segmenter": named}).require(["segmenter"])


class Mine:
    """A segmenter without files."""

    threshold = 0.5

    @classmethod
    def load(cls, card, models):
        return cls()

    def segment(self, images, expressions):
        return []
