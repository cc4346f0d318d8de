"""Deterministic weights and inputs for numerical-parity tests.

Every floating tensor of a state dict gets values that depend only on

* its key (the name in the OFFICIAL checkpoint's state dict),
* its shape,
* an integer ``seed``.

No floating-point library function takes part in drawing the numbers: one
64-bit word of a PCG64 stream is cut into four 16-bit integers, which are added
up (an Irwin-Hall variable) and standardised.  So the result is the same bit
pattern on every machine, operating system and numpy version.

Typical use::

    keys = json.load(open("asda/keys.json"))
    official = state_dict_from_keys(keys)      # what a real checkpoint would hold
    my_model.load_official(official)           # your own key conversion

or, for a module that already has the official key layout::

    fill_(module)
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

import numpy as np

try:  # torch is only needed for the functions that touch tensors
    import torch
except ImportError:  # pragma: no cover
    torch = None

#: the value every ``logit_scale`` gets: ln(1 / 0.07)
LOGIT_SCALE = 2.6592600369327783

#: so many numbers are drawn at once
BLOCK = 1 << 16

#: the first and third of the four 16-bit integers in a 64-bit word
EVEN_PARTS = np.uint64(0x0000FFFF0000FFFF)

#: float tensors that are computed, not learned.  They stay as the module made
#: them; in a state dict built from keys.json they are left out.
CONSTANTS = (
    "attn_mask",  # shifted-window mask of a Swin block (0 / -100)
    "stft.conv_real.weight",  # torchlibrosa: windowed DFT matrix
    "stft.conv_imag.weight",
    "melW",  # torchlibrosa: mel filter bank
)

#: tensors drawn around one although they are not 1-d ``*.weight``
AROUND_ONE = ("weight_g", "grep_a", "gamma")

#: embedding-like tensors: name parts, tried in this order, and their scale.
#: Larger than trained values, so that a mistake in positions or in relative
#: biases shows in the outputs.
SCALED = (
    (("relative_position_bias_table", "relative_attention_bias"), 0.5),
    (("shared.weight", "lm_head.weight", "embed_tokens"), 0.03),
    (("embed_positions",), 0.1),
    (("embedding", "pos_embed", "wte.weight", "wpe.weight"), 0.2),
)
#: ... except these, which contain such a part but are ordinary layers
NOT_SCALED = (
    "patch_embedding.weight",
    "patch_embed.proj.weight",
    "LayerNorm",
    "layernorm",
    "layer_norm",
    "norm",
)


def standard(key: str, shape, seed: int = 0) -> np.ndarray:
    """Float64 array of ``shape`` with mean 0 and variance 1, from ``key``."""
    out = np.empty(math.prod(shape))
    for part, z in blocks(key, out.size, seed):
        out[part] = z
    return out.reshape(shape)


def blocks(key: str, n: int, seed: int = 0):
    """The ``n`` numbers of ``standard`` in order, a block at a time: slices and float64 arrays.

    A block stays in the processor's cache; whole networks take less than half the time so.
    """
    digest = hashlib.sha256(f"{seed}|{key}".encode()).digest()
    stream = np.random.PCG64(int.from_bytes(digest[:16], "little"))
    for start in range(0, n, BLOCK):
        part = slice(start, min(start + BLOCK, n))
        words = stream.random_raw(part.stop - part.start)
        pairs = (words & EVEN_PARTS) + (words >> np.uint64(16) & EVEN_PARTS)  # two sums of two integers each
        halves = pairs.view(np.int32)
        total = halves[::2] + halves[1::2]
        # sum of four uniform integers 0..65535: mean 131070, variance 4 * (65536^2 - 1) / 12
        yield part, (total - 131070) / math.sqrt((65536.0**2 - 1) / 3)


def embedding_scale(key: str):
    """Scale of an embedding-like tensor, None for any other."""
    if not any(part in key for part in NOT_SCALED):
        for parts, scale in SCALED:
            if any(part in key for part in parts):
                return scale
    return None


def is_constant(key: str) -> bool:
    return key.endswith(CONSTANTS)


def values(key: str, shape, seed: int = 0) -> np.ndarray:
    """The float32 values of the learned tensor ``key`` of ``shape``."""
    law = law_of(key, shape)
    out = np.empty(math.prod(shape), np.float32)
    for part, z in blocks(key, out.size, seed):
        out[part] = law(z)
    return out.reshape(shape)


def law_of(key: str, shape):
    """How the values of ``key`` come from standard numbers, element by element."""
    last = key.rsplit(".", 1)[-1]
    if last.startswith("logit_scale"):
        return lambda z: np.full(z.shape, LOGIT_SCALE)
    if last == "running_var":
        return lambda z: 1.0 + 0.2 * np.abs(z)
    if last == "running_mean":
        return lambda z: 0.05 * z
    if last in AROUND_ONE:
        return lambda z: 1.0 + 0.1 * z
    if (scale := embedding_scale(key)) is not None:
        return lambda z: scale * z
    if "bias" in last:
        return lambda z: 0.1 * z
    if len(shape) >= 2:
        width = math.sqrt(math.prod(shape[1:]))
        return lambda z: z / width
    if last == "weight":
        return lambda z: 1.0 + 0.1 * z
    return lambda z: 0.02 * z


def aliases(state_dict) -> dict:
    """Keys that share memory with an earlier key -> that earlier key."""
    first, out = {}, {}
    for key, tensor in state_dict.items():
        place = (tensor.data_ptr(), tuple(tensor.shape), tensor.stride())
        if tensor.numel() and place in first:
            out[key] = first[place]
        else:
            first[place] = key
    return out


def fill_(target, seed: int = 0, values=values):
    """Fill a module or a state dict in place, with this recipe's values or others; returns it.

    A tensor that appears under several keys (tied weights, a block registered
    twice) takes the values of the key that comes FIRST in the state dict.
    Integer and bool tensors and the tensors in ``CONSTANTS`` are not touched.
    """
    state = target.state_dict() if hasattr(target, "state_dict") else target
    skip = aliases(state)
    with torch.no_grad():
        for key, tensor in state.items():
            if key in skip or is_constant(key) or not tensor.is_floating_point():
                continue
            tensor.copy_(torch.from_numpy(values(key, tuple(tensor.shape), seed)))
    return target


def describe(module, wrapper: dict | None = None) -> dict:
    """The content of keys.json for a module with the official layout."""
    state = module.state_dict()
    alias = aliases(state)
    rows = []
    for key, tensor in state.items():
        row = {"key": key, "shape": list(tensor.shape), "dtype": str(tensor.dtype).replace("torch.", "")}
        if key in alias:
            row["alias_of"] = alias[key]
        if is_constant(key):
            row["constant"] = True
        rows.append(row)
    return {"checkpoint": wrapper or {}, "tensors": rows}


def state_dict_from_keys(keys, seed: int = 0, prefix: str = "", values=values) -> dict:
    """Build the filled official state dict from a keys.json content or path.

    ``values`` may be another recipe with the same arguments.

    Aliases point to the same tensor; constants are left out; integer tensors
    are zeros (the official values are computed from the configuration).
    """
    if isinstance(keys, str):
        keys = json.loads(Path(keys).read_text())
    out = {}
    for row in keys["tensors"]:
        key, shape = row["key"], tuple(row["shape"])
        if row.get("constant"):
            continue
        if "alias_of" in row:
            out[prefix + key] = out[prefix + row["alias_of"]]
        elif "float" in row["dtype"]:
            out[prefix + key] = torch.from_numpy(values(key, shape, seed))
        else:
            out[prefix + key] = torch.zeros(shape, dtype=getattr(torch, row["dtype"]))
    return out


# ---------------------------------------------------------------- inputs

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


def image_u8(name: str, size: int = 416, cell: int = 8) -> np.ndarray:
    """A uint8 HWC test picture: coloured cells plus a fine texture."""
    coarse = np.clip(128 + 60 * standard(name + "/coarse", (size // cell, size // cell, 3)), 0, 255)
    coarse = coarse.astype(np.int64).repeat(cell, 0).repeat(cell, 1)
    fine = np.floor(4 * standard(name + "/fine", (size, size, 3))).astype(np.int64)
    return np.clip(coarse + fine, 0, 255).astype(np.uint8)


def image_tensor(u8: np.ndarray, mean=CLIP_MEAN, std=CLIP_STD):
    """uint8 HWC -> float32 CHW tensor: (u8 / 255 - mean) / std, in float32."""
    x = torch.from_numpy(np.ascontiguousarray(u8.transpose(2, 0, 1))).float() / 255.0
    mean = torch.tensor(mean, dtype=torch.float32).view(3, 1, 1)
    std = torch.tensor(std, dtype=torch.float32).view(3, 1, 1)
    return (x - mean) / std


def wave_i16(name: str, samples: int, level: int = 4000) -> np.ndarray:
    """An int16 mono test signal: three triangle tones, slow envelope, noise.

    The periods of the tones (20 to 531 samples) and the noise level come from
    the name.  ``float32 waveform = int16 / 32768``.
    """
    digest = hashlib.sha256(name.encode()).digest()
    periods = [20 + 2 * digest[i] + digest[i + 3] % 2 for i in range(3)]
    hiss = level // (4 << digest[6] % 5)
    t = np.arange(samples, dtype=np.int64)
    tone = np.zeros(samples, dtype=np.int64)
    for p in periods:  # triangle waves of period p samples, integer arithmetic only
        ph = t % p
        tone += np.abs(2 * ph - p) * level // p - level // 2
    env = np.abs((t % 40000) - 20000)  # 0..20000
    noise = np.floor(hiss * standard(name, (samples,))).astype(np.int64)
    return np.clip(tone * env // 20000 + noise, -32768, 32767).astype(np.int16)


def probe(x, limit: int = 2048) -> np.ndarray:
    """Evenly spaced sample of at most ``limit`` values of a tensor (flattened)."""
    flat = x.detach().reshape(-1).float().numpy()
    step = max(1, math.ceil(flat.size / limit))
    return flat[::step].copy()
