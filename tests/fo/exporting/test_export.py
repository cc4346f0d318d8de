from __future__ import annotations

import argparse
import csv
import json
import warnings
from pathlib import Path

import fiftyone as fo
import numpy as np
import pytest
import soundfile
from PIL import Image

from fiftyone_avs import segment
from fiftyone_avs.cli import exporting as commands
from fiftyone_avs.errors import AVSError, ConfigurationError, DatasetError, MediaError
from fiftyone_avs.fo import dataset_from_folder
from fiftyone_avs.fo.exporting.export import export_run
from fiftyone_avs.fo.importing.folders import FolderWarning
from fiftyone_avs.media import read_frames, read_mask, read_video_sound
from fiftyone_avs.media.writing import copy_file, placed
from fiftyone_avs.models import fake
from tests.fo.samples import new_process, write_picture, write_tone

RUN = "vcap_acls"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "exported"


def export(samples, out, **options):
    summary = export_run(samples, RUN, out, **{"progress": False, **options})
    lines = table(out)
    assert summary.exported + summary.without_mask + summary.failed == len(lines)
    assert len(summary.reasons) == summary.without_mask + summary.failed
    assert [line["mask"] for line in lines if line["mask"]] == [
        line["mask"] for line in lines if (out / line["mask"]).is_file()
    ]
    return summary


