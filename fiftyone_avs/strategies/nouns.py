"""The half that the two noun strategies share: caption -> noun phrases -> scores -> best one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
        candidates = self._candidates(captions, models)
        askable = [index for index, nouns in enumerate(candidates) if nouns]
        texts = [[self.class_prompt.format(c=noun) for noun in candidates[index]] for index in askable]
        scores = dict(zip(askable, score(askable, texts) if askable else [], strict=True))
        referrals = []
        for index, (trace, nouns) in enumerate(zip(traces, candidates, strict=True)):
            caption = captions[index]
            used_caption = bool(nouns) and caption is not None and nouns == [caption.text.strip()]
            ranked = Trace(
                image_caption=trace.image_caption,
                audio_caption=trace.audio_caption,
                candidates=rank(nouns, scores.get(index, [])),
                note=NO_NOUN_NOTE if used_caption else "",
            )
            referrals.append(refer_to_best(ranked, self.prompt, self.min_confidence))
        return referrals

    def _candidates(self, captions: Sequence[Caption | None], models: Models) -> list[list[str]]:
        """The noun phrases of each caption and its alternatives, without repeats."""
        texts = [text for caption in captions if caption is not None for text in caption.texts]
        phrases = iter(models.noun_extractor.extract(texts))
        found = []
        for caption in captions:
            options = () if caption is None else caption.texts
            nouns = list(dict.fromkeys(noun for _ in options for noun in next(phrases)))
            if not nouns and caption is not None and caption.text.strip() and self.no_noun == "caption":
                nouns = [caption.text.strip()]
            found.append(nouns)
        return found
