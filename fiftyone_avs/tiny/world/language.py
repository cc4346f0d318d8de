"""What is said about the world: captions, referring expressions and prompts from one small closed grammar.

Every sentence is made of words in `words()`, and verbs are always in the progressive form ("is ringing"),
so that no verb can be mistaken for a noun. Because the grammar is ours,
`fiftyone_avs.tiny.world.grammar.annotate` can give the exact parse of every sentence.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fiftyone_avs.tiny.world.vocabulary import NAMES, PARTNER, article

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from fiftyone_avs.tiny.world.sounds import SoundInfo

VERBS: dict[str, tuple[str, ...]] = {
    "bee": ("is buzzing", "is humming"),
    "electric shaver": ("is buzzing", "is humming"),
    "car": ("is driving by", "is revving"),
    "motorcycle": ("is driving by", "is revving"),
    "cat": ("is meowing", "is crying"),
    "baby": ("is crying",),
    "alarm clock": ("is ringing", "is beeping"),
    "phone": ("is ringing", "is beeping"),
    "dog": ("is barking",),
    "bird": ("is singing", "is chirping"),
    "frog": ("is croaking",),
    "cow": ("is mooing",),
    "drum": ("is beating", "is playing"),
    "guitar": ("is strumming", "is playing"),
    "trumpet": ("is blowing", "is playing"),
    "ambulance": ("is wailing", "is driving by"),
}
"""What each sounding class does, in the progressive form."""

WEATHER: dict[str, str] = {"rain": " in the rain", "wind": " in the wind"}
"""How an audible ambience is told. Ambiences that training never heard are not told."""

PLACES: dict[str, str] = {
    "grass": " on the grass",
    "room": " in a room",
    "street": " on a street",
    "beach": " on a beach",
}
"""How a background is told. Backgrounds without a name for it (and those kept for testing) are not told."""

PLACE_PHRASES: tuple[str, ...] = ("the grass", "a room", "a street", "a beach", "the picture")
"""Noun phrases that image captions may hold and that never make a sound."""

PHOTO_PROMPT = "a photo of {}."
"""The prompt of the pipeline: every text model of the world sees it often."""

REFERRING_TEMPLATES: tuple[tuple[str, float], ...] = (
    ("a photo of {n}.", 0.24),
    ("a photo of {a}.", 0.24),
    ("{a}", 0.16),
    ("the {n}", 0.10),
    ("{n}", 0.08),
    ("a picture of {a}", 0.04),
    ("an image of the {n}", 0.03),
    ("{a} in the picture", 0.02),
)
"""Templates of referring expressions with their shares; what is left over are sentences about a sound."""

AUDIO_TEMPLATES: tuple[tuple[str, float], ...] = (
    ("a photo of {n}.", 0.20),
    ("a photo of {a}.", 0.16),
    ("a photo of the {n}.", 0.04),
    ("{n}", 0.16),
    ("{a}", 0.16),
    ("the {n}", 0.06),
    ("the sound of {a}", 0.08),
    ("the sound of {n}", 0.04),
)
"""Templates of texts for a sound with their shares; what is left over are sentences ("a bee is buzzing")."""

SPARE_WORDS = (
    "noise video object someone loud small big old new one two red blue green yellow black white it this"
)
"""Words no template uses, kept in the vocabulary so that it can grow without new embeddings."""

SOMETHING_SHARE = 0.04
BOTH_SHARE = 0.60
WEATHER_SHARE = 0.70
PLACE_SHARE = 0.50


def referring_expression(name: str, rng: np.random.Generator) -> str:
    """A text that refers to an object of class `name`.

    Most are prompts such as "a photo of a bee."; some are whole sentences as an audio captioner would write
    them, so that a segmenter learns those too. Sentences may name the sound-alike beside `name`, never in
    its place.
    """
    template = _choose_template(REFERRING_TEMPLATES, rng)
    if template is not None:
        return _fill(template, name)
    if name not in VERBS:
        return article(name)
    weather = WEATHER[str(rng.choice(list(WEATHER)))] if rng.random() < 0.3 else ""
    return _sound_sentence(name, rng, alone_share=0.4) + weather


def audio_caption(name: str, rng: np.random.Generator, info: SoundInfo | None = None) -> str:
    """A caption of the sound of `name`, such as "a dog is barking in the rain".

    For a sound-alike the caption is what a listener can know: both classes in random order (58 %), or one
    of the two at random (38 %), or no class at all (4 %, "something is buzzing").
    """
    heard = name
    if name in PARTNER and rng.random() < 0.5:
        heard = PARTNER[name]
    caption = _sound_sentence(heard, rng, alone_share=1.0 - BOTH_SHARE)
    ambience = info.ambience if info is not None else None
    if ambience in WEATHER and rng.random() < WEATHER_SHARE:
        caption += WEATHER[ambience]
    return caption


def image_caption(names: Sequence[str], rng: np.random.Generator, background: str | None = None) -> str:
    """A caption with all `names` (one to three) in random order, such as "a bee next to a mug on the grass"."""
    if not 1 <= len(names) <= 3:
        raise ValueError(f"an image caption names one to three objects, not {len(names)}")
    phrases = [article(names[index]) for index in rng.permutation(len(names))]
    caption = phrases[0]
    if len(phrases) == 3 and rng.random() < 0.3:
        caption = f"{phrases[0]}, {phrases[1]} and {phrases[2]}"
    elif len(phrases) > 1:
        link = str(rng.choice(["and", "next to", "with", "beside"]))
        caption = " and ".join([f"{phrases[0]} {link} {phrases[1]}", *phrases[2:]])
    if background in PLACES and rng.random() < PLACE_SHARE:
        caption += PLACES[background]
    return caption


def audio_prompt(name: str, rng: np.random.Generator) -> str:
    """A text for the sound of `name`, a class that sounds or one that does not (for contrast)."""
    template = _choose_template(AUDIO_TEMPLATES, rng)
    if template is not None:
        return _fill(template, name)
    if name not in VERBS:
        return article(name)
    return f"{article(name)} {rng.choice(VERBS[name])}"


def place_prompt(phrase: str, rng: np.random.Generator) -> str:
    """A text about a place (one of `PLACE_PHRASES`): with or without its article, bare or as a prompt."""
    text = phrase if rng.random() < 0.5 else phrase.split(" ", 1)[1]
    return PHOTO_PROMPT.format(text) if rng.random() < 0.5 else text


def words() -> tuple[str, ...]:
    """The closed vocabulary, sorted: every word and punctuation mark a text of the world may hold."""
    texts = [*NAMES, *(article(name) for name in NAMES), *WEATHER.values(), *PLACES.values(), *PLACE_PHRASES]
    texts += [verb for verbs in VERBS.values() for verb in verbs]
    texts += [template for template, _ in REFERRING_TEMPLATES + AUDIO_TEMPLATES]
    texts += [SPARE_WORDS, "something or and next to with beside , . in on"]
    return tuple(sorted({word for text in texts for word in split_words(re.sub(r"\{.\}", " ", text))}))


def split_words(text: str) -> list[str]:
    """Words and punctuation marks of a text, lower case, as all tokenizers of the world split it."""
    return re.findall(r"\w+|[^\w\s]", text.lower())


def _sound_sentence(name: str, rng: np.random.Generator, alone_share: float) -> str:
    """Who sounds and how: `name` alone, `name` and its sound-alike, or just "something"."""
    verb = str(rng.choice(VERBS[name]))
    if rng.random() < SOMETHING_SHARE:
        return f"something {verb}"
    if name not in PARTNER or rng.random() < alone_share:
        return f"{article(name)} {verb}"
    first, second = rng.permutation([name, PARTNER[name]])
    return f"{article(str(first))} or {article(str(second))} {verb}"


def _choose_template(templates: tuple[tuple[str, float], ...], rng: np.random.Generator) -> str | None:
    """One template by its share, or None for the share that is left over."""
    threshold = rng.random()
    for template, share in templates:
        threshold -= share
        if threshold < 0:
            return template
    return None


def _fill(template: str, name: str) -> str:
    return template.format(n=name, a=article(name))
