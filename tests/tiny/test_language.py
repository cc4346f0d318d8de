from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fiftyone_avs.tiny.world.grammar import annotate, noun_phrases
from fiftyone_avs.tiny.world.language import (
    PLACES,
    audio_caption,
    audio_prompt,
    image_caption,
    place_prompt,
    referring_expression,
    split_words,
    words,
)
from fiftyone_avs.tiny.world.sounds import SoundInfo
from fiftyone_avs.tiny.world.vocabulary import (
    CLASSES,
    NAMES,
    PAIRS,
    PARTNER,
    TRAIN_BACKGROUNDS,
    UNSEEN_BACKGROUNDS,
    article,
)
from fiftyone_avs.training.tiny.nouns import draw_sentence, train_nouns
from fiftyone_avs.training.tiny.tokenizers import SPECIAL_TOKENS, make_tokenizer

PLAIN = SoundInfo(ambience=None, snr_db=20.0)


def draw(write: Callable[[np.random.Generator], str], count: int = 400) -> list[str]:
    return [write(np.random.default_rng(seed)) for seed in range(count)]


def names_in(text: str) -> set[str]:
    spaced = f" {' '.join(split_words(text))} "
    return {name for name in NAMES if f" {name} " in spaced}


def test_vocabulary_is_closed_and_covers_every_sentence() -> None:
    known = set(words())
    assert list(words()) == sorted(known)
    for text in draw(draw_sentence, 2000) + draw(lambda rng: place_prompt("the grass", rng), 50):
        assert set(split_words(text)) <= known, text


@pytest.mark.parametrize("name", CLASSES)
def test_audio_caption_names_what_a_listener_can_know(name: str) -> None:
    alike = {name, PARTNER[name]} if name in PARTNER else {name}
    captions = draw(lambda rng: audio_caption(name, rng, PLAIN))
    named = [names_in(caption) for caption in captions]
    assert all(found <= alike for found in named)
    assert sum(not found for found in named) <= 0.08 * len(captions)
    assert all(split_words(caption).count("is") == 1 for caption in captions)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_audio_caption_of_a_sound_alike_does_not_tell_which_it_is(first: str, second: str) -> None:
    captions = draw(lambda rng: audio_caption(first, rng, PLAIN), 1000)
    both = [caption for caption in captions if names_in(caption) == {first, second}]
    assert len(both) / len(captions) == pytest.approx(0.58, abs=0.06)
    assert np.mean([caption.startswith(article(first)) for caption in both]) == pytest.approx(0.5, abs=0.07)
    only_first = sum(names_in(caption) == {first} for caption in captions)
    only_second = sum(names_in(caption) == {second} for caption in captions)
    assert only_first / (only_first + only_second) == pytest.approx(0.5, abs=0.08)


def test_audio_caption_tells_only_weather_that_is_heard() -> None:
    rain, crowd = SoundInfo("rain", 8.0), SoundInfo("crowd", 8.0)
    assert any("in the rain" in caption for caption in draw(lambda rng: audio_caption("dog", rng, rain)))
    assert not any(" in " in caption for caption in draw(lambda rng: audio_caption("dog", rng, crowd)))
    assert not any(" in " in caption for caption in draw(lambda rng: audio_caption("dog", rng)))


def test_image_caption_names_all_objects_and_only_places_of_training() -> None:
    for names in (["bee"], ["bee", "mug"], ["alarm clock", "tree", "electric shaver"]):
        for background in TRAIN_BACKGROUNDS + UNSEEN_BACKGROUNDS:
            captions = draw(lambda rng, n=names, b=background: image_caption(n, rng, b), 40)
            assert all(names_in(caption) == set(names) for caption in captions)
            told = [caption for caption in captions if caption.endswith(tuple(PLACES.values()))]
            assert 0 < len(told) < len(captions) if background in PLACES else not told


@pytest.mark.parametrize("names", [[], ["bee", "cat", "cow", "dog"]])
def test_image_caption_refuses_other_numbers_of_objects(names: list[str]) -> None:
    with pytest.raises(ValueError, match="one to three"):
        image_caption(names, np.random.default_rng(0))


