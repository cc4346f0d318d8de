"""Training and validation pictures of the procedural world, drawn once and cached as arrays.

Pictures are composed at twice the size of the models' input and reduced, so that edges look as they do when a
picture of any size goes through the image processor. Styles and backgrounds kept for testing are never used.
"""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from transformers import CLIPImageProcessor

from fiftyone_avs.tiny.world.pictures import compose, draw_background, draw_sprite
from fiftyone_avs.tiny.world.vocabulary import (
    CLASSES,
    DISTRACTORS,
    INDEX,
    NAMES,
    TRAIN_BACKGROUNDS,
    TRAIN_SEED,
    TRAIN_STREAM,
    TRAIN_STYLES,
    VALIDATION_SEED,
    VALIDATION_STREAM,
)
from fiftyone_avs.training.tiny.common import write_atomically

PICTURE_SIZE = 80
"""Side of the models' input in pixels."""

CHANNEL_MEAN = 0.5
CHANNEL_STD = 0.25
"""Pixel values 0..1 are shifted and scaled by these before they enter a model."""

MAX_OBJECTS = 3
"""Most objects in one picture."""

_SHARDS = 8
_PICTURES_PER_SHARD = 8000
_SPRITES = {"sounding": 64, "silent": 32}
_BACKGROUNDS_PER_KIND = 24
_VALIDATION_PICTURES = 600
_VALIDATION_SIZE = 320


@dataclass(frozen=True)
class PictureSet:
    """Pictures with their objects.

    Attributes:
        pixels: uint8 (N, 80, 80, 3).
        labels: uint8 (N, 80, 80); 0 is background, i is the i-th object.
        objects: int64 (N, 4); entry i is 1 + the class index of object i, or 0 where there is none.
        backgrounds: kind of background of each picture.
        styles: drawing style of the first object of each picture.
    """

    pixels: np.ndarray
    labels: np.ndarray
    objects: np.ndarray
    backgrounds: tuple[str, ...]
    styles: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.pixels)

    def names(self, index: int) -> tuple[str, ...]:
        """Class names of the objects of one picture, in drawing order."""
        return tuple(NAMES[value - 1] for value in self.objects[index] if value > 0)


def make_image_processor() -> CLIPImageProcessor:
    """The processor of all tiny vision models: bicubic to 80 x 80, then normalised."""
    return CLIPImageProcessor(
        size={"height": PICTURE_SIZE, "width": PICTURE_SIZE},
        do_center_crop=False,
        image_mean=[CHANNEL_MEAN] * 3,
        image_std=[CHANNEL_STD] * 3,
        resample=Image.Resampling.BICUBIC,
    )


def prepare_pictures(work: Path, seed: int, scale: float = 1.0, processes: int = 2) -> None:
    """Draw and cache both sets under ``work/pictures`` unless they are there already.

    Args:
        work: folder for caches and checkpoints.
        seed: added to the seeds of the two sets.
        scale: below 1, the share of pictures and sprites that is drawn.
        processes: how many processes draw; the pictures do not depend on it.
    """
    folder = Path(work) / "pictures"
    share = min(1.0, scale)
    if not (folder / "training.json").exists():
        count = max(8, round(share * _PICTURES_PER_SHARD))
        _store(folder, "training", _map(partial(_draw_shard, seed, count, share), _SHARDS, processes))
    if not (folder / "validation.json").exists():
        count = max(16, round(share * _VALIDATION_PICTURES))
        _store(folder, "validation", _map(partial(_draw_validation, seed), count, processes))


