"""CLIP's real tokenizer, from the table that LAION's package brings along; the hub is not needed."""

from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path
from typing import Any

START, END = "<|startoftext|>", "<|endoftext|>"
MERGES = 48894


def clip_tokenizer() -> Any:
    """transformers' CLIPTokenizer with OpenAI's byte-pair table."""
    from transformers import CLIPTokenizer

    package = importlib.util.find_spec("laion_clap")
    assert package is not None and package.origin, "laion_clap is not installed: run `make test`"
    table = Path(package.origin).parent / "clap_module" / "bpe_simple_vocab_16e6.txt.gz"
    lines = gzip.decompress(table.read_bytes()).decode().split("\n")[1 : MERGES + 1]
    merges = [tuple(line.split()) for line in lines]
    letters = _letters()
    words = [*letters, *(f"{letter}</w>" for letter in letters), *map("".join, merges), START, END]
    return CLIPTokenizer(
        vocab={word: index for index, word in enumerate(words)},
        merges=merges,
        bos_token=START,
        eos_token=END,
        pad_token=END,
        unk_token=END,
    )


def _letters() -> list[str]:
    """A printable character for each byte, printable bytes first: the order of the table."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + place) for place in range(len(others))]