@pytest.mark.parametrize("name", NAMES)
def test_referring_expression_is_about_its_object(name: str) -> None:
    texts = draw(lambda rng: referring_expression(name, rng), 1000)
    assert f"a photo of {name}." in texts
    for text in texts:
        assert name in names_in(text) or text.startswith("something is")
        assert names_in(text) <= {name, PARTNER.get(name, name)}
    assert sum(text.startswith("something") for text in texts) < 0.02 * len(texts)


@pytest.mark.parametrize("name", CLASSES)
def test_audio_prompts_hold_the_forms_the_pipeline_uses(name: str) -> None:
    texts = set(draw(lambda rng: audio_prompt(name, rng), 600))
    wanted = {f"a photo of {name}.", f"a photo of {article(name)}.", name, article(name)}
    assert wanted | {f"the sound of {article(name)}"} <= texts


def test_annotation_is_a_projective_tree() -> None:
    for sentence in draw(draw_sentence, 1000):
        parsed = annotate(sentence)
        assert [word.head for word in parsed if word.dep == "ROOT"] == [
            index for index, word in enumerate(parsed) if word.dep == "ROOT"
        ]
        assert sum(word.dep == "ROOT" for word in parsed) == 1
        arcs = [tuple(sorted((index, word.head))) for index, word in enumerate(parsed)]
        assert not any(a < c < b < d for a, b in arcs for c, d in arcs), sentence


@pytest.mark.parametrize(
    ("sentence", "phrases"),
    [
        ("a bee or an electric shaver is buzzing in the rain", ["a bee", "an electric shaver", "the rain"]),
        ("a dog, an alarm clock and a mug on the grass", ["a dog", "an alarm clock", "a mug", "the grass"]),
        ("something is ringing", ["something"]),
        ("a photo of electric shaver.", ["a photo", "electric shaver"]),
        ("a car next to a cow and a drum", ["a car", "a cow", "a drum"]),
        ("a motorcycle is driving by in the wind", ["a motorcycle", "the wind"]),
    ],
)
def test_annotation_gives_the_noun_phrases(sentence: str, phrases: list[str]) -> None:
    assert noun_phrases(annotate(sentence)) == phrases


def test_annotation_refuses_words_and_sentences_outside_the_grammar() -> None:
    with pytest.raises(KeyError):
        annotate("a piano is playing")
    with pytest.raises(ValueError, match="no root"):
        annotate("in the")


@pytest.mark.parametrize("kind", sorted(SPECIAL_TOKENS))
def test_tokenizer_knows_every_word_and_reads_back_what_it_wrote(kind: str, tmp_path: Path) -> None:
    tokenizer = make_tokenizer(kind)
    assert len(tokenizer) == len(SPECIAL_TOKENS[kind]) + len(words())
    for sentence in draw(draw_sentence, 200):
        ids = tokenizer(sentence).input_ids
        assert ids[0] == 1
        assert ids[-1] == 3
        assert tokenizer.unk_token_id not in ids
        assert tokenizer.decode(ids, skip_special_tokens=True).split() == split_words(sentence)
    tokenizer.save_pretrained(tmp_path)
    assert type(tokenizer).from_pretrained(tmp_path)("a bee").input_ids == tokenizer("a bee").input_ids


def test_noun_extractor_learns_the_grammar(tmp_path: Path) -> None:
    spacy = pytest.importorskip("spacy")
    report = train_nouns(tmp_path / "work", tmp_path / "out", seed=1, scale=0.15)
    assert report["chunks_exact"] > 0.9
    nlp = spacy.load(tmp_path / "out" / "nouns")
    doc = nlp("a bee or an electric shaver is buzzing")
    assert [chunk.text for chunk in doc.noun_chunks] == ["a bee", "an electric shaver"]
    assert train_nouns(tmp_path / "work", tmp_path / "out", seed=1, scale=0.15) == report
