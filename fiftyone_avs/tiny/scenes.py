"""The demo and test set of the procedural world: pictures with an exact mask of what sounds, and the sound.

Scenes come in blocks of four: two single scenes (one sounding object among silent ones) and one picture with
two sounding objects that gives two scenes, one per sound. Everything follows from the seed and the index.
The generators differ from all training generators in their second number, so even with the seed of the
training data no scene repeats a training picture.
"""

from __future__ import annotations

import json
import wave
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fiftyone_avs.tiny.world.pictures import compose, draw_background, draw_sprite
from fiftyone_avs.tiny.world.sounds import sound_clip
from fiftyone_avs.tiny.world.vocabulary import (
    CLASSES,
    DISTRACTORS,
    PARTNER,
    SAMPLE_RATE,
    TEST_STREAM,
    TRAIN_BACKGROUNDS,
    TRAIN_STYLES,
    UNSEEN_BACKGROUNDS,
    UNSEEN_STYLES,
)

SIZE = 320
"""Side of every picture in pixels."""

_LABELS, _PICTURE, _SOUND = range(3)


@dataclass(frozen=True)
class Scene:
    """One picture, one sound, and which object in the picture makes it.

    Attributes:
        id: Unique within a set, such as `pair-0012-a`. The scenes of a pair differ in the last letter.
        image: uint8 (320, 320, 3), red, green, blue.
        mask: uint8 (320, 320), 255 on the sounding object, else 0.
        sound: float32 (32000,), in [-1, 1].
        sample_rate: Samples per second of the sound.
        label: Class of the sounding object.
        objects: All classes in the picture, in drawing order (the last one is in front).
        kind: `single` or `pair`.
        style: Drawing style of all objects.
        background: What is behind them.
        unseen: Whether style and background were both kept out of training.
        sound_alike: Whether the label has a partner that sounds alike (the partner is never in the picture).
    """

    id: str
    image: np.ndarray
    mask: np.ndarray
    sound: np.ndarray
    sample_rate: int
    label: str
    objects: tuple[str, ...]
    kind: str
    style: str
    background: str
    unseen: bool
    sound_alike: bool


def make_scenes(seed: int, samples: int) -> Iterator[Scene]:
    """The first `samples` scenes of a seed. A longer set starts with the scenes of a shorter one.

    Half of the scenes are of kind `pair`, half of kind `single`. In each kind every other picture has a style
    and a background that were kept out of training. Classes are dealt from shuffled decks of all 16.

    Args:
        seed: Zero or more.
        samples: Number of scenes, zero or more.

    Raises:
        ValueError: For a negative seed or number.
    """
    if seed < 0 or samples < 0:
        raise ValueError(f"seed and samples must not be negative, got {seed} and {samples}")
    return _scenes(seed, samples)


