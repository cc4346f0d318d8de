"""Pictures, sounds and videos for small datasets, and what tests do with these again and again."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import fiftyone as fo
import imageio_ffmpeg
import numpy as np
import soundfile
from fiftyone.core.collections import SampleCollection
from fiftyone.core.odm import get_db_conn
from PIL import Image

from fiftyone_avs import RunSummary, segment
from fiftyone_avs.models import fake

RATE = 8000
SIZE = (48, 64)


def write_picture(path: Path, shift: int = 0) -> None:
    """A dark picture that brightens towards the right, with few equal values."""
    height, width = SIZE
    ramp = np.linspace(0, 255, height * width).reshape(width, height).T
    values = np.roll(ramp, shift, axis=1).astype(np.uint8)
    Image.fromarray(np.repeat(values[..., None], 3, axis=-1)).save(path)


def write_truth(path: Path, size: tuple[int, int] = SIZE) -> None:
    """The right half of the picture is the object."""
    mask = np.zeros(size, np.uint8)
    mask[:, size[1] // 2 :] = 255
    Image.fromarray(mask).save(path)


def write_tone(path: Path, seconds: float = 0.5, level: float = 0.5) -> None:
    """A tone of 440 Hz."""
    time = np.arange(int(RATE * seconds)) / RATE
    soundfile.write(path, (level * np.sin(2 * np.pi * 440 * time)).astype(np.float32), RATE, subtype="FLOAT")


def add_images(dataset: fo.Dataset, folder: Path, count: int) -> None:
    """Fill a dataset with so many images with sounds and ground truths, written into a folder."""
    samples = []
    for index in range(count):
        picture, sound, truth = (folder / f"{index}{end}" for end in (".png", ".wav", "_gt.png"))
        write_picture(picture)
        write_tone(sound)
        write_truth(truth)
        samples.append(
            fo.Sample(
                filepath=str(picture),
                audio_path=str(sound),
                ground_truth=fo.Segmentation(mask_path=str(truth)),
            )
        )
    dataset.add_samples(samples, progress=False)


def files_of(folder: Path) -> set[str]:
    """Names of the masks and maps in a run's folder, temporary ones included."""
    return {path.name for path in folder.iterdir()} - {"run.json"} if folder.is_dir() else set()


def new_process(code: str) -> subprocess.Popen[str]:
    """Run code in another process that uses this process's database."""
    host, port = get_db_conn().client.address
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "FIFTYONE_DATABASE_URI": f"mongodb://{host}:{port}"},
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )


def write_video(path: Path, seconds: float = 3, sound: bool = True, rate: int = 10) -> None:
    """A ramp of grey that brightens to the right, so many frames per second, with a tone."""
    path.write_bytes(encoded(path.suffix, seconds, sound, rate))


@cache
def encoded(suffix: str, seconds: float, sound: bool, rate: int) -> bytes:
    """The content of such a video; every kind is encoded once."""
    ramp = "gradients=s=64x48:c0=black:c1=white:x0=0:y0=0:x1=63:y1=0:n=2:speed=0.00001"
    source = f"{ramp}:r={rate}:d={seconds}"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", "-f", "lavfi", "-i", source]
    if sound:
        command += ["-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}", "-c:a", "aac"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"video{suffix}"
        subprocess.run([*command, "-pix_fmt", "yuv420p", str(path)], check=True)
        return path.read_bytes()


def segment_with_fakes(
    samples: SampleCollection, output: Path, strategy: str = "vcap_acls", **options: Any
) -> RunSummary:
    """Segment with the fake models, for whom everything is a dog."""
    options = {"models": fake.fake_models(), "output_dir": output, "progress": False, **options}
    return segment(samples, strategy, **options)
