from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

import fiftyone as fo
import imageio_ffmpeg
import numpy as np
import psutil
import pytest

import fiftyone_avs as avs
from fiftyone_avs import evaluate, segment
from fiftyone_avs.cli import exporting as commands, main
from fiftyone_avs.drawing import clip_frames as review_frame
from fiftyone_avs.drawing.clip_frames import GAP, LARGEST, TITLE, FrameView, Strip, compose_frame
from fiftyone_avs.drawing.tints import MASK_COLOUR, TRUTH_COLOUR, overlay
from fiftyone_avs.errors import AVSError, ConfigurationError, DatasetError, MediaError
from fiftyone_avs.fo.exporting import clips as exporting
from fiftyone_avs.fo.exporting.clips import ClipsSummary, make_clips
from fiftyone_avs.media import read_frames_at, read_video_sound, video_info
from fiftyone_avs.media.streaming import stream_frames, write_video
from fiftyone_avs.media.writing import placed
from fiftyone_avs.models import fake
from fiftyone_avs.types import Sound
from tests.fo.samples import RATE, SIZE, write_tone, write_video as write_source

RUN = "vcap_acls"
PANE = (480, 360)  # how pictures of 64 x 48 pixels are shown


@pytest.fixture
def out(tmp_path):
    return tmp_path / "clips"