def write_scenes(root: str | Path, scenes: Iterable[Scene]) -> list[dict[str, Any]]:
    """Writes scenes as files and lists them in `scenes.json`.

    `img/<id>.png` is the picture, `wav/<id>.wav` the sound (16-bit PCM), `gt_seg/<id>.png` the mask (one
    channel, 0 or 255). Existing files of the same names are replaced.

    Args:
        root: Folder to write to; it is made if it is missing.
        scenes: Scenes with different ids.

    Returns:
        One row per scene: its metadata and its paths relative to `root`, as in `scenes.json`.
    """
    root = Path(root)
    for folder in ("img", "wav", "gt_seg"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    rows = [_write_scene(root, scene) for scene in scenes]
    (root / "scenes.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return rows


def write_samples(path: Path, sound: np.ndarray, sample_rate: int) -> None:
    """Writes a mono sound, float in [-1, 1], as 16-bit PCM."""
    samples = np.round(np.clip(sound, -1, 1) * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(samples.tobytes())


@dataclass(frozen=True)
class _Plan:
    """What a picture shows, before it is drawn."""

    number: int
    kind: str
    labels: tuple[str, ...]
    unseen: bool


class _Deck:
    """Deals all sounding classes in random order, again and again."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._cards: list[str] = []

    def deal(self, beside: str | None = None) -> str:
        """The next class; beside another one, the next that is neither that one nor its partner."""
        barred = {beside, PARTNER.get(beside or "")}
        if all(card in barred for card in self._cards):
            self._cards += [CLASSES[index] for index in self._rng.permutation(len(CLASSES))]
        card = next(card for card in self._cards if card not in barred)
        self._cards.remove(card)
        return card


def _scenes(seed: int, samples: int) -> Iterator[Scene]:
    made = 0
    for plan in _plans(seed):
        if made >= samples:
            return
        for scene in _draw(seed, plan)[: samples - made]:
            yield scene
            made += 1


def _plans(seed: int) -> Iterator[_Plan]:
    """Endless plans in blocks of a single, a pair and a single picture."""
    deck = _Deck(_generator(seed, _LABELS, 0))
    number = block = 0
    while True:
        for kind, unseen in (("single", False), ("pair", block % 2 == 1), ("single", True)):
            first = deck.deal()
            labels = (first,) if kind == "single" else (first, deck.deal(beside=first))
            yield _Plan(number, kind, labels, unseen)
            number += 1
        block += 1


def _draw(seed: int, plan: _Plan) -> list[Scene]:
    """The scenes of one picture: one per sounding object."""
    rng = _generator(seed, _PICTURE, plan.number)
    style = _choose(rng, UNSEEN_STYLES if plan.unseen else TRAIN_STYLES)
    background = _choose(rng, UNSEEN_BACKGROUNDS if plan.unseen else TRAIN_BACKGROUNDS)
    silent = int(rng.integers(0, 2)) + (plan.kind == "single")
    names = [*plan.labels, *rng.choice(DISTRACTORS, silent, replace=False).tolist()]
    objects = tuple(names[index] for index in rng.permutation(len(names)))
    sprites = [draw_sprite(name, rng, style, size=200) for name in objects]
    image, labels = compose(rng, SIZE, sprites, draw_background(background, rng, SIZE))
    scenes = []
    for position, label in enumerate(plan.labels):
        sound, _ = sound_clip(label, _generator(seed, _SOUND, 2 * plan.number + position), unseen=plan.unseen)
        suffix = f"-{'ab'[position]}" if plan.kind == "pair" else ""
        scenes.append(
            Scene(
                id=f"{plan.kind}-{plan.number:04d}{suffix}",
                image=image,
                mask=np.where(labels == objects.index(label) + 1, 255, 0).astype(np.uint8),
                sound=sound,
                sample_rate=SAMPLE_RATE,
                label=label,
                objects=objects,
                kind=plan.kind,
                style=style,
                background=background,
                unseen=plan.unseen,
                sound_alike=label in PARTNER,
            )
        )
    return scenes


def _generator(seed: int, purpose: int, index: int) -> np.random.Generator:
    return np.random.default_rng([seed, TEST_STREAM, purpose, index])


def _choose(rng: np.random.Generator, names: tuple[str, ...]) -> str:
    return names[int(rng.integers(len(names)))]


def _write_scene(root: Path, scene: Scene) -> dict[str, Any]:
    image, sound, mask = f"img/{scene.id}.png", f"wav/{scene.id}.wav", f"gt_seg/{scene.id}.png"
    Image.fromarray(scene.image).save(root / image)
    Image.fromarray(scene.mask).save(root / mask)
    write_samples(root / sound, scene.sound, scene.sample_rate)
    return {
        "id": scene.id,
        "image": image,
        "sound": sound,
        "mask": mask,
        "sample_rate": scene.sample_rate,
        "label": scene.label,
        "objects": list(scene.objects),
        "kind": scene.kind,
        "style": scene.style,
        "background": scene.background,
        "unseen": scene.unseen,
        "sound_alike": scene.sound_alike,
    }
