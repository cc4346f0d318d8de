from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import fiftyone as fo
import numpy as np
import pytest
from PIL import Image

import fiftyone_avs as avs
from fiftyone_avs.errors import ConfigurationError, DatasetError, ModelError, RunConflictError
from fiftyone_avs.fo import delete_run, list_runs, run_info
from fiftyone_avs.fo.segment.demo_models import DemoModelsWarning
from fiftyone_avs.models import Models, by_role, fake
from tests.fo.samples import SIZE, files_of, segment_with_fakes as run, write_tone


def test_a_run_writes_every_field_and_its_record(make_images, output):
    dataset = make_images(3)
    summary = run(dataset, output)
    assert (summary.ok, summary.abstained, summary.failed, summary.skipped) == (3, 0, 0, 0)
    assert str(summary) == "run 'vcap_acls': 3 ok, 0 abstained, 0 failed"
    sample = dataset.first()
    mask = np.asarray(Image.open(sample["vcap_acls"].mask_path))
    soft_map = np.asarray(Image.open(sample["vcap_acls_map"].map_path))
    assert mask.shape == SIZE and mask.dtype == np.uint8 and set(np.unique(mask)) == {0, 255}
    assert soft_map.dtype == np.uint16 and sample["vcap_acls_map"].range == [0, 65535]
    np.testing.assert_array_equal(mask > 0, soft_map / 65535 > 0.5)
    assert sample["vcap_acls_query"].label == "a photo of dog."
    assert sample["vcap_acls_query"].confidence == pytest.approx(0.8)
    assert [c.label for c in sample["vcap_acls_candidates"].classifications] == ["dog", "tree"]
    assert sample["vcap_acls_status"] == "ok"
    assert sample["image_caption"].label == "a dog next to a tree"
    assert sample["image_caption"].model.endswith("FakeImageCaptioner")
    assert dataset.mask_targets["vcap_acls"] == {0: "background", 255: "sounding object"}
    [info] = list_runs(dataset)
    assert info.strategy == "vcap_acls" and info.preset == "fake" and info.threshold == 0.5
    assert set(info.models) == {"image_captioner", "noun_extractor", "audio_text_scorer", "segmenter"}
    assert info.counts == {"ok": 3, "abstained": 0, "failed": 0} and info.note == ""
    assert len(files_of(output / "vcap_acls")) == 6


def test_a_run_is_a_group_in_the_sidebar_until_it_is_deleted(make_images, output):
    dataset = make_images(1)
    run(dataset, output, run="mine")
    groups = {group.name: group.paths for group in dataset.app_config.sidebar_groups}
    assert groups["mine"] == ["mine", "mine_map", "mine_query", "mine_candidates", "mine_status"]
    delete_run(dataset, "mine")
    assert "mine" not in {group.name for group in dataset.app_config.sidebar_groups}


def test_running_again_does_nothing(make_images, output):
    dataset = make_images(2)
    models = fake.fake_models()
    run(dataset, output, models=models)
    summary = run(dataset, output, models=models)
    assert summary.ok == 0 and summary.skipped == 2
    assert len(models.segmenter.expressions) == 2


def test_views_and_max_samples_limit_a_run(make_images, output):
    dataset = make_images(4)
    seen = []
    summary = run(dataset[1:], output, max_samples=2, progress=lambda done, total: seen.append((done, total)))
    assert summary.ok == 2 and seen == [(1, 2), (2, 2)]
    statuses = dataset.values("vcap_acls_status")
    assert statuses == [None, "ok", "ok", None]
    assert run(dataset, output, batch_size=1).ok == 2
    assert run_info(dataset, "vcap_acls").counts["ok"] == 4


def test_other_settings_conflict_and_overwrite_starts_anew(make_images, output):
    dataset = make_images(2)
    run(dataset, output)
    with pytest.raises(RunConflictError, match=r"threshold: 0.5 there, 0.25 here"):
        run(dataset, output, threshold=0.25)
    with pytest.raises(RunConflictError, match="strategy"):
        run(dataset, output, strategy="captioning", run="vcap_acls")

    class Other(fake.FakeSegmenter):
        pass

    with pytest.raises(
        RunConflictError, match=r"models.segmenter.card: .*FakeSegmenter' there, .*Other' here"
    ):
        run(dataset, output, models=fake.fake_models(segmenter=Other()))
    summary = run(dataset[:1], output, threshold=0.25, overwrite="run")
    assert summary.ok == 1 and dataset.values("vcap_acls_status") == ["ok", None]
    assert run_info(dataset, "vcap_acls").threshold == 0.25
    assert len(files_of(output / "vcap_acls")) == 2


