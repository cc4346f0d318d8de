"""Pictures and sounds as files: a few drawn scenes, each in several colours, since drawing is slow."""

from __future__ import annotations

import os
from itertools import permutations, product
from pathlib import Path

import numpy as np
from media import Pair, write_pairs
from PIL import Image

COLOURS = tuple(permutations(range(3)))
"""Orders of the three channels; a picture in other colours has another caption, so that nothing is remembered."""


def write_samples(folder: Path, count: int, *, filmed: bool, seed: int) -> list[Pair]:
    """So many samples, every picture a new one; the colours of a scene share a sound's file under several names.

    Args:
        folder: where to write.
        count: how many.
        filmed: pictures and sounds of the size of real data.
        seed: scenes of different seeds differ.
    """
    scenes = write_pairs(folder, -(-count // len(COLOURS)), layout="distinct", filmed=filmed, seed=seed)
    found = list(product(COLOURS, scenes))[:count]
    return [_coloured(scene, f"{place:04d}", order) for place, (order, scene) in enumerate(found)]


def _coloured(scene: Pair, name: str, order: tuple[int, ...]) -> Pair:
    picture = scene.picture.with_name(f"{name}-coloured{scene.picture.suffix}")
    Image.fromarray(np.asarray(Image.open(scene.picture).convert("RGB"))[..., list(order)]).save(picture)
    sound = scene.sound.with_name(f"{name}-coloured.wav")
    os.link(scene.sound, sound)
    return Pair(name, picture, sound)