def clips(samples, out, **options):
    summary = make_clips(samples, RUN, out, **{"progress": False, **options})
    assert summary.written + summary.failed == len(samples) and len(summary.reasons) == summary.failed
    assert len(names(out)) == summary.written
    return summary


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def tint(frame, pane, column, panes=1):
    """The dominant colour of a pane's left ("left") or right half: "red", "green" or "grey"."""
    inside = panes * PANE[0] + (panes - 1) * GAP
    left = (frame.shape[1] - inside) // 2 + pane * (PANE[0] + GAP)
    x = left + PANE[0] * (1 if column == "left" else 3) // 4
    red, green, blue = frame[TITLE + PANE[1] // 2, x].astype(int)
    if max(red, green) - blue < 40:
        return "grey"
    return "red" if red > green else "green"


def test_a_clip_shows_the_mask_as_long_as_the_sound_lasts(make_segmented, out):
    dataset = make_segmented(2)
    write_tone(Path(dataset.first().audio_path), seconds=1.2)
    summary = clips(dataset, out)
    assert str(summary) == f"run '{RUN}': 2 clips written to {out}, 0 failed"
    assert names(out) == ["0.mp4", "1.mp4"]
    info = video_info(out / "0.mp4")
    assert info.duration == pytest.approx(1.2, abs=0.1) and info.has_sound
    assert (info.width, info.height) == (640, TITLE + PANE[1] + review_frame.STRIP)
    [frame] = read_frames_at(out / "0.mp4", [1.0])
    assert (tint(frame, 0, "left"), tint(frame, 0, "right")) == ("grey", "red")


def test_the_sound_is_the_samples_own(make_segmented, out):
    dataset = make_segmented(1)
    write_tone(Path(dataset.first().audio_path), seconds=1.5)
    clips(dataset, out)
    track = read_video_sound(out / "0.mp4")
    middle = track.samples[len(track.samples) // 4 : -len(track.samples) // 4].astype(float)
    power = np.abs(np.fft.rfft(middle * np.hanning(len(middle)))) ** 2
    peak = int(power.argmax())
    assert peak * track.sample_rate / len(middle) == pytest.approx(440, abs=3)
    assert power[peak - 5 : peak + 6].sum() > 0.99 * power.sum()  # neither clicks nor images of the tone
    assert np.abs(middle).max() == pytest.approx(0.5, abs=0.1)


def test_clips_are_of_a_kind_that_browsers_play(make_segmented, out):
    clips(make_segmented(1), out)
    done = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", str(out / "0.mp4")],
        capture_output=True,
        text=True,
    )
    assert "Video: h264" in done.stderr and "yuv420p" in done.stderr and "Audio: aac" in done.stderr
    content = (out / "0.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")  # playing starts before all is loaded


def test_the_ground_truth_is_shown_beside_it_and_scores_beneath(make_segmented, out):
    dataset = make_segmented(2)
    evaluate(dataset, RUN, adaptive_rule="topk", progress=False)
    second = dataset.last()
    second["ground_truth"] = None
    second.save()
    clips(dataset, out / "plain", gt="ground_truth")
    clips(dataset, out / "scored", gt="ground_truth", eval_key=f"{RUN}_eval")
    for name, truth in (("0.mp4", "green"), ("1.mp4", "grey")):
        [frame] = read_frames_at(out / "scored" / name, [0])
        assert (tint(frame, 0, "right", 2), tint(frame, 1, "right", 2)) == ("red", truth)
    [plain], [scored] = (read_frames_at(out / name / "0.mp4", [0]) for name in ("plain", "scored"))
    corner = np.s_[-40:, : scored.shape[1] // 2]
    assert plain[corner].max() < 60 and scored[corner].max() > 200


def test_samples_without_a_mask_are_shown_with_the_reason(make_images, output, out):
    dataset = make_images(2)
    write_tone(Path(dataset.first().audio_path), level=0)
    segment(dataset[:1], models=fake.fake_models(), output_dir=output, progress=False)
    clips(dataset, out)
    for name in names(out):
        [frame] = read_frames_at(out / name, [0])
        assert tint(frame, 0, "left") == tint(frame, 0, "right") == "grey"
        status = frame[TITLE + PANE[1] + 36 : TITLE + PANE[1] + 60].astype(int)
        assert (status[..., 0] - status[..., 2]).max() > 80  # in orange


def test_what_cannot_be_read_is_listed_and_costs_no_other_sample(make_segmented, out):
    dataset = make_segmented(5)
    no_sound, unset, no_picture, no_mask, _ = dataset
    Path(no_sound.audio_path).unlink()
    Path(no_picture.filepath).write_bytes(b"no picture")
    Path(no_mask[RUN].mask_path).unlink()
    unset["audio_path"] = None
    unset.save()
    summary = clips(dataset, out)
    assert (summary.written, summary.failed) == (1, 4) and names(out) == ["4.mp4"]
    assert "0.wav: the file does not exist" in summary.reasons[no_sound.id]
    assert "'audio_path' is empty" in summary.reasons[unset.id]
    assert "not an image" in summary.reasons[no_picture.id]
    assert "mask.png" in summary.reasons[no_mask.id]


def test_long_sounds_are_cut(make_segmented, out, monkeypatch):
    monkeypatch.setattr(exporting, "MAX_SECONDS", 0.8)
    dataset = make_segmented(1)
    write_tone(Path(dataset.first().audio_path), seconds=5)
    clips(dataset, out)
    assert video_info(out / "0.mp4").duration == pytest.approx(0.8, abs=0.05)


def test_arguments_that_cannot_work_are_refused_before_anything_is_written(make_segmented, out):
    dataset = make_segmented(1)
    dataset.add_sample_field("text", fo.StringField)
    segment(dataset, models=fake.fake_models(), run="other", progress=False)
    evaluate(dataset, "other", adaptive_rule="topk", progress=False)
    for error, message, options in (
        (DatasetError, "'text' of dataset .* does not hold masks", {"gt": "text"}),
        (DatasetError, "no evaluation 'nothing'; its evaluations: other_eval", {"eval_key": "nothing"}),
        (ConfigurationError, "not an evaluation of 'vcap_acls'", {"eval_key": "other_eval"}),
        (ConfigurationError, "fps must be positive", {"fps": 0}),
    ):
        with pytest.raises(error, match=message):
            make_clips(dataset, RUN, out, progress=False, **options)
    with pytest.raises(DatasetError, match="no run 'third'"):
        make_clips(dataset, "third", out, progress=False)
    assert not out.exists()


def test_only_an_empty_folder_is_written_to_unless_told(make_segmented, out):
    dataset = make_segmented(1)
    clips(dataset, out)
    with pytest.raises(ConfigurationError, match="is not empty"):
        make_clips(dataset, RUN, out, progress=False)
    (out / "0.mp4").write_bytes(b"old")
    clips(dataset, out, overwrite=True)
    assert video_info(out / "0.mp4").has_sound


def test_videos_play_and_masks_stay_until_the_next_ones(segmented_videos, out):
    sound, _, broken = segmented_videos
    left = np.zeros(SIZE, np.uint8)
    left[:, : SIZE[1] // 2] = 255
    sound.frames[11][RUN] = fo.Segmentation(mask=left)
    sound.frames[11]["truth"] = fo.Segmentation(mask=left)
    sound.frames[21][RUN], sound.frames[21][f"{RUN}_status"] = None, "abstained: no idea"
    sound.save()
    summary = clips(segmented_videos, out, gt="truth")
    assert names(out) == ["a_sound.mp4", "b_mute.mp4"] and "c_broken.mp4" in summary.reasons[broken.id]
    info = video_info(out / "a_sound.mp4")
    assert info.duration == pytest.approx(3, abs=0.15) and info.fps == 10 and info.has_sound
    shown = [
        [tint(frame, pane, column, 2) for pane in (0, 1) for column in ("left", "right")]
        for frame in read_frames_at(out / "a_sound.mp4", [0.0, 0.9, 1.0, 1.9, 2.0, 2.9])
    ]
    assert shown[0] == shown[1] == ["grey", "red", "grey", "grey"]
    assert shown[2] == shown[3] == ["red", "grey", "green", "grey"]
    assert shown[4] == shown[5] == ["grey", "grey", "green", "grey"]
    assert not video_info(out / "b_mute.mp4").has_sound


def test_a_mask_that_cannot_be_read_half_way_leaves_nothing_behind(segmented_videos, out):
    sound = segmented_videos.first()
    Path(sound.frames[21][RUN].mask_path).unlink()
    summary = clips(segmented_videos[:1], out)
    assert summary.failed == 1 and "does not exist" in summary.reasons[sound.id]
    assert not [child for child in psutil.Process().children() if "ffmpeg" in child.name()]


def test_the_videos_own_folder_is_never_written_to(segmented_videos):
    source = Path(segmented_videos.first().filepath)
    before = source.read_bytes()
    with pytest.raises(ConfigurationError, match="holds files of dataset"):
        make_clips(segmented_videos, RUN, source.parent, overwrite=True, progress=False)
    assert source.read_bytes() == before


def test_frames_can_have_scores(segmented_videos, out):
    sound = segmented_videos.first()
    sound.frames[1]["truth"] = fo.Segmentation(mask=np.full(SIZE, 255, np.uint8))
    sound.save()
    evaluate(segmented_videos, RUN, "truth", adaptive_rule="topk", progress=False)
    clips(segmented_videos[:1], out, eval_key=f"{RUN}_eval", fps=5)
    assert video_info(out / "a_sound.mp4").fps == 5
    scored, unscored = read_frames_at(out / "a_sound.mp4", [0.5, 1.5])
    corner = np.s_[-40:, : scored.shape[1] // 2]
    assert np.abs(scored[corner].astype(int) - unscored[corner]).max() > 100  # "not scored" from frame 11 on


PICTURE = np.full((48, 64, 3), 120, np.uint8)
STRIP = Strip("“a dog”", "ok", True, "IoU 0.50", "a.png")


@pytest.mark.parametrize("views", [1, 2])
@pytest.mark.parametrize("shape", [(48, 64), (2000, 3000), (3000, 500), (7, 4001), (1, 1), (333, 777)])
def test_frames_are_even_and_fit(shape, views):
    picture = np.full((*shape, 3), 120, np.uint8)
    mask = np.ones(shape, bool)
    frame = compose_frame(picture, [FrameView("run", MASK_COLOUR, mask)] * views, STRIP)
    height, width = frame.shape[:2]
    assert height % 2 == width % 2 == 0
    assert review_frame.NARROWEST <= width <= LARGEST[0]
    assert height <= TITLE + LARGEST[1] + review_frame.STRIP + 1


def test_masks_of_another_size_are_fitted():
    mask = np.zeros((24, 32), bool)
    mask[:, 16:] = True
    frame = compose_frame(PICTURE, [FrameView("run", TRUTH_COLOUR, mask)], STRIP)
    assert (tint(frame, 0, "left"), tint(frame, 0, "right")) == ("grey", "green")
    x = 80 + 3 * PANE[0] // 4
    np.testing.assert_array_equal(
        frame[TITLE + PANE[1] // 2, x], overlay(PICTURE, np.ones((48, 64), bool), TRUTH_COLOUR)[0, 0]
    )


def test_no_text_runs_out_of_the_frame():
    strip = Strip("word " * 200, "status " * 200, False, "IoU 0.123456789 " * 50, "name_" * 100)
    frame = compose_frame(PICTURE, [FrameView("title " * 100, MASK_COLOUR, None)], strip)
    for border in (frame[:, -GAP:], frame[:, :GAP], frame[-4:], frame[:4]):
        assert (border == review_frame.GROUND).all()


def test_videos_are_read_forwards(tmp_path):
    write_source(tmp_path / "a.mp4", seconds=1)
    with stream_frames(tmp_path / "a.mp4") as stream:
        third = stream.forward_to(2)
        assert stream.number == 2 and third.shape == (*SIZE, 3)
        stream.forward_to(500)
        assert stream.number == 9
    (tmp_path / "b.mp4").write_bytes(b"no video")
    with pytest.raises(MediaError, match=r"b\.mp4"), stream_frames(tmp_path / "b.mp4"):
        pass


def test_writing_a_video_asks_for_one_frame_at_a_time(tmp_path):
    times = []

    def frame_at(time):
        times.append(time)
        return np.full((32, 48, 3), 20 * len(times) % 256, np.uint8)

    sound = Sound(np.zeros(RATE * 5, np.float32), RATE)
    with placed(tmp_path / "a.mp4") as path:
        write_video(frame_at, path, duration=1.0, fps=8, sound=sound)
        assert names(tmp_path) == [path.name]
    assert times == sorted(times) and times[-1] == pytest.approx(7 / 8)
    assert video_info(tmp_path / "a.mp4").duration == pytest.approx(1.0, abs=0.05)
    for shape, options in (
        ((32, 47), {}),
        ((31, 48), {}),
        ((32, 48), {"fps": 0}),
        ((32, 48), {"duration": 0}),
    ):
        with pytest.raises(ValueError, match=r"even|positive"):
            write_video(
                lambda _, shape=shape: np.zeros((*shape, 3), np.uint8),
                tmp_path / "b.mp4",
                **{"duration": 1.0, "fps": 8, **options},
            )
    with pytest.raises(AVSError, match="cannot write"), placed(tmp_path / "a.mp4") as path:
        write_video(frame_at, tmp_path / "missing" / "c.mp4", duration=1.0, fps=8)
    assert names(tmp_path) == ["a.mp4"]


def command(*arguments):
    """Run a command of the command line's module."""
    parser = argparse.ArgumentParser()
    commands.add_commands(parser.add_subparsers())
    options = parser.parse_args([str(argument) for argument in arguments])
    return options.run(options)


def test_the_command_writes_clips_and_names_what_failed(make_segmented, out, capsys):
    dataset = make_segmented(3)
    evaluate(dataset, RUN, adaptive_rule="topk", progress=False)
    extra = ("--gt", "ground_truth", "--eval-key", f"{RUN}_eval")
    assert command("clips", dataset.name, RUN, out, "--limit", "1", *extra) == 0
    assert "1 clips" in capsys.readouterr().out and names(out) == ["0.mp4"]
    Path(dataset.first().audio_path).unlink()
    dataset.save_view("first", dataset[:1])
    assert command("clips", dataset.name, RUN, out, "--view", "first", "--overwrite") == 3
    assert f"  {dataset.first().id}: " in capsys.readouterr().out
    with pytest.raises(ConfigurationError, match="--limit"):
        command("clips", dataset.name, RUN, out, "--limit", "0")


def test_the_earlier_names_work_for_one_more_release(make_segmented, out, capsys):
    with pytest.warns(DeprecationWarning, match="review_clip is called make_clips now"):
        assert avs.review_clip is make_clips
    with pytest.warns(DeprecationWarning, match="ReviewSummary is called ClipsSummary now"):
        assert avs.ReviewSummary is ClipsSummary
    dataset = make_segmented(1)
    assert main(["review", dataset.name, RUN, str(out)]) == 0
    assert "note: `review` is called `clips` now" in capsys.readouterr().err
    assert main(["clips", dataset.name, RUN, str(out), "--overwrite"]) == 0
    assert "note" not in capsys.readouterr().err
