"""Cards, overrides, presets, and what of them is on this machine."""

from __future__ import annotations

import pytest

import fiftyone_avs as avs
from fiftyone_avs.cli import main
from fiftyone_avs.models.cards import CARDS, PRESETS, card_for
from fiftyone_avs.models.checkpoints import import_name
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


def test_files_in_the_hubs_cache_are_found_without_a_network(hub_cache):
    files = hub_cache("microsoft/msclap", "CLAP_weights_2023.pth")
    assert find_checkpoint(CARDS["msclap-2023"]) == files / "CLAP_weights_2023.pth"
    statuses = {status.card.name: status for status in avs.list_models()}
    assert set(statuses["msclap-2023"].missing) == {"tokenizer"}
    assert not statuses["clip-vit-b16"].ready
    hub_cache("openai/clip-vit-base-patch16", "config.json", "model.safetensors")
    statuses = {status.card.name: status for status in avs.list_models()}
    assert statuses["clip-vit-b16"].ready


def test_the_record_names_the_commit_of_a_hub_model(hub_cache):
    hub_cache("openai/clip-vit-base-patch16", "config.json", commit="f00d")
    described = avs.load_models("open").describe(["image_text_scorer", "noun_extractor"])
    assert described["image_text_scorer"]["revision"] == "f00d"
    assert described["noun_extractor"]["revision"] == "default"


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
    assert "hf download openai/clip-vit-base-patch16" in asda.missing["tokenizer"]
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
