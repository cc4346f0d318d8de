"""Parity of the networks that hear, and of CLIP: a case's inputs through this package's networks.

Each network is filled from its official keys (``cases/<name>/keys.json``) by the recipe of ``fill.py`` and
loaded strictly. This package's networks are built on the meta device: they have no other numbers than those.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import fill
import numpy as np
import numpy.typing as npt
import torch
from clip_names import to_transformers
from comparison import TOLERANCE, Comparison, close, equal
from torch import Tensor
from transformers import BartConfig, CLIPConfig, CLIPModel
from transformers.initialization import no_init_weights

from fiftyone_avs.media import fit_window
from fiftyone_avs.nets.beats import BEATs
from fiftyone_avs.nets.clapcap import STOP, ClapCap
from fiftyone_avs.nets.laion import LaionCLAP
from fiftyone_avs.nets.msclap import MSCLAP
from fiftyone_avs.nets.spectrogram import repeat_pad, through_int16
from fiftyone_avs.nets.wavcaps import WavCaps
from fiftyone_avs.types import Sound

CASES = Path(__file__).parent / "cases"

Arrays = Mapping[str, npt.NDArray[Any]]
Outputs = dict[str, Callable[[], Any]]
"""How each output is computed, by its name in a case; what a case lacks is not computed."""

PROBE, LONG_PROBE, PREFIX_PROBE = 8192, 16384, 2048
"""At most so many values of a large output are in a case."""


@torch.no_grad()
def compare(name: str, data: Arrays) -> list[Comparison]:
    """Compute every output of a case and compare it with the file's.

    Args:
        name: the folder of the case, such as "beats_as2m".
        data: the case.
    """
    outputs = NETWORKS[name](name, data)
    return [
        _compared(output, data[output], compute()) for output, compute in outputs.items() if output in data
    ]


def _compared(name: str, expected: npt.NDArray[Any], actual: Any) -> Comparison:
    """Whole numbers and masks must be equal; of a single value, which has no std, the size counts."""
    value = actual.numpy() if isinstance(actual, Tensor) else np.asarray(actual)
    if expected.dtype.kind in "iub":
        return equal(name, expected, value)
    if expected.size == 1:
        return Comparison(name, expected, value.astype(np.float64), TOLERANCE * float(np.abs(expected).max()))
    return close(name, expected, value)


def keys_of(name: str) -> dict[str, Any]:
    """The official keys of a network and what is known of its checkpoint."""
    keys: dict[str, Any] = json.loads((CASES / name / "keys.json").read_text())
    return keys


def fill_network(network: Callable[[], Any], name: str, data: Arrays) -> Any:
    """Build a network of this package and load its filled official weights.

    Args:
        network: builds it.
        name: the folder of the case.
        data: the case; ``seed`` varies the weights.
    """
    with torch.device("meta"):
        built = network()
    built.load_state_dict(built.own_state(filled(name, data)), strict=True, assign=True)
    return built.eval().requires_grad_(False)


def filled(name: str, data: Arrays) -> dict[str, Tensor]:
    """The official state dict."""
    return fill.state_dict_from_keys(keys_of(name), seed=int(data.get("seed", 0)))


def waves_of(data: Arrays) -> list[Tensor]:
    """The case's sounds: those in the file, and further ones by name and length; float32, shape (N,)."""
    names = [str(name) for name in np.atleast_1d(data["wave_name"])]
    if "wave_i16" in data:
        rows = list(np.atleast_2d(data["wave_i16"]))
    else:
        rows = [data[f"wave_i16_{index}"] for index in range(len(names)) if f"wave_i16_{index}" in data]
    for index in range(len(rows), len(names)):
        lengths = np.atleast_1d(data["wave_samples" if "wave_samples" in data else "lengths"])
        rows.append(fill.wave_i16(names[index], int(lengths[index])))
    return [torch.from_numpy(row.astype(np.float32) / 32768) for row in rows]


def fitted(waves: list[Tensor], network: MSCLAP | ClapCap | WavCaps, mode: Any) -> Tensor:
    """Bring waves to a network's window by the package's own rule, (B, N)."""
    sounds = [Sound(wave.numpy(), network.sample_rate) for wave in waves]
    return torch.stack([torch.from_numpy(fit_window(s, network.seconds, mode).samples) for s in sounds])


def beats(name: str, data: Arrays) -> Outputs:
    """BEATs: filter bank, tokens, padding and probabilities."""
    network = fill_network(lambda: BEATs.from_checkpoint(keys_of(name)["checkpoint"]["cfg"]), name, data)
    waves = torch.nn.utils.rnn.pad_sequence(waves_of(data), batch_first=True)
    lengths = torch.from_numpy(data["lengths"])
    fbank = network.features(waves)
    tokens, hidden = network(fbank, torch.arange(waves.shape[1]) >= lengths[:, None])
    unmasked = torch.zeros(len(waves), 10000, dtype=torch.bool)
    return {
        "fbank_probe": lambda: fill.probe(fbank, PROBE),
        "fbank_shape": lambda: fbank.shape,
        "features_probe": lambda: fill.probe(tokens, PROBE),
        "features_shape": lambda: tokens.shape,
        "patch_mask": lambda: hidden,
        "probs": lambda: network.classify(waves, lengths),
        "probs_no_mask": lambda: network.classify(waves),
        "probs_mask_10000": lambda: network.probabilities(*network(fbank, unmasked)),
    }


