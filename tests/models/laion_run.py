"""Compare LAION's own package with this package's network on one and the same official file.

Usage: ``python laion_run.py FOLDER``; prints one JSON object. A process of its own, since laion_clap needs
what no other test may see: it imports torchvision, of which there is no build for CPUs only, and takes
nothing of it but a class to compare types with and names it never calls here; and it takes tokenizers and
RoBERTa from the hub by name, which are folders of these names here.
"""

from __future__ import annotations

import importlib.machinery
import json
import os
import sys
import types
from pathlib import Path

import numpy as np
import torch
from torch.utils.serialization import config
from transformers import RobertaConfig, RobertaModel, RobertaTokenizer

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import fiftyone_avs as avs
from tests.models.paper_files import bart_tokenizer, bert_tokenizer
from tests.parity import fill

TEXTS = [["a dog", "rain on a roof"], ["a violin"], ["a dog", "a bee"]]


class StandIn(types.ModuleType):
    """A module in which every name is an empty class."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def stand_in_for_torchvision() -> None:
    for name in ("", ".datasets", ".ops", ".ops.misc", ".transforms"):
        module = StandIn(f"torchvision{name}")
        module.__spec__ = importlib.machinery.ModuleSpec(module.__name__, None, is_package=True)
        module.__path__ = []
        sys.modules[module.__name__] = module


def hub_in_this_folder() -> None:
    """What laion_clap takes from the hub, at real size; its weights are zero, and replaced later."""
    sizes = RobertaConfig(
        vocab_size=50265, max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5
    )
    with torch.device("meta"):
        roberta = RobertaModel(sizes).half()
    zeros = {key: torch.zeros_like(value, device="cpu") for key, value in roberta.state_dict().items()}
    roberta.save_pretrained("roberta-base", state_dict=zeros)
    tokenizer = bart_tokenizer()
    RobertaTokenizer(vocab=tokenizer.get_vocab(), merges=[]).save_pretrained("roberta-base")
    bart_tokenizer().save_pretrained("facebook/bart-base")
    bert_tokenizer().save_pretrained("bert-base-uncased")


def main(folder: Path) -> None:
    os.chdir(folder)
    hub_in_this_folder()
    stand_in_for_torchvision()  # transformers has looked for torchvision by now, and found none
    import laion_clap

    official = laion_clap.CLAP_Module(enable_fusion=False, device="cpu")
    state = fill.fill_(official.model).state_dict()
    file = folder / "630k-audioset-best.pt"
    with config.patch("save.compute_crc32", False):  # nothing here checks the sums of tensors
        torch.save({"epoch": 1, "state_dict": {f"module.{key}": value for key, value in state.items()}}, file)
    RobertaTokenizer.from_pretrained("roberta-base").save_pretrained("tokenizer")
    heard = [
        avs.Sound(fill.wave_i16(f"laion/{index}", samples).astype(np.float32) / 32768, 48000)
        for index, samples in enumerate((480000, 200000, 700000))
    ]
    found = {}
    for card in ("laion-clap-package", "laion-clap-630k-audioset"):
        scorer = avs.load_models("open", overrides={"audio_text_scorer": f"{card}:{file}"}).audio_text_scorer
        found[card] = {
            "adapter": type(scorer).__name__,
            "scores": scorer.score_sounds(heard, TEXTS),
            "embeddings": scorer.embed_sounds(heard).tolist(),
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
