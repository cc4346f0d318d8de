"""What exists in the procedural world: class names, sound-alike pairs, styles, backgrounds and seeds."""

from __future__ import annotations

CLASSES: tuple[str, ...] = (
    "bee",
    "electric shaver",
    "car",
    "motorcycle",
    "cat",
    "baby",
    "alarm clock",
    "phone",
    "dog",
    "bird",
    "frog",
    "cow",
    "drum",
    "guitar",
    "trumpet",
    "ambulance",
)
"""Classes that make a sound."""

PAIRS: tuple[tuple[str, str], ...] = (
    ("bee", "electric shaver"),
    ("car", "motorcycle"),
    ("cat", "baby"),
    ("alarm clock", "phone"),
)
"""Classes whose sounds are alike but whose pictures are not."""

PARTNER: dict[str, str] = {first: second for pair in PAIRS for first, second in (pair, pair[::-1])}
"""The sound-alike of each class that has one, both ways."""

DISTRACTORS: tuple[str, ...] = ("tree", "house", "ball", "umbrella", "mug", "flower")
"""Classes that are drawn but make no sound."""

NAMES: tuple[str, ...] = CLASSES + DISTRACTORS
"""All classes that can be drawn."""

INDEX: dict[str, int] = {name: index for index, name in enumerate(NAMES)}
"""Position of each class in `NAMES`."""

TRAIN_STYLES: tuple[str, ...] = ("flat", "outline", "shade", "texture", "pastel", "ink")
"""Drawing styles the tiny models see in training."""

UNSEEN_STYLES: tuple[str, ...] = ("sketch", "gloss")
"""Drawing styles kept for testing."""

TRAIN_BACKGROUNDS: tuple[str, ...] = ("grass", "room", "street", "beach", "plain", "stripes", "blobs")
"""Backgrounds the tiny models see in training."""

UNSEEN_BACKGROUNDS: tuple[str, ...] = ("snow", "tiles", "night")
"""Backgrounds kept for testing."""

SAMPLE_RATE: int = 16_000
"""Samples per second of every sound."""

DURATION: float = 2.0
"""Length of every sound in seconds."""

TRAIN_SEED: int = 1_000
"""Seed of the training data."""

VALIDATION_SEED: int = 2_000
"""Seed of the data on which training choices are made."""

TRAIN_STREAM: int = 1
"""Second number of every training generator `default_rng([seed, stream, index])`."""

VALIDATION_STREAM: int = 2
"""Second number of every validation generator."""

TEST_STREAM: int = 3
"""Second number of every test and demo generator: equal seeds never give a training scene."""


def article(name: str) -> str:
    """The class name with its indefinite article, as in 'a bee' or 'an electric shaver'."""
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
