"""Word-level tokenizers over the closed vocabulary of the world, one kind per family of text models."""

from __future__ import annotations

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from fiftyone_avs.tiny.world.language import words

MAX_TOKENS = 32

SPECIAL_TOKENS: dict[str, tuple[str, ...]] = {
    # The end token must not be id 2: CLIP's text model takes another way to find it then.
    "clip": ("<pad>", "<s>", "<unk>", "</s>"),
    "clap": ("<pad>", "<s>", "<unk>", "</s>", "<mask>"),
    "seq2seq": ("<pad>", "<s>", "<unk>", "</s>"),
    # BLIP's text decoder starts from a token of its own and ends with the separator.
    "bert": ("[PAD]", "[CLS]", "[UNK]", "[SEP]", "[DEC]"),
}
"""Special tokens by kind in the order of their ids: padding, start, unknown, end, then extras."""


def make_tokenizer(kind: str) -> PreTrainedTokenizerFast:
    """A word-level tokenizer that lower-cases and puts start and end tokens around a text.

    Args:
        kind: "clip", "clap" (Roberta-like), "bert" (BLIP) or "seq2seq" (Whisper).
    """
    special = SPECIAL_TOKENS[kind]
    padding, start, unknown, end = special[:4]
    vocabulary = {word: index for index, word in enumerate([*special, *words()])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=unknown))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}",
        special_tokens=[(start, vocabulary[start]), (end, vocabulary[end])],
    )
    roles = {"pad_token": padding, "unk_token": unknown}
    if kind == "bert":
        roles |= {"cls_token": start, "sep_token": end, "bos_token": special[4]}
    else:
        roles |= {"bos_token": start, "eos_token": end}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, padding_side="right", model_max_length=MAX_TOKENS, **roles
    )
