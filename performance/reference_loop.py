"""The loop that the engine is measured against: one sample after the other, in float32, nothing remembered.

It does what the code released with the paper does, picture -> BLIP -> spaCy -> CLAP -> referring segmentation,
without that code's faults: the networks are transformers' own classes and this package's plain ones, every call
has a batch of one, texts are filled up to their full length, and masks are written as PNG. None of the adapters
of ``fiftyone_avs.models`` takes part, which hold what makes the engine quick; what they share with the loop is
how pictures, sounds and words are prepared, which has to be the same.

Read ``run`` first.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import spacy
import torch
from media import Pair
from PIL import Image
from torch.nn.functional import cosine_similarity, interpolate

from fiftyone_avs.media import read_sound
from fiftyone_avs.models import Models
from fiftyone_avs.models.cards import Card
from fiftyone_avs.models.checkpoints import load_official
from fiftyone_avs.models.geometry import geometry_by_name, normalise
from fiftyone_avs.models.grounded import IMAGENET_MEAN, IMAGENET_STD
from fiftyone_avs.models.hearing import Ear, window_of
from fiftyone_avs.models.instances import keep, noun_phrase
from fiftyone_avs.models.nouns import DROPPED
from fiftyone_avs.models.square import Square
from fiftyone_avs.models.store import find_checkpoint, part_of, source_of
from fiftyone_avs.models.text_tower import RisTextTower
from fiftyone_avs.types import Sound

ROLES = ("image_captioner", "noun_extractor", "audio_text_scorer", "segmenter")
"""The roles of the loop, which is that of the strategy vcap_acls."""

PROMPT = "a photo of {}."
CLAP_TOKENS, CLAP_PADDING, CLAP_END = 77, 0, " <|endoftext|>"
LEVELS = 65535
"""A soft map's 1.0 in a PNG of 16 bits."""


@dataclass(frozen=True)
class Networks:
    """The four models of the loop, each for one sample.

    Attributes:
        caption: a picture -> its captions, best first.
        nouns: a text -> its noun phrases.
        similarities: a sound and texts -> the cosine similarity of each.
        soft_map: a picture and a text -> float32 (H, W) in [0, 1].
        threshold: pixels of the soft map above this belong to the mask.
    """

    caption: Callable[[Image.Image], list[str]]
    nouns: Callable[[str], list[str]]
    similarities: Callable[[Sound, list[str]], list[float]]
    soft_map: Callable[[Image.Image, str], np.ndarray]
    threshold: float


@dataclass(frozen=True)
class Found:
    """What came out for a sample: the referring expression, and the files of the mask and the soft map."""

    expression: str
    mask: Path
    soft_map: Path


@torch.inference_mode()
def run(
    pairs: Sequence[Pair],
    networks: Networks,
    folder: Path,
    clock: Callable[[str], AbstractContextManager[None]],
) -> list[Found]:
    """The whole loop. The clock is around each stage."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for pair in pairs:
        with clock("media"):
            picture = Image.open(pair.picture).convert("RGB")
            sound = read_sound(pair.sound)
        with clock("image_captioner"):
            captions = networks.caption(picture)
        with clock("noun_extractor"):
            nouns = list(dict.fromkeys(noun for caption in captions for noun in networks.nouns(caption)))
            nouns = nouns or captions[:1]  # "it is raining": the caption itself
        with clock("audio_text_scorer"):
            scores = networks.similarities(sound, nouns)
        expression = PROMPT.format(nouns[int(np.argmax(scores))])
        with clock("segmenter"):
            soft_map = networks.soft_map(picture, expression)
        with clock("writing"):
            found.append(write(folder / pair.name, expression, soft_map, networks.threshold))
    return found


def write(stem: Path, expression: str, soft_map: np.ndarray, threshold: float) -> Found:
    """Write mask and soft map as a run of the engine does."""
    mask_file, map_file = Path(f"{stem}_mask.png"), Path(f"{stem}_map.png")
    mask = (soft_map > threshold).astype(np.uint8) * 255
    levels = np.rint(soft_map.astype(np.float64) * LEVELS).astype(np.uint16)
    for values, file in ((mask, mask_file), (levels, map_file)):
        Image.fromarray(values).save(file, compress_level=1, compress_type=zlib.Z_RLE)
    return Found(expression, mask_file, map_file)


def load_networks(models: Models) -> Networks:
    """The loop's own copies of the networks that the cards name, with the same weights."""
    card, device = models.cards, models.device
    scorer = clap if card["audio_text_scorer"].checkpoint is None else msclap
    return Networks(
        blip(card["image_captioner"], device),
        noun_phrases(card["noun_extractor"]),
        scorer(card["audio_text_scorer"], device),
        _segmenter_of(card["segmenter"])(card["segmenter"], device),
        card["segmenter"].options["threshold"],
    )


