"""Reading images, masks, sounds and videos: every odd kind, and every way a file can be broken."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import numpy.typing as npt
import psutil  # type: ignore[import-untyped]
import pytest
import soundfile
from hypothesis import given, settings, strategies as st
from PIL import Image

from fiftyone_avs import media
from fiftyone_avs.errors import MediaError
from fiftyone_avs.media import ffmpeg
from fiftyone_avs.types import Sound

RED = (200, 30, 40)


def _picture(height: int = 8, width: int = 12) -> npt.NDArray[np.uint8]:
    """Red, with the left half blue."""
    pixels = np.full((height, width, 3), RED, np.uint8)
    pixels[:, : width // 2] = (20, 40, 210)
    return pixels


# Images


def test_rgb_is_read_as_it_is(tmp_path: Path) -> None:
    Image.fromarray(_picture()).save(tmp_path / "a.png")
    image = media.read_image(tmp_path / "a.png")
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, _picture())
    np.testing.assert_array_equal(media.read_image(str(tmp_path / "a.png")), _picture())


def test_cmyk_jpeg(tmp_path: Path) -> None:
    Image.fromarray(_picture(16, 16)).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    image = media.read_image(tmp_path / "a.jpg")
    assert image.shape == (16, 16, 3)
    assert np.abs(image[8, 14].astype(int) - RED).max() < 40


def test_exif_rotation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its left side: turn by 90 degrees clockwise to show it
    Image.fromarray(_picture(16, 32)).save(tmp_path / "a.jpg", exif=exif, quality=95)
    image = media.read_image(tmp_path / "a.jpg")
    assert image.shape == (32, 16, 3)
    assert image[2, 8, 2] > 150  # the blue left half is on top now
    assert media.read_mask(tmp_path / "a.jpg").shape == (32, 16)


def test_16_bit_grey_is_scaled_not_clipped(tmp_path: Path) -> None:
    values = np.array([[0, 257, 32768, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    Image.fromarray(values).save(tmp_path / "a.tif")
    for name in ("a.png", "a.tif"):
        assert media.read_image(tmp_path / name)[0, :, 0].tolist() == [0, 1, 128, 255]


def test_transparency_is_laid_over_white(tmp_path: Path) -> None:
    rgba = np.zeros((1, 3, 4), np.uint8)
    rgba[0, :, 0] = 100
    rgba[0, :, 3] = (255, 0, 51)
    Image.fromarray(rgba).save(tmp_path / "rgba.png")
    expected = [[100, 0, 0], [255, 255, 255], [224, 204, 204]]
    assert media.read_image(tmp_path / "rgba.png")[0].tolist() == expected

    Image.fromarray(np.array([[[9, 255], [9, 0]]], np.uint8), "LA").save(tmp_path / "la.png")
    assert media.read_image(tmp_path / "la.png")[0].tolist() == [[9] * 3, [255] * 3]

    palette = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    palette.putpalette([10, 20, 30, *RED])
    palette.save(tmp_path / "p.png", transparency=0)
    assert media.read_image(tmp_path / "p.png")[0].tolist() == [[255] * 3, list(RED)]


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I", "I;16"])
def test_every_mode_and_a_single_pixel(mode: str, tmp_path: Path) -> None:
    Image.new(mode, (1, 1)).save(tmp_path / "a.tif")
    assert media.read_image(tmp_path / "a.tif").shape == (1, 1, 3)


def test_animated_files_give_their_first_picture(tmp_path: Path) -> None:
    first, second = Image.new("RGB", (4, 4), RED), Image.new("RGB", (4, 4), (0, 0, 0))
    first.save(tmp_path / "a.gif", save_all=True, append_images=[second])
    assert np.abs(media.read_image(tmp_path / "a.gif")[0, 0].astype(int) - RED).max() < 10


def test_broken_images_are_named(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "whole.png")
    data = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "truncated.png").write_bytes(data[: len(data) // 2])
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("this is no picture")
    Image.fromarray(noise[..., 0].astype(np.float32)).save(tmp_path / "float.tif")
    wrong = {
        "truncated.png": "damaged",
        "empty.png": "zero bytes",
        "text.png": "not an image",
        "missing.png": "does not exist",
        ".": "not a file",
        "float.tif": "floating-point",
        "nul\0byte.png": "does not exist|cannot be looked at",
    }
    for name, message in wrong.items():
        with pytest.raises(MediaError, match=message) as caught:
            media.read_image(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)
        if name != "float.tif":
            with pytest.raises(MediaError):
                media.read_mask(tmp_path / name)


def test_large_images_are_refused_before_decoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("L", (100, 100)).save(tmp_path / "a.png")
    with pytest.raises(MediaError, match="100 x 100 pixels"):
        media.read_image(tmp_path / "a.png", max_pixels=9_999)
    with pytest.raises(MediaError, match="100 x 100 pixels"):
        media.read_mask(tmp_path / "a.png", max_pixels=9_999)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(MediaError, match="too many pixels"):
        media.read_image(tmp_path / "a.png")


# Masks


def _object() -> npt.NDArray[np.bool_]:
    mask = np.zeros((10, 14), bool)
    mask[2:6, 3:9] = True
    return mask


@pytest.mark.parametrize("scale", [1, 255])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int64])
def test_mask_arrays_of_0_and_1_and_of_0_and_255(scale: int, kind: type) -> None:
    np.testing.assert_array_equal(media.read_mask(_object().astype(kind) * kind(scale)), _object())
    np.testing.assert_array_equal(media.read_mask(_object()), _object())


def test_mask_files_of_every_kind(tmp_path: Path) -> None:
    mask = _object()
    grey = Image.fromarray(mask.astype(np.uint8) * 255)
    grey.save(tmp_path / "grey.png")
    grey.convert("1").save(tmp_path / "one_bit.png")
    grey.convert("RGB").save(tmp_path / "rgb.png")
    grey.convert("RGBA").save(tmp_path / "rgba.png")
    grey.convert("LA").save(tmp_path / "la.png")
    Image.fromarray(mask.astype(np.uint8)).save(tmp_path / "zero_one.png")
    Image.fromarray(mask.astype(np.uint16) * 65535).save(tmp_path / "deep.png")
    Image.fromarray(mask.astype(np.uint16)).save(tmp_path / "deep_zero_one.png")
    palette = Image.fromarray(mask.astype(np.uint8), "P")
    palette.putpalette([0, 0, 0, 128, 0, 0])  # dark red, as in Pascal VOC: its grey value is only 38
    palette.save(tmp_path / "palette.png")
    for file in sorted(tmp_path.iterdir()):
        np.testing.assert_array_equal(media.read_mask(file), mask, err_msg=file.name)


def test_jpeg_mask_is_cut_at_128(tmp_path: Path) -> None:
    mask = np.kron(_object(), np.ones((8, 8), bool))
    Image.fromarray(mask.astype(np.uint8) * 255).save(tmp_path / "a.jpg", quality=60)
    np.testing.assert_array_equal(media.read_mask(tmp_path / "a.jpg"), mask)


def test_other_grey_values_stay_and_arrays_are_copied(tmp_path: Path) -> None:
    values = np.array([[0, 1, 2], [127, 128, 255]], np.uint8)
    Image.fromarray(values).save(tmp_path / "a.png")
    for source in (values, values.astype(np.int32), tmp_path / "a.png"):
        grey = media.read_grey_mask(source)
        assert grey.dtype == np.uint8 and grey.tolist() == [[0, 1, 2], [127, 128, 255]]
        grey[:] = 9
    assert values.tolist() == [[0, 1, 2], [127, 128, 255]]


@pytest.mark.parametrize(
    "array", [np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4)), np.zeros(4, int), np.zeros((0, 4), int)]
)
def test_wrong_mask_arrays_are_named(array: npt.NDArray[np.generic]) -> None:
    with pytest.raises(MediaError, match="whole numbers"):
        media.read_mask(array)


# Sounds


def _tone(seconds: float = 0.5, rate: int = 16000, frequency: float = 440.0) -> npt.NDArray[np.float64]:
    return np.asarray(0.5 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate))


@pytest.mark.parametrize(
    ("suffix", "subtype", "tolerance"),
    [
        (".wav", "PCM_U8", 1e-2),
        (".wav", "PCM_16", 1e-4),
        (".wav", "PCM_24", 1e-6),
        (".wav", "PCM_32", 1e-6),
        (".wav", "FLOAT", 1e-6),
        (".wav", "DOUBLE", 1e-6),
        (".wav", "ULAW", 2e-2),
        (".flac", "PCM_16", 1e-4),
        (".ogg", "VORBIS", 5e-2),
    ],
)
def test_sound_formats(suffix: str, subtype: str, tolerance: float, tmp_path: Path) -> None:
    soundfile.write(tmp_path / f"a{suffix}", _tone(), 16000, subtype=subtype)
    sound = media.read_sound(tmp_path / f"a{suffix}")
    assert sound.samples.dtype == np.float32
    assert sound.samples.ndim == 1
    assert sound.sample_rate == 16000
    np.testing.assert_allclose(sound.samples, _tone(), atol=tolerance)


def test_mp3(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.mp3", _tone(), 16000)
    assert media.rms_dbfs(media.read_sound(tmp_path / "a.mp3").samples) == pytest.approx(-9, abs=1)


def test_stereo_is_averaged_and_resampled(tmp_path: Path) -> None:
    left = _tone(1.0, 44100)
    soundfile.write(tmp_path / "a.wav", np.stack([left, np.zeros_like(left)], axis=1), 44100, subtype="FLOAT")
    native = media.read_sound(tmp_path / "a.wav")
    assert native.sample_rate == 44100
    np.testing.assert_allclose(native.samples, left / 2, atol=1e-6)
    resampled = media.read_sound(tmp_path / "a.wav", sample_rate=16000)
    assert (resampled.sample_rate, len(resampled.samples)) == (16000, 16000)
    np.testing.assert_allclose(resampled.samples[200:-200], _tone(1.0)[200:-200] / 2, atol=2e-3)


def test_no_more_than_max_seconds_is_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", _tone(1.0), 16000)
    assert media.read_sound(tmp_path / "a.wav", max_seconds=0.25).duration == 0.25
    with pytest.raises(ValueError, match="max_seconds"):
        media.read_sound(tmp_path / "a.wav", max_seconds=0)


def test_nan_samples_are_counted(tmp_path: Path) -> None:
    samples = _tone()
    samples[[4000, 4001, 7000]] = (np.nan, np.inf, np.nan)
    soundfile.write(tmp_path / "a.wav", samples, 16000, subtype="FLOAT")
    with pytest.raises(MediaError, match=r"3 samples are NaN or infinite, the first at 0\.250 s") as caught:
        media.read_sound(tmp_path / "a.wav")
    assert caught.value.path == str(tmp_path / "a.wav")


def test_broken_sounds_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("this is no sound")
    (tmp_path / "text.m4a").write_text("this is no sound")
    soundfile.write(tmp_path / "no_samples.wav", np.zeros(0), 16000)
    wrong = {
        "empty.wav": "zero bytes",
        "text.wav": "not a sound",
        "text.m4a": "ffmpeg cannot read it",
        "no_samples.wav": "no samples",
        "missing.wav": "does not exist",
        "missing.mp4": "does not exist",
    }
    for name, message in wrong.items():
        with pytest.raises(MediaError, match=message) as caught:
            media.read_sound(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)


# What is done to sounds


def _counted(length: int, rate: int = 10) -> Sound:
    return Sound(np.arange(length, dtype=np.float32), rate)


def test_fit_window() -> None:
    assert media.fit_window(_counted(4), 1.0, "repeat").samples.tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]
    assert media.fit_window(_counted(4), 1.0, "pad").samples.tolist() == [0, 1, 2, 3, 0, 0, 0, 0, 0, 0]
    assert media.fit_window(_counted(4), 1.0, "centre").samples.tolist() == [0, 0, 0, 0, 1, 2, 3, 0, 0, 0]
    for mode in ("repeat", "pad"):
        assert media.fit_window(_counted(30), 1.0, mode).samples.tolist() == list(range(10))
    assert media.fit_window(_counted(30), 1.0, "centre").samples.tolist() == list(range(10, 20))
    assert media.fit_window(_counted(0), 1.0).samples.tolist() == [0] * 10
    with pytest.raises(ValueError, match="modes are"):
        media.fit_window(_counted(4), 1.0, "stretch")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="longer than 0"):
        media.fit_window(_counted(4), 0.0)


@given(st.integers(0, 60), st.floats(0.1, 5.0), st.sampled_from(["repeat", "pad", "centre"]))
@settings(max_examples=60, deadline=None)
def test_fit_window_always_has_the_wanted_length(length: int, seconds: float, mode: media.Fit) -> None:
    fitted = media.fit_window(_counted(length), seconds, mode)
    assert len(fitted.samples) == round(seconds * 10)
    assert fitted.samples.dtype == np.float32


def test_sound_window() -> None:
    sound = _counted(100)
    assert media.sound_window(sound, 5.0, 1.0).samples.tolist() == list(range(45, 55))
    assert media.sound_window(sound, 0.0, 1.0).samples.tolist() == list(range(10))
    assert media.sound_window(sound, 99.0, 1.0).samples.tolist() == list(range(90, 100))
    assert len(media.sound_window(sound, 5.0, 60.0).samples) == 100
    with pytest.raises(ValueError, match="longer than 0"):
        media.sound_window(sound, 5.0, 0)
    with pytest.raises(ValueError, match="centre"):
        media.sound_window(sound, math.nan, 1.0)


def test_resample() -> None:
    sound = Sound(_tone(1.0, 44100).astype(np.float32), 44100)
    assert media.resample(sound, 44100).samples is sound.samples
    halved = media.resample(sound, 22050)
    assert (len(halved.samples), halved.sample_rate) == (22050, 22050)
    assert halved.samples.dtype == np.float32
    assert len(media.resample(Sound(np.zeros(0, np.float32), 8000), 16000).samples) == 0
    with pytest.raises(ValueError, match="sample rate"):
        media.resample(sound, 0)


def test_level() -> None:
    assert media.rms_dbfs(np.ones(10)) == 0.0
    assert media.rms_dbfs(_tone()) == pytest.approx(20 * math.log10(0.5 / math.sqrt(2)), abs=1e-3)
    assert media.rms_dbfs(np.zeros(10)) == -math.inf
    assert media.rms_dbfs(np.zeros(0)) == -math.inf
    assert media.is_silent(np.full(100, 1e-4))
    assert not media.is_silent(_tone())
    assert media.is_silent(_tone(), threshold_db=0.0)


# Videos

FPS = 10
FRAMES = 30


def _write_video(path: Path, *, with_sound: bool, options: tuple[str, ...] = ()) -> Path:
    """Write 30 frames, each as grey as its number times 8, and a tone of 3 s beside them."""
    frames = np.repeat(np.arange(FRAMES, dtype=np.uint8) * 8, 48 * 64 * 3).tobytes()
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error"]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "64x48", "-r", str(FPS), "-i", "-"]
    if with_sound:
        command += ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=22050:duration=3", "-c:a", "aac"]
    command += ["-pix_fmt", "yuv420p", *options, str(path)]
    subprocess.run(command, input=frames, check=True)
    return path


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _write_video(tmp_path_factory.mktemp("video") / "with sound.mp4", with_sound=True)


@pytest.fixture(scope="module")
def silent_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _write_video(tmp_path_factory.mktemp("video") / "without.mp4", with_sound=False)


def test_video_info(video: Path, silent_video: Path) -> None:
    info = media.video_info(video)
    assert (info.fps, info.width, info.height, info.has_sound) == (FPS, 64, 48, True)
    assert info.duration == pytest.approx(3, abs=0.1)
    assert info.n_frames == pytest.approx(FRAMES, abs=1)
    assert not media.video_info(silent_video).has_sound


def test_video_sound(video: Path, silent_video: Path) -> None:
    sound = media.read_video_sound(video)
    assert sound is not None
    assert sound.sample_rate == 22050
    assert sound.duration == pytest.approx(3, abs=0.15)
    middle = sound.samples[22050:44100]
    assert int(np.argmax(np.abs(np.fft.rfft(middle)))) == 440
    assert media.read_video_sound(silent_video) is None
    short = media.read_video_sound(video, sample_rate=16000, max_seconds=1.0)
    assert short is not None
    assert len(short.samples) == 16000
    with pytest.raises(MediaError, match="no sound track"):
        media.read_sound(silent_video)


def _numbers(frames: list[npt.NDArray[np.uint8]]) -> list[int]:
    return [round(float(frame.mean()) / 8) for frame in frames]


def test_frames_are_exact_and_in_the_asked_order(video: Path) -> None:
    assert _numbers(media.read_frames(video, range(FRAMES))) == list(range(FRAMES))
    frames = media.read_frames(video, [29, 0, 7, 7])
    assert _numbers(frames) == [29, 0, 7, 7]
    assert frames[0].shape == (48, 64, 3)
    assert frames[0].dtype == np.uint8
    assert media.read_frames(video, []) == []


def test_frames_by_time(video: Path) -> None:
    times = [0.0, 0.3, 0.399, 1.55, 2.9]
    assert _numbers(media.read_frames_at(video, times)) == [0, 3, 3, 15, 29]


def test_frames_of_a_rotated_video_keep_their_shape(video: Path, tmp_path: Path) -> None:
    rotated = tmp_path / "rotated.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-display_rotation", "90", "-i", str(video)]
    subprocess.run([*command, "-c", "copy", str(rotated)], check=True)
    info = media.video_info(rotated)
    assert (info.width, info.height) == (48, 64)
    frames = media.read_frames(rotated, [5])
    assert frames[0].shape == (64, 48, 3)
    assert _numbers(frames) == [5]


def _encode(path: Path, *options: str, source: str = "testsrc2=size=64x48:rate=10:duration=3") -> Path:
    """Write a video whose frames all differ, with H.264 unless the options say otherwise."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-nostdin", "-v", "error", "-f", "lavfi", "-i", source]
    coding = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"]
    subprocess.run([*command, *coding, *options, str(path)], check=True)
    return path


