from __future__ import annotations

from pathlib import Path

import fiftyone as fo
import numpy as np
import pytest

from fiftyone_avs import evaluate
from fiftyone_avs.errors import ConfigurationError, DatasetError, RunConflictError
from fiftyone_avs.fo import delete_run, run_info
from fiftyone_avs.media import VideoInfo
from fiftyone_avs.media.frame_clips import frame_numbers
from fiftyone_avs.models import fake
from tests.fo.samples import SIZE, files_of, segment_with_fakes as run


def test_frames_are_labelled_at_the_asked_rate(videos, output):
    summary = run(videos, output, batch_size=2)
    sound, mute, broken = videos
    assert (summary.ok, summary.abstained, summary.failed) == (1, 1, 1)
    assert sound["vcap_acls_status"] == "ok"
    labelled = {number: frame for number, frame in sound.frames.items() if frame["vcap_acls_status"] == "ok"}
    assert list(labelled) == [1, 11, 21]
    frame = labelled[11]
    assert Path(frame["vcap_acls"].mask_path).name == f"{sound.id}_000011_mask.png"
    assert frame["vcap_acls_query"].label == "a photo of dog."
    assert frame["image_caption"].label == "a dog next to a tree"
    assert mute["vcap_acls_status"] == "abstained: there is no sound to listen to"
    assert "c_broken.mp4" in broken["vcap_acls_status"]
    assert len(files_of(output / "vcap_acls")) == 6
    assert videos.mask_targets["vcap_acls"][255] == "sounding object"
    assert run(videos, output).skipped == 3
    assert run_info(videos, "vcap_acls").settings["fps"] == 1.0


def test_a_second_strategy_reuses_the_frames_captions(videos, output):
    captioner = fake.FakeAudioCaptioner()
    models = fake.fake_models(audio_captioner=captioner)
    run(videos, output, strategy="captioning", models=models)
    run(videos, output, strategy="acap_vcls", models=models)
    assert captioner.calls == 3


def test_frames_are_evaluated_with_their_means_on_the_video(videos, output):
    run(videos, output)
    truth = np.zeros(SIZE, np.uint8)
    truth[:, SIZE[1] // 2 :] = 255
    for sample in videos:
        for number in (1, 2, 11) if sample != videos.last() else (1,):
            sample.frames[number]["ground_truth"] = fo.Segmentation(mask=truth)
        sample.save()
    results = evaluate(videos, "vcap_acls", adaptive_rule="topk", progress=False)
    sound, mute, broken = videos
    assert results.counts == {"ok": 2, "abstained": 2, "failed": 1, "missing": 0}
    assert set(results.excluded) == {f"{sound.id}/2", f"{mute.id}/2"}
    ious = [sound.frames[number]["vcap_acls_eval_iou"] for number in (1, 11)]
    assert sound["vcap_acls_eval_iou"] == pytest.approx(np.mean(ious)) and min(ious) > 0.4
    assert mute["vcap_acls_eval_iou"] == 0 and broken["vcap_acls_eval_iou"] == 0
    videos.delete_evaluation("vcap_acls_eval")
    assert "vcap_acls_eval_iou" not in videos.get_frame_field_schema()


def test_deleting_a_run_of_videos_leaves_nothing(videos, output):
    before = set(videos.get_frame_field_schema()), set(videos.get_field_schema())
    run(videos, output)
    delete_run(videos, "vcap_acls")
    assert (set(videos.get_frame_field_schema()), set(videos.get_field_schema())) == before
    assert not any(output.iterdir())


def test_frames_views_are_refused(videos, output):
    with pytest.raises(DatasetError, match="not supported"):
        run(videos.to_clips([[[1, 2]]] * 3), output)


def test_one_bad_frame_does_not_cost_the_others(videos, output):
    sizes = []

    class Picky(fake.FakeImageCaptioner):
        def caption_images(self, images):
            sizes.append(len(images))
            if len(sizes) in (1, 3):  # the batch, then its second picture alone
                raise ValueError("no")
            return super().caption_images(images)

    models = fake.fake_models(image_captioner=Picky())
    summary = run(videos[:1], output, models=models, batch_size=3)
    assert summary.failed == 1
    assert videos.first()["vcap_acls_status"].startswith(
        "failed: 1 of 3 frames, the first one: image captioner"
    )
    assert run(videos[:1], output, models=models, retry_failed=True, batch_size=3).ok == 1
    assert sizes == [3, 1, 1, 1, 1]  # the captions that are there already are not made again


@pytest.mark.parametrize(
    ("duration", "rate", "fps", "numbers"),
    [
        (3.0, 10, 1, [1, 11, 21]),
        (3.02, 10, 1, [1, 11, 21]),  # the header's last few hundredths are no frame
        (2.96, 10, 1, [1, 11, 21]),
        (0.2, 10, 1, [1]),
        (1.0, 10, 2.5, [1, 5, 9]),
        (0.5, 10, 50, [1, 2, 3, 4, 5]),  # never more often than there are frames
        (5.0, 29.97, 1, [1, 30, 60, 90, 120]),
    ],
)
def test_which_frames_are_labelled(duration, rate, fps, numbers):
    info = VideoInfo(rate, round(duration * rate), duration, 64, 48, True)
    assert frame_numbers(info, fps) == numbers


def test_videos_have_the_metadata_that_the_app_needs(videos):
    metadata = videos.first().metadata
    assert (metadata.frame_width, metadata.frame_height, metadata.frame_rate) == (64, 48, 10)
    assert metadata.total_frame_count == pytest.approx(30, abs=1)


def give_truth(sample, *numbers):
    """A ground truth on a few frames: the right half is the object."""
    mask = np.zeros(SIZE, np.uint8)
    mask[:, SIZE[1] // 2 :] = 255
    for number in numbers:
        sample.frames[number]["truth"] = fo.Segmentation(mask=mask)
    sample.save()


def test_the_frames_of_a_sparse_ground_truth_can_be_labelled_and_evaluated(videos, output):
    give_truth(videos.first(), 5, 28)
    summary = run(videos, output, frames_of="frames.truth")
    assert (summary.ok, summary.failed) == (1, 2)
    sound, mute, _ = videos
    labelled = [number for number, frame in sound.frames.items() if frame["vcap_acls_status"] == "ok"]
    assert labelled == [5, 28]
    assert mute["vcap_acls_status"] == "failed: no frame has a 'truth' that says which frames to label"
    results = evaluate(videos[:1], "vcap_acls", "truth", progress=False)
    assert results.counts["ok"] == 2 and not results.excluded
    assert run_info(videos, "vcap_acls").settings["frames_of"] == "truth"
    with pytest.raises(RunConflictError, match="frames_of: 'truth' there, None here"):
        run(videos, output)


def test_a_field_that_says_nothing_of_frames_is_refused(videos, output, make_images):
    with pytest.raises(DatasetError, match=r"have no field 'truth'; their fields: id, frame_number"):
        run(videos, output, frames_of="truth")
    with pytest.raises(ConfigurationError, match="these are images"):
        run(make_images(1), output, frames_of="truth")