def wavcaps(name: str, data: Arrays) -> Outputs:
    """WavCaps: what HTSAT and BART's encoder hear, forced and free captions."""
    bart = BartConfig(**keys_of(name)["checkpoint"]["bart"])
    network = fill_network(lambda: WavCaps(bart=bart), name, data)
    waves = fitted(waves_of(data), network, "pad")
    frames = network.hear(waves)
    embeddings = network.embed(frames)
    memory = network.decoder.model.encoder(inputs_embeds=embeddings).last_hidden_state
    ids = torch.from_numpy(data["teacher_ids"])
    logits = network.decoder(decoder_input_ids=ids, encoder_outputs=(memory,)).logits
    return {
        "encoder_frames": lambda: frames,
        "encoder_shape": lambda: embeddings.shape,
        "memory_probe": lambda: fill.probe(memory, PROBE),
        "memory_shape": lambda: memory.shape,
        "teacher_logits_probe": lambda: fill.probe(logits, LONG_PROBE),
        "teacher_argmax": lambda: logits.argmax(-1),
        "tokens_beam1": lambda: network.caption(waves, beams=1)[:, 0],
        "tokens_beam3": lambda: network.caption(waves, beams=3)[:, 0],
        "tokens_beam3_no_ngram_rule": lambda: network.caption(waves, beams=3, no_repeat_ngram=0)[:, 0],
    }


def msclap(name: str, data: Arrays) -> Outputs:
    """MS-CLAP: HTSAT's outputs, embeddings and similarities."""
    network = fill_network(MSCLAP, name, data)
    waves = fitted(waves_of(data), network, "repeat")
    ids, mask = (torch.from_numpy(data[key]) for key in ("input_ids", "attention_mask"))
    htsat = network.audio_encoder.base.htsat
    heard = htsat(waves)
    audio, text = network.embed_audio(waves), network.embed_text(ids, mask)
    return {
        "audio_latent": lambda: heard.latent,
        "audio_class_probs": lambda: htsat.class_probabilities(heard),
        "audio_embedding": lambda: audio,
        "text_embedding": lambda: text,
        "similarity": lambda: network.similarity(audio, text),
    }


def clapcap(name: str, data: Arrays) -> Outputs:
    """ClapCap: the audio embedding, the prefix, the first token's logits and captions."""
    network = fill_network(ClapCap, name, data)
    waves = fitted(waves_of(data), network, "repeat")
    audio = network.embed_audio(waves)
    prefix = network.prefix(audio)
    outputs: Outputs = {
        "audio_embedding": lambda: audio,
        "prefix_embeds_probe": lambda: _probe_rows(prefix),
        "next_logits_probe": lambda: _probe_rows(network.gpt(inputs_embeds=prefix).logits[:, -1]),
    }
    for beams in (1, 5):
        found = network.caption(waves, beams=beams, max_tokens=int(data["entry_length"]))
        for index, row in enumerate(found[:, 0].numpy()):
            key = f"tokens_beam{beams}_{index}"
            if key in data:
                outputs[key] = lambda row=row, key=key: _as_long(row, data[key])
    return outputs


def laion(name: str, data: Arrays) -> Outputs:
    """LAION-CLAP: HTSAT's outputs and embeddings, of floating-point and of 16-bit sound."""
    network = fill_network(LaionCLAP.base if name.endswith("base") else LaionCLAP.tiny, name, data)
    samples = round(network.seconds * network.sample_rate)
    waves = torch.stack([repeat_pad(wave, samples) for wave in waves_of(data)])
    ids, mask = (torch.from_numpy(data[key]) for key in ("input_ids", "attention_mask"))
    heard = network.audio_branch(waves)
    return {
        "latent": lambda: heard.latent,
        "fine_grained": lambda: heard.frames,
        "class_probs": lambda: network.audio_branch.class_probabilities(heard),
        "audio_embedding": lambda: network.embed_audio(waves),
        "audio_embedding_int16_path": lambda: network.embed_audio(through_int16(waves)),
        "text_embedding": lambda: network.embed_text(ids, mask),
    }


def clip(name: str, data: Arrays) -> Outputs:
    """CLIP: features of pictures and texts, as transformers computes them from renamed weights."""
    # The end token 2, which no text has, makes transformers pool at the highest id, as the official code does.
    config = CLIPConfig(vision_config={"patch_size": 16}, text_config={"eos_token_id": 2})
    with no_init_weights():  # not on the meta device: CLIPModel computes tables that no file holds
        network = CLIPModel(config).eval()
    network.load_state_dict(to_transformers(filled(name, data)), strict=True)
    size = int(data["image_size"])
    pictures = [fill.image_tensor(fill.image_u8(str(image), size)) for image in data["image_name"]]
    ids = torch.from_numpy(data["input_ids"])
    return {
        "image_features": lambda: network.get_image_features(torch.stack(pictures)).pooler_output,
        "text_features": lambda: network.get_text_features(ids).pooler_output,
    }


def _probe_rows(values: Tensor) -> npt.NDArray[np.float32]:
    return np.stack([fill.probe(row, PREFIX_PROBE) for row in values])


def _as_long(row: npt.NDArray[np.int64], expected: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Bring a caption to the length of the expected one: what comes after its end does not count."""
    ends = np.flatnonzero(row == STOP)
    length = int(ends[0]) + 1 if len(ends) else len(row)
    padded = np.full(max(length, len(expected)), 0, np.int64)
    padded[:length] = row[:length]
    return padded


NETWORKS: dict[str, Callable[[str, Arrays], Outputs]] = {
    "beats_as2m": beats,
    "beats_small": beats,
    "wavcaps_htsat_bart": wavcaps,
    "wavcaps_htsat_bart_reduced": wavcaps,
    "msclap2023": msclap,
    "clapcap2023": clapcap,
    "laion_clap_tiny": laion,
    "laion_clap_base": laion,
    "clip_vitb16": clip,
}