def test_a_second_strategy_reuses_captions_of_the_same_model(make_images, output):
    dataset = make_images(2)
    captioner = fake.FakeAudioCaptioner(("a dog is barking", "a cat"))
    models = fake.fake_models(audio_captioner=captioner)
    run(dataset, output, strategy="captioning", models=models)
    run(dataset, output, strategy="acap_vcls", models=models)
    assert captioner.calls == 2
    labels = dataset.first()["acap_vcls_candidates"].classifications
    assert [label.label for label in labels] == ["dog", "cat"]


def test_captions_of_another_model_are_made_again(make_images, output):
    dataset = make_images(1)
    run(dataset, output, strategy="captioning")

    class Other(fake.FakeAudioCaptioner):
        pass

    models = fake.fake_models(audio_captioner=Other(("a cat",)))
    run(dataset, output, strategy="acap_vcls", models=models)
    assert dataset.first()["audio_caption"].label == "a cat"


def test_captions_of_the_same_model_with_other_settings_are_made_again(make_images, output):
    dataset = make_images(1)
    run(dataset, output)
    models = fake.fake_models(image_captioner=fake.FakeImageCaptioner(("a cat on a mat",)))
    models.cards["image_captioner"] = replace(models.cards["image_captioner"], settings={"beams": 2})
    run(dataset, output, models=models, run="wider")
    assert dataset.first()["image_caption"].label == "a cat on a mat"


def test_captions_of_people_are_left_alone(make_images, output):
    dataset = make_images(1)
    dataset.set_values("image_caption", [fo.Classification(label="mine")])
    run(dataset, output)
    assert dataset.first()["image_caption"].label == "mine"
    delete_run(dataset, "vcap_acls")
    assert dataset.first()["image_caption"].label == "mine"


def test_abstained_samples_have_no_mask(make_images, output):
    dataset = make_images(2)
    write_tone(Path(dataset.first().audio_path), level=0)
    summary = run(dataset, output)
    assert summary.abstained == 1 and "silent" in summary.reasons[dataset.first().id]
    sample = dataset.first()
    assert sample["vcap_acls_status"].startswith("abstained: ") and sample["vcap_acls"] is None


