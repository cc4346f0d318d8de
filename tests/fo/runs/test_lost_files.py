"""Files that are lost or damaged are noticed, and their samples are done again; nothing else is."""

from __future__ import annotations

from pathlib import Path

import fiftyone as fo
import pytest

from fiftyone_avs import import_predictions
from tests.fo.samples import files_of, segment_with_fakes as run, write_truth


@pytest.mark.parametrize("lost", ["mask", "map", "empty", "label"])
def test_segment_does_again_what_is_not_there(make_segmented, output, lost):
    dataset = make_segmented(3)
    first = dataset.first()
    mask, soft_map = Path(first["vcap_acls"].mask_path), Path(first["vcap_acls_map"].map_path)
    if lost == "label":
        first["vcap_acls"] = None
        first.save()
    elif lost == "empty":
        mask.write_bytes(b"")
    else:
        (mask if lost == "mask" else soft_map).unlink()
    summary = run(dataset, output)
    assert (summary.ok, summary.skipped, summary.lost) == (1, 2, 1)
    assert "1 of them done again, because their files were lost" in str(summary)
    assert mask.stat().st_size and soft_map.stat().st_size
    assert dataset.count("vcap_acls") == 3 and len(files_of(output / "vcap_acls")) == 6
    summary = run(dataset, output)
    assert (summary.ok, summary.skipped, summary.lost) == (0, 3, 0) and "lost" not in str(summary)


def test_only_samples_that_were_asked_for_are_done_again(make_segmented, output):
    dataset = make_segmented(3)
    for path in dataset.values("vcap_acls.mask_path"):
        Path(path).unlink()
    assert run(dataset.limit(1), output).lost == 1
    assert run(dataset, output, max_samples=1).lost == 1
    assert sum(Path(path).is_file() for path in dataset.values("vcap_acls.mask_path")) == 2


def test_a_mask_in_the_database_is_no_lost_file(make_segmented, output):
    dataset = make_segmented(2)
    sample = dataset.first()
    path = Path(sample["vcap_acls"].mask_path)
    sample["vcap_acls"].import_mask(update=True)
    sample.save()
    path.unlink()
    assert run(dataset, output).skipped == 2


def test_samples_without_a_mask_have_no_file_to_lose(make_images, output):
    dataset = make_images(2)
    Path(dataset.first()["audio_path"]).unlink()
    assert run(dataset, output).failed == 1
    assert run(dataset, output).skipped == 2


def test_a_video_with_a_lost_frame_is_done_again(segmented_videos, output):
    before = files_of(output / "vcap_acls")
    frame = segmented_videos.first().frames[11]
    Path(frame["vcap_acls"].mask_path).unlink()
    summary = run(segmented_videos, output)
    assert (summary.ok, summary.lost) == (1, 1)
    assert files_of(output / "vcap_acls") == before


def test_imports_do_again_what_is_not_there(make_images, tmp_path, output):
    dataset = make_images(2)
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    for path in dataset.values("filepath"):
        write_truth(theirs / Path(path).name)
    import_predictions(dataset, theirs, "theirs", output_dir=output, progress=False)
    lost = Path(dataset.last()["theirs"].mask_path)
    lost.unlink()
    summary = import_predictions(dataset, theirs, "theirs", progress=False)
    assert (summary.ok, summary.skipped, summary.lost) == (1, 1, 1) and lost.is_file()
    assert isinstance(dataset.last()["theirs"], fo.Segmentation)
