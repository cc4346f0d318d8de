"""Overwriting takes what it says and nothing else: the samples of a view, or the whole run where that is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from fiftyone import ViewField as F

from fiftyone_avs import check_runs, delete_run, evaluate, import_predictions, rename_run
from fiftyone_avs.cli import EXIT_OK, EXIT_USAGE, main
from fiftyone_avs.errors import ConfigurationError, RunConflictError
from fiftyone_avs.fo import check_segment, list_evaluations, list_runs, run_info
from fiftyone_avs.fo.runs.calls import noted
from fiftyone_avs.models import fake
from tests.fo.samples import files_of, segment_with_fakes as run, write_truth


class Inverted(fake.FakeSegmenter):
    """Marks the dark half of a picture, so that its masks are told from those of the plain fake."""

    def segment(self, images, expressions):
        return [1 - found for found in super().segment(images, expressions)]


def written(dataset, field="vcap_acls"):
    """When each sample's mask was written."""
    return [Path(path).stat().st_mtime_ns for path in dataset.values(f"{field}.mask_path")]


def test_a_view_is_made_anew_and_the_rest_of_the_run_stays(make_segmented, output):
    dataset = make_segmented(4)
    record, before = run_info(dataset, "vcap_acls"), written(dataset)
    summary = run(dataset.limit(2), output, overwrite=True)
    assert (summary.ok, summary.skipped) == (2, 0)
    assert dataset.count_values("vcap_acls_status") == {"ok": 4} and dataset.count("vcap_acls") == 4
    after = written(dataset)
    assert after[2:] == before[2:] and all(new > old for new, old in zip(after[:2], before[:2], strict=True))
    assert len(files_of(output / "vcap_acls")) == 8
    assert run_info(dataset, "vcap_acls").created == record.created


def test_other_settings_are_refused_for_a_part_and_taken_for_all_that_a_run_has(make_segmented, output):
    dataset = make_segmented(3)
    with pytest.raises(RunConflictError, match="2 of its 3 masks are of samples that are not among these"):
        run(dataset.limit(1), output, threshold=0.25, overwrite=True)
    assert dataset.count("vcap_acls") == 3
    assert run(dataset, output, threshold=0.25, overwrite=True).ok == 3
    assert run_info(dataset, "vcap_acls").threshold == 0.25


def test_the_whole_run_goes_if_it_is_named(make_segmented, output):
    dataset = make_segmented(3)
    summary = run(dataset.limit(1), output, threshold=0.25, overwrite="run")
    assert summary.ok == 1 and dataset.values("vcap_acls_status") == ["ok", None, None]
    assert len(files_of(output / "vcap_acls")) == 2
    with pytest.raises(ConfigurationError, match="overwrite must be"):
        run(dataset, output, overwrite="everything")


def test_an_interrupted_overwrite_does_not_look_finished(make_segmented, output):
    dataset = make_segmented(4)

    class Breaks(fake.FakeSegmenter):
        def segment(self, images, expressions):
            raise KeyboardInterrupt

    Breaks.__module__, Breaks.__qualname__ = fake.FakeSegmenter.__module__, fake.FakeSegmenter.__qualname__
    with pytest.raises(KeyboardInterrupt):
        run(dataset.limit(3), output, models=fake.fake_models(segmenter=Breaks()), overwrite=True)
    assert dataset.values("vcap_acls_status") == [None, None, None, "ok"]
    assert dataset.values("vcap_acls")[:3] == [None] * 3 and len(files_of(output / "vcap_acls")) == 2
    summary = run(dataset, output)
    assert (summary.ok, summary.skipped) == (3, 1)


def test_so_it_does_if_it_stops_early(make_segmented, output):
    dataset = make_segmented(3)
    assert run(dataset.limit(2), output, overwrite=True, max_samples=1).ok == 1
    assert dataset.values("vcap_acls_status") == ["ok", None, "ok"]


def test_videos_are_made_anew_one_by_one(segmented_videos, output):
    first = segmented_videos.limit(1)
    before = {path.name: path.stat().st_mtime_ns for path in (output / "vcap_acls").glob("*.png")}
    own = first.first().id
    assert run(first, output, overwrite=True).ok == 1
    for path in (output / "vcap_acls").glob("*.png"):
        assert (path.stat().st_mtime_ns > before[path.name]) == path.name.startswith(own)
    assert {path.name for path in (output / "vcap_acls").glob("*.png")} == set(before)
    with pytest.raises(RunConflictError, match="other settings"):
        run(first, output, overwrite=True, fps=2)


