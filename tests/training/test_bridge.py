"""The bridge that inversion needs: trained on sounds with captions, kept, recognised, refused."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest
import soundfile
import torch

import fiftyone_avs as avs
from fiftyone_avs.cli import main
from fiftyone_avs.models.bridge import check_tower
from fiftyone_avs.tiny.world.language import audio_caption
from fiftyone_avs.tiny.world.sounds import sound_clip
from fiftyone_avs.tiny.world.vocabulary import CLASSES
from fiftyone_avs.training.bridge import _part
from fiftyone_avs.training.bridge_fit import Pairs
from fiftyone_avs.training.embedding import embed_sounds
from fiftyone_avs.training.retrieval import recall_at

SOUNDS = 128


def write_sounds(folder, count=SOUNDS, seed=77):
    """A folder of the demo world's sounds and a table with two captions of each."""
    (folder / "wav").mkdir(parents=True)
    rows = []
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        name = CLASSES[index % len(CLASSES)]
        wave, info = sound_clip(name, rng)
        soundfile.write(folder / "wav" / f"{index}.wav", wave, 16000)
        rows.append([f"wav/{index}.wav", audio_caption(name, rng, info), f"a photo of {name}."])
    write_table(folder / "captions.csv", rows)
    return folder / "captions.csv"


def write_table(path, rows, header=("audio", "caption_1", "caption_2")):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write_sounds(tmp_path_factory.mktemp("captions"))


