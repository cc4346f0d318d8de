"""Fields, files and records are compared; what belongs to nobody is removed, and nothing that belongs to somebody."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import fiftyone as fo
import pytest

from fiftyone_avs import check_runs, evaluate
from fiftyone_avs.errors import ConfigurationError, DatasetError
from fiftyone_avs.fo import list_evaluations
from fiftyone_avs.models import fake
from tests.fo.samples import add_images, files_of, segment_with_fakes as run


def check(dataset, *arguments, **options):
    return check_runs(dataset, *arguments, progress=False, **options)


def test_a_whole_run_is_whole_and_left_as_it_is(make_segmented, output):
    dataset = make_segmented(3)
    before = files_of(output / "vcap_acls")
    (found,) = check(dataset, mend=True)
    assert found.whole and (found.run, found.results) == ("vcap_acls", 3) and "all whole" in str(found)
    assert files_of(output / "vcap_acls") == before and run(dataset, output).skipped == 3


def test_damage_is_found_and_cleared_to_be_done_again(make_segmented, output):
    dataset = make_segmented(4)
    evaluate(dataset, "vcap_acls", progress=False)
    damaged, lost, *_ = dataset
    path = Path(damaged["vcap_acls"].mask_path)
    path.write_bytes(path.read_bytes()[:60])
    Path(lost["vcap_acls_map"].map_path).unlink()
    (found,) = check(dataset)
    assert set(found.lost) == {damaged.id, lost.id} and not found.orphans
    assert dataset.count("vcap_acls_status") == 4  # a check changes nothing
    assert (
        run(dataset.select([damaged.id]), output).skipped == 1
    )  # segment itself does not read what is there
    (mended,) = check(dataset, mend=True)
    assert mended.lost == found.lost and mended.mended
    assert dataset.count("vcap_acls_status") == dataset.count("vcap_acls") == 2
    assert len(files_of(output / "vcap_acls")) == 4
    assert "for 2 of the samples it scored" in list_evaluations(dataset)[0].stale
    summary = run(dataset, output)
    assert (summary.ok, summary.skipped) == (2, 2)
    assert check(dataset)[0].whole


def test_files_of_deleted_samples_are_orphans(make_segmented, output):
    dataset = make_segmented(3)
    gone = dataset.first().id
    dataset.delete_samples([gone])
    (output / "vcap_acls" / "mine.txt").write_text("not of the run")
    (found,) = check(dataset)
    assert {Path(path).name for path in found.orphans} == {f"{gone}_mask.png", f"{gone}_map.png"}
    assert len(files_of(output / "vcap_acls")) == 7
    check(dataset, mend=True)
    assert len(files_of(output / "vcap_acls")) == 5 and (output / "vcap_acls" / "mine.txt").exists()


def test_what_a_killed_run_left_waits_for_its_turn(make_images, output):
    dataset = make_images(2)
    run(dataset, output, max_samples=1)
    waiting = dataset.match({"vcap_acls_status": None}).first().id
    half = output / "vcap_acls" / f".{waiting}_map.png.tmp"
    half.write_bytes(b"half")
    (found,) = check(dataset, mend=True)
    assert found.whole and half.exists()


def test_a_clone_s_files_are_not_the_original_s_orphans(make_segmented, output):
    dataset = make_segmented(2)
    clone = dataset.clone()
    try:
        gone, mask = dataset.limit(1).values(["id", "vcap_acls.mask_path"])
        dataset.delete_samples(gone)
        (found,) = check(dataset, mend=True)
        assert found.whole and len(files_of(output / "vcap_acls")) == 4
        Path(clone.first()["vcap_acls_map"].map_path).unlink()
        (found,) = check(clone, mend=True)
        assert list(found.lost) == gone
        assert Path(mask[0]).is_file()  # of the original's folder
    finally:
        clone.delete()


def test_fields_that_are_gone_are_made_again_and_filled_by_the_next_segment(make_segmented, output):
    dataset = make_segmented(2)
    dataset.delete_sample_field("vcap_acls")
    (found,) = check(dataset)
    assert "'vcap_acls' are gone" in found.problem and len(found.lost) == 2
    check(dataset, mend=True)
    assert run(dataset, output).ok == 2 and check(dataset)[0].whole


def test_fields_without_a_record_are_told_and_left_alone(make_segmented):
    dataset = make_segmented(2)
    clone = dataset.match({}).clone()
    for name in ("", "_map", "_query", "_candidates", "_status"):
        clone.rename_sample_field(f"vcap_acls{name}", f"theirs{name}")
    try:
        found = {one.run: one for one in check(clone, mend=True)}
        assert "have no record" in found["theirs"].problem and clone.count("theirs") == 2
    finally:
        clone.delete()


def test_videos_are_checked_frame_by_frame(segmented_videos, output):
    frame = segmented_videos.first().frames[11]
    Path(frame["vcap_acls_map"].map_path).write_bytes(b"no picture")
    stray = output / "vcap_acls" / f"{segmented_videos.first().id}_000099_mask.png"
    stray.write_bytes(b"a frame that is not labelled")
    (found,) = check(segmented_videos)
    assert list(found.lost) == [segmented_videos.first().id] and "frame 11: " in str(found.lost)
    assert found.orphans == (str(stray),)
    check(segmented_videos, mend=True)
    assert not stray.exists() and run(segmented_videos, output).ok == 1
    assert check(segmented_videos)[0].whole


@pytest.fixture
def default_folder(tmp_path, monkeypatch):
    """FiftyOne's folder of datasets, this test's own."""
    monkeypatch.setattr(fo.config, "default_dataset_dir", str(tmp_path / "fiftyone"))
    return tmp_path / "fiftyone" / "avs"


@pytest.fixture
def deleted(tmp_path, default_folder):
    """What a dataset left that was deleted: a folder of the default, and one of another place."""
    (tmp_path / "media").mkdir()
    dataset = fo.Dataset()
    add_images(dataset, tmp_path / "media", 2)
    run(dataset, None)
    run(dataset, tmp_path / "elsewhere", run="second")
    (first,) = default_folder.glob("*/vcap_acls")
    dataset.delete()
    return first, tmp_path / "elsewhere" / "second"


def test_folders_of_deleted_datasets_are_found_and_removed(deleted, default_folder):
    first, second = deleted
    known = {one.directory: one for one in check(None)}
    assert len(known[str(first)].orphans) == 4 and str(second) not in known
    assert first.is_dir()
    found = check(None, mend=True, output_dir=second.parent)
    assert {one.directory for one in found if one.orphans} == {str(first), str(second)}
    assert not first.parent.exists() and not second.exists()


@pytest.mark.parametrize("database", ["elsewhere:27017/fiftyone", None])
def test_folders_of_another_database_are_left_alone(deleted, database):
    folder, _ = deleted
    note = json.loads((folder / "run.json").read_text())
    note = {**note, "database": database} if database else {k: v for k, v in note.items() if k != "database"}
    (folder / "run.json").write_text(json.dumps(note))
    found = {one.directory: one for one in check(None, mend=True)}[str(folder)]
    assert "left alone" in found.problem and not found.orphans and len(files_of(folder)) == 4


def test_a_clone_keeps_the_folder_of_its_deleted_original(make_images, default_folder):
    dataset = make_images(2)
    run(dataset, None)
    clone = dataset.clone()
    try:
        run(clone.limit(1), None, overwrite=True)  # has a folder of its own now
        dataset.delete()
        check(None, mend=True)
        assert check(clone)[0].whole
    finally:
        clone.delete()


def test_a_deletion_that_was_cut_short_is_finished(make_segmented, output):
    dataset = make_segmented(2)
    kept = output / "kept"
    shutil.copytree(output / "vcap_acls", kept)
    run(dataset, output, run="other")
    dataset.delete_run("vcap_acls")
    found = {one.directory: one for one in check(dataset, mend=True)}
    assert len(found[str(kept)].orphans) == 4 and not kept.exists()
    assert found[str(output / "other")].whole


def test_runs_that_are_not_there(make_segmented):
    dataset = make_segmented(1, models=fake.fake_models())
    with pytest.raises(DatasetError, match="no run 'nothing'"):
        check(dataset, "nothing")
    with pytest.raises(ConfigurationError, match="name that, too"):
        check(None, "vcap_acls")
