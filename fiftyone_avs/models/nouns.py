"""Noun phrases by spaCy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fiftyone_avs.errors import ModelError
from fiftyone_avs.models import Models
from fiftyone_avs.models.cards import Card
from fiftyone_avs.models.store import how_to_get, source_of, spacy_module

DROPPED = frozenset({"DET", "PRON", "PUNCT", "SPACE"})
"""Parts of speech that a referring expression does not want: "the big dog" -> "big dog"."""


KEPT = 65536
"""So many texts are remembered."""


class SpacyNounExtractor:
    """Noun chunks of a spaCy pipeline, in lower case, without articles, pronouns and repeats."""

    def __init__(self, pipeline: Any) -> None:
        self.pipeline = pipeline
        self._known: dict[str, tuple[str, ...]] = {}

    @classmethod
    def load(cls, card: Card, models: Models) -> SpacyNounExtractor:
        """Load a pipeline by name or from a folder.

        Raises:
            ModelError: if it is not installed, or has no parser.
        """
        import spacy

        source = source_of(card)
        try:
            pipeline = spacy.load(Path(source) if Path(source).is_dir() else spacy_module(source) or source)
        except OSError as error:
            raise ModelError(f"the spaCy pipeline {source!r} is not installed: {how_to_get(card)}") from error
        if "parser" not in pipeline.pipe_names:
            raise ModelError(f"the spaCy pipeline {source!r} has no parser, so it cannot find noun phrases")
        return cls(pipeline, **card.options)

    def extract(self, texts: Sequence[str]) -> list[tuple[str, ...]]:
        """The noun phrases of each text, in order. A text that comes again, as captions do, is parsed once."""
        if len(self._known) > KEPT:
            self._known.clear()
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        for text, document in zip(new, self.pipeline.pipe(new), strict=True):
            phrases = (
                " ".join(token.text.lower() for token in chunk if token.pos_ not in DROPPED)
                for chunk in document.noun_chunks
            )
            self._known[text] = tuple(dict.fromkeys(phrase for phrase in phrases if phrase))
        return [self._known[text] for text in texts]
