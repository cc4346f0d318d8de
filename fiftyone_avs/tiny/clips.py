"""Short videos of the procedural world: two objects move, one sounds, and every frame has an exact mask.

Videos are written by the ffmpeg program that comes with `imageio_ffmpeg`, which `moviepy` installs.
"""

from __future__ import annotations

import math
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from imageio_ffmpeg import get_ffmpeg_exe
from PIL import Image

from fiftyone_avs.tiny.scenes import SIZE, write_samples
from fiftyone_avs.tiny.world.pictures import OPAQUE, draw_background, draw_sprite, paste
from fiftyone_avs.tiny.world.sounds import sound_clip
from fiftyone_avs.tiny.world.vocabulary import (
    CLASSES,
    DURATION,
    PARTNER,
    SAMPLE_RATE,
    TEST_STREAM,
    TRAIN_BACKGROUNDS,
    TRAIN_STYLES,
    UNSEEN_BACKGROUNDS,
    UNSEEN_STYLES,
)

FRAME_RATE = 10
"""Frames per second."""

FRAMES = round(DURATION * FRAME_RATE)
"""Frames in a video."""

# Scenes use three numbers after the seed and other purposes: no video shares a generator with a scene.
_PURPOSE = 100


@dataclass(frozen=True)
class Video:
    """A written video and what is true of it.

    Attributes:
        path: The mp4 file: H.264, 320 x 320, 10 frames per second, 2 s, with mono AAC sound.
        masks: uint8 (20, 320, 320), 255 on the sounding object, else 0, for the frames before compression.
        label: Class of the sounding object.
        objects: The two classes in the picture, the second in front.
        style: Drawing style of both.
        background: What is behind them.
        unseen: Whether style and background were both kept out of training.
        sound_alike: Whether the label has a partner that sounds alike (the partner is never in the picture).
    """

    path: Path
    masks: np.ndarray
    label: str
    objects: tuple[str, str]
    style: str
    background: str
    unseen: bool
    sound_alike: bool


def make_video(path: str | Path, seed: int, index: int) -> Video:
    """Writes one video with sound; everything follows from the seed and the index.

    Two sounding objects move over a still background, each in its own half, and one of them is heard.
    Videos with an odd index have a style and a background that were kept out of training.

    Args:
        path: The mp4 file to write. Its folder must exist.
        seed: Zero or more.
        index: Number of the video, zero or more.

    Raises:
        ValueError: For a negative seed or index.
        RuntimeError: If ffmpeg cannot write the file; the message holds what it said.
    """
    if seed < 0 or index < 0:
        raise ValueError(f"seed and index must not be negative, got {seed} and {index}")
    rng = np.random.default_rng([seed, TEST_STREAM, _PURPOSE, index])
    unseen = index % 2 == 1
    style = str(rng.choice(UNSEEN_STYLES if unseen else TRAIN_STYLES))
    background = str(rng.choice(UNSEEN_BACKGROUNDS if unseen else TRAIN_BACKGROUNDS))
    # Walking through the classes by index covers all of them in 16 videos.
    label = CLASSES[index % len(CLASSES)]
    other = str(rng.choice([name for name in CLASSES if name not in (label, PARTNER.get(label))]))
    objects = (label, other) if rng.random() < 0.5 else (other, label)
    ground = draw_background(background, rng, SIZE)
    frames, labels = _animate(rng, ground, [draw_sprite(name, rng, style, size=150) for name in objects])
    sound, _ = sound_clip(label, rng, unseen=unseen)
    _encode(Path(path), frames, sound)
    masks = np.where(labels == objects.index(label) + 1, 255, 0).astype(np.uint8)
    return Video(Path(path), masks, label, objects, style, background, unseen, label in PARTNER)


def _animate(
    rng: np.random.Generator, ground: np.ndarray, sprites: list[Image.Image]
) -> tuple[np.ndarray, np.ndarray]:
    """Frames uint8 (frames, size, size, 3) and label maps uint8 (frames, size, size)."""
    sideways = bool(rng.random() < 0.5)
    paths = [_path(rng, sprite.size, half, sideways) for half, sprite in enumerate(sprites)]
    shapes = [np.asarray(sprite)[..., 3] > OPAQUE for sprite in sprites]
    labels = np.zeros((FRAMES, SIZE, SIZE), np.uint8)
    frames = np.empty((FRAMES, SIZE, SIZE, 3), np.uint8)
    for frame in range(FRAMES):
        canvas = Image.fromarray(ground)
        for value, (sprite, shape, path) in enumerate(zip(sprites, shapes, paths, strict=True), start=1):
            canvas.paste(sprite, path[frame], sprite)
            paste(labels[frame], shape, path[frame], value)
        frames[frame] = np.asarray(canvas)
    return frames, labels


def _path(
    rng: np.random.Generator, extent: tuple[int, int], half: int, sideways: bool
) -> list[tuple[int, int]]:
    """Corners of an object (width, height) along part of an ellipse that fills its half of the picture."""
    rooms = [SIZE // 2, SIZE] if sideways else [SIZE, SIZE // 2]
    starts = [half * SIZE // 2, 0] if sideways else [0, half * SIZE // 2]
    start, sweep = rng.uniform(0, 2 * math.pi), rng.choice([-1, 1]) * rng.uniform(0.5, 1.0) * 2 * math.pi
    turn = start + sweep * np.linspace(0, 1, FRAMES)
    waves = (np.cos(turn), np.sin(turn))
    columns, rows = (
        np.round(begin + (room - length) * (0.5 + 0.5 * wave)).astype(int).tolist()
        for begin, room, length, wave in zip(starts, rooms, extent, waves, strict=True)
    )
    return list(zip(columns, rows, strict=True))


def _encode(path: Path, frames: np.ndarray, sound: np.ndarray) -> None:
    """Writes frames and sound as mp4."""
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "sound.wav"
        write_samples(wav, sound, SAMPLE_RATE)
        command = [get_ffmpeg_exe(), "-y", "-loglevel", "error"]
        command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{SIZE}x{SIZE}"]
        command += ["-r", str(FRAME_RATE), "-i", "-"]
        command += ["-i", str(wav), "-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "18", "-threads", "1"]
        # Without bitexact the file holds the version of the encoder; faststart lets browsers play at once.
        command += ["-c:a", "aac", "-b:a", "64k", "-fflags", "+bitexact", "-movflags", "+faststart"]
        command += ["-t", str(DURATION), str(path)]
        result = subprocess.run(command, input=frames.tobytes(), capture_output=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(f"ffmpeg could not write {path}: {result.stderr.decode(errors='replace').strip()}")
