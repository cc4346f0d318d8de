"""Small variants of the networks with official checkpoints, as files under the official keys, and their cards."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import torch
from transformers import BartConfig, ClapTextConfig, GPT2Config

from fiftyone_avs.models import CARDS
from fiftyone_avs.nets.asda import ASDA
from fiftyone_avs.nets.clapcap import ClapCap
from fiftyone_avs.nets.cris import CRIS
from fiftyone_avs.nets.etris import ETRIS
from fiftyone_avs.nets.htsat import HTSATConfig
from fiftyone_avs.nets.laion import LaionCLAP
from fiftyone_avs.nets.msclap import MSCLAP
from fiftyone_avs.nets.wavcaps import WavCaps
from tests.clip_tokenizer import clip_tokenizer
from tests.models.paper_files import bart_tokenizer, gpt2_tokenizer, letters
from tests.parity import fill

EARS = {"width": 8, "depths": (2, 1, 1, 1)}
CASES = Path(__file__).parents[1] / "parity" / "cases"


def gpt2_config() -> GPT2Config:
    return GPT2Config(n_embd=32, n_layer=2, n_head=2, n_positions=128)


def wavcaps() -> WavCaps:
    sizes = {"d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "max_position_embeddings": 1024}
    sizes |= {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    return WavCaps(HTSATConfig(**EARS), BartConfig(**sizes, encoder_ffn_dim=64, decoder_ffn_dim=64))


def msclap() -> MSCLAP:
    return MSCLAP(HTSATConfig(**EARS), gpt2_config(), joint=16)


def clapcap() -> ClapCap:
    return ClapCap(HTSATConfig(**EARS), gpt2_config(), joint=16, prefix=4, layers=2, heads=4)


def laion() -> LaionCLAP:
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    text = ClapTextConfig(**sizes, vocab_size=300, max_position_embeddings=514, layer_norm_eps=1e-5)
    return LaionCLAP(HTSATConfig(**EARS, bank_rate=48000, hop=480), text, joint=16)


TEXT = {"text_width": 64, "input_size": 64}
RESNET = {"blocks": (1, 1, 1, 1), "image_width": 8, "embed_dim": 32, "hidden": 64, **TEXT}


def asda() -> ASDA:
    return ASDA(layers=8, image_width=128, hidden=64, **TEXT)


def cris() -> CRIS:
    return CRIS(text_layers=2, **RESNET)


def etris() -> ETRIS:
    return ETRIS.resnet(text_layers=3, **RESNET)


def roberta_tokenizer():
    """RoBERTa's form with letters as its only words."""
    from transformers import RobertaTokenizer

    words = ["<s>", "<pad>", "</s>", "<unk>", *letters(), "<mask>"]
    return RobertaTokenizer(vocab={word: index for index, word in enumerate(words)}, merges=[])


CARDS_AND_CASES = {
    "wavcaps-htsat-bart": (wavcaps, "wavcaps_htsat_bart", bart_tokenizer),
    "msclap-2023": (msclap, "msclap2023", gpt2_tokenizer),
    "clapcap-2023": (clapcap, "clapcap2023", gpt2_tokenizer),
    "laion-clap-630k-audioset": (laion, "laion_clap_tiny", roberta_tokenizer),
    "asda": (asda, "asda", clip_tokenizer),
    "cris-r50": (cris, "cris_r50", clip_tokenizer),
    "etris-r101": (etris, "etris_r101", clip_tokenizer),
}


def official_state(case: str, network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The weights of a small network under the official keys, found through the full-size network's keys."""
    own = network.state_dict()
    if "own_state" not in vars(type(network)):  # it has the official keys itself
        return own
    keys = json.loads((CASES / case / "keys.json").read_text())["tensors"]
    state = {}
    for row in keys:
        probe = torch.zeros(row["shape"], device="meta")
        names = [
            name for name, found in network.own_state({row["key"]: probe}).items() if is_part(found, probe)
        ]
        if names and all(name in own for name in names):
            state[row["key"]] = torch.cat([own[name] for name in names]) if len(names) > 1 else own[names[0]]
    return state


def is_part(found: torch.Tensor, probe: torch.Tensor) -> bool:
    """Whether a tensor is the probe or a piece of it, and not a table that own_state adds."""
    return found is probe or found._base is probe


def write(folder: Path, name: str) -> torch.nn.Module:
    """Write the official file of a card's small variant, with its tokenizer beside it; return the network."""
    factory, case, tokenizer = CARDS_AND_CASES[name]
    network = fill.fill_(factory()).eval().requires_grad_(False)
    checkpoint = CARDS[name].checkpoint
    state = {checkpoint.prefix + key: value for key, value in official_state(case, network).items()}
    torch.save({checkpoint.entry: state}, folder / "official.pth")
    tokenizer().save_pretrained(folder / "tokenizer")
    return network


def small_card(name: str, folder: Path):
    """The card of a small variant: the real one but for its network and its file."""
    factory = CARDS_AND_CASES[name][0].__name__
    checkpoint = replace(CARDS[name].checkpoint, network=f"{__name__}:{factory}")
    return replace(CARDS[name], source=str(folder / "official.pth"), checkpoint=checkpoint)