def _map(draw: Callable[[int], PictureSet], count: int, processes: int) -> list[PictureSet]:
    """The sets ``draw(0)`` to ``draw(count - 1)``, drawn by one or more processes."""
    if processes == 1:
        return [draw(index) for index in range(count)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        return pool.map(draw, range(count), chunksize=max(1, count // (8 * processes)))


def load_pictures(work: Path, split: str) -> PictureSet:
    """The cached set ``training`` or ``validation``; the arrays are mapped, not read."""
    folder = Path(work) / "pictures"
    notes = json.loads((folder / f"{split}.json").read_text())
    arrays = (
        np.load(folder / f"{split}-{part}.npy", mmap_mode="r") for part in ("pixels", "labels", "objects")
    )
    pixels, labels, objects = arrays
    return PictureSet(pixels, labels, objects, tuple(notes["backgrounds"]), tuple(notes["styles"]))


def draw_objects(rng: np.random.Generator) -> tuple[str, ...]:
    """Which objects stand in a picture: one, two or three that sound, and up to two that do not."""
    kind = rng.random()
    sounding, silent = 3, 0
    if kind < 0.40:
        sounding, silent = 1, int(rng.integers(1, 3))
    elif kind < 0.75:
        sounding, silent = 2, int(rng.random() < 0.4)
    elif kind < 0.87:
        sounding, silent = 1, 0
    names = [*rng.choice(CLASSES, sounding, replace=False), *rng.choice(DISTRACTORS, silent, replace=False)]
    return tuple(str(name) for name in rng.permutation(names))


def _store(folder: Path, split: str, parts: list[PictureSet]) -> None:
    """Write the parts as one set; the JSON file comes last and marks the set as complete."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("pixels", "labels", "objects"):
        np.save(folder / f"{split}-{part}.npy", np.concatenate([getattr(piece, part) for piece in parts]))
    notes = {
        "backgrounds": [kind for piece in parts for kind in piece.backgrounds],
        "styles": [style for piece in parts for style in piece.styles],
    }
    write_atomically(folder / f"{split}.json", lambda path: path.write_text(json.dumps(notes)))


def _draw_shard(seed: int, count: int, share: float, shard: int) -> PictureSet:
    """Pictures of one shard, composed of sprites and backgrounds of its own."""
    rng = np.random.default_rng([TRAIN_SEED + seed, TRAIN_STREAM, shard])
    size = 2 * PICTURE_SIZE
    sprites = {
        name: [_draw_styled(rng, name, size) for _ in range(max(1, round(share * _SPRITES[kind])))]
        for kind, names in (("sounding", CLASSES), ("silent", DISTRACTORS))
        for name in names
    }
    each = max(1, round(share * _BACKGROUNDS_PER_KIND))
    grounds = [(kind, draw_background(kind, rng, size)) for kind in TRAIN_BACKGROUNDS for _ in range(each)]
    pieces = []
    for _ in range(count):
        names = draw_objects(rng)
        chosen = [sprites[name][int(rng.integers(len(sprites[name])))] for name in names]
        kind, ground = grounds[int(rng.integers(len(grounds)))]
        ground = _vary_background(rng, ground, grounds[int(rng.integers(len(grounds)))][1])
        scale = (0.30, 0.66) if rng.random() < 0.3 else (0.40, 0.62)
        pixels, labels = compose(rng, size, [sprite for _, sprite in chosen], ground, scale)
        pieces.append((_reduce(pixels), labels[1::2, 1::2], names, kind, chosen[0][0]))
    return _stack(pieces)


def _draw_validation(seed: int, index: int) -> PictureSet:
    """One validation picture, drawn as the demo's pictures are: large, all objects in one style."""
    rng = np.random.default_rng([VALIDATION_SEED + seed, VALIDATION_STREAM, index])
    names = draw_objects(rng)
    style, kind = str(rng.choice(TRAIN_STYLES)), str(rng.choice(TRAIN_BACKGROUNDS))
    sprites = [draw_sprite(name, rng, style) for name in names]
    ground = draw_background(kind, rng, _VALIDATION_SIZE)
    pixels, labels = compose(rng, _VALIDATION_SIZE, sprites, ground)
    step = _VALIDATION_SIZE // PICTURE_SIZE
    return _stack([(_reduce(pixels), labels[step // 2 :: step, step // 2 :: step], names, kind, style)])


def _draw_styled(rng: np.random.Generator, name: str, size: int) -> tuple[str, Image.Image]:
    style = str(rng.choice(TRAIN_STYLES))
    return style, draw_sprite(name, rng, style, size)


def _reduce(pixels: np.ndarray) -> np.ndarray:
    image = Image.fromarray(pixels).resize((PICTURE_SIZE, PICTURE_SIZE), Image.Resampling.BICUBIC)
    return np.asarray(image)


def _vary_background(rng: np.random.Generator, ground: np.ndarray, other: np.ndarray) -> np.ndarray:
    """A background mirrored, often recoloured, sometimes joined or blended with another one."""
    result = ground.astype(np.float32)
    if rng.random() < 0.5:
        result = result[:, ::-1]
    choice = rng.random()
    if choice < 0.12:
        result = result + rng.uniform(0.2, 0.6) * (other - result)
    elif choice < 0.24:
        cut = int(rng.integers(len(result) // 4, 3 * len(result) // 4))
        result = np.concatenate([result[:cut], other[cut:]])
    if rng.random() < 0.15:
        result = result.transpose(1, 0, 2)
    if rng.random() < 0.6:
        result = result[..., rng.permutation(3)]
        mean = result.mean(axis=(0, 1))
        contrast = rng.uniform(0.3, 1.4)
        result = contrast * (result - mean) + mean * rng.uniform(0.1, 1.2) + rng.uniform(-20, 70)
    return np.clip(result, 0, 255).astype(np.uint8)


def _stack(pieces: list[tuple[np.ndarray, np.ndarray, tuple[str, ...], str, str]]) -> PictureSet:
    """Put (pixels, labels, names, background, style) of each picture together."""
    objects = np.zeros((len(pieces), MAX_OBJECTS + 1), np.int64)
    for row, (_, _, names, _, _) in zip(objects, pieces, strict=True):
        row[1 : 1 + len(names)] = [INDEX[name] + 1 for name in names]
    return PictureSet(
        pixels=np.stack([piece[0] for piece in pieces]),
        labels=np.stack([piece[1] for piece in pieces]),
        objects=objects,
        backgrounds=tuple(piece[3] for piece in pieces),
        styles=tuple(piece[4] for piece in pieces),
    )
