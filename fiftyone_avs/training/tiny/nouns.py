"""Trains the noun extractor of the world: a small spaCy pipeline whose `doc.noun_chunks` fit the captions."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Config, fix_random_seed
from tqdm.auto import tqdm

from fiftyone_avs.tiny.world.grammar import annotate, noun_phrases
from fiftyone_avs.tiny.world.language import (
    PLACES,
    WEATHER,
    audio_caption,
    audio_prompt,
    image_caption,
    referring_expression,
)
from fiftyone_avs.tiny.world.sounds import SoundInfo
from fiftyone_avs.tiny.world.vocabulary import CLASSES, NAMES, TRAIN_SEED, VALIDATION_SEED

NAME = "nouns"
STEPS = 500
BATCH = 48
HELD_OUT = 2000
NOUN_STREAM = 21
WIDTH = 32
LEARNING_RATE = 0.004

CONFIG = f"""
[nlp]
lang = "en"
pipeline = ["tok2vec", "morphologizer", "parser"]

[components]

[components.tok2vec]
factory = "tok2vec"

[components.tok2vec.model]
@architectures = "spacy.HashEmbedCNN.v2"
pretrained_vectors = null
width = {WIDTH}
depth = 2
embed_size = 200
window_size = 1
maxout_pieces = 2
subword_features = true

[components.morphologizer]
factory = "morphologizer"

[components.morphologizer.model]
@architectures = "spacy.Tagger.v2"

[components.morphologizer.model.tok2vec]
@architectures = "spacy.Tok2VecListener.v1"
width = {WIDTH}

[components.parser]
factory = "parser"

[components.parser.model]
@architectures = "spacy.TransitionBasedParser.v2"
state_type = "parser"
extra_state_tokens = false
hidden_width = 32
maxout_pieces = 2
use_upper = true

[components.parser.model.tok2vec]
@architectures = "spacy.Tok2VecListener.v1"
width = {WIDTH}
"""
"""A shared encoder of words in context, parts of speech for the rule of noun chunks, and a parser."""


def draw_sentence(rng: np.random.Generator) -> str:
    """A sentence of any kind the world has."""
    name = str(rng.choice(NAMES))
    kind = rng.random()
    if kind < 0.45:
        names = [str(other) for other in rng.choice(NAMES, rng.integers(1, 4), replace=False)]
        return image_caption(names, rng, str(rng.choice(list(PLACES))))
    if kind < 0.80:
        ambience = str(rng.choice([*WEATHER, "none"]))
        return audio_caption(str(rng.choice(CLASSES)), rng, SoundInfo(ambience, 10.0))
    return referring_expression(name, rng) if kind < 0.90 else audio_prompt(name, rng)


def draw_written_form(sentence: str, rng: np.random.Generator) -> str:
    """The sentence as a captioner may also write it: with a capital and with a full stop."""
    if rng.random() < 0.2:
        sentence = sentence[0].upper() + sentence[1:]
    if rng.random() < 0.2 and not sentence.endswith("."):
        sentence += "."
    return sentence


def make_example(nlp: Language, sentence: str) -> Example:
    """A training example with the exact parse of `sentence`.

    Raises:
        ValueError: the tokenizer of `nlp` splits the sentence unlike the grammar.
    """
    doc = nlp.make_doc(sentence)
    parsed = annotate(sentence)
    if [token.lower_ for token in doc] != [word.text for word in parsed]:
        raise ValueError(f"the tokenizer splits {sentence!r} unlike the grammar")
    reference = Doc(
        nlp.vocab,
        words=[token.text for token in doc],
        spaces=[bool(token.whitespace_) for token in doc],
        pos=[word.pos for word in parsed],
        heads=[word.head for word in parsed],
        deps=[word.dep for word in parsed],
    )
    return Example(doc, reference)


def _draw_examples(nlp: Language, seed: int, count: int) -> Iterator[Example]:
    for index in range(count):
        rng = np.random.default_rng([seed, NOUN_STREAM, index])
        yield make_example(nlp, draw_written_form(draw_sentence(rng), rng))


def make_pipeline() -> Language:
    """An untrained pipeline with the settings of `CONFIG`."""
    return spacy.util.load_model_from_config(Config().from_str(CONFIG), auto_fill=True)


def train_nouns(work: Path, out: Path, seed: int, scale: float = 1.0) -> dict[str, Any]:
    """Train the noun extractor and save it to `out / "nouns"`; a finished training is not repeated.

    It takes about a minute, so an interrupted training starts again from the beginning.

    Args:
        work: work folder; keeps the report.
        out: folder of the trained models.
        seed: seed of sentences and weights.
        scale: multiplies the number of steps.

    Returns:
        Held-out figures, see `held_out_figures`.
    """
    steps = max(2, round(STEPS * scale))
    report_path = work / NAME / "report.json"
    if report_path.exists() and (out / NAME).exists():
        report: dict[str, Any] = json.loads(report_path.read_text())
        if report["steps"] == steps:
            return report
    nlp = _fit(seed, steps)
    report = {"steps": steps, **held_out_figures(nlp, max(200, round(HELD_OUT * min(scale, 1.0))))}
    out.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(out / NAME, ignore_errors=True)
    nlp.to_disk(out / NAME, exclude=["vectors"])
    report_path.parent.mkdir(parents=True, exist_ok=True)
    report_path.write_text(json.dumps(report, indent=2))
    return report


def _fit(seed: int, steps: int) -> Language:
    fix_random_seed(seed)
    nlp = make_pipeline()
    examples = list(_draw_examples(nlp, TRAIN_SEED + seed, steps * BATCH // 4))
    optimizer = nlp.initialize(lambda: examples)
    rng = np.random.default_rng(seed)
    for step in tqdm(range(steps), NAME):
        optimizer.learn_rate = LEARNING_RATE * (1 - step / steps)
        batch = [examples[index] for index in rng.integers(0, len(examples), BATCH)]
        nlp.update(batch, sgd=optimizer)
    return nlp


def held_out_figures(nlp: Language, count: int) -> dict[str, float]:
    """Share of held-out sentences whose noun chunks are all right, and share of right parts of speech."""
    exact, right, words = 0, 0, 0
    for example in _draw_examples(nlp, VALIDATION_SEED, count):
        parsed = annotate(example.text)
        doc = nlp(example.text)
        exact += [chunk.text.lower() for chunk in doc.noun_chunks] == noun_phrases(parsed)
        right += sum(token.pos_ == word.pos for token, word in zip(doc, parsed, strict=True))
        words += len(parsed)
    return {"chunks_exact": exact / count, "part_of_speech": right / words}
