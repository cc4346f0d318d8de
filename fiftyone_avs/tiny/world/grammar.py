"""The exact parse of every sentence of the world: part of speech, head and dependency label of each word.

The labels follow spaCy's English models (https://github.com/explosion/spaCy/blob/master/spacy/glossary.py),
so that spaCy's rule for noun chunks works on them.
"""

from __future__ import annotations

from typing import NamedTuple

from fiftyone_avs.tiny.world.language import VERBS, split_words
from fiftyone_avs.tiny.world.vocabulary import NAMES

_CLOSED_CLASSES: dict[str, str] = {
    "DET": "a an the",
    "PRON": "something",
    "AUX": "is",
    "CCONJ": "and or",
    "ADV": "next",
    "ADP": "of in on with beside to by",
    "ADJ": "electric",
    "NOUN": "photo picture image sound rain wind grass room street beach",
    "PUNCT": ". ,",
}


def _part_of_speech_lexicon() -> dict[str, str]:
    lexicon = {word: "NOUN" for name in NAMES for word in name.split()}
    lexicon |= {verb.split()[1]: "VERB" for verbs in VERBS.values() for verb in verbs}
    lexicon |= {word: pos for pos, members in _CLOSED_CLASSES.items() for word in members.split()}
    return lexicon


LEXICON: dict[str, str] = _part_of_speech_lexicon()
"""Part of speech of each word; the grammar gives every word only one."""


class Word(NamedTuple):
    """One word of a parsed sentence.

    Attributes:
        text: the word, lower case.
        pos: universal part of speech.
        head: index of the word this one depends on; the root is its own head.
        dep: dependency label.
    """

    text: str
    pos: str
    head: int
    dep: str


def annotate(sentence: str) -> list[Word]:
    """Parse a sentence that `fiftyone_avs.tiny.world.language` wrote.

    Raises:
        KeyError: a word is not of the grammar.
        ValueError: the sentence has neither a verb nor a noun.
    """
    texts = split_words(sentence)
    pos = [LEXICON[text] for text in texts]
    phrase_heads = _phrase_heads(pos)
    root = (
        pos.index("VERB")
        if "VERB" in pos
        else next((head for head in phrase_heads if head is not None), None)
    )
    if root is None:
        raise ValueError(f"no root in {sentence!r}")
    arcs = _attach(texts, pos, phrase_heads, root)
    return [Word(text, tag, *arc) for text, tag, arc in zip(texts, pos, arcs, strict=True)]


def noun_phrases(parsed: list[Word]) -> list[str]:
    """The noun phrases of a parsed sentence in order, such as "an electric shaver"."""
    phrases = []
    for index, word in enumerate(parsed):
        if word.pos in ("NOUN", "PRON") and word.dep != "compound":
            start = min(
                [position for position, other in enumerate(parsed) if _modifies(other, index)], default=index
            )
            phrases.append(" ".join(other.text for other in parsed[start : index + 1]))
    return phrases


def _modifies(word: Word, noun: int) -> bool:
    return word.head == noun and word.dep in ("det", "amod", "compound")


def _phrase_heads(pos: list[str]) -> list[int | None]:
    """For each word inside a noun phrase the index of the phrase's noun, else None."""
    heads: list[int | None] = [None] * len(pos)
    current = None
    for index in reversed(range(len(pos))):
        inside = pos[index] in ("DET", "ADJ", "NOUN", "PRON")
        starts_from_right = pos[index] in ("NOUN", "PRON") and (current is None or pos[index + 1] == "DET")
        current = index if starts_from_right else current if inside else None
        heads[index] = current
    return heads


def _attach(
    texts: list[str], pos: list[str], phrase_heads: list[int | None], root: int
) -> list[tuple[int, str]]:
    """Head and label of every word, left to right; `link` is where the next noun phrase will hang."""
    arcs: list[tuple[int, str]] = []
    link: tuple[int, str] | None = None
    last_noun = root
    modifier_labels = {"DET": "det", "ADJ": "amod", "NOUN": "compound"}
    for index, (text, tag) in enumerate(zip(texts, pos, strict=True)):
        noun = phrase_heads[index]
        if noun is not None and noun != index:
            arcs.append((noun, modifier_labels[tag]))
        elif index == root:
            arcs.append((index, "ROOT"))
            last_noun = index
        elif noun == index:
            arcs.append(link or (root, "nsubj"))
            last_noun, link = index, None
        elif tag == "CCONJ" or text == ",":
            arcs.append((last_noun, "cc" if tag == "CCONJ" else "punct"))
            link = (last_noun, "conj")
        elif tag == "ADP":
            arcs.append(_preposition(index, texts, last_noun, root))
            link = (index, "pobj")
        else:
            arcs.append((root, {"AUX": "aux", "ADV": "advmod", "PUNCT": "punct"}[tag]))
    return arcs


def _preposition(index: int, texts: list[str], last_noun: int, root: int) -> tuple[int, str]:
    """Where a preposition hangs: "of" on the noun before it, "to" on "next", all others on the root."""
    if texts[index] == "of":
        return last_noun, "prep"
    if texts[index] == "to":
        return index - 1, "prep"
    return root, "prt" if texts[index] == "by" else "prep"
