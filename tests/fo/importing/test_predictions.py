"""Predictions of other programs as runs: which file belongs to which sample, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import fiftyone as fo
import numpy as np
import pytest
from PIL import Image

from fiftyone_avs import evaluate
from fiftyone_avs.cli import EXIT_ERROR, EXIT_SOME_FAILED, main
from fiftyone_avs.errors import ConfigurationError, DatasetError, MediaError, RunConflictError
from fiftyone_avs.fo import delete_run, export_run, inspect_sample, list_runs, rename_run, run_info
from fiftyone_avs.fo.importing.predictions.import_predictions import check_predictions, import_predictions
from fiftyone_avs.media import read_mask
from fiftyone_avs.media.mask_files import read_map
from fiftyone_avs.metrics import resize_soft_map, score_sample
from fiftyone_avs.predictions.files import list_predictions, read_prediction
from fiftyone_avs.predictions.matching import match_names
from tests.fo.samples import SIZE, files_of, write_picture, write_tone, write_truth

RAMP = np.linspace(0, 1, SIZE[0] * SIZE[1], dtype=np.float32).reshape(SIZE[1], SIZE[0]).T
"""Brightens towards the right, as the ground truth does; all values differ."""


@pytest.fixture
def theirs(tmp_path):
    """Where another program wrote its predictions."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    return folder


@pytest.fixture
def frames(dataset, tmp_path):
    """Two videos of the category dog as AVSBench has them: five pictures each, counted from 1, and one sound."""
    samples = []
    for video in ("v1", "v2"):
        folder = tmp_path / "visual_frames" / "test" / "dog" / video
        folder.mkdir(parents=True)
        sound, truth = folder / f"{video}.wav", folder / f"{video}_gt.png"
        write_tone(sound)
        write_truth(truth)
        for t in range(1, 6):
            write_picture(folder / f"{video}_{t}.png")
            samples.append(
                fo.Sample(
                    filepath=str(folder / f"{video}_{t}.png"),
                    audio_path=str(sound),
                    sample_name=f"dog/{video}/{video}_{t}",
                    ground_truth=fo.Segmentation(mask_path=str(truth)),
                )
            )
    dataset.add_samples(samples, progress=False)
    return dataset


def write_npy(path, values=RAMP):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, values)


