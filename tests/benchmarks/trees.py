"""Small trees of files in exactly the layouts in which the benchmarks are published, quirks included."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import soundfile
from PIL import Image

from fiftyone_avs.benchmarks.masks import PALETTE_CLASSES, palette_colours

RATE = 8000
SIZE = (48, 64)

IS3_CLASSES = {
    "accordion_baby_10467_accordion": "accordion",
    "accordion_baby_10467_baby": "baby",
    "fox_train_fox": "fox",  # no number
    "fox_train_subway": "train",  # the class is not the last part of the name
}
AVSS_CLASSES = {"background": 0, "dog": 1, "guitar": 2, "man": 5} | {
    f"class-{number}": number for number in range(PALETTE_CLASSES) if number not in (0, 1, 2, 5)
}


@dataclass(frozen=True)
class Scene:
    """A picture, its sound and its mask: uint8 (H, W, 3), float (N,), bool or class numbers (H, W).

    What is None is made up: a ramp, a tone of a quarter of a second, and the right half as object.
    """

    picture: np.ndarray | None = None
    sound: np.ndarray | None = None
    mask: np.ndarray | None = None


@dataclass(frozen=True)
class Video:
    """A clip of AVSBench: its frames (of which only pictures and masks are used) and its one sound.

    ``subset`` is that of AVSBench-semantic: v1s, v1m or v2.
    """

    name: str
    split: str = "test"
    category: str = "dog_barking"
    subset: str = "v2"
    frames: Sequence[Scene] = field(default=(Scene(),) * 5)
    sound: np.ndarray | None = None


S4_VIDEOS = (
    Video("0d9u2CymIxc", "test", "helicopter"),
    Video("-9VmZdbOPQU", "test", "dog_barking"),
    Video("aaaaaaaaaaa", "val", "dog_barking"),
    Video("bbbbbbbbbbb", "train", "cat_meowing"),
)
MS3_VIDEOS = (
    Video("rq5RDUm2Hnk_1", "test", frames=(Scene(mask=np.zeros(SIZE, bool)), *(Scene(),) * 4)),
    Video("ccccccccccc_2", "train"),
)
AVSS_VIDEOS = (
    Video("vvvvvvvvvvv_0_10000", "test", "dog_guitar", "v2", (Scene(),) * 10),
    Video("mmmmmmmmmmm_0_5000", "val", "man_guitar", "v1m"),
    Video("sssssssssss_0_5000", "train", "dog", "v1s"),
)


def make_is3(
    root: Path,
    scenes: Mapping[str, Scene] | None = None,
    classes: Mapping[str, str] | None = None,
    *,
    rate: int = RATE,
    sounds: str = "audio_waw",
    masks: str = ".jpg",
) -> Path:
    """IS3: every annotation has its own picture, sound and mask; ``classes`` names each one's class."""
    classes = classes or IS3_CLASSES
    scenes = scenes or {name: Scene() for name in classes}
    for name, scene in scenes.items():
        write_picture(root / "images" / f"{name}.jpg", scene.picture)
        write_sound(root / sounds / f"{name}.wav", scene.sound, rate)
        write_mask(root / "gt_segmentation" / f"{name}{masks}", scene.mask)
    entries = [
        {
            "image": f"{name}.jpg",
            "audio": f"{name}.wav",
            "class": classes.get(name, name.rpartition("_")[2]),
            "bbox": [112.0, 0.0, 224.0, 224.0],
        }
        for name in scenes
    ]
    (root / "IS3_annotation.json").write_text(json.dumps(entries))
    return root


def make_s4(
    root: Path,
    videos: Sequence[Video] = S4_VIDEOS,
    *,
    rate: int = RATE,
    nested: bool = True,
    clips: bool = False,
) -> Path:
    """AVSBench-S4; training videos have a mask of their first frame only."""
    base = root / "Single-source" if nested else root
    data = base / "s4_data"
    for video in videos:
        place = Path(video.split) / video.category
        for number, scene in enumerate(video.frames, start=1):
            stem = Path(video.name) / f"{video.name}_{number}.png"
            write_picture(data / "visual_frames" / place / stem, scene.picture)
            if number == 1 or video.split != "train":
                write_mask(data / "gt_masks" / place / stem, scene.mask)
        write_sound(data / "audio_wav" / place / f"{video.name}.wav", video.sound, rate)
        _write(data / "audio_log_mel" / place / f"{video.name}.pkl", b"never to be opened")
        if clips:
            write_clip(data / "raw_videos" / place / f"{video.name}.mp4")
    rows = [(video.name, 0, video.category, video.split) for video in videos]
    write_table(base / "s4_meta_data.csv", ("video_id", "start_time", "category", "split"), rows)
    return root


