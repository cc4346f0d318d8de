"""Adapters of the networks with official checkpoints: small variants, from an official file to the role."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

import fiftyone_avs as avs
from fiftyone_avs.models.text_tower import RisTextTower
from fiftyone_avs.nets.spectrogram import repeat_pad, through_int16
from tests.clip_tokenizer import clip_tokenizer
from tests.models.builders import pictures, sounds
from tests.models.small_official import small_card, write
from tests.parity import fill

TOKENS = json.loads((Path(fill.__file__).parent / "cases" / "clip_tokens.json").read_text())["cases"]
SEGMENTERS = ("asda", "cris-r50", "etris-r101")
CAPTIONERS = ("wavcaps-htsat-bart", "clapcap-2023")
SCORERS = ("msclap-2023", "laion-clap-630k-audioset")
SIZES = (75, 111), (120, 61), (33, 200), (48, 48)
EXPRESSIONS = [
    "a photo of a dog.",
    "rain",
    "the violin on the left of the two tall trees behind the red house",
    "a bee",
]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """Every small variant, loaded from its official file."""
    found = {}
    for name in (*SEGMENTERS, *CAPTIONERS, *SCORERS):
        folder = tmp_path_factory.mktemp(name)
        write(folder, name)
        card = small_card(name, folder)
        found[name] = avs.Models({card.role: card}).role(card.role)
    return found


@pytest.mark.parametrize(("name", "tolerant"), [("clapcap-2023", True), ("wavcaps-htsat-bart", False)])
def test_what_a_file_may_hold_besides_the_network_is_up_to_its_authors(tmp_path, name, tolerant):
    write(tmp_path, name)
    content = torch.load(tmp_path / "official.pth", weights_only=True)
    content["model"]["clap.caption_encoder.base.wte.weight"] = torch.zeros(2, 2)
    torch.save(content, tmp_path / "official.pth")
    card = small_card(name, tmp_path)
    models = avs.Models({card.role: card})
    if tolerant:
        assert models.audio_captioner.caption_sounds(sounds((1.0, 16000)))[0].text
    else:
        with pytest.raises(avs.ModelError, match=r"1 unknown \(clap\.caption_encoder"):
            models.require(["audio_captioner"])


def test_a_file_that_may_hold_more_must_not_hold_less(tmp_path):
    write(tmp_path, "clapcap-2023")
    content = torch.load(tmp_path / "official.pth", weights_only=True)
    del content["model"]["clap_project.prefix_const"]
    torch.save(content, tmp_path / "official.pth")
    card = small_card("clapcap-2023", tmp_path)
    with pytest.raises(avs.ModelError, match=r"missing \(clap_project\.prefix_const\)"):
        avs.Models({card.role: card}).require(["audio_captioner"])


# Referring segmentation


@pytest.mark.parametrize("name", SEGMENTERS)
def test_a_map_has_the_size_of_its_picture_whatever_the_batch(loaded, name):
    segmenter, images = loaded[name], pictures(*SIZES)
    together = segmenter.segment(images, EXPRESSIONS)
    assert segmenter.threshold == 0.35
    for image, expression, soft_map in zip(images, EXPRESSIONS, together, strict=True):
        assert soft_map.shape == image.shape[:2] and soft_map.dtype == np.float32
        assert 0 <= soft_map.min() < soft_map.max() <= 1
        alone = segmenter.segment([image], [expression])[0]
        assert np.abs(alone - soft_map).max() < 1e-5
    other = segmenter.segment(images[:1], ["a bee"])[0]
    assert np.abs(other - together[0]).max() > 1e-5  # words matter


@pytest.mark.parametrize("name", SEGMENTERS)
def test_a_texts_own_token_embeddings_give_the_texts_map(loaded, name):
    segmenter, images = loaded[name], pictures(SIZES[0])
    ids = segmenter.text_tower.tokens(["violin case"])[0]
    assert ids[3] == 49407
    vectors = segmenter.network.token_embedding(ids)[1:3].numpy()
    by_text, by_vectors = segmenter.segment(images * 2, ["violin case", avs.TokenEmbeddings(vectors)])
    assert np.array_equal(by_text, by_vectors)
    (other,) = segmenter.segment(images, [avs.TokenEmbeddings(vectors[::-1].copy())])
    assert np.abs(other - by_text).max() > 1e-5  # vectors matter


@pytest.mark.parametrize("name", SEGMENTERS)
def test_a_segmenter_of_the_paper_can_be_inverted(loaded, name):
    tower = loaded[name].text_tower
    target = tower.encode(["a barking dog"])
    vectors = torch.zeros(1, 3, tower.table.shape[1], requires_grad=True)
    optimizer = torch.optim.Adam([vectors], lr=0.05)
    reached = []
    for _ in range(30):
        similarity = torch.cosine_similarity(tower.encode_tokens(vectors), target)
        reached.append(float(similarity.detach()))
        optimizer.zero_grad()
        (-similarity.sum()).backward()
        optimizer.step()
    assert reached[-1] > reached[0] + 0.05
    assert len(tower.nearest_words(vectors.detach().numpy()[0])) == 3


def test_more_embeddings_than_the_context_has_room_for_are_refused(loaded):
    tower = loaded["asda"].text_tower
    with pytest.raises(ValueError, match="room for 15"):
        tower.encode_tokens(torch.zeros(1, 16, 64))


@pytest.mark.parametrize("case", TOKENS, ids=lambda case: case["text"][:30])
def test_token_ids_are_clips(loaded, case):
    tower = RisTextTower(loaded["asda"].network, clip_tokenizer())
    assert tower.tokens([case["text"]])[0].tolist() == case["ids"]


# Captions of sounds


@pytest.mark.parametrize("name", CAPTIONERS)
def test_a_sounds_caption_is_that_of_the_network_whatever_the_batch(loaded, name):
    captioner, heard = loaded[name], sounds((1.0, 16000), (12.5, 22050), (3.0, 44100))
    together = captioner.caption_sounds(heard)
    assert [len(caption.texts) for caption in together] == [1, 1, 1]
    assert all(caption.text for caption in together)
    assert together == captioner.caption_sounds(heard)
    for sound, caption in zip(heard, together, strict=True):
        assert captioner.caption_sounds([sound])[0] == caption


@pytest.mark.parametrize("name", CAPTIONERS)
def test_other_beams_are_alternatives(loaded, name):
    captioner = loaded[name]
    wider = type(captioner)(captioner.network, captioner.tokenizer, beams=3, alternatives=3)
    caption = wider.caption_sounds(sounds((2.0, 16000)))[0]
    assert 1 < len(caption.texts) <= 3 and len(set(caption.texts)) == len(caption.texts)


def test_a_short_sound_is_followed_by_silence_for_wavcaps_and_repeated_for_clapcap(loaded):
    wavcaps, clapcap = (loaded[name].network for name in CAPTIONERS)
    short = sounds((1.0, wavcaps.sample_rate))[0]
    padded = np.pad(short.samples, (0, 9 * wavcaps.sample_rate))
    tokens = wavcaps.caption(torch.from_numpy(padded)[None], beams=3)
    assert loaded["wavcaps-htsat-bart"].caption_sounds([short])[0].text == decode(
        loaded["wavcaps-htsat-bart"], tokens[0, 0]
    )
    short = sounds((1.0, clapcap.sample_rate))[0]
    tokens = clapcap.caption(torch.from_numpy(np.tile(short.samples, 7))[None], beams=5)
    assert loaded["clapcap-2023"].caption_sounds([short])[0].text == decode(
        loaded["clapcap-2023"], tokens[0, 0]
    )


def decode(captioner, tokens):
    return " ".join(captioner.tokenizer.decode(tokens, skip_special_tokens=True).split())


# Sounds and texts


@pytest.mark.parametrize("name", SCORERS)
def test_scores_are_cosines_of_the_networks_embeddings(loaded, name):
    scorer, heard = loaded[name], sounds((1.0, 16000), (12.5, 22050))
    texts = [["a dog", "rain"], ["a bee"]]
    scores = scorer.score_sounds(heard, texts)
    audio = normalize(scorer.embed_sounds(heard), dim=-1)
    text = normalize(scorer._encode(["a dog", "rain", "a bee"]), dim=-1)
    assert scores[0] == pytest.approx((audio[0] @ text[:2].T).tolist(), abs=1e-6)
    assert scores[1] == pytest.approx((audio[1] @ text[2:].T).tolist(), abs=1e-6)
    assert abs(scores[0][0] - scores[0][1]) > 1e-4  # texts matter
    assert torch.allclose(scorer.embed_sounds(heard[1:]), scorer.embed_sounds(heard)[1:], atol=1e-5)


def test_msclap_reads_the_text_then_the_end_mark_then_the_filler(loaded):
    scorer = loaded["msclap-2023"]
    ids, mask = scorer.tokens(["a dog", "x" * 500])
    assert ids[0, :8].tolist() == [*scorer.tokenizer("a dog")["input_ids"], 220, 50256, 0]
    assert mask[0].sum() == 7 and not ids[0, 7:].any()
    assert ids[1, -2:].tolist() == [220, 50256] and mask[1].all()  # cut in front of the end mark


def test_msclap_hears_the_middle_of_a_long_sound(loaded):
    scorer = loaded["msclap-2023"]
    rate = scorer.network.sample_rate
    noise = np.random.default_rng(0).standard_normal(7 * rate).astype(np.float32) / 4
    long = avs.Sound(
        np.concatenate([np.zeros(2 * rate, np.float32), noise, np.zeros(2 * rate, np.float32)]), rate
    )
    assert torch.equal(scorer.embed_sounds([long]), scorer.embed_sounds([avs.Sound(noise, rate)]))


def test_laion_repeats_a_short_sound_in_whole_and_keeps_16_bits(loaded):
    scorer = loaded["laion-clap-630k-audioset"]
    short = sounds((4.0, 48000))[0]
    window = through_int16(repeat_pad(torch.from_numpy(short.samples), 480000))
    assert not window[-96000:].any()  # 4 s fit twice into 10 s, and silence follows
    assert torch.equal(scorer.embed_sounds([short]), scorer.network.embed_audio(window[None]))


@pytest.mark.parametrize("name", SCORERS)
def test_texts_of_any_length_can_be_scored(loaded, name):
    scores = loaded[name].score_sounds(sounds((1.0, 16000)), [["dog " * 300, "", "犬 🐕"]])[0]
    assert all(-1 <= score <= 1 for score in scores)