def _segmenter_of(card: Card) -> Callable[[Card, str], Callable[[Image.Image, str], np.ndarray]]:
    """Which of the three kinds of segmenters a card is of."""
    if "masks" in card.parts:
        return grounded
    return clipseg if card.checkpoint is None else referring


def blip(card: Card, device: str) -> Callable[[Image.Image], list[str]]:
    """BLIP; as many captions as its card wants beams."""
    from transformers import AutoImageProcessor, BlipForConditionalGeneration

    network, tokenizer = pretrained(BlipForConditionalGeneration, card, device)
    processor = AutoImageProcessor.from_pretrained(source_of(card), backend="pil")
    beams, length = card.options.get("beams", 1), card.options.get("max_tokens", 20)

    def caption(picture: Image.Image) -> list[str]:
        inputs = processor(images=picture, return_tensors="pt").to(device)
        ids = network.generate(**inputs, num_beams=beams, num_return_sequences=beams, max_new_tokens=length)
        texts = tokenizer.batch_decode(ids, skip_special_tokens=True)
        return list(dict.fromkeys(" ".join(text.split()) for text in texts))

    return caption


def noun_phrases(card: Card) -> Callable[[str], list[str]]:
    """Noun chunks of spaCy without articles and pronouns."""
    pipeline = spacy.load(source_of(card))

    def nouns(text: str) -> list[str]:
        chunks = pipeline(text).noun_chunks
        phrases = [" ".join(w.text.lower() for w in chunk if w.pos_ not in DROPPED) for chunk in chunks]
        return [phrase for phrase in phrases if phrase]

    return nouns


def msclap(card: Card, device: str) -> Callable[[Sound, list[str]], list[float]]:
    """MS-CLAP; every text is filled up to 77 tokens, as its authors' package does."""
    network, tokenizer = official(card, device)
    end = tokenizer(CLAP_END)["input_ids"]

    def similarities(sound: Sound, texts: list[str]) -> list[float]:
        wave = window_of([sound], network.sample_rate, network.seconds, "repeat")
        ids = torch.full((len(texts), CLAP_TOKENS), CLAP_PADDING)
        mask = torch.zeros_like(ids)
        for row, text in enumerate(texts):
            words = [*tokenizer(text)["input_ids"][: CLAP_TOKENS - len(end)], *end]
            ids[row, : len(words)], mask[row, : len(words)] = torch.tensor(words), 1
        heard = network.embed_audio(wave.to(device))
        return cosine_similarity(heard, network.embed_text(ids.to(device), mask.to(device))).tolist()

    return similarities


def clap(card: Card, device: str) -> Callable[[Sound, list[str]], list[float]]:
    """CLAP of transformers."""
    from transformers import AutoFeatureExtractor, ClapModel

    network, tokenizer = pretrained(ClapModel, card, device)
    extractor = AutoFeatureExtractor.from_pretrained(source_of(card))
    ear = Ear(extractor, extractor.max_length_s)

    def similarities(sound: Sound, texts: list[str]) -> list[float]:
        features = {name: value.to(device) for name, value in ear([sound]).items()}
        words = tokenizer(texts, padding=True, return_tensors="pt").to(device)
        heard = network.get_audio_features(**features).pooler_output
        read = network.get_text_features(**words).pooler_output
        return cosine_similarity(heard, read).tolist()

    return similarities