def test_bad_samples_fail_by_themselves_and_can_be_retried(make_images, output, tmp_path):
    dataset = make_images(6)
    empty, cut, nan, gone, unset, good = dataset
    Path(empty.audio_path).write_bytes(b"")
    cut_bytes = Path(cut.filepath).read_bytes()
    Path(cut.filepath).write_bytes(cut_bytes[: len(cut_bytes) // 2])
    import soundfile

    soundfile.write(nan.audio_path, np.full(800, np.nan, np.float32), 8000, subtype="FLOAT")
    Path(gone.filepath).unlink()
    unset.audio_path = None
    unset.save()
    summary = run(dataset, output)
    assert summary.ok == 1 and summary.failed == 5
    assert set(summary.reasons) == {sample.id for sample in (empty, cut, nan, gone, unset)}
    assert Path(empty.audio_path).name in summary.reasons[empty.id]
    assert Path(cut.filepath).name in summary.reasons[cut.id]
    assert "NaN" in summary.reasons[nan.id]
    assert Path(gone.filepath).name in summary.reasons[gone.id]
    assert "'audio_path'" in summary.reasons[unset.id]
    good.reload()
    assert good["vcap_acls_status"] == "ok"
    write_tone(Path(empty.audio_path))
    assert run(dataset, output).skipped == 6
    again = run(dataset, output, retry_failed=True)
    assert (again.ok, again.failed, again.skipped) == (1, 4, 1)


def test_a_model_that_fails_on_one_clip_fails_that_sample_only(make_images, output):
    dataset = make_images(3)

    class Picky(fake.FakeAudioCaptioner):
        def caption_sounds(self, sounds):
            if any(len(sound.samples) < 1000 for sound in sounds):
                raise ValueError("too short")
            return super().caption_sounds(sounds)

    write_tone(Path(dataset.first().audio_path), seconds=0.1)
    summary = run(dataset, output, strategy="captioning", models=fake.fake_models(audio_captioner=Picky()))
    assert summary.ok == 2 and "too short" in summary.reasons[dataset.first().id]


def test_relative_sounds_start_at_the_picture(make_images, output):
    dataset = make_images(1)
    sample = dataset.first()
    sample.audio_path = Path(sample.audio_path).name
    sample.save()
    assert run(dataset, output).ok == 1


def test_a_missing_audio_field_is_named_with_its_rivals(make_images, output):
    dataset = make_images(1)
    with pytest.raises(DatasetError, match=r"'sound'.*does not exist.*'audio_path'"):
        run(dataset, output, audio_field="sound")
    assert dataset.list_runs() == []


def test_grouped_empty_and_patches_are_refused(make_images, output, dataset):
    with pytest.raises(DatasetError, match="no samples"):
        run(dataset, output)
    grouped = fo.Dataset()
    grouped.add_group_field("group", default="left")
    try:
        with pytest.raises(DatasetError, match="grouped"):
            run(grouped, output)
    finally:
        grouped.delete()


def test_a_missing_model_ends_the_run_before_anything_is_written(make_images, output):
    dataset = make_images(1)
    with pytest.raises(ModelError, match="image_captioner"):
        run(dataset, output, models=Models({}))
    assert dataset.list_runs() == [] and not output.exists()
    assert "vcap_acls" not in dataset.get_field_schema()


def test_models_that_do_not_fit_into_memory_end_the_run_before_any_is_loaded(
    make_images, output, monkeypatch
):
    monkeypatch.setattr(by_role, "free_on", lambda device: 1 << 20)
    monkeypatch.setattr(Models, "role", lambda self, role: pytest.fail(f"{role} was loaded"))
    dataset = make_images(1)
    with pytest.raises(ModelError, match=r"no memory for tiny/.*, tiny/"):
        avs.segment(dataset, preset="tiny", output_dir=output)
    assert dataset.list_runs() == [] and not output.exists()


@pytest.mark.parametrize(
    "options",
    [
        {"run": "2nd"},
        {"run": "a.b"},
        {"run": "ground_truth"},
        {"batch_size": 0},
        {"fps": 0},
        {"max_samples": -1},
    ],
)
def test_impossible_arguments_are_refused(make_images, output, options):
    dataset = make_images(1)
    with pytest.raises(ConfigurationError):
        run(dataset, output, **options)
    assert dataset.list_runs() == []


def test_a_folder_of_another_run_is_refused(make_images, output):
    dataset = make_images(1)
    run(dataset, output)
    other = fo.Dataset()
    other.add_samples([sample.copy() for sample in dataset.select_fields("audio_path")], progress=False)
    try:
        with pytest.raises(ConfigurationError, match="another run"):
            run(other, output)
    finally:
        other.delete()


def test_deleting_runs_leaves_nothing(make_images, output):
    dataset = make_images(2)
    before = set(dataset.get_field_schema())
    run(dataset, output)
    run(dataset, output, strategy="captioning", run="second")
    delete_run(dataset, "second")
    assert "image_caption" in dataset.get_field_schema()
    dataset.delete_run("vcap_acls")
    assert not (output / "vcap_acls").exists() and "vcap_acls" not in dataset.mask_targets
    run(dataset, output)
    delete_run(dataset, "vcap_acls")
    assert set(dataset.get_field_schema()) == before and dataset.list_runs() == []
    assert not any(output.iterdir())
    with pytest.raises(DatasetError, match="no run 'vcap_acls'"):
        delete_run(dataset, "vcap_acls")


def test_a_clone_does_not_delete_the_originals_files(make_images, output):
    dataset = make_images(1)
    run(dataset, output)
    clone = dataset.clone()
    delete_run(clone, "vcap_acls")
    clone.delete()
    assert len(files_of(output / "vcap_acls")) == 2


def test_a_renamed_run_keeps_its_results_and_can_be_resumed(make_images, output):
    dataset = make_images(2)
    run(dataset[:1], output)
    dataset.rename_run("vcap_acls", "baseline")
    assert run_info(dataset, "baseline").counts["ok"] == 1
    summary = run(dataset, None, run="baseline")
    assert (summary.ok, summary.skipped) == (1, 1)
    delete_run(dataset, "baseline")
    assert not any(output.iterdir())


def test_demo_models_warn_on_other_data(make_images, output):
    dataset = make_images(1)
    models = fake.fake_models()
    models.preset = "tiny"
    with pytest.warns(DemoModelsWarning, match="demo world"):
        run(dataset, output, models=models)
    assert run_info(dataset, "vcap_acls").note == "embedded demo models: demo world only"


def test_an_unwritable_folder_is_a_clear_error(make_images, tmp_path):
    dataset = make_images(1)
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(ConfigurationError, match="cannot write"):
        run(dataset, blocked)
    assert dataset.list_runs() == []