def test_a_clone_that_is_overwritten_leaves_the_original_s_files_alone(make_segmented, output):
    dataset = make_segmented(3)
    before = written(dataset)
    clone = dataset.clone()
    try:
        assert run(clone.limit(1), None, overwrite=True).ok == 1
        assert written(dataset) == before
        own, *shared = clone.values("vcap_acls.mask_path")
        assert Path(own).parent != output / "vcap_acls"
        assert shared == dataset.values("vcap_acls.mask_path")[1:]
        assert run(clone.skip(2), None, overwrite=True).ok == 1  # in the clone's own folder, too
        assert written(dataset) == before
    finally:
        clone.delete()


def test_imports_are_overwritten_alike(make_images, tmp_path, output):
    dataset = make_images(3)
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    for path in dataset.values("filepath"):
        write_truth(theirs / Path(path).name)

    def take(samples, **options):
        return import_predictions(samples, theirs, "theirs", output_dir=output, progress=False, **options)

    take(dataset)
    before = written(dataset, "theirs")
    assert take(dataset.limit(1), overwrite=True).ok == 1
    assert written(dataset, "theirs")[1:] == before[1:] and written(dataset, "theirs")[0] > before[0]
    with pytest.raises(RunConflictError, match="2 of its 3 masks"):
        take(dataset.limit(1), threshold=0.4, overwrite=True)
    assert take(dataset.limit(1), threshold=0.4, overwrite="run").ok == 1
    assert dataset.count("theirs") == 1


def test_scores_of_what_was_overwritten_are_stale(make_segmented, output):
    dataset = make_segmented(4)
    results = evaluate(dataset, "vcap_acls", progress=False)
    view = evaluate(dataset.skip(2), "vcap_acls", eval_key="others", progress=False)

    def stale():
        return {info.key: info.stale for info in list_evaluations(dataset)}

    assert stale() == {"vcap_acls_eval": "", "others": ""} and results.stale == ""
    run(dataset.limit(2), output, overwrite=True)
    assert "other results since for 2 of the samples it scored" in stale()["vcap_acls_eval"]
    assert stale()["others"] == "" and view.stale == ""  # nothing that it scored has changed
    assert "STALE" in results.to_text() and "for 2 of the samples" in results.to_text()
    assert evaluate(dataset, "vcap_acls", progress=False).stale == ""
    run(dataset, output, overwrite=True, threshold=0.25)
    assert "was deleted and made anew since" in stale()["others"]
    dataset.delete_run("vcap_acls")
    assert "was deleted" in stale()["vcap_acls_eval"]


def test_scores_are_stale_once_a_run_goes_on_where_nothing_was(make_images, output):
    dataset = make_images(3)
    run(dataset, output, max_samples=1)
    results = evaluate(dataset, "vcap_acls", coverage="all", progress=False)
    covered = evaluate(dataset, "vcap_acls", eval_key="covered", progress=False)
    assert results.counts["missing"] == 2 and covered.uncovered == 2
    run(dataset, output)
    assert "for 2 of the samples" in results.stale
    assert covered.stale == ""  # what it scored is as it was


def test_the_form_s_check_says_what_goes(make_segmented):
    dataset = make_segmented(3)
    models = fake.fake_models()

    def check(samples, **options):
        return check_segment(samples, ["vcap_acls"], models=models, **options)

    (found,) = check(dataset.limit(1), overwrite=True)
    assert (found.argument, found.blocks) == ("overwrite", False)
    assert "1 of the 3 masks of run 'vcap_acls' will be made anew" in found.message
    (found,) = check(dataset.limit(1), overwrite="run")
    assert "the whole run 'vcap_acls' will be deleted first: 3 masks" in found.message
    (found,) = check(dataset.limit(1), overwrite=True, threshold=0.1)
    assert found.blocks and found.argument == "run" and "2 of its 3 masks" in found.message
    (found,) = check(dataset, threshold=0.1)
    assert found.blocks and "exists with other settings (threshold: 0.5 there, 0.1 here)" in found.message


