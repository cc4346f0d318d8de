"""The files that a user of the preset "paper" has, at real size, with weights spread as the parity recipe has them.

What the authors publish as checkpoints is written as such, BLIP and CLIP in the hub's format. CLIP's tokenizer
is the real one; those of BERT, BART and GPT-2 have the real form and size, but made-up words.

No number is compared with here, so that a tensor repeats a million drawn numbers from a place of its own: drawing
all one thousand million takes minutes.
"""

from __future__ import annotations

import json
import math
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import torch
from tokenizers import pre_tokenizers
from torch.utils.serialization import config
from transformers.initialization import no_init_weights

from tests.clip_tokenizer import clip_tokenizer
from tests.models.builders import save
from tests.parity import fill

CASES = Path(fill.__file__).parent / "cases"

ROLE_FILES = {
    "asda": ("asda", "state_dict"),
    "beats-as2m": ("beats_as2m", "model"),
    "wavcaps-htsat-bart": ("wavcaps_htsat_bart", "model"),
    "msclap-2023": ("msclap2023", "model"),
}
"""Card -> the parity case with its keys, and the file's entry for the weights; none of them has a prefix."""

OFFICIAL = {
    "segmenter": "asda",
    "audio_classifier": "beats-as2m",
    "audio_captioner": "wavcaps-htsat-bart",
    "audio_text_scorer": "msclap-2023",
}
"""Role -> its card in the preset, where the card has an official checkpoint."""

DRAWN = 1_000_003
"""So many numbers are drawn: a prime, so that the rows of no layer repeat each other."""


def write_all(folder: Path) -> dict[str, str]:
    """Write everything; return what is given for each role of the preset."""
    given = {role: f"{card}:{write_checkpoint(folder, card)}" for role, card in OFFICIAL.items()}
    clip_tokenizer().save_pretrained(folder / "asda" / "tokenizer")
    bart_tokenizer().save_pretrained(folder / "wavcaps-htsat-bart" / "tokenizer")
    gpt2_tokenizer().save_pretrained(folder / "msclap-2023" / "tokenizer")
    return {
        **given,
        "image_captioner": str(write_blip(folder / "blip")),
        "image_text_scorer": str(write_clip(folder / "clip")),
    }


def write_checkpoint(folder: Path, card: str) -> Path:
    """Write one official checkpoint with filled weights."""
    case, entry = ROLE_FILES[card]
    keys = json.loads((CASES / case / "keys.json").read_text())
    content = {entry: fill.state_dict_from_keys(keys, values=values), "epoch": 3}
    if "cfg" in keys["checkpoint"]:
        from fiftyone_avs.models.audioset import display_names

        mids = sorted(display_names())  # another order than AudioSet's own, as in the real file
        content |= {"cfg": keys["checkpoint"]["cfg"], "label_dict": dict(enumerate(mids))}
    path = folder / card / "official.pth"
    path.parent.mkdir(parents=True)
    with config.patch("save.compute_crc32", False):  # nothing here checks the sums of tensors
        torch.save(content, path)
    return path


def write_blip(folder: Path) -> Path:
    """BLIP base at its real size."""
    from transformers import BlipConfig, BlipForConditionalGeneration, BlipImageProcessorPil

    with no_init_weights():
        network = BlipForConditionalGeneration(BlipConfig(vision_config={"image_size": 384}))
    network.tie_weights()
    return save(folder, fill.fill_(network, values=values), BlipImageProcessorPil(), bert_tokenizer())


def write_clip(folder: Path) -> Path:
    """CLIP ViT-B/16 at its real size."""
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    with no_init_weights():
        network = CLIPModel(CLIPConfig(vision_config={"patch_size": 16}))
    return save(folder, fill.fill_(network, values=values), CLIPImageProcessorPil(), clip_tokenizer())


def values(key: str, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Weights of a tensor: the drawn numbers from a place that its key names, again and again."""
    start = zlib.crc32(key.encode()) % DRAWN
    ring = fill.law_of(key, shape)(np.roll(drawn(seed), -start)[: math.prod(shape)]).astype(np.float32)
    return np.resize(ring, shape)


@cache
def drawn(seed: int) -> np.ndarray:
    """Numbers with mean 0 and variance 1."""
    return fill.standard("drawn", (DRAWN,), seed)


def bert_tokenizer():
    """BERT's form and size; its ids of marks are the real ones."""
    from transformers import BertTokenizer

    marks = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]"}
    words = [marks.get(index, f"dog{index}") for index in range(30522)]
    return BertTokenizer(vocab={word: index for index, word in enumerate(words)})


def bart_tokenizer():
    """BART's form and size; its ids of marks are the real ones."""
    from transformers import BartTokenizer

    words = ["<s>", "<pad>", "</s>", "<unk>", *letters()]
    words += [f"Ġdog{index}" for index in range(len(words), 50264)]
    return BartTokenizer(vocab={word: index for index, word in enumerate([*words, "<mask>"])}, merges=[])


def gpt2_tokenizer():
    """GPT-2's form and size; a lone space (220) and the end mark (50256) have the real ids."""
    from transformers import GPT2Tokenizer

    words = letters()
    words += [f"Ġdog{index}" for index in range(len(words), 50256)]
    return GPT2Tokenizer(
        vocab={word: index for index, word in enumerate([*words, "<|endoftext|>"])}, merges=[]
    )


def letters() -> list[str]:
    """The characters that byte-level tokenizers write bytes as, in GPT-2's order."""
    return sorted(pre_tokenizers.ByteLevel.alphabet())