@pytest.fixture(scope="module")
def trained(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bridge") / "bridge"
    return avs.train_bridge(table, folder, preset="tiny", progress=False)


def test_held_out_sounds_find_their_captions(trained):
    assert (trained.sounds, trained.pairs, len(trained.skipped)) == (SOUNDS, 2 * SOUNDS, 0)
    assert trained.held_out == round(0.1 * SOUNDS)
    assert trained.scores["audio to text R@5"] > 0.7  # chance is about five times the next line's
    assert trained.scores["text to audio R@5"] > 0.7
    assert 1 / 26 <= trained.scores["chance R@1"] < 0.14
    assert 1 <= trained.best_epoch <= trained.epochs
    assert "held-out sounds" in str(trained)


def test_the_folder_holds_weights_a_record_and_a_plot(trained):
    record = json.loads((trained.folder / "bridge.json").read_text())
    assert record["segmenter"]["card"] == "tiny/clipseg"
    assert record["audio_text_scorer"]["card"] == "tiny/clap"
    assert record["scores"] == dict(trained.scores)
    assert {path.name for path in trained.folder.iterdir()} == {
        "bridge.json",
        "model.safetensors",
        "training.png",
        "embeddings",
    }


def test_inversion_recognises_sounds_through_it(trained):
    models = avs.load_models("tiny", overrides={"text_inverter": str(trained.folder)})
    pipeline = avs.load_pipeline("inversion", models=models)
    tower = models.segmenter.text_tower
    texts = torch.nn.functional.normalize(tower.encode([f"a photo of {name}." for name in CLASSES]), dim=-1)
    image = np.full((80, 80, 3), 127, np.uint8)
    clips = [
        avs.Clip(name, image, avs.Sound(sound_clip(name, np.random.default_rng([5, index]))[0], 16000))
        for index, name in enumerate(CLASSES)
    ]
    right = 0
    for index, prediction in enumerate(pipeline(clips)):
        assert prediction.status == "ok", prediction.reason
        tokens = torch.as_tensor(prediction.referral.tokens.vectors)[None]
        meant = torch.nn.functional.normalize(tower.encode_tokens(tokens)[0], dim=-1)
        right += int((texts @ meant).argmax()) == index
    assert right >= len(CLASSES) // 2  # sound-alikes cannot be told apart by ear; chance is 1


def test_the_audio_text_model_at_hand_is_used_again(trained):
    models = avs.load_models("tiny", overrides={"text_inverter": str(trained.folder)})
    assert models.text_inverter.embedder.scorer is models.audio_text_scorer


def test_the_same_seed_gives_the_same_bridge(table, trained, tmp_path):
    again = avs.train_bridge(table, tmp_path / "again", preset="tiny", progress=False)
    assert again.scores == trained.scores
    other = avs.train_bridge(table, tmp_path / "other", preset="tiny", progress=False, seed=1)
    assert other.scores != trained.scores


def test_a_bridge_to_another_text_encoder_is_refused(trained):
    models = avs.load_models("tiny", overrides={"text_inverter": str(trained.folder)})
    table = models.segmenter.network.clip.text_model.embeddings.token_embedding.weight
    table.data.copy_(table.data.flip(0))
    with pytest.raises(avs.ModelError, match=r"leads to the text encoder of 'tiny/clipseg'"):
        models.require(["text_inverter"])


def test_a_probe_of_another_width_is_refused(trained):
    tower = avs.load_models("tiny").segmenter.text_tower
    with pytest.raises(avs.ModelError, match="leads to the text encoder"):
        check_tower(trained.folder, {}, torch.zeros(3, 7), tower)


def test_a_bridge_behind_other_weights_is_refused(trained):
    models = avs.load_models("tiny", overrides={"text_inverter": str(trained.folder)})
    projection = models.audio_text_scorer.network.audio_projection.linear1.weight
    projection.data.copy_(projection.data.flip(0))
    with pytest.raises(
        avs.ModelError, match=r"other weights of the audio-text model 'tiny/clap'.*train the bridge"
    ):
        models.require(["text_inverter"])


@pytest.mark.parametrize("damage", ["model.safetensors", "bridge.json"])
def test_a_damaged_bridge_says_so(trained, tmp_path, damage):
    copy = shutil.copytree(trained.folder, tmp_path / "copy")
    (copy / damage).write_bytes((copy / damage).read_bytes()[:-40])
    models = avs.load_models("tiny", overrides={"text_inverter": str(copy)})
    with pytest.raises(avs.ModelError, match="train it again"):
        models.require(["text_inverter"])


def test_a_bridge_is_not_replaced_unasked(table, trained):
    with pytest.raises(avs.ConfigurationError, match="holds a bridge already"):
        avs.train_bridge(table, trained.folder, preset="tiny")


def test_kept_embeddings_are_not_computed_again(tmp_path):
    paths = [path.parent / "wav" / f"{n}.wav" for path in [write_sounds(tmp_path / "d", 6)] for n in range(6)]
    calls = []

    class Counting:
        def embed_sounds(self, sounds):
            calls.append(len(sounds))
            return torch.stack([torch.from_numpy(sound.samples[:4].copy()) for sound in sounds])

    first = embed_sounds(paths, Counting(), tmp_path / "keep", "a", batch_size=4, progress=False)
    assert calls == [4, 2]
    second = embed_sounds(paths, Counting(), tmp_path / "keep", "a", batch_size=4, progress=False)
    assert calls == [4, 2]
    assert torch.equal(first.vectors, second.vectors) and first.rows == second.rows
    embed_sounds(paths, Counting(), tmp_path / "keep", "another model", batch_size=4, progress=False)
    assert calls == [4, 2, 4, 2]
    soundfile.write(paths[0], np.ones(800, np.float32), 16000)
    changed = embed_sounds(paths, Counting(), tmp_path / "keep", "a", batch_size=4, progress=False)
    assert not torch.equal(changed.vectors[0], first.vectors[0])


def test_bad_rows_are_skipped_and_named(table, tmp_path):
    folder = shutil.copytree(table.parent, tmp_path / "data")
    (folder / "wav" / "0.wav").write_bytes(b"no sound")
    with (folder / "captions.csv").open("a") as file:
        file.write("wav/none.wav,a dog,\n../outside.wav,a dog,\nwav/1.wav,,\n,a dog,\n")
    report = avs.train_bridge(
        folder / "captions.csv", tmp_path / "b", preset="tiny", epochs=1, progress=False
    )
    assert report.sounds == SOUNDS - 1
    reasons = "\n".join(report.skipped)
    assert len(report.skipped) == 5
    assert f"row {SOUNDS + 2}:" in reasons and "none.wav does not exist" in reasons
    assert "leads out of" in reasons and "no caption" in reasons and "no sound" in reasons
    assert "0.wav" in reasons


def test_tables_that_cannot_be_used_are_refused(tmp_path, table):
    with pytest.raises(avs.DatasetError, match=r"nowhere\.csv"):
        avs.read_captions(tmp_path / "nowhere.csv")
    write_table(tmp_path / "a.csv", [["x.wav", "a dog"]], ("sound", "text"))
    with pytest.raises(
        avs.ConfigurationError, match=r"lacks a column of sounds; its columns are sound, text"
    ):
        avs.read_captions(tmp_path / "a.csv")
    with pytest.raises(avs.DatasetError, match="row 2"):
        avs.read_captions(tmp_path / "a.csv", audio_column="sound", caption_columns=["text"])
    few = avs.read_captions(table).pairs[:10]
    with pytest.raises(avs.DatasetError, match="5 sounds can be used, and a bridge needs 20"):
        avs.train_bridge(few, tmp_path / "b", preset="tiny", progress=False)
    with pytest.raises(avs.ConfigurationError, match="epochs must be positive"):
        avs.train_bridge(few, tmp_path / "b", preset="tiny", epochs=0)


def test_held_out_sounds_stay_few_and_apart():
    count = 30_000
    rows = torch.arange(count)
    pairs = Pairs(torch.empty(count, 1), torch.empty(count, 1), rows, rows)
    train, validation, test = _part(pairs, seed=0)
    assert [len(part.sound_of) for part in (train, validation, test)] == [26_000, 2_000, 2_000]
    assert len(torch.cat([part.sound_of for part in (train, validation, test)]).unique()) == count


def test_recall_is_the_share_of_queries_with_a_relevant_item_in_front():
    similarity = torch.tensor([[0.9, 0.1, 0.5], [0.9, 0.2, 0.1], [0.3, 0.3, 0.3]])
    relevant = torch.tensor([[True, False, False], [False, True, False], [False, False, True]])
    found = recall_at(similarity, relevant, (1, 2, 3))
    assert found["R@1"] == pytest.approx(1 / 3)  # ties count against the relevant item
    assert found["R@2"] == pytest.approx(2 / 3)
    assert found["R@3"] == pytest.approx(1)


def test_the_command_prints_scores_and_what_was_skipped(table, tmp_path, capsys):
    arguments = [
        "train-bridge",
        str(table),
        "--out",
        str(tmp_path / "b"),
        "--preset",
        "tiny",
        "--epochs",
        "2",
    ]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "R@1" in out and "R@10" in out and "text_inverter=" in out
    assert main(arguments) == 2
    assert "holds a bridge already" in capsys.readouterr().err