@pytest.mark.filterwarnings("ignore:preset 'tiny' knows the drawn demo world only")
def test_the_command_line_takes_samples_or_the_run(make_images, output, capsys):
    dataset = make_images(3)
    dataset.save_view("some", dataset.limit(1))
    command = ["segment", dataset.name, "--preset", "tiny", "--strategy", "classification"]
    assert main([*command, "--output-dir", str(output)]) == EXIT_OK
    assert main(["segment", "--overwrite", *command[1:], "--view", "some"]) == EXIT_OK
    assert dataset.count("classification") == 3
    assert main([*command, "--view", "some", "--overwrite", "--threshold", "0.1"]) == EXIT_USAGE
    assert "--overwrite run" in capsys.readouterr().err
    assert main([*command, "--view", "some", "--overwrite", "run", "--threshold", "0.1"]) == EXIT_OK
    assert dataset.count("classification_status") == 1 and list_runs(dataset)[0].threshold == 0.1


def test_a_view_of_results_is_made_anew_and_not_emptied(make_segmented, output):
    """Once the old results are gone such a view is empty: the samples that it had are meant."""
    dataset = make_segmented(4)
    first = dataset.first().id
    view = dataset.match(F("vcap_acls_query.confidence") > 0).exists("vcap_acls").limit(3)
    assert run(view, output, overwrite=True).ok == 3
    assert dataset.count("vcap_acls") == 4 and dataset.first().id == first


def test_the_masks_of_a_clone_stay_when_the_original_is_made_anew(make_segmented, output):
    dataset = make_segmented(3)
    clone = dataset.clone(f"{dataset.name}-clone")
    try:
        before = [Path(path).read_bytes() for path in clone.values("vcap_acls.mask_path")]
        for options in (
            {"samples": dataset.limit(1), "overwrite": True},
            {"samples": dataset, "overwrite": "run", "threshold": 0.9},
        ):
            run(options.pop("samples"), output, **options)
            assert not set(dataset[:1].values("vcap_acls.mask_path")) & set(
                clone.values("vcap_acls.mask_path")
            )
            assert [Path(path).read_bytes() for path in clone.values("vcap_acls.mask_path")] == before
            assert check_runs(clone, progress=False)[0].whole and check_runs(dataset, progress=False)[0].whole
        check_runs(mend=True, progress=False)
        assert [Path(path).read_bytes() for path in clone.values("vcap_acls.mask_path")] == before
    finally:
        clone.delete()


def test_files_are_known_by_all_their_names(make_segmented, output, tmp_path):
    dataset = make_segmented(2)
    (tmp_path / "link").symlink_to(output)
    record = dataset.get_run_info("vcap_acls")
    record.config.directory = str(tmp_path / "link" / "vcap_acls")
    dataset.update_run_config("vcap_acls", record.config)
    for folder in (output, tmp_path / "link", output / "x" / ".." / ".." / output.name):
        found = check_runs(dataset, output_dir=folder, mend=True, progress=False)
        assert [one.orphans for one in found] == [()]
    assert all(Path(path).exists() for path in dataset.values("vcap_acls.mask_path"))


def test_files_that_a_copied_field_or_another_dataset_uses_stay(make_segmented, output):
    dataset = make_segmented(2)
    dataset.clone_sample_field("vcap_acls", "backup")
    paths = dataset.values("backup.mask_path")
    delete_run(dataset, "vcap_acls")
    check_runs(dataset, output_dir=output, mend=True, progress=False)
    assert all(Path(path).exists() for path in paths)
    dataset.delete_sample_field("backup")
    check_runs(dataset, output_dir=output, mend=True, progress=False)
    assert not any(Path(path).exists() for path in paths)


def test_a_run_under_way_is_neither_renamed_nor_deleted(make_segmented):
    dataset = make_segmented(1)
    with noted(dataset, dataset, ["vcap_acls"], None):
        for refused in (
            lambda: rename_run(dataset, "vcap_acls", "other"),
            lambda: delete_run(dataset, "vcap_acls"),
        ):
            with pytest.raises(ConfigurationError, match=r"under way.*stop it first"):
                refused()
    rename_run(dataset, "vcap_acls", "other")