def make_ms3(
    root: Path,
    videos: Sequence[Video] = MS3_VIDEOS,
    *,
    rate: int = RATE,
    nested: bool = True,
    clips: bool = False,
) -> Path:
    """AVSBench-MS3: frames lie in no folder of their split, and masks are palette pictures of the indices 0 and 1."""
    base = root / "Multi-sources" if nested else root
    data = base / "ms3_data"
    for video in videos:
        for number, scene in enumerate(video.frames, start=1):
            frame = f"{video.name}.mp4_{number}.png"
            write_picture(data / "visual_frames" / video.name / frame, scene.picture)
            mask = data / "gt_masks" / video.split / video.name / f"{video.name}_{number}.png"
            write_indices(mask, scene.mask)
        write_sound(data / "audio_wav" / video.split / f"{video.name}.wav", video.sound, rate)
        _write(data / "audio_log_mel" / video.split / f"{video.name}.pkl", b"never to be opened")
        if clips:
            write_clip(data / "raw_videos" / f"{video.name}.mp4")
    write_table(base / "ms3_meta_data.csv", ("video_id", "split"), [(one.name, one.split) for one in videos])
    return root


def make_avss(root: Path, videos: Sequence[Video] = AVSS_VIDEOS, *, rate: int = RATE) -> Path:
    """AVSBench-semantic: frames from 0, labels in colours; training videos of v1s have the first label only."""
    for video in videos:
        base = root / video.subset / video.name
        for number, scene in enumerate(video.frames):
            write_picture(base / "frames" / f"{number}.jpg", scene.picture)
            if number == 0 or (video.subset, video.split) != ("v1s", "train"):
                write_colours(base / "labels_rgb" / f"{number}.png", scene.mask)
        write_sound(base / "audio.wav", video.sound, rate)
    header = ("vid", "uid", "s_min", "s_sec", "a_obj", "split", "label")
    rows = [(one.name[:11], one.name, 0, 0, one.category, one.split, one.subset) for one in videos]
    write_table(root / "metadata.csv", header, rows)
    (root / "label2idx.json").write_text(json.dumps(AVSS_CLASSES))
    return root


def right_half(size: tuple[int, int] = SIZE) -> np.ndarray:
    """A mask, bool (H, W), whose right half is the object."""
    mask = np.zeros(size, bool)
    mask[:, size[1] // 2 :] = True
    return mask


def write_picture(path: Path, pixels: np.ndarray | None = None) -> None:
    """A picture, by default one that brightens towards the right."""
    if pixels is None:
        ramp = np.linspace(0, 255, SIZE[0] * SIZE[1]).reshape(SIZE[::-1]).T.astype(np.uint8)
        pixels = np.repeat(ramp[..., None], 3, axis=-1)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **({"quality": 95} if path.suffix == ".jpg" else {}))


def write_sound(path: Path, samples: np.ndarray | None = None, rate: int = RATE) -> None:
    """A sound, by default a tone of 440 Hz."""
    if samples is None:
        samples = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate // 4) / rate)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate)


def write_mask(path: Path, mask: np.ndarray | None = None) -> None:
    """A mask in grey, 0 and 255, by default of the right half; a JPEG's edges are soft."""
    mask = right_half() if mask is None else mask
    write_picture(path, (np.asarray(mask) > 0).astype(np.uint8) * 255)


def write_indices(path: Path, mask: np.ndarray | None = None) -> None:
    """A mask as a palette picture of the indices 0 and 1, both of dark colours."""
    mask = right_half() if mask is None else mask
    picture = Image.fromarray((np.asarray(mask) > 0).astype(np.uint8)).convert("P")
    picture.putpalette([0, 0, 0, 64, 0, 0])
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


def write_colours(path: Path, numbers: np.ndarray | None = None) -> None:
    """Class numbers, uint8 (H, W), in the palette's colours; by default the right half is class 1."""
    numbers = right_half() if numbers is None else numbers
    write_picture(path, palette_colours()[np.asarray(numbers).astype(np.uint8)])


def write_clip(path: Path, *, size: tuple[int, int] = (96, 128), rate: int = 8, seconds: float = 5) -> None:
    """A video that brightens to the right, with a tone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = size
    ramp = f"gradients=s={width}x{height}:c0=black:c1=white:x0=0:y0=0:x1={width - 1}:y1=0:n=2:speed=0.00001"
    picture = ["-f", "lavfi", "-i", f"{ramp}:r={rate}:d={seconds}"]
    sound = ["-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}", "-c:a", "aac"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", *picture, *sound]
    subprocess.run([*command, "-pix_fmt", "yuv420p", str(path)], check=True)


def write_table(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