def referring(card: Card, device: str) -> Callable[[Image.Image, str], np.ndarray]:
    """ASDA, CRIS or ETRIS with their official preprocessing."""
    network, tokenizer = official(card, device)
    words = RisTextTower(network, tokenizer)
    geometry = geometry_by_name(card.options["geometry"], network.input_size)
    mean, std = card.options["mean"], card.options["std"]

    def soft_map(picture: Image.Image, text: str) -> np.ndarray:
        square, placement = geometry.into(np.asarray(picture))
        pixels = torch.from_numpy(normalise(square, mean, std)[None]).to(device)
        logits = network(pixels, words.tokens([text]))
        return geometry.back(logits.sigmoid()[0, 0].cpu().numpy(), placement)

    return soft_map


def clipseg(card: Card, device: str) -> Callable[[Image.Image, str], np.ndarray]:
    """CLIPSeg of transformers."""
    from transformers import AutoImageProcessor, CLIPSegForImageSegmentation

    network, tokenizer = pretrained(CLIPSegForImageSegmentation, card, device)
    processor = AutoImageProcessor.from_pretrained(source_of(card), backend="pil")

    def soft_map(picture: Image.Image, text: str) -> np.ndarray:
        pixels = processor(images=picture, return_tensors="pt")["pixel_values"].to(device)
        words = tokenizer([text], return_tensors="pt").to(device)
        logits = network(
            pixel_values=pixels, input_ids=words.input_ids, attention_mask=words.attention_mask
        ).logits
        found = logits.reshape(1, 1, *logits.shape[-2:]).sigmoid()
        size = (picture.height, picture.width)
        return interpolate(found, size=size, mode="bilinear", align_corners=False)[0, 0].cpu().numpy()

    return soft_map


def grounded(card: Card, device: str) -> Callable[[Image.Image, str], np.ndarray]:
    """Grounding DINO and SAM 2 of transformers: all boxes of a picture go to the painter together."""
    from transformers import (
        GroundingDinoForObjectDetection,
        GroundingDinoImageProcessorPil,
        Sam2Model,
    )

    detector, tokenizer = pretrained(GroundingDinoForObjectDetection, card, device)
    processor = GroundingDinoImageProcessorPil.from_pretrained(source_of(card))
    masks = source_of(part_of(card, "masks"))
    painter = Sam2Model.from_pretrained(masks, dtype=torch.float32).eval().to(device)
    size = painter.config.prompt_encoder_config.image_size
    square = Square.from_pretrained(masks, size=size, mean=IMAGENET_MEAN, std=IMAGENET_STD)

    def soft_map(picture: Image.Image, text: str) -> np.ndarray:
        pixels = processor(images=picture, return_tensors="pt")["pixel_values"].to(device)
        words = tokenizer([f"{noun_phrase(text).lower()}."], return_tensors="pt").to(device)
        output = detector(pixel_values=pixels, input_ids=words.input_ids, attention_mask=words.attention_mask)
        kept = keep(output.logits[0].sigmoid().amax(-1), card.options["box_threshold"])
        centre, extent = output.pred_boxes[0][kept.indices].split(2, dim=-1)
        boxes = torch.cat([centre - extent / 2, centre + extent / 2], dim=-1) * size
        stretched = square([np.asarray(picture)], device)
        logits = painter(pixel_values=stretched, input_boxes=boxes[None], multimask_output=False).pred_masks
        size_of_picture = (picture.height, picture.width)
        maps = interpolate(logits[0], size_of_picture, mode="bilinear", align_corners=False)
        return (kept.factor * maps.amax((0, 1)).sigmoid()).clamp(0, 1).cpu().numpy()

    return soft_map


def pretrained(kind: Any, card: Card, device: str) -> tuple[Any, Any]:
    """A network of transformers as transformers has it, in float32, and its tokenizer."""
    from transformers import AutoTokenizer

    network = kind.from_pretrained(source_of(card), dtype=torch.float32)
    return network.eval().to(device), AutoTokenizer.from_pretrained(source_of(card))


def official(card: Card, device: str) -> tuple[Any, Any]:
    """The plain network of an official checkpoint, and its tokenizer."""
    from transformers import AutoTokenizer

    network, _ = load_official(card, find_checkpoint(card))
    return network.to(device), AutoTokenizer.from_pretrained(source_of(part_of(card, "tokenizer")))