def write_png(path, values, mode=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(values)
    (picture if mode is None else picture.convert(mode)).save(path)


def bring(dataset, theirs, run="theirs", **options):
    return import_predictions(dataset, theirs, run, progress=False, **options)


def map_of(sample, run="theirs"):
    return read_map(sample[f"{run}_map"].map_path)


def test_soft_maps_become_a_run_like_any_other(make_images, theirs, output, tmp_path):
    dataset = make_images(2)
    for index in range(2):
        write_npy(theirs / f"{index}.npy", RAMP if index else 1 - RAMP)
    summary = bring(dataset, theirs, source="their checkpoint", output_dir=output)
    assert (summary.ok, summary.failed, summary.notes) == (2, 0, ()) and not summary.only_masks
    right = dataset.last()
    assert np.abs(map_of(right) - RAMP).max() <= 0.5 / 65535 + 1e-7
    assert np.array_equal(np.asarray(Image.open(right["theirs"].mask_path)) == 255, RAMP > 0.5)
    assert right["theirs_status"] == "ok" and right["theirs_query"] is None
    (info,) = list_runs(dataset)
    assert (info.strategy, info.preset, info.models) == ("imported", "imported", {})
    assert info.settings["source"] == "their checkpoint" and info.settings["folder"] == str(theirs)
    assert (info.settings["soft_maps"], info.settings["masks"]) == (2, 0)
    assert evaluate(dataset, "theirs", progress=False).summary.n == 2
    dataset.reload()
    assert dataset.values("theirs_eval_iou") == pytest.approx([0, 1], abs=0.05)
    inspected = inspect_sample(dataset, right.id)
    assert inspected.problems == () and inspected.runs[0].strategy == "imported"
    assert inspected.sound is not None
    assert export_run(dataset, "theirs", tmp_path / "exported", progress=False).exported == 2
    rename_run(dataset, "theirs", "lvs")
    assert len(files_of(output / "theirs")) == 4
    delete_run(dataset, "lvs")
    assert not files_of(output / "theirs") and (theirs / "0.npy").exists()


def test_frames_counted_from_0_are_refused_until_it_is_said_which_is_the_first(frames, theirs):
    for video in ("v1", "v2"):
        for t in range(5):  # as AVSBench's own code saves them: 0 for frame 1
            mask = np.zeros(SIZE, np.uint8)
            mask[:, : 8 * (t + 1)] = 255
            write_png(theirs / "dog" / video / f"{video}_{t}.png", mask, "P")
    with pytest.raises(ConfigurationError, match=r"'dog/v1/v1_0' .* 'dog/v1/v1_1' \(2 videos.*first_frame=0"):
        bring(frames, theirs)
    assert list_runs(frames) == [] and not frames.has_field("theirs")
    summary = bring(frames, theirs, first_frame=0)
    assert (summary.ok, summary.failed) == (10, 0)
    for sample in frames:
        assert map_of(sample)[0].sum() == 8 * int(sample.sample_name[-1])
    asis = bring(frames, theirs, run="asis", first_frame=1)
    assert (asis.ok, asis.failed) == (8, 2)
    assert asis.notes[0] == "2 files fit no sample: 'dog/v1/v1_0', 'dog/v2/v2_0'"


def test_a_first_frame_alone_counted_from_0_is_refused_too(frames, theirs):
    write_npy(theirs / "v1_0.npy")
    write_npy(theirs / "v1_1.npy")
    with pytest.raises(ConfigurationError, match="first_frame=0"):
        bring(frames[:1], theirs)


def test_hard_masks_are_told_apart_and_the_summary_says_what_to_do(make_images, theirs):
    dataset = make_images(3)
    small = np.zeros((12, 16), np.uint8)
    small[:, 8:] = 255
    write_png(theirs / "0.png", small)
    write_png(theirs / "1.png", small // 255)
    write_png(theirs / "2.png", small, "P")
    summary = bring(dataset, theirs)
    assert summary.only_masks and summary.masks == 3
    assert "3 of 3 files are hard masks" in summary.notes[0] and "topk" in summary.notes[0]
    expected = np.zeros(SIZE, bool)
    expected[:, SIZE[1] // 2 :] = True
    for sample in dataset:
        assert np.array_equal(map_of(sample), small / 255)
        assert np.array_equal(read_mask(sample["theirs"].mask_path), expected)
    assert run_info(dataset, "theirs").settings["masks"] == 3
    assert evaluate(dataset, "theirs", adaptive_rule="topk", progress=False).summary.miou == 1


@pytest.mark.parametrize("protocol", ["baav", "native"])
def test_maps_of_another_size_are_scored_as_they_are(make_images, theirs, protocol):
    dataset = make_images(1)
    rows, columns = np.mgrid[:224, :224] / np.float32(224)
    theirs_map = (0.7 * columns + 0.3 * rows * rows).astype(np.float32)
    write_npy(theirs / "0.npy", theirs_map[None])
    bring(dataset, theirs)
    sample = dataset.first()
    assert np.abs(map_of(sample) - theirs_map).max() < 1e-5
    mask = read_mask(sample["theirs"].mask_path)
    assert np.array_equal(mask, resize_soft_map(theirs_map, SIZE) > 0.5)
    results = evaluate(dataset, "theirs", protocol=protocol, progress=False)
    [found] = results.scores
    wanted = score_sample(theirs_map, read_mask(sample["ground_truth"].mask_path), protocol=protocol)
    assert [found.iou_adaptive, found.iou] == pytest.approx([wanted.iou_adaptive, wanted.iou], abs=1e-4)
    assert np.sum(results.pixel_confusion_matrix) == SIZE[0] * SIZE[1]


def test_a_ground_truth_that_does_not_fit_the_picture_is_left_out(make_images, theirs, tmp_path):
    dataset = make_images(1)
    write_npy(theirs / "0.npy", np.linspace(0, 1, 224 * 224, dtype=np.float32).reshape(224, 224))
    bring(dataset, theirs)
    sample = dataset.first()
    write_png(tmp_path / "truth.png", np.eye(30, dtype=np.uint8) * 255)
    sample["ground_truth"].mask_path = str(tmp_path / "truth.png")
    sample.save()
    results = evaluate(dataset, "theirs", progress=False)
    assert results.excluded[sample.id] == "the ground truth is 30 x 30 pixels, the picture 64 x 48"


@pytest.mark.parametrize(
    ("write", "activation", "reason"),
    [
        (lambda p: write_npy(p, np.full(SIZE, np.nan, np.float32)), "none", "NaN or infinite"),
        (lambda p: write_npy(p, 4 * RAMP - 2), "none", r"from -2 to 2.*'sigmoid'.*'minmax'"),
        (lambda p: write_npy(p, np.arange(12).reshape(3, 4) * 1000), "none", "no known range"),
        (lambda p: write_npy(p, np.zeros((3, 4, 5))), "none", r"shape \(H, W\).*\(3, 4, 5\)"),
        (lambda p: write_npy(p, np.zeros((0, 4))), "none", "no pixels"),
        (lambda p: p.write_bytes(b"\x93NUMPY\x01\x00"), "none", "not an array that can be read"),
        (lambda p: np.save(p, np.array([{"a": 1}], object), allow_pickle=True), "none", "not an array"),
        (lambda p: write_npy(p, (RAMP * 255).astype(np.uint8)), "sigmoid", "raw scores"),
        (lambda p: write_npy(p, np.full(SIZE, 3.5)), "minmax", "all values of the map are equal"),
        (lambda p: p.write_bytes(b""), "none", "empty"),
    ],
)
def test_a_file_that_is_no_map_fails_its_sample_and_no_other(make_images, theirs, write, activation, reason):
    dataset = make_images(2)
    write(theirs / "0.npy")
    write_npy(theirs / "1.npy", RAMP)
    summary = bring(dataset, theirs, activation=activation)
    bad, good = dataset
    assert (summary.ok, summary.failed) == (1, 1) and good["theirs_status"] == "ok"
    assert bad["theirs"] is None
    with pytest.raises(MediaError, match=reason) as raised:
        read_prediction(theirs / "0.npy", activation)
    assert bad["theirs_status"] == f"failed: {raised.value}" and "0.npy" in str(raised.value)


def test_pictures_of_maps_are_read_in_their_full_range(tmp_path):
    path = tmp_path / "map.png"
    for values, full in (((RAMP * 255).astype(np.uint8), 255), ((RAMP * 65535).astype(np.uint16), 65535)):
        write_png(path, values)
        found = read_prediction(path)
        assert not found.is_mask and np.allclose(found.values, values / full, atol=1e-6)
    grey = (RAMP * 255).astype(np.uint8)
    write_png(path, np.repeat(grey[..., None], 3, axis=-1))
    assert np.allclose(read_prediction(path).values, grey / 255)
    write_png(path, grey, "P")
    assert np.allclose(read_prediction(path).values, grey / 255)
    Image.fromarray(grey).save(tmp_path / "map.jpg", quality=100)
    assert np.abs(read_prediction(tmp_path / "map.jpg").values - grey / 255).max() < 0.02
    write_png(path, np.stack([grey, grey, 255 - grey], axis=-1))
    with pytest.raises(MediaError, match="in colours"):
        read_prediction(path)


def test_activations_make_maps_of_raw_scores(tmp_path):
    path = tmp_path / "map.npy"
    scores = (8 * RAMP - 2).astype(np.float32)
    write_npy(path, scores[..., None])
    assert np.allclose(read_prediction(path, "sigmoid").values, 1 / (1 + np.exp(-scores)), atol=1e-6)
    assert np.allclose(read_prediction(path, "minmax").values, RAMP, atol=1e-6)
    for largest in (np.finfo(np.float64).max, 1e-300):  # the range overflows, and next to vanishes
        np.save(path, (2 * RAMP.astype(np.float64) - 1) * largest)
        assert np.allclose(read_prediction(path, "minmax").values, RAMP, atol=1e-6)
    np.save(path, np.array([[0, np.longdouble("1e4000")]], np.longdouble))
    with pytest.raises(MediaError, match="infinite"):
        read_prediction(path, "minmax")
    write_npy(path, RAMP > 0.5)
    found = read_prediction(path)
    assert found.is_mask and np.array_equal(found.values, (RAMP > 0.5).astype(np.float32))


def test_samples_without_a_file_fail_and_files_without_a_sample_are_named(make_images, theirs):
    dataset = make_images(3)
    for name in ("0", "2", "7", "8", "9", "10"):
        write_npy(theirs / f"{name}.npy")
    summary = bring(dataset, theirs)
    missing = dataset.skip(1).first()
    assert (summary.ok, summary.failed) == (2, 1)
    assert missing["theirs_status"].startswith("failed: no prediction file")
    assert summary.notes == ("4 files fit no sample: '10', '7', '8', ...",)
    again = bring(dataset, theirs)
    assert (again.ok, again.failed, again.skipped) == (0, 0, 3)


def test_an_import_goes_on_where_it_stopped_and_other_files_are_another_run(make_images, theirs):
    dataset = make_images(3)
    for index in range(3):
        write_npy(theirs / f"{index}.npy")
    seen = []

    def stop(done, total):
        seen.append((done, total))
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_predictions(dataset, theirs, "theirs", progress=stop)
    assert seen == [(1, 3), (2, 3)]
    summary = bring(dataset[:1], theirs)
    assert (summary.ok, summary.skipped) == (0, 1)
    summary = bring(dataset, theirs)
    assert (summary.ok, summary.skipped) == (1, 2)
    assert run_info(dataset, "theirs").settings["soft_maps"] == 3
    with pytest.raises(RunConflictError, match=r"threshold: 0.5 there, 0.4 here"):
        bring(dataset, theirs, threshold=0.4)
    write_npy(theirs / "3.npy")
    with pytest.raises(RunConflictError, match="digest"):
        bring(dataset, theirs)
    assert bring(dataset, theirs, overwrite=True).ok == 3
    assert run_info(dataset, "theirs").settings["soft_maps"] == 3


def test_two_files_for_one_sample_and_one_file_for_two_are_left_to_people(dataset, theirs, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_picture(tmp_path / name / "same.png")
    paths = [tmp_path / "a" / "same.png", tmp_path / "b" / "same.png", tmp_path / "c.png", tmp_path / "d.png"]
    for path in paths[2:]:
        write_picture(path)
    dataset.add_samples([fo.Sample(str(path)) for path in paths], progress=False)
    write_npy(theirs / "same.npy")
    write_npy(theirs / "x" / "c.npy")
    write_npy(theirs / "y" / "c.npy")
    write_npy(theirs / "b" / "same.npy")
    write_png(theirs / "d.png", np.zeros(SIZE, np.uint8))
    summary = bring(dataset, theirs)
    first, second, third, _ = dataset
    assert (summary.ok, summary.failed) == (3, 1)
    assert second["theirs_status"] == "ok"  # its folder decides, so that the other file is the first sample's
    assert "'x/c', 'y/c'" in third["theirs_status"]
    (theirs / "b" / "same.npy").unlink()
    summary = bring(dataset, theirs, overwrite=True)
    assert (summary.ok, summary.failed) == (1, 3)
    first.reload()
    assert "'same' fits 2 samples alike" in first["theirs_status"] and "name_field" in first["theirs_status"]
    write_npy(theirs / "a" / "same.npy")
    write_png(theirs / "a" / "same.png", np.zeros(SIZE, np.uint8))
    bring(dataset, theirs, overwrite=True)
    first.reload()
    assert "two prediction files have its name" in first["theirs_status"]


def test_sounds_tell_samples_of_one_picture_apart(dataset, theirs, tmp_path):
    write_picture(tmp_path / "both.png")
    for name in ("both_dog", "both_cat"):
        write_tone(tmp_path / f"{name}.wav")
        write_npy(theirs / f"{name}.npy", RAMP if name == "both_dog" else 1 - RAMP)
    sounds = [str(tmp_path / f"both_{label}.wav") for label in ("dog", "cat")]
    dataset.add_samples(
        [fo.Sample(str(tmp_path / "both.png"), audio_path=sound) for sound in sounds], progress=False
    )
    assert bring(dataset, theirs).ok == 2
    dog, cat = dataset
    assert map_of(dog)[0, -1] > 0.9 > 0.1 > map_of(cat)[0, -1]


def test_a_field_can_hold_the_files_names(make_images, theirs):
    dataset = make_images(2)
    dataset.set_values("their_name", ["first", None])
    write_npy(theirs / "deep" / "first.npy")
    write_npy(theirs / "1.npy")
    summary = bring(dataset, theirs, name_field="their_name")
    assert (summary.ok, summary.failed) == (1, 1)
    assert dataset.last()["theirs_status"] == "failed: no prediction file: it has no name"
    with pytest.raises(DatasetError, match=r"'nothing'.*'audio_path'.*'their_name'"):
        bring(dataset, theirs, run="other", name_field="nothing")


def test_folders_that_do_not_fit_are_refused_before_anything_is_written(make_images, theirs):
    dataset = make_images(1)
    with pytest.raises(DatasetError, match="there is no folder"):
        bring(dataset, theirs / "nowhere")
    with pytest.raises(DatasetError, match=r"holds no predictions.*nothing"):
        bring(dataset, theirs)
    write_npy(theirs / "elsewhere.npy")
    with pytest.raises(DatasetError, match=r"none of the 1 .*'elsewhere'.*name_field"):
        bring(dataset, theirs)
    for bad in ({"activation": "relu"}, {"threshold": 2}, {"first_frame": -1}, {"run": "not a key"}):
        with pytest.raises(ConfigurationError):
            bring(dataset, theirs, **bad)
    assert list_runs(dataset) == [] and not dataset.has_field("theirs")


def test_a_form_learns_what_would_happen(frames, theirs):
    (finding,) = check_predictions(frames, theirs, "theirs")
    assert finding.blocks and "holds no predictions" in finding.message
    for t in range(1, 6):
        write_npy(theirs / f"v1_{t}.npy")
    write_npy(theirs / "other.npy")
    (finding,) = check_predictions(frames, theirs, "theirs")
    assert not finding.blocks
    assert finding.message == "5 of 10 samples of the dataset have a file; 1 files fit no sample: 'other'"
    assert check_predictions(frames, theirs, "ground_truth")[1].blocks
    bring(frames, theirs)
    assert "exists" in check_predictions(frames, theirs, "theirs")[1].message
    (found,) = [
        one
        for one in check_predictions(frames, theirs, "theirs", overwrite=True)
        if one.argument == "overwrite"
    ]
    assert "the whole run 'theirs' will be deleted first: 5 masks" in found.message
    (found,) = [one for one in check_predictions(frames, theirs, "theirs", threshold=0.1) if one.blocks]
    assert found.argument == "run" and "threshold: 0.5 there, 0.1 here" in found.message


def test_names_are_compared_folder_by_folder():
    names = {"1": "v1s/aaa/0", "2": "v1s/bbb/0", "3": "dog/clip/clip_3"}
    found = match_names(["v1s/aaa/0", "v1s/zzz/0", "out/clip_3"], [names])
    assert found.files == {"1": "v1s/aaa/0", "3": "out/clip_3"}
    assert "no prediction file fits 'v1s/bbb/0'" in found.reasons["2"]
    assert found.extra == ("v1s/zzz/0",)


def test_hidden_files_and_others_are_no_predictions(theirs):
    write_npy(theirs / ".cache" / "a.npy")
    write_npy(theirs / "b" / "a.npy")
    (theirs / "log.txt").write_text("")
    assert list(list_predictions(theirs).files) == ["b/a"]


def test_videos_take_a_file_per_labelled_frame(videos, theirs):
    truth = np.zeros(SIZE, np.uint8)
    truth[:, SIZE[1] // 2 :] = 255
    first, second, third = videos
    for sample in (first, second):
        for number in (1, 11, 21):
            sample.frames[number]["ground_truth"] = fo.Segmentation(mask=truth)
        sample.save()
    for k in (1, 2, 3):
        write_npy(theirs / f"{Path(first.filepath).stem}_{k}.npy", RAMP)
    write_npy(theirs / Path(second.filepath).stem / "2.npy", RAMP)
    with pytest.raises(ConfigurationError, match="--gt"):
        bring(videos, theirs)
    summary = bring(videos, theirs, gt="ground_truth")
    assert (summary.ok, summary.failed) == (1, 2)
    first.reload()
    assert [number for number, frame in first.frames.items() if frame["theirs"]] == [1, 11, 21]
    assert "2 of 3 frames" in summary.reasons[second.id] and third.id in summary.reasons
    found = evaluate(videos, "theirs", progress=False)
    assert found.counts == {"ok": 4, "abstained": 0, "failed": 2, "missing": 0}
    assert inspect_sample(videos, first.id, frame_number=11).runs[0].status == "ok"


def test_the_command_imports_scores_and_names_what_is_missing(make_images, theirs, capsys):
    dataset = make_images(2)
    write_png(theirs / "0.png", (RAMP > 0.5).astype(np.uint8) * 255)
    write_png(theirs / "9.png", (RAMP > 0.5).astype(np.uint8) * 255)
    arguments = ["import-predictions", dataset.name, str(theirs), "--run", "theirs", "--source", "a paper"]
    assert main([*arguments, "--evaluate", "--adaptive-rule", "topk"]) == EXIT_SOME_FAILED
    shown = capsys.readouterr()
    assert "run 'theirs': 1 ok, 0 abstained, 1 failed" in shown.out and "mIoU" in shown.out
    assert f"{dataset.last().id}: no prediction file" in shown.out
    assert "1 files fit no sample: '9'" in shown.err and "--adaptive-rule topk" in shown.err
    assert dataset.get_evaluation_info("theirs_eval").config.adaptive_rule == "topk"
    assert main([*arguments[:2], str(theirs / "nowhere"), "--run", "theirs"]) == EXIT_ERROR
    assert "there is no folder" in capsys.readouterr().err
