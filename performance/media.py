"""Pictures and sounds for the benchmarks: drawn scenes as files, each scene new, in two forms.

``drawn`` is what the demo world has: PNGs of 320 x 320 and 2 s of sound at 16 kHz. ``filmed`` has the sizes of
real data: JPEGs of 640 x 480 and 10 s at 44.1 kHz. In the layout ``distinct`` every picture has one sound; in
``is3``, as in the benchmark of that name, every picture has two, so two samples share a picture.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count as numbers, islice
from pathlib import Path

from PIL import Image

from fiftyone_avs.media import fit_window, resample
from fiftyone_avs.media.writing import write_wav
from fiftyone_avs.tiny.scenes import Scene, make_scenes
from fiftyone_avs.types import Sound

LAYOUTS = ("distinct", "is3")
FILMED_SIZE, FILMED_SECONDS, FILMED_RATE = (640, 480), 10.0, 44100
BLOCK = 4
"""Scenes come in blocks of four with two of a pair in each, so this many hold two for either layout."""


@dataclass(frozen=True)
class Pair:
    """A sample's files.

    Attributes:
        name: of the sample.
        picture: an image file.
        sound: a WAV file.
    """

    name: str
    picture: Path
    sound: Path


def write_pairs(folder: Path, count: int, *, layout: str, filmed: bool, seed: int) -> list[Pair]:
    """Draw scenes and write their files; the samples of one picture come one after the other.

    Args:
        folder: where to write; it is made if it is missing.
        count: how many samples.
        layout: "distinct" or "is3".
        filmed: write pictures and sounds of the size of real data.
        seed: scenes of different seeds differ.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scenes = islice(_scenes(seed, BLOCK * count, layout), count)
    return [_write(folder, f"{index:05d}", scene, filmed) for index, scene in enumerate(scenes)]


def link_pairs(folder: Path, originals: Sequence[Pair], count: int) -> Iterator[Pair]:
    """Any number of samples out of a few: new names for the same files, which take no room on the disk.

    Every sample has paths of its own, so nothing that looks at paths can tell that the files repeat.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for index, original in zip(range(count), _again(originals), strict=False):
        stem = folder / f"{index:06d}"
        picture, sound = stem.with_suffix(original.picture.suffix), stem.with_suffix(".wav")
        os.link(original.picture, picture)
        os.link(original.sound, sound)
        yield Pair(stem.name, picture, sound)


def _again(originals: Sequence[Pair]) -> Iterator[Pair]:
    return (originals[number % len(originals)] for number in numbers())


def _scenes(seed: int, count: int, layout: str) -> Iterator[Scene]:
    """Scenes of which no two, or always two in a row, share a picture."""
    for scene in make_scenes(seed, count):
        if scene.kind == "pair" if layout == "is3" else not scene.id.endswith("-b"):
            yield scene


def _write(folder: Path, name: str, scene: Scene, filmed: bool) -> Pair:
    """A scene's files; the second scene of a pair finds its picture written already."""
    picture = folder / f"{scene.id.removesuffix('-a').removesuffix('-b')}{'.jpg' if filmed else '.png'}"
    sound = Sound(scene.sound, scene.sample_rate)
    if not picture.exists():
        drawn = Image.fromarray(scene.image)
        drawn = drawn.resize(FILMED_SIZE, Image.Resampling.BICUBIC) if filmed else drawn
        drawn.save(picture)
    if filmed:
        sound = fit_window(resample(sound, FILMED_RATE), FILMED_SECONDS, "repeat")
    pair = Pair(name, picture, folder / f"{scene.id}.wav")
    write_wav(sound, pair.sound)
    return pair
