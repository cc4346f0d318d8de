"""What real models bring to FiftyOne collections: bad checkpoints, precision, captions to train on."""

from __future__ import annotations

import fiftyone as fo
import pytest

import fiftyone_avs as avs
from fiftyone_avs.cli import main
from fiftyone_avs.models import fake


def test_a_bad_checkpoint_is_refused_before_any_sample_is_touched(make_images, tmp_path):
    dataset = make_images(2)
    before = set(dataset.get_field_schema())
    (tmp_path / "asda.pth").write_bytes(b"<!DOCTYPE html>")
    models = {role: "tiny/" + name for role, name in TINY.items()} | {
        "segmenter": f"asda:{tmp_path / 'asda.pth'}"
    }
    with pytest.raises(avs.ModelError, match=r"asda.*web page.*github\.com/swagger-coder/ASDA"):
        avs.segment(dataset, preset="paper", models=models, output_dir=tmp_path / "out")
    assert set(dataset.get_field_schema()) == before
    assert avs.list_runs(dataset) == [] and not (tmp_path / "out").exists()


TINY = {"image_captioner": "blip", "noun_extractor": "nouns", "audio_text_scorer": "clap"}


def test_the_precision_is_recorded_and_a_run_keeps_to_it(make_images, tmp_path):
    dataset = make_images(2)
    options = {"preset": "tiny", "output_dir": tmp_path / "out", "progress": False}
    with pytest.warns(UserWarning, match="demo world"):
        avs.segment(dataset, "classification", max_samples=1, **options)
    (run,) = avs.list_runs(dataset)
    assert run.settings["precision"] == "float32"
    with pytest.raises(avs.RunConflictError, match="precision"):
        avs.segment(dataset, "classification", precision="bf16", **options)
    with pytest.warns(UserWarning):
        summary = avs.segment(dataset, "classification", precision="bf16", run="half", **options)
    assert (summary.ok, summary.failed) == (2, 0)


def test_a_run_of_an_older_version_is_resumed_in_float32(make_images, tmp_path):
    dataset = make_images(2)
    options = {"models": fake.fake_models(), "output_dir": tmp_path / "out", "progress": False}
    avs.segment(dataset, max_samples=1, **options)
    record = dataset.get_run_info("vcap_acls")
    del record.config.settings["precision"]  # older versions did not write it
    dataset.update_run_config("vcap_acls", record.config)
    assert avs.segment(dataset, **options).ok == 1


@pytest.mark.parametrize("kind", ["text", "list", "label"])
def test_captions_of_a_dataset_are_read_from_any_kind_of_field(make_images, kind):
    dataset = make_images(3)
    values = {
        "text": ["a tone", "", "a beep"],
        "list": [["a tone", "a hum"], [], ["a beep"]],
        "label": [fo.Classification(label="a tone"), None, fo.Classification(label="a beep")],
    }
    dataset.set_values("caption", values[kind])
    table = avs.captioned_sounds(dataset)
    paths = dataset.values("audio_path")
    assert [(str(pair.path), pair.caption) for pair in table.pairs] == [
        (paths[0], "a tone"),
        *([(paths[0], "a hum")] if kind == "list" else []),
        (paths[2], "a beep"),
    ]
    assert len(table.skipped) == 1 and dataset.values("id")[1] in table.skipped[0]


def test_a_dataset_without_captions_is_refused(make_images):
    dataset = make_images(2)
    with pytest.raises(avs.DatasetError, match="no field 'caption'"):
        avs.captioned_sounds(dataset)
    dataset.set_values("caption", ["", None])
    with pytest.raises(avs.DatasetError, match="no sample"):
        avs.captioned_sounds(dataset)


def test_a_bridge_is_trained_on_a_dataset_from_the_command_line(make_images, tmp_path, capsys):
    dataset = make_images(24)
    dataset.set_values("caption", [f"a photo of {name}." for name in ("dog", "cat", "bee") for _ in range(8)])
    arguments = ["train-bridge", dataset.name, "--out", str(tmp_path / "bridge"), "--preset", "tiny"]
    assert main([*arguments, "--epochs", "1"]) == 0
    assert "24 sounds, 24 pairs, 0 skipped" in capsys.readouterr().out
    assert (tmp_path / "bridge" / "model.safetensors").is_file()
