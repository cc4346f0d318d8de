"""The half that the two noun strategies share: caption -> noun phrases -> scores -> best one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from fiftyone_avs.models import Models
from fiftyone_avs.strategies.base import PROMPT, rank, refer_to_best
from fiftyone_avs.types import Caption, Referral, Trace

NoNoun = Literal["caption", "abstain"]
"""What to do when a caption has no noun phrase: take the caption itself as the phrase, or abstain."""

NO_NOUN_NOTE = "no noun phrase in the caption: the caption itself is the candidate"

Score = Callable[[list[int], list[list[str]]], list[list[float]]]
"""Indices of items and the texts of each -> the score of each text."""


@dataclass(frozen=True)
class NounStrategy:
    """Options and rules of a strategy that chooses among the noun phrases of a caption.

    Attributes:
        prompt: how the chosen noun phrase becomes a referring expression.
        class_prompt: how a noun phrase is put to the scorer.
        min_confidence: abstain when the best cosine similarity is below this; None never abstains.
        no_noun: what to do with a caption without a noun phrase ("it is raining"), a case that the
            paper leaves open: "caption" makes the caption itself the only candidate, "abstain" abstains.
    """

    prompt: str = PROMPT
    class_prompt: str = "{c}"
    min_confidence: float | None = None
    no_noun: NoNoun = "caption"

    def choose(
        self, captions: Sequence[Caption | None], traces: Sequence[Trace], models: Models, score: Score
    ) -> list[Referral]:
        """Extract the noun phrases of every caption, score them and refer to the best of each."""
        found = self._candidates(captions, models)
        askable = [index for index, (nouns, _) in enumerate(found) if nouns]
        texts = [[self.class_prompt.format(c=noun) for noun in found[index][0]] for index in askable]
        scores = dict(zip(askable, score(askable, texts) if askable else [], strict=True))
        referrals = []
        for index, (trace, (nouns, note)) in enumerate(zip(traces, found, strict=True)):
            full = replace(trace, candidates=rank(nouns, scores.get(index, [])), note=note)
            referrals.append(refer_to_best(full, self.prompt, self.min_confidence))
        return referrals

    def _candidates(self, captions: Sequence[Caption | None], models: Models) -> list[tuple[list[str], str]]:
        """The noun phrases of each caption and its alternatives, without repeats, and a note for the trace."""
        texts = [text for caption in captions if caption is not None for text in caption.texts]
        phrases = iter(models.noun_extractor.extract(texts))
        found = []
        for caption in captions:
            options = () if caption is None else caption.texts
            nouns = list(dict.fromkeys(noun for _ in options for noun in next(phrases)))
            itself = caption.text.strip() if caption is not None and self.no_noun == "caption" else ""
            found.append(([itself], NO_NOUN_NOTE) if itself and not nouns else (nouns, ""))
        return found