def table(out):
    with (out / f"{RUN}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def imported(out):
    """What the export gives back, complete or an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", FolderWarning)
        return dataset_from_folder(out)


def test_an_export_is_read_back_with_equal_masks(make_segmented, out):
    dataset = make_segmented(3)
    summary = export(dataset, out)
    assert (summary.exported, summary.without_mask, summary.failed) == (3, 0, 0)
    assert str(summary) == f"run '{RUN}': 3 exported to {out}, 0 without a mask, 0 failed"
    assert names(out) == sorted(
        [
            f"{room}/{n}.{end}"
            for room, end in (("img", "png"), ("wav", "wav"), ("gt_seg", "png"))
            for n in range(3)
        ]
        + [f"{RUN}.csv", f"{RUN}.json"]
    )
    again = imported(out)
    for old, new in zip(dataset, again, strict=True):
        mask = np.asarray(Image.open(new.ground_truth.mask_path))
        assert mask.dtype == np.uint8 and set(np.unique(mask)) == {0, 255}
        np.testing.assert_array_equal(mask > 0, read_mask(old[RUN].mask_path))
        assert Path(new.filepath).read_bytes() == Path(old.filepath).read_bytes()
        assert Path(new.audio_path).read_bytes() == Path(old.audio_path).read_bytes()
    again.delete()


def test_the_table_and_the_record_say_how_the_masks_came_about(make_segmented, out):
    dataset = make_segmented(1, threshold=0.25)
    export(dataset, out)
    [line] = table(out)
    sample = dataset.first()
    assert line["stem"] == "0" and line["sample_id"] == sample.id and line["filepath"] == sample.filepath
    assert line["status"] == "ok" and line["reason"] == ""
    assert line["expression"] == "a photo of dog." and float(line["confidence"]) == 0.8
    assert line["image_caption"] == "a dog next to a tree" and line["audio_caption"] == ""
    assert json.loads(line["candidates"]) == {"dog": 0.8, "tree": 0.1}
    record = json.loads((out / f"{RUN}.json").read_text())
    assert (record["run"], record["strategy"], record["preset"]) == (RUN, RUN, "fake")
    assert record["threshold"] == 0.25 and "segmenter" in record["models"]
    assert record["counts"] == {"exported": 1, "without_mask": 0, "failed": 0}


def test_samples_without_a_mask_have_a_line_and_no_files(make_segmented, out, make_images, output):
    dataset = make_images(4)
    silent, broken, good, unseen = dataset
    write_tone(Path(silent.audio_path), level=0)
    Path(broken.audio_path).write_bytes(b"no sound")
    segment(dataset[:3], models=fake.fake_models(), output_dir=output, progress=False)
    summary = export(dataset, out)
    assert (summary.exported, summary.without_mask, summary.failed) == (1, 3, 0)
    assert [line["status"] for line in table(out)] == ["abstained", "failed", "ok", "missing"]
    assert "silent" in summary.reasons[silent.id] and "not a sound" in summary.reasons[broken.id]
    assert "has not come here" in summary.reasons[unseen.id]
    again = imported(out)
    assert [Path(path).stem for path in again.values("filepath")] == [Path(good.filepath).stem]
    again.delete()


def test_what_cannot_be_read_is_listed_and_costs_no_other_sample(make_segmented, out):
    dataset = make_segmented(6)
    no_sound, unset, no_picture, no_file, no_label, _ = dataset
    Path(no_sound.audio_path).unlink()
    Path(no_picture.filepath).unlink()
    Path(no_file[RUN].mask_path).write_bytes(b"no mask")
    unset["audio_path"], no_label[RUN] = None, None
    unset.save()
    no_label.save()
    summary = export(dataset, out)
    assert (summary.exported, summary.without_mask, summary.failed) == (1, 0, 5)
    for sample, reason in ((no_sound, "0.wav: the file does not exist"), (unset, "'audio_path' is empty")):
        assert reason in summary.reasons[sample.id]
    assert "2.png: the file does not exist" in summary.reasons[no_picture.id]
    assert (
        "not an image" in summary.reasons[no_file.id] and "not there any more" in summary.reasons[no_label.id]
    )
    assert {line["status"] for line in table(out)} == {"ok"}
    assert names(out) == ["gt_seg/5.png", "img/5.png", f"{RUN}.csv", f"{RUN}.json", "wav/5.wav"]


def test_samples_of_one_name_do_not_overwrite_each_other(dataset, output, out, tmp_path):
    for index, name in enumerate(("a", "a", "A", "b")):
        folder = tmp_path / str(index)
        folder.mkdir()
        write_picture(folder / f"{name}.png", shift=5 * index)
        write_tone(folder / f"{name}.wav", seconds=0.1 * (index + 1))
        dataset.add_sample(fo.Sample(filepath=str(folder / f"{name}.png"), audio_path=f"{name}.wav"))
    segment(dataset, models=fake.fake_models(), output_dir=output, progress=False)
    assert export(dataset, out).exported == 4
    stems = [f"{name}_{sample.id}" for name, sample in zip("aaA", dataset, strict=False)] + ["b"]
    assert [line["stem"] for line in table(out)] == stems
    for stem, sample in zip(stems, dataset, strict=True):
        assert (out / "img" / f"{stem}.png").read_bytes() == Path(sample.filepath).read_bytes()
        np.testing.assert_array_equal(
            read_mask(out / "gt_seg" / f"{stem}.png"), read_mask(sample[RUN].mask_path)
        )
    export(dataset[1:2], out, overwrite=True)  # a view does not change what a sample is called
    assert [line["stem"] for line in table(out)] == stems[1:2]


def test_texts_never_become_formulas(make_segmented, out):
    dataset = make_segmented(1)
    sample = dataset.first()
    sample[f"{RUN}_query"] = fo.Classification(label='=HYPERLINK("http://x")', confidence=-0.25)
    sample["image_caption"].label = "@SUM(A1)"
    sample[f"{RUN}_candidates"].classifications[0].label = "=1+1"
    sample.save()
    export(dataset, out)
    [line] = table(out)
    assert line["expression"] == '\'=HYPERLINK("http://x")' and line["image_caption"] == "'@SUM(A1)"
    assert json.loads(line["candidates"]) == {"=1+1": 0.8, "tree": 0.1}
    assert line["confidence"] == "-0.25"  # a number stays a number


def test_a_folder_that_holds_something_is_left_alone_unless_told(make_segmented, out):
    dataset = make_segmented(2)
    export(dataset, out)
    (out / "img" / "mine.png").write_bytes(b"mine")
    (out / "gt_seg" / "0.png").write_bytes(b"old")
    with pytest.raises(ConfigurationError, match="is not empty"):
        export_run(dataset, RUN, out, progress=False)
    assert (out / "gt_seg" / "0.png").read_bytes() == b"old"
    export(dataset, out, overwrite=True)
    np.testing.assert_array_equal(
        read_mask(out / "gt_seg" / "0.png"), read_mask(dataset.first()[RUN].mask_path)
    )
    assert (out / "img" / "mine.png").read_bytes() == b"mine"
    (out / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot write"):
        export_run(dataset, RUN, out / "file", progress=False)


def test_a_datasets_own_files_are_never_overwritten(make_segmented, out, output):
    dataset = make_segmented(2)
    export(dataset, out)
    again = imported(out)
    segment(again, models=fake.fake_models(), run=RUN, output_dir=output / "again", progress=False)
    before = (out / "gt_seg" / "0.png").read_bytes()
    with pytest.raises(ConfigurationError, match="holds files of dataset"):
        export_run(again, RUN, out, overwrite=True, progress=False)
    for sample in dataset:  # only the ground truth lies in the folder
        sample["ground_truth"] = fo.Segmentation(mask_path=str(out / "gt_seg" / "0.png"))
        sample.save()
    with pytest.raises(ConfigurationError, match="gt_seg holds files of dataset"):
        export_run(dataset, RUN, out, overwrite=True, progress=False)
    assert (out / "gt_seg" / "0.png").read_bytes() == before
    again.delete()


def test_an_export_killed_while_it_copies_leaves_no_half_file(make_segmented, out):
    dataset = make_segmented(3)
    dataset.persistent = True
    code = f"""
import os
import fiftyone as fo
from fiftyone_avs.fo.exporting.export import export_run
from fiftyone_avs.media import writing

copies = []

def copy(reader, writer):
    content = reader.read()
    copies.append(content)
    if len(copies) == 3:  # the picture of the second sample
        writer.write(content[: len(content) // 2])
        writer.flush()
        os._exit(9)
    writer.write(content)

writing.shutil.copyfileobj = copy
export_run(fo.load_dataset({dataset.name!r}), {RUN!r}, {str(out)!r}, progress=False)
"""
    process = new_process(code)
    process.communicate()
    assert process.returncode == 9
    assert [name for name in names(out) if not name.endswith(".tmp")] == [
        "gt_seg/0.png",
        "img/0.png",
        "wav/0.wav",
    ]
    again = imported(out)
    assert len(again) == 1
    again.delete()
    assert export(dataset, out, overwrite=True).exported == 3
    assert not [name for name in names(out) if name.endswith(".tmp")]


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    target = tmp_path / "new" / "a.txt"
    with placed(target) as path:
        path.write_text("old")
        assert not target.exists() and path.name == ".a.txt.tmp"
    with pytest.raises(KeyboardInterrupt), placed(target) as path:
        path.write_text("half")
        raise KeyboardInterrupt
    with pytest.raises(MediaError, match="missing"), placed(target) as path:
        copy_file(tmp_path / "missing", path)
    with pytest.raises(AVSError, match=r"cannot write .*a\.txt: No space"), placed(target) as path:
        raise OSError(28, "No space left on device")
    assert target.read_text() == "old" and names(target.parent) == ["a.txt"]


def test_masks_and_table_alone_need_neither_pictures_nor_sounds(make_segmented, out):
    dataset = make_segmented(2)
    for path in (*dataset.values("filepath"), *dataset.values("audio_path")):
        Path(path).unlink()
    assert export(dataset, out, media=False).exported == 2
    assert names(out) == ["gt_seg/0.png", "gt_seg/1.png", f"{RUN}.csv", f"{RUN}.json"]


def test_kinds_of_files_that_the_import_does_not_read_are_converted(dataset, output, out, tmp_path):
    write_picture(tmp_path / "a.tif")
    write_tone(tmp_path / "a.wav")
    samples, rate = soundfile.read(tmp_path / "a.wav")
    soundfile.write(tmp_path / "a.aiff", samples, rate)
    dataset.add_sample(fo.Sample(filepath=str(tmp_path / "a.tif"), audio_path="a.aiff"))
    segment(dataset, models=fake.fake_models(), output_dir=output, progress=False)
    assert export(dataset, out).exported == 1
    again = imported(out)
    np.testing.assert_array_equal(
        np.asarray(Image.open(again.first().filepath)), np.asarray(Image.open(tmp_path / "a.tif"))
    )
    np.testing.assert_allclose(soundfile.read(again.first().audio_path)[0], samples, atol=1e-4)
    again.delete()


def test_masks_that_were_corrected_by_hand_are_exported(make_segmented, out):
    dataset = make_segmented(1, silence="abstain")
    mask = np.zeros((48, 64), np.uint8)
    mask[:10, :10] = 255
    sample = dataset.first()
    sample[RUN], sample[f"{RUN}_status"] = fo.Segmentation(mask=mask), "abstained: no idea"
    sample.save()
    assert export(dataset, out).exported == 1
    np.testing.assert_array_equal(read_mask(out / "gt_seg" / "0.png"), mask > 0)
    [line] = table(out)
    assert line["status"] == "abstained" and line["mask"] == "gt_seg/0.png"


def test_views_runs_and_progress(make_segmented, out):
    dataset = make_segmented(3)
    seen = []
    export(dataset[1:], out, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)] and [line["stem"] for line in table(out)] == ["1", "2"]
    with pytest.raises(DatasetError, match="no run 'other'"):
        export_run(dataset, "other", out / "other", progress=False)
    dataset.delete_sample_field(RUN)
    with pytest.raises(DatasetError, match="not its field 'vcap_acls'"):
        export_run(dataset, RUN, out / "other", progress=False)
    assert not (out / "other").exists()


def test_videos_are_laid_out_as_avsbench_is(segmented_videos, out):
    summary = export(segmented_videos, out)
    sound, mute, broken = segmented_videos
    assert (summary.exported, summary.without_mask, summary.failed) == (3, 4, 0)
    assert names(out) == sorted(
        [f"{room}/a_sound/a_sound_{k}.png" for room in ("visual_frames", "gt_masks") for k in (1, 2, 3)]
        + ["audio_wav/a_sound.wav", f"{RUN}.csv", f"{RUN}.json"]
    )
    for k, (number, picture) in enumerate(
        zip((1, 11, 21), read_frames(sound.filepath, [0, 10, 20]), strict=True), 1
    ):
        name = f"a_sound/a_sound_{k}.png"
        np.testing.assert_array_equal(np.asarray(Image.open(out / "visual_frames" / name)), picture)
        np.testing.assert_array_equal(
            read_mask(out / "gt_masks" / name), read_mask(sound.frames[number][RUN].mask_path)
        )
    track = read_video_sound(sound.filepath)
    samples, rate = soundfile.read(out / "audio_wav" / "a_sound.wav")
    assert rate == track.sample_rate
    np.testing.assert_allclose(samples, track.samples, atol=1e-4)
    lines = table(out)
    assert [(line["k"], line["frame"], line["time"]) for line in lines[:3]] == [
        ("1", "1", "0.0"),
        ("2", "11", "1.0"),
        ("3", "21", "2.0"),
    ]
    assert [line["status"] for line in lines] == ["ok"] * 3 + ["abstained"] * 3 + ["failed"]
    assert lines[0]["expression"] == "a photo of dog." and lines[6]["frame"] == ""
    assert f"{mute.id}/11" in summary.reasons and "c_broken.mp4" in summary.reasons[broken.id]


def test_a_frame_that_cannot_be_read_costs_no_other(segmented_videos, out):
    sound = segmented_videos.first()
    Path(sound.frames[1][RUN].mask_path).unlink()
    label = sound.frames[11][RUN].copy()
    sound.frames[500][RUN] = label  # beyond the end of the video
    sound.save()
    summary = export(segmented_videos[:1], out)
    assert (summary.exported, summary.failed) == (2, 2)
    assert "does not exist" in summary.reasons[f"{sound.id}/1"]
    assert "ends before frame 500" in summary.reasons[f"{sound.id}/500"]
    assert (
        names(out / "visual_frames")
        == names(out / "gt_masks")
        == ["a_sound/a_sound_2.png", "a_sound/a_sound_3.png"]
    )


def test_a_video_that_is_gone_fails_frame_by_frame(segmented_videos, out):
    Path(segmented_videos.first().filepath).unlink()
    summary = export(segmented_videos[:1], out)
    assert (summary.exported, summary.failed) == (0, 3)
    assert names(out) == [f"{RUN}.csv", f"{RUN}.json"]
    assert export(segmented_videos[:1], out, overwrite=True, media=False).exported == 3


def command(*arguments):
    """Run a command of this module as the command line does."""
    parser = argparse.ArgumentParser()
    commands.add_commands(parser.add_subparsers())
    options = parser.parse_args([str(argument) for argument in arguments])
    return options.run(options)


def test_the_command_exports_a_saved_view_and_names_what_failed(make_segmented, out, capsys):
    dataset = make_segmented(3)
    dataset.save_view("two", dataset[:2])
    assert command("export", dataset.name, RUN, out, "--view", "two", "--no-media") == 0
    assert "2 exported" in capsys.readouterr().out
    assert names(out) == ["gt_seg/0.png", "gt_seg/1.png", f"{RUN}.csv", f"{RUN}.json"]
    Path(dataset.first().audio_path).unlink()
    with pytest.raises(ConfigurationError, match="--overwrite"):
        command("export", dataset.name, RUN, out)
    assert command("export", dataset.name, RUN, out, "--overwrite") == 3
    assert f"  {dataset.first().id}: " in capsys.readouterr().out


@pytest.mark.parametrize("folder", ["/proc/exported", "/sys/exported"])
def test_the_systems_folders_are_no_place_for_files(make_segmented, folder):
    with pytest.raises(ConfigurationError, match="holds no files of yours"):
        export_run(make_segmented(1), "vcap_acls", folder)
