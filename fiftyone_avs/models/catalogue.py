"""The cards of every model and the presets: which checkpoint plays which role, under which licence.

A new model is one card here and, if no adapter fits it, one adapter file. Cards of networks with an official
checkpoint are in ``catalogue_official``.
"""

from __future__ import annotations

from typing import Any

from fiftyone_avs.models.cards import ADAPTERS, Card, Preset, register_card, register_preset
from fiftyone_avs.models.catalogue_official import OFFICIAL_CARDS

TRAIN_A_BRIDGE = (
    "nobody has published one, so you train it, once, on sounds with captions: `fiftyone-avs train-bridge"
    " captions.csv --out my-bridge`, then text_inverter='my-bridge'"
)


def _card(name: str, role: str, source: str, licence: str, size: float, **settings: Any) -> Card:
    return Card(name, role, ADAPTERS[role], source, licence, settings=settings, parameters=size)


def _grounded(name: str, detector: str, painter: str, size: float) -> Card:
    return Card(
        name,
        "segmenter",
        "fiftyone_avs.models.grounded:GroundedSegmenter",
        f"IDEA-Research/grounding-dino-{detector}",
        "Apache-2.0",
        settings={"box_threshold": 0.25, "threshold": 0.5},
        parts={"masks": f"facebook/sam2.1-hiera-{painter}"},
        parameters=size,
    )


TINY_CARDS = [
    # Embedded: trained by `fiftyone-avs train-tiny` on the drawn demo world, and good for nothing else.
    _card("tiny/ast", "audio_classifier", "tiny:ast", "Apache-2.0", 0.3),
    _card("tiny/whisper", "audio_captioner", "tiny:whisper", "Apache-2.0", 0.5),
    _card("tiny/blip", "image_captioner", "tiny:blip", "Apache-2.0", 1.1, beams=16),
    _card("tiny/clap", "audio_text_scorer", "tiny:clap", "Apache-2.0", 0.3),
    _card("tiny/clip", "image_text_scorer", "tiny:clip", "Apache-2.0", 1.0),
    _card("tiny/nouns", "noun_extractor", "tiny:nouns", "Apache-2.0", 0.1),
    _card("tiny/clipseg", "segmenter", "tiny:clipseg", "Apache-2.0", 1.2, threshold=0.5),
    _card("tiny/bridge", "text_inverter", "tiny:bridge", "Apache-2.0", 0.3, tokens=3, steps=40),
]

AUDIOSET_AST = "MIT/ast-finetuned-audioset-10-10-0.4593"

HUB_CARDS = [
    # Downloaded from the hub without a form, in transformers' own format.
    _card("ast-audioset", "audio_classifier", AUDIOSET_AST, "BSD-3-Clause", 87),
    _card("blip-base", "image_captioner", "Salesforce/blip-image-captioning-base", "BSD-3-Clause", 224),
    _card("blip-large", "image_captioner", "Salesforce/blip-image-captioning-large", "BSD-3-Clause", 446),
    # The hub's conversions of LAION's checkpoints need LAION's own filter bank and layer norm.
    *(
        _card(name, "audio_text_scorer", f"laion/{name}", "Apache-2.0", size, lowest=50.0, text_norm_eps=1e-5)
        for name, size in (("clap-htsat-unfused", 154), ("larger_clap_general", 194))
    ),
    _card("clip-vit-b16", "image_text_scorer", "openai/clip-vit-base-patch16", "MIT", 150),
    _card("clip-vit-l14", "image_text_scorer", "openai/clip-vit-large-patch14", "MIT", 428),
    _card("spacy-sm", "noun_extractor", "en_core_web_sm", "MIT", 3),  # a package of 12 MB
    _card("spacy-trf", "noun_extractor", "en_core_web_trf", "MIT", 109),  # a package of 436 MB
    _card("clipseg-rd64", "segmenter", "CIDAS/clipseg-rd64-refined", "Apache-2.0", 151, threshold=0.5),
    _grounded("grounding-dino-sam2", "base", "large", 449),
    _grounded("grounding-dino-sam2-small", "tiny", "small", 211),
    Card(
        "sam3",
        "segmenter",
        "fiftyone_avs.models.sam3:Sam3Segmenter",
        "facebook/sam3",
        "SAM License",
        settings={"threshold": 0.5},
        parameters=840,
        alternative="grounding-dino-sam2",
        needs=("weights", "tokenizer"),
    ),
]

for card in (*TINY_CARDS, *HUB_CARDS, *OFFICIAL_CARDS):
    register_card(card)

register_preset(
    Preset(
        "open",
        "models that download from the hub without a form, under licences for work",
        {
            "audio_classifier": "ast-audioset",
            "audio_captioner": "clapcap-2023",
            "image_captioner": "blip-base",
            "audio_text_scorer": "clap-htsat-unfused",
            "image_text_scorer": "clip-vit-b16",
            "noun_extractor": "spacy-sm",
            "segmenter": "grounding-dino-sam2",
        },
        # Inversion enters a segmenter's text encoder past its embedding layer; it has to be CLIP's.
        strategy_roles={"inversion": {"segmenter": "clipseg-rd64"}},
        missing={"text_inverter": TRAIN_A_BRIDGE},
    )
)
register_preset(
    Preset(
        "paper",
        "the paper's own models, for those who have the files; see `fiftyone-avs models --preset paper`",
        {
            "audio_classifier": "beats-as2m",
            "audio_captioner": "wavcaps-htsat-bart",
            "image_captioner": "blip-base",
            "audio_text_scorer": "msclap-2023",
            "image_text_scorer": "clip-vit-b16",
            "noun_extractor": "spacy-trf",
            "segmenter": "asda",
        },
        missing={"text_inverter": TRAIN_A_BRIDGE},
    )
)
register_preset(
    Preset(
        "tiny",
        "embedded models for the drawn demo world only; they know nothing of real pictures and sounds",
        {card.role: card.name for card in TINY_CARDS},
    )
)
