"""The demo set and the videos of the procedural world."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import wave
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from imageio_ffmpeg import get_ffmpeg_exe
from PIL import Image

from fiftyone_avs.tiny.clips import FRAMES, Video, make_video
from fiftyone_avs.tiny.scenes import SIZE, Scene, make_scenes, write_scenes
from fiftyone_avs.tiny.world.vocabulary import (
    CLASSES,
    DISTRACTORS,
    DURATION,
    PARTNER,
    SAMPLE_RATE,
    TEST_STREAM,
    TRAIN_STREAM,
    UNSEEN_BACKGROUNDS,
    UNSEEN_STYLES,
    VALIDATION_STREAM,
)


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return list(make_scenes(seed=11, samples=60))


def test_number_kinds_and_ids(scenes: list[Scene]) -> None:
    assert len(scenes) == len({scene.id for scene in scenes}) == 60
    assert Counter(scene.kind for scene in scenes) == {"pair": 30, "single": 30}


def test_classes_are_balanced(scenes: list[Scene]) -> None:
    counts = Counter(scene.label for scene in scenes)
    assert set(counts) == set(CLASSES)
    assert max(counts.values()) - min(counts.values()) <= 1


def test_half_of_the_pictures_are_unseen_in_both_kinds(scenes: list[Scene]) -> None:
    for kind, pictures in (("single", 30), ("pair", 15)):
        unseen = [scene.unseen for scene in scenes if scene.kind == kind and not scene.id.endswith("b")]
        assert len(unseen) == pictures
        assert abs(sum(unseen) - pictures / 2) <= 0.5
    for scene in scenes:
        assert (scene.style in UNSEEN_STYLES) == scene.unseen
        assert (scene.background in UNSEEN_BACKGROUNDS) == scene.unseen


def test_arrays(scenes: list[Scene]) -> None:
    for scene in scenes:
        assert scene.image.shape == (SIZE, SIZE, 3)
        assert scene.image.dtype == scene.mask.dtype == np.uint8
        assert scene.mask.shape == (SIZE, SIZE)
        assert set(np.unique(scene.mask)) == {0, 255}
        assert (scene.mask > 0).mean() >= 0.015
        assert scene.sound.shape == (round(SAMPLE_RATE * DURATION),)
        assert scene.sound.dtype == np.float32
        assert 0.01 < np.abs(scene.sound).max() <= 1
        assert scene.sample_rate == SAMPLE_RATE


def test_sound_alikes_are_never_together(scenes: list[Scene]) -> None:
    for scene in scenes:
        assert PARTNER.get(scene.label) not in scene.objects
        assert scene.sound_alike == (scene.label in PARTNER)


def test_objects(scenes: list[Scene]) -> None:
    for scene in scenes:
        sounding = [name for name in scene.objects if name in CLASSES]
        silent = [name for name in scene.objects if name in DISTRACTORS]
        assert scene.label in sounding
        assert len(set(scene.objects)) == len(scene.objects) == len(sounding) + len(silent)
        assert len(sounding) == (2 if scene.kind == "pair" else 1)
        assert len(silent) in ((0, 1) if scene.kind == "pair" else (1, 2))


def test_scenes_of_a_pair_share_the_picture_but_not_the_answer(scenes: list[Scene]) -> None:
    by_id = {scene.id: scene for scene in scenes}
    firsts = [scene for scene in scenes if scene.id.endswith("-a")]
    assert len(firsts) == 15
    for first in firsts:
        second = by_id[first.id[:-1] + "b"]
        np.testing.assert_array_equal(first.image, second.image)
        assert first.label != second.label
        assert not ((first.mask > 0) & (second.mask > 0)).any()
        assert (first.sound != second.sound).any()


def test_same_seed_same_scenes_and_longer_sets_start_alike(scenes: list[Scene]) -> None:
    for scene, again in zip(scenes, make_scenes(seed=11, samples=7), strict=False):
        for field in dataclasses.fields(Scene):
            np.testing.assert_array_equal(getattr(scene, field.name), getattr(again, field.name))


def test_other_seed_other_scenes(scenes: list[Scene]) -> None:
    other = next(iter(make_scenes(seed=12, samples=1)))
    assert (other.image != scenes[0].image).any()


@pytest.mark.parametrize("samples", range(6))
def test_exactly_as_many_as_asked_for(samples: int) -> None:
    assert len(list(make_scenes(seed=0, samples=samples))) == samples


def test_scenes_are_made_one_by_one() -> None:
    assert len(list(islice(make_scenes(seed=0, samples=10**9), 2))) == 2


@pytest.mark.parametrize(("seed", "samples"), [(-1, 4), (0, -4)])
def test_negative_numbers_are_refused(seed: int, samples: int) -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        make_scenes(seed, samples)


def test_streams_of_training_and_test_differ() -> None:
    assert len({TRAIN_STREAM, VALIDATION_STREAM, TEST_STREAM}) == 3


def test_files_hold_what_the_scenes_hold(scenes: list[Scene], tmp_path: Path) -> None:
    rows = write_scenes(tmp_path / "demo", scenes[:4])
    assert json.loads((tmp_path / "demo" / "scenes.json").read_text(encoding="utf-8")) == rows
    for row, scene in zip(rows, scenes[:4], strict=True):
        folder = tmp_path / "demo"
        assert (row["id"], row["label"], tuple(row["objects"])) == (scene.id, scene.label, scene.objects)
        paths = (row["image"], row["sound"], row["mask"])
        assert paths == (f"img/{scene.id}.png", f"wav/{scene.id}.wav", f"gt_seg/{scene.id}.png")
        np.testing.assert_array_equal(np.asarray(Image.open(folder / row["image"])), scene.image)
        mask = Image.open(folder / row["mask"])
        assert mask.mode == "L"
        np.testing.assert_array_equal(np.asarray(mask), scene.mask)
        with wave.open(str(folder / row["sound"])) as file:
            assert file.getparams()[:4] == (1, 2, SAMPLE_RATE, len(scene.sound))
            samples = np.frombuffer(file.readframes(len(scene.sound)), "<i2")
        np.testing.assert_allclose(samples / 32767, scene.sound, atol=1 / 32767)


def test_writing_twice_gives_the_same_bytes(scenes: list[Scene], tmp_path: Path) -> None:
    contents = []
    for name in ("first", "second"):
        write_scenes(tmp_path / name, scenes[:2])
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        contents.append([(path.relative_to(tmp_path / name), path.read_bytes()) for path in files])
    assert len(contents[0]) == 7
    assert contents[0] == contents[1]


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Video:
    return make_video(tmp_path_factory.mktemp("video") / "clip.mp4", seed=5, index=4)


def _decode(path: Path, *options: str) -> bytes:
    command = [get_ffmpeg_exe(), "-loglevel", "error", "-i", str(path), *options, "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout


def test_video_has_all_frames(video: Video) -> None:
    raw = _decode(video.path, "-f", "rawvideo", "-pix_fmt", "rgb24")
    frames = np.frombuffer(raw, np.uint8).reshape(-1, SIZE, SIZE, 3)
    assert len(frames) == FRAMES == 20
    # The object moves, so the picture changes where the mask does; the background stays.
    changed = np.abs(frames[0].astype(int) - frames[10]).mean(axis=-1)
    moved = (video.masks[0] > 0) ^ (video.masks[10] > 0)
    assert changed[moved].mean() > 5 * np.median(changed)


def test_video_has_sound(video: Video) -> None:
    samples = np.frombuffer(_decode(video.path, "-f", "s16le", "-ac", "1", "-ar", str(SAMPLE_RATE)), "<i2")
    assert len(samples) / SAMPLE_RATE == pytest.approx(DURATION, abs=0.15)
    assert np.abs(samples).max() > 300


def test_video_format(video: Video) -> None:
    said = subprocess.run([get_ffmpeg_exe(), "-i", str(video.path)], capture_output=True, check=False).stderr
    assert re.search(rb"Video: h264.*yuv420p.*320x320.*10 fps", said)
    assert re.search(rb"Audio: aac.*16000 Hz, mono", said)


def test_video_masks_and_facts(video: Video) -> None:
    assert video.masks.shape == (FRAMES, SIZE, SIZE)
    assert set(np.unique(video.masks)) == {0, 255}
    areas = (video.masks > 0).mean(axis=(1, 2))
    assert areas.min() > 0.015
    # Each object stays in its own half: nothing is ever hidden or cut off.
    assert areas.max() - areas.min() < 1e-9
    assert video.label in video.objects
    assert PARTNER.get(video.label) not in video.objects


def test_videos_are_deterministic_and_alternate_between_seen_and_unseen(tmp_path: Path) -> None:
    first = make_video(tmp_path / "a.mp4", seed=1, index=1)
    again = make_video(tmp_path / "b.mp4", seed=1, index=1)
    assert first.path.read_bytes() == again.path.read_bytes()
    np.testing.assert_array_equal(first.masks, again.masks)
    assert first.unseen
    assert first.style in UNSEEN_STYLES


def test_a_video_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="ffmpeg could not write"):
        make_video(tmp_path / "missing" / "clip.mp4", seed=0, index=0)
