from __future__ import annotations

import io
from pathlib import Path

import fiftyone as fo
import numpy as np
import pytest
from PIL import Image

from fiftyone_avs import evaluate
from fiftyone_avs.drawing.spectrogram import spectrogram_picture
from fiftyone_avs.errors import DatasetError
from fiftyone_avs.fo.review.composite import composite
from fiftyone_avs.fo.review.inspection import frame_at, inspect_sample, nearest_frame
from fiftyone_avs.media.previews import KEPT_SOUNDS
from fiftyone_avs.types import Candidate
from tests.fo.samples import SIZE, segment_with_fakes, write_picture, write_tone, write_truth, write_video


@pytest.fixture
def run(output):
    """Segment with fakes."""

    def run_on(samples, strategy="vcap_acls", **options):
        return segment_with_fakes(samples, output, strategy, **options)

    return run_on


@pytest.fixture
def judged(make_images, run):
    """Two samples with two runs, of which the first is evaluated."""
    dataset = make_images(2)
    run(dataset)
    run(dataset, "classification")
    evaluate(dataset, "vcap_acls", progress=False)
    return dataset


def pixels(jpeg: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB")).astype(int)


def has_red(jpeg: bytes) -> bool:
    grid = pixels(jpeg)
    return bool(((grid[..., 0] > grid[..., 1] + 60) & (grid[..., 0] > grid[..., 2] + 60)).any())


def has_green(jpeg: bytes) -> bool:
    grid = pixels(jpeg)
    return bool(((grid[..., 1] > grid[..., 0] + 60) & (grid[..., 1] > grid[..., 2] + 60)).any())


# ---------------------------------------------------------------- images


def test_the_chain_of_each_run(judged):
    sample = judged.first()
    sample.tags = ["mine", "bad mask"]
    sample.save()
    found = inspect_sample(judged, sample.id)
    assert (found.media, found.filepath, found.tags) == ("image", sample.filepath, ("mine", "bad mask"))
    assert found.verdict == "bad mask" and found.problems == ()
    assert found.gt_field == "ground_truth" and found.truth[:, SIZE[1] // 2 :].all()
    assert found.picture.shape == (*SIZE, 3) and found.sound.duration == 0.5
    assert found.audio == sample.audio_path
    assert (found.frame_number, found.frame_numbers, found.heard) == (None, (), None)
    first, second = found.runs
    assert (first.run, first.strategy, first.status, first.reason) == ("vcap_acls", "vcap_acls", "ok", "")
    assert first.image_caption.text == "a dog next to a tree" and first.audio_caption is None
    assert first.candidates == (Candidate("dog", 0.8), Candidate("tree", 0.1))
    assert (first.query, first.confidence) == ("a photo of dog.", 0.8)
    assert np.array_equal(first.mask, np.asarray(Image.open(sample.vcap_acls.mask_path)) > 0)
    (scores,) = first.scores
    assert (scores.eval_key, scores.gt_field) == ("vcap_acls_eval", "ground_truth")
    assert scores.iou == sample.vcap_acls_eval_iou and scores.f == sample.vcap_acls_eval_f
    assert scores.iou > 0.5 and scores.iou_adaptive == sample.vcap_acls_eval_iou_adaptive
    assert scores.f_adaptive == sample.vcap_acls_eval_f_adaptive
    assert second.image_caption is None and second.scores == () and second.query == "a photo of dog."


def test_runs_and_evaluations_can_be_chosen(judged, run):
    run(judged, "captioning")
    evaluate(judged, "vcap_acls", eval_key="second", progress=False)
    sample_id = judged.first().id
    found = inspect_sample(judged, sample_id, runs=["captioning", "vcap_acls"])
    assert [one.run for one in found.runs] == ["captioning", "vcap_acls"]
    assert found.runs[0].audio_caption.text == "a dog is barking" and found.runs[0].candidates == ()
    assert [scores.eval_key for scores in found.runs[1].scores] == ["second", "vcap_acls_eval"]
    found = inspect_sample(judged.limit(1), sample_id, runs=["vcap_acls"], eval_keys=["vcap_acls_eval"])
    assert [scores.eval_key for scores in found.runs[0].scores] == ["vcap_acls_eval"]
    assert inspect_sample(judged, sample_id, runs=[]).runs == ()


def test_what_does_not_exist_is_named(judged):
    sample_id = judged.first().id
    for options, message in (
        ({"runs": ["nothing"]}, "no run 'nothing'; its runs: vcap_acls, classification"),
        ({"eval_keys": ["nothing"]}, "no evaluation 'nothing'"),
        ({"gt_field": "audio_path"}, "'audio_path'.*does not hold masks"),
        ({"gt_field": "nothing"}, "'nothing'.*not there"),
    ):
        with pytest.raises(DatasetError, match=message):
            inspect_sample(judged, sample_id, **options)
    for gone in ("0" * 24, "no id"):
        with pytest.raises(DatasetError, match=f"no sample '{gone}'"):
            inspect_sample(judged, gone)


def test_the_ground_truth_of_the_newest_evaluation_is_shown(judged):
    for sample in judged:
        sample["second_truth"] = fo.Segmentation(mask=np.full(SIZE, 255, np.uint8))
        sample.save()
    sample_id = judged.first().id
    assert inspect_sample(judged, sample_id).gt_field == "ground_truth"
    evaluate(judged, "classification", "second_truth", progress=False)
    found = inspect_sample(judged, sample_id)
    assert found.gt_field == "second_truth" and found.truth.all()
    assert inspect_sample(judged, sample_id, gt_field="ground_truth").gt_field == "ground_truth"
    judged.delete_sample_fields(["second_truth", "ground_truth"])
    found = inspect_sample(judged, sample_id)
    assert (found.gt_field, found.truth, found.truth_problem) == (None, None, "")
    assert not has_green(composite(found))


def test_how_a_run_ended(make_images, run):
    dataset = make_images(4)
    silent, broken, fine, late = dataset
    write_tone(Path(silent.audio_path), level=0)
    Path(broken.audio_path).write_bytes(b"")
    run(dataset[:3])
    found = [inspect_sample(dataset, sample.id) for sample in (silent, broken, fine, late)]
    assert [one.runs[0].status for one in found] == ["abstained", "failed", "ok", "missing"]
    reasons = [one.runs[0].reason for one in found]
    assert "silent" in reasons[0] and "empty (zero bytes)" in reasons[1] and reasons[2] == ""
    assert "has not come to this sample" in reasons[3]
    assert [has_red(composite(one)) for one in found] == [False, False, True, False]
    assert found[1].audio is None and "empty" in found[1].sound_problem


def test_damaged_files_are_named_and_the_rest_is_shown(judged):
    sample = judged.first()
    Path(sample.filepath).write_bytes(Path(sample.filepath).read_bytes()[:80])
    Path(sample.audio_path).write_bytes(b"no sound")
    Path(sample.ground_truth.mask_path).write_bytes(b"no mask")
    Path(sample.vcap_acls.mask_path).unlink()
    found = inspect_sample(judged, sample.id)
    assert [problem.partition(":")[0] for problem in found.problems] == [
        "picture",
        "sound",
        "ground truth",
        "mask of vcap_acls",
    ]
    assert found.picture is found.truth is found.sound is found.runs[0].mask is None
    assert found.audio == sample.audio_path  # there is a file, and another player may know more
    assert found.runs[0].query == "a photo of dog." and found.runs[1].mask is not None
    jpeg = composite(found)
    assert has_red(jpeg) and not has_green(jpeg)


def test_missing_pictures(judged):
    sample = judged.first()
    Path(sample.filepath).unlink()
    found = inspect_sample(judged, sample.id)
    assert "does not exist" in found.picture_problem and found.runs[0].mask is not None
    jpeg = composite(found, width=700)
    assert pixels(jpeg).shape[1] == 700 and has_red(jpeg) and has_green(jpeg)


def test_a_mask_that_was_taken_away_is_a_problem(judged):
    sample = judged.first()
    sample["vcap_acls"] = None
    sample.save()
    assert inspect_sample(judged, sample.id).problems[0].startswith("mask of vcap_acls: there is no mask")


def test_a_ground_truth_of_another_size_is_shown_and_named(make_images):
    dataset = make_images(1)
    sample = dataset.first()
    write_truth(Path(sample.ground_truth.mask_path), (SIZE[0] // 2, SIZE[1]))
    found = inspect_sample(dataset, sample.id)
    assert found.problems == ("ground truth: 64 x 24, stretched to 64 x 48",)
    assert has_green(composite(found))


def test_a_sample_without_ground_truth_has_no_problem(make_images):
    dataset = make_images(1)
    sample = dataset.first()
    sample["ground_truth"] = None
    sample.save()
    found = inspect_sample(dataset, sample.id)
    assert found.truth is None and found.problems == () and found.gt_field == "ground_truth"
    assert not has_green(composite(found))


def test_rotated_pictures_are_shown_upright(make_images, tmp_path):
    dataset = make_images(1)
    wide = np.full((40, 120, 3), 255, np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it a quarter clockwise to see it
    Image.fromarray(wide).save(tmp_path / "turned.jpg", exif=exif)
    sample = dataset.first()
    sample.filepath = str(tmp_path / "turned.jpg")
    sample.save()
    write_truth(Path(sample.ground_truth.mask_path), (120, 40))
    found = inspect_sample(dataset, sample.id)
    assert found.picture.shape == (120, 40, 3) and found.problems == ()


def test_relative_sounds_start_at_the_picture(make_images):
    dataset = make_images(1)
    sample = dataset.first()
    sample.audio_path = Path(sample.audio_path).name
    sample.save()
    found = inspect_sample(dataset, sample.id)
    assert Path(found.audio) == Path(sample.filepath).parent / sample.audio_path and found.sound is not None


def test_samples_without_sound(make_images):
    dataset = make_images(1)
    sample = dataset.first()
    sample.audio_path = None
    sample.save()
    found = inspect_sample(dataset, sample.id)
    assert (found.audio, found.sound) == (None, None) and "no path" in found.sound_problem
    found = inspect_sample(dataset, sample.id, audio_field="nothing")
    assert "no path" in found.sound_problem


def test_the_sound_comes_from_the_field_that_the_runs_read(make_images, run, tmp_path):
    dataset = make_images(1)
    write_tone(tmp_path / "second.wav", seconds=2)
    dataset.set_values("second_sound", [str(tmp_path / "second.wav")])
    assert inspect_sample(dataset, dataset.first().id).sound.duration == 0.5
    run(dataset, audio_field="second_sound")
    found = inspect_sample(dataset, dataset.first().id)
    assert found.sound.duration == 2
    assert inspect_sample(dataset, dataset.first().id, audio_field="audio_path").sound.duration == 0.5


def test_captions_of_other_models_are_not_taken_for_the_runs_own(judged):
    sample = judged.first()
    sample["image_caption"].model = "another captioner"
    sample.save()
    found = inspect_sample(judged, sample.id).runs[0]
    assert found.image_caption is None and "image_caption" in found.caption_note
    assert inspect_sample(judged, judged.last().id).runs[0].caption_note == ""


def test_nothing_is_written(judged):
    before = [sample.to_dict() for sample in judged]
    composite(inspect_sample(judged, judged.first().id))
    judged.reload()
    assert [sample.to_dict() for sample in judged] == before


def test_composites_of_every_shape_have_the_asked_width(make_images, tmp_path):
    dataset = make_images(1)
    sample = dataset.first()
    for name, shape in (("tall", (300, 40)), ("wide", (40, 300)), ("dot", (1, 1))):
        Image.fromarray(np.full((*shape, 3), 90, np.uint8)).save(tmp_path / f"{name}.png")
        sample.filepath = str(tmp_path / f"{name}.png")
        sample.save()
        assert pixels(composite(inspect_sample(dataset, sample.id), width=640)).shape[1] == 640


# ---------------------------------------------------------------- videos


def test_labelled_frames(videos, run):
    truth = np.zeros(SIZE, np.uint8)
    truth[:, SIZE[1] // 2 :] = 255
    sample = videos.first()
    for number in (1, 2, 11):
        sample.frames[number]["ground_truth"] = fo.Segmentation(mask=truth)
    sample.save()
    found = inspect_sample(videos, sample.id)
    assert found.frame_numbers == (1, 2, 11) and found.runs == () and found.heard is None
    run(videos)
    evaluate(videos, "vcap_acls", adaptive_rule="topk", progress=False)
    found = inspect_sample(videos, sample.id)
    assert (found.media, found.frame_number, found.frame_numbers) == ("video", 1, (1, 11, 21))
    assert found.audio == sample.filepath and found.sound.duration == pytest.approx(3, abs=0.1)
    found = inspect_sample(videos, sample.id, frame_number=15, gt_field="frames.ground_truth")
    assert found.frame_number == 11 and found.heard == pytest.approx((1, 2))
    (left,) = found.runs
    frame = videos.first().frames[11]
    assert left.status == "ok" and left.image_caption.text == "a dog next to a tree"
    assert left.scores[0].iou == frame["vcap_acls_eval_iou"] > 0.4
    assert left.mask.shape == found.picture.shape[:2] == found.truth.shape == SIZE
    assert found.problems == () and has_red(composite(found)) and has_green(composite(found))
    assert inspect_sample(videos, sample.id, frame_number=30).heard == pytest.approx((2, 3), abs=0.1)


def test_frames_are_those_of_the_chosen_runs(videos, run):
    run(videos[:1])
    run(videos[:1], run="slow", fps=0.4)
    sample_id = videos.first().id
    found = inspect_sample(videos, sample_id, frame_number=11)
    assert [one.status for one in found.runs] == ["ok", "missing"] and "fps" in found.runs[1].reason
    found = inspect_sample(videos, sample_id, runs=["slow"], frame_number=11)
    assert (found.frame_number, found.frame_numbers, found.runs[0].status) == (1, (1,), "ok")
    assert found.heard == pytest.approx((0, 2.5))


def test_mute_broken_and_unlabelled_videos(videos, run):
    _, mute, broken = videos
    found = inspect_sample(videos, mute.id)
    assert (found.frame_number, found.frame_numbers, found.runs) == (1, (), ())
    assert found.picture.shape == (*SIZE, 3) and found.audio is None
    assert found.problems == ("sound: the video has no sound track",)
    run(videos)
    assert inspect_sample(videos, mute.id).runs[0].status == "abstained"
    found = inspect_sample(videos, broken.id)
    assert found.runs[0].status == "failed" and "c_broken.mp4" in found.runs[0].reason
    assert [problem.partition(":")[0] for problem in found.problems] == ["picture", "sound"]
    assert not has_red(composite(found))


def test_a_frame_beyond_the_video_is_a_problem(videos):
    found = inspect_sample(videos, videos.first().id, frame_number=500)
    assert found.frame_number == 500 and "ends after" in found.picture_problem


@pytest.mark.parametrize(
    ("wanted", "shown"), [(None, 3), (-1, 3), (1, 3), (3, 3), (4, 3), (7, 7), (8, 7), (900, 12)]
)
def test_the_nearest_labelled_frame(wanted, shown):
    assert nearest_frame((3, 7, 12), wanted) == shown
    assert nearest_frame((), wanted) is None


def test_a_changed_picture_is_read_anew(make_images):
    dataset = make_images(1)
    sample = dataset.first()
    before = inspect_sample(dataset, sample.id).picture
    write_picture(Path(sample.filepath), shift=20)
    assert not np.array_equal(inspect_sample(dataset, sample.id).picture, before)


# ---------------------------------------------------------------- what is kept


def test_a_sound_is_decoded_once_for_all_frames_and_cannot_be_changed(videos):
    sample_id = videos.first().id
    sound = inspect_sample(videos, sample_id).sound
    assert inspect_sample(videos, sample_id, frame_number=11).sound is sound
    with pytest.raises(ValueError, match="read-only"):
        sound.samples[0] = 1
    assert len(spectrogram_picture(sound)) > 1000  # which must not write to it, either


def test_a_changed_sound_is_read_anew(make_images):
    dataset = make_images(1)
    sample = dataset.first()
    assert inspect_sample(dataset, sample.id).sound.duration == 0.5
    write_tone(Path(sample.audio_path), seconds=1)
    assert inspect_sample(dataset, sample.id).sound.duration == 1
    Path(sample.audio_path).unlink()
    found = inspect_sample(dataset, sample.id)
    assert found.sound is None and "does not exist" in found.sound_problem


def test_few_sounds_are_kept(make_images):
    dataset = make_images(KEPT_SOUNDS + 1)
    ids = dataset.values("id")
    first, *others = (inspect_sample(dataset, sample_id).sound for sample_id in ids)
    kept = [inspect_sample(dataset, sample_id).sound for sample_id in ids[1:]]
    assert all(one is another for one, another in zip(kept, others, strict=True))
    again = inspect_sample(dataset, ids[0]).sound
    assert again is not first and np.array_equal(again.samples, first.samples)


def test_the_frame_at_a_time_of_a_video_without_metadata(videos):
    sample = videos.first()
    sample.metadata = None
    sample.save()
    assert [frame_at(videos, sample.id, time) for time in (-1, 0, 0.99, 1, 2.5)] == [1, 1, 10, 11, 26]
    write_video(Path(sample.filepath), seconds=2, rate=5)
    assert frame_at(videos, sample.id, 1) == 6
    Path(sample.filepath).unlink()
    assert frame_at(videos, sample.id, 1) == 2
