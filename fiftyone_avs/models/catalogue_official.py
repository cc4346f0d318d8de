"""The cards of networks whose authors publish a checkpoint file of their own, or the code that writes one."""

from __future__ import annotations

from typing import Any

from fiftyone_avs.models.cards import Card, Checkpoint

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
CLIP_TOKENIZER = {"tokenizer": "openai/clip-vit-base-patch16"}
GPT2_TOKENIZER = {"tokenizer": "openai-community/gpt2"}

RIS = "fiftyone_avs.models.ris:RisSegmenter"


def _ris(name: str, network: str, geometry: str, checkpoint: dict[str, Any], parameters: float) -> Card:
    """A referring segmentation network that reads 416 px and 17 tokens, with the threshold 0.35."""
    return Card(
        name,
        "segmenter",
        RIS,
        "",
        "MIT",
        settings={"threshold": 0.35},
        preprocessing={"geometry": geometry, "mean": CLIP_MEAN, "std": CLIP_STD},
        parts=CLIP_TOKENIZER,
        checkpoint=Checkpoint(f"fiftyone_avs.nets.{network}", entry="state_dict", **checkpoint),
        parameters=parameters,
    )


ASDA_CARD = {
    "file": "<name>_model_best.pth.tar",
    "page": "https://github.com/swagger-coder/ASDA",
    "note": "the authors published none; their training script writes it",
}
CRIS_CARD = {
    "file": "best_model.pth",
    "prefix": "module.",
    "page": "https://github.com/DerrickWang005/CRIS.pytorch",
    "note": "the authors published none; their training script writes it",
}
ETRIS_CARD = {
    "file": "best_model.pth",
    "prefix": "module.",
    "page": "https://github.com/kkakkkka/ETRIS",
    "note": "it is on a file share; the README has the link and the password",
}

MSCLAP_REPOSITORY = "microsoft/msclap"
LAION_REPOSITORY = "lukewys/laion_clap"
LAION_630K = (
    "630k-audioset-best.pt",
    "8053c9775516af2f4902e1e8281e356cc1bf7a85e8b761908170767b77c3f037",
)
LAION_MUSIC = (
    "music_audioset_epoch_15_esc_90.14.pt",
    "fae3e9c087f2909c28a09dc31c8dfcdacbc42ba44c70e972b58c1bd1caf6dedd",
)
LAION_NOTE = (
    "the published file holds training state besides weights, which have to be parted from it first; the card"
    " clap-htsat-unfused needs no such step"
)


def _laion(
    name: str, file: str, sha256: str, network: str, parameters: float, adapter: str = "laion:LaionScorer"
) -> Card:
    return Card(
        name,
        "audio_text_scorer",
        f"fiftyone_avs.models.{adapter}",
        LAION_REPOSITORY,
        "CC0-1.0",
        parts={"tokenizer": "FacebookAI/roberta-base"},
        checkpoint=Checkpoint(
            f"fiftyone_avs.nets.laion:{network}",
            file=file,
            entry="state_dict",
            prefix="module.",
            page="https://github.com/LAION-AI/CLAP",
            note=LAION_NOTE,
            sha256=sha256,
        ),
        parameters=parameters,
    )


OFFICIAL_CARDS = [
    _ris("asda", "asda:ASDA", "letterbox", ASDA_CARD, 193),
    _ris("cris-r50", "cris:CRIS.r50", "warp", CRIS_CARD, 147),
    _ris("cris-r101", "cris:CRIS.r101", "warp", CRIS_CARD, 161),
    _ris("etris-r50", "etris:ETRIS.r50", "warp", ETRIS_CARD, 133),
    _ris("etris-r101", "etris:ETRIS.r101", "warp", ETRIS_CARD, 147),
    _ris("etris-vitb16", "etris:ETRIS.vitb16", "warp", ETRIS_CARD, 173),
    Card(
        "beats-as2m",
        "audio_classifier",
        "fiftyone_avs.models.beats:BeatsClassifier",
        "",
        "MIT",
        checkpoint=Checkpoint(
            "fiftyone_avs.nets.beats:BEATs.from_checkpoint",
            file="BEATs_iter3_plus_AS2M_finetuned_on_AS2M_cpt2.pt",
            entry="model",
            configured_by=("cfg",),
            kept=("cfg", "label_dict"),
            page="https://github.com/microsoft/unilm/tree/master/beats",
            note="users report the links there dead since the end of 2024",
        ),
        parameters=91,
    ),
    Card(
        "wavcaps-htsat-bart",
        "audio_captioner",
        "fiftyone_avs.models.sound_captioner:SoundCaptioner",
        "",
        "non-commercial research (no licence file)",
        settings={"beams": 3},
        parts={"tokenizer": "facebook/bart-base"},
        checkpoint=Checkpoint(
            "fiftyone_avs.nets.wavcaps:WavCaps",
            file="best_model.pt",
            entry="model",
            page="https://github.com/XinhaoMei/WavCaps",
            note="it is on a drive folder; the README has the link",
        ),
        parameters=172,
    ),
    Card(
        "clapcap-2023",
        "audio_captioner",
        "fiftyone_avs.models.sound_captioner:SoundCaptioner",
        MSCLAP_REPOSITORY,
        "MS-PL (hub), MIT (code)",
        settings={"beams": 5},
        parts=GPT2_TOKENIZER,
        checkpoint=Checkpoint(
            "fiftyone_avs.nets.clapcap:ClapCap",
            file="clapcap_weights_2023.pth",
            entry="model",
            surplus=True,
            sha256="6d7b700f2bc1be7319fd60430a516a88f0277bf1158b4908687a14e6a2a3a006",
            megabytes=1700,
            page="https://github.com/microsoft/CLAP",
        ),
        parameters=227,
    ),
    Card(
        "msclap-2023",
        "audio_text_scorer",
        "fiftyone_avs.models.msclap:MsClapScorer",
        MSCLAP_REPOSITORY,
        "MS-PL (hub), MIT (code)",
        parts=GPT2_TOKENIZER,
        checkpoint=Checkpoint(
            "fiftyone_avs.nets.msclap:MSCLAP",
            file="CLAP_weights_2023.pth",
            entry="model",
            surplus=True,
            page="https://github.com/microsoft/CLAP",
        ),
        parameters=160,
    ),
    _laion("laion-clap-630k-audioset", *LAION_630K, "LaionCLAP.tiny", 159),
    _laion("laion-clap-music", *LAION_MUSIC, "LaionCLAP.base", 200),
    _laion(
        "laion-clap-package", *LAION_630K, "LaionCLAP.tiny", 159, adapter="laion_package:LaionPackageScorer"
    ),
]