def _copied(source: Path, path: Path, *options: str) -> Path:
    """Pack the frames of a video anew without coding them again; options go before the input."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", *options, "-i", str(source)]
    subprocess.run([*command, "-c", "copy", str(path)], check=True)
    return path


def _truncated(source: Path, path: Path) -> Path:
    data = source.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    return path


def _two_sizes(folder: Path) -> Path:
    """A video whose frames are larger from number 30 on, as a recorder leaves it that was set otherwise then."""
    small = _encode(folder / "small.ts")
    large = _encode(folder / "large.ts", source="testsrc2=size=96x64:rate=10:duration=6")
    (folder / "both.ts").write_bytes(small.read_bytes() + large.read_bytes())
    return folder / "both.ts"


# Each makes a video in a folder.
CLIPS: dict[str, Callable[[Path], Path]] = {
    "constant rate": lambda folder: _encode(folder / "a.mkv"),
    "variable rate": lambda folder: _encode(
        folder / "a.mp4", "-vf", "select='not(mod(n,3))+not(mod(n,7))'", "-fps_mode", "passthrough"
    ),
    "B-frames before their key frame": lambda folder: _encode(
        folder / "a.mp4", "-g", "12", "-bf", "3", "-x264-params", "open-gop=1"
    ),
    "no whole key frames": lambda folder: _encode(
        folder / "a.mp4", "-x264-params", "intra-refresh=1:keyint=10"
    ),
    "two fields per frame": lambda folder: _encode(
        folder / "a.ts", "-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-bf", "2"
    ),
    "rotated": lambda folder: _copied(
        _encode(folder / "a.mp4"), folder / "turned.mp4", "-display_rotation", "90"
    ),
    "cut without coding": lambda folder: _copied(_encode(folder / "a.mp4"), folder / "cut.mp4", "-ss", "1.3"),
    "truncated": lambda folder: _truncated(_encode(folder / "a.mkv", "-g", "6"), folder / "cut.mkv"),
}


@pytest.mark.parametrize("kind", CLIPS)
def test_picked_frames_are_those_of_the_whole_video(kind: str, tmp_path: Path) -> None:
    clip = CLIPS[kind](tmp_path)
    with ffmpeg.open_frames(clip) as (_, stream):
        frames = list(stream)
    assert len(frames) == len(set(frames)) > 10
    last = len(frames) - 1
    for numbers in ([0], [last // 2], [last], [1, last // 3, last - 1]):
        picked = ffmpeg.pick_frames(clip, numbers, max_pixels=media.images.MAX_PIXELS)
        assert picked is not None
        assert [picture.tobytes() for picture in picked] == [frames[number] for number in numbers]
    assert ffmpeg.pick_frames(clip, [0, last + 1], max_pixels=media.images.MAX_PIXELS) is None
    with pytest.raises(MediaError, match=f"frame {last + 9} .* ends after {len(frames)} frames"):
        media.read_frames(clip, [0, last + 9])


def test_frames_stay_exact_behind_a_change_of_size(tmp_path: Path) -> None:
    """ffmpeg's filters start to count anew there."""
    clip = _two_sizes(tmp_path)
    with ffmpeg.open_frames(clip) as (_, stream):
        frames = list(stream)
    assert len(frames) == 90
    for number in (0, 12, 29, 30, 42, 89):
        assert media.read_frames(clip, [number])[0].tobytes() == frames[number], number
    together = media.read_frames(clip, [42, 12, 89])
    assert [picture.tobytes() for picture in together] == [frames[number] for number in (42, 12, 89)]


def test_more_frames_than_are_picked_at_once(tmp_path: Path) -> None:
    clip = _encode(tmp_path / "a.mp4", source="testsrc2=size=64x48:rate=10:duration=10")
    frames = media.read_frames(clip, range(100))
    assert len({frame.tobytes() for frame in frames}) == 100
    for some in (range(64), range(35, 100)):
        read = media.read_frames(clip, some)
        assert all(np.array_equal(one, frames[number]) for number, one in zip(some, read, strict=True))


def test_frames_can_be_written_to(video: Path) -> None:
    first, again = media.read_frames(video, [3]), media.read_frames(video, [3])
    first[0][:] = 0
    assert _numbers(again) == [3]


def test_large_frames_are_refused(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fiftyone_avs.media.video.MAX_PIXELS", 64 * 48 - 1)
    with pytest.raises(MediaError, match="64 x 48 pixels are too large"):
        media.read_frames(video, [0])


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for an old ffmpeg is a shell script")
def test_an_ffmpeg_that_cannot_tell_how_many_frames_it_decoded(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "ffmpeg"
    real = imageio_ffmpeg.get_ffmpeg_exe()
    old.write_text(f"""#!/bin/sh\ncase "$*" in *stats_enc_pre*) exit 1;; esac\nexec "{real}" "$@"\n""")
    old.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(old))
    assert ffmpeg.pick_frames(video, [7], max_pixels=media.images.MAX_PIXELS) is None
    assert _numbers(media.read_frames(video, [29, 7])) == [29, 7]


def test_wrong_frames_are_named(video: Path) -> None:
    with pytest.raises(MediaError, match="ends after 30 frames"):
        media.read_frames(video, [5, 500])
    with pytest.raises(MediaError, match="frame 990"):
        media.read_frames_at(video, [99.0])
    with pytest.raises(ValueError, match="start at 0"):
        media.read_frames(video, [-1])
    with pytest.raises(ValueError, match="0 s or later"):
        media.read_frames_at(video, [math.nan])


def test_broken_videos_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("this is no video")
    soundfile.write(tmp_path / "only_sound.wav", _tone(), 16000)
    for read in (media.video_info, media.read_video_sound, lambda path: media.read_frames(path, [0])):
        for name in ("empty.mp4", "text.mp4", "missing.mp4"):
            with pytest.raises(MediaError, match=name):
                read(tmp_path / name)
    with pytest.raises(MediaError, match="no pictures"):
        media.video_info(tmp_path / "only_sound.wav")
    with pytest.raises(MediaError, match="no pictures"):
        media.read_frames(tmp_path / "only_sound.wav", [0])


def test_damaged_sound_track_ends_in_an_error_and_not_in_waiting(tmp_path: Path) -> None:
    """A damaged track makes more messages than a pipe holds, which stalls moviepy's own reader."""
    source = tmp_path / "good.m4a"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", "sine=duration=60"]
    subprocess.run([*command, "-c:a", "aac", str(source)], check=True)
    data = bytearray(source.read_bytes())
    start, end = data.find(b"mdat") + 8, data.find(b"moov") - 8
    noise = np.random.default_rng(0).integers(0, 256, end - start, dtype=np.uint8)
    data[start:end] = noise.tobytes()
    (tmp_path / "bad.m4a").write_bytes(data)
    assert media.read_sound(source).duration == pytest.approx(60, abs=0.2)
    with pytest.raises(MediaError, match="damaged"):
        media.read_sound(tmp_path / "bad.m4a")


def test_reading_videos_leaves_no_process(video: Path) -> None:
    before = {child.pid for child in psutil.Process().children()}
    media.read_frames(video, [0])
    media.read_video_sound(video)
    media.video_info(video)
    assert {child.pid for child in psutil.Process().children()} <= before


def test_reading_videos_does_not_hide_warnings(video: Path) -> None:
    """Importing moviepy 1.0.3 sends the warnings of the whole program to a silent log."""
    program = (
        "import sys, warnings\n"
        "from fiftyone_avs import media\n"
        "before = warnings.showwarning\n"
        "media.video_info(sys.argv[1])\n"
        "assert 'moviepy' in sys.modules\n"
        "assert warnings.showwarning is before\n"
    )
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    subprocess.run([sys.executable, "-c", program, str(video)], env=environment, check=True)


def test_the_export_list_is_complete() -> None:
    for name in media.__all__:
        assert getattr(media, name).__doc__ or name == "Fit"
