"""Names of OpenAI's CLIP (ViT) in transformers' ``CLIPModel``; the package itself loads converted files."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

PARTS = (
    ("transformer.resblocks.", "encoder.layers."),
    (".attn.out_proj.", ".self_attn.out_proj."),
    (".ln_1.", ".layer_norm1."),
    (".ln_2.", ".layer_norm2."),
    (".mlp.c_fc.", ".mlp.fc1."),
    (".mlp.c_proj.", ".mlp.fc2."),
    ("ln_pre.", "pre_layrnorm."),
    ("ln_post.", "post_layernorm."),
    ("ln_final.", "final_layer_norm."),
    ("conv1.", "embeddings.patch_embedding."),
    ("token_embedding.", "embeddings.token_embedding."),
)
"""Parts of keys that have another name below ``vision_model.`` and ``text_model.``."""

WHOLE = {
    "logit_scale": "logit_scale",
    "visual.class_embedding": "vision_model.embeddings.class_embedding",
    "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
    "positional_embedding": "text_model.embeddings.position_embedding.weight",
}
TRANSPOSED = {"visual.proj": "visual_projection.weight", "text_projection": "text_projection.weight"}


def to_transformers(official: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of ``CLIPModel`` from the official one."""
    own: dict[str, Tensor] = {}
    for key, tensor in official.items():
        if key in WHOLE:
            own[WHOLE[key]] = tensor
        elif key in TRANSPOSED:
            own[TRANSPOSED[key]] = tensor.T
        elif ".attn.in_proj_" in key:
            for part, value in zip("qkv", tensor.chunk(3), strict=True):
                own[_renamed(key).replace(".attn.in_proj_", f".self_attn.{part}_proj.")] = value
        else:
            own[_renamed(key)] = tensor
    return own


def _renamed(key: str) -> str:
    side = "vision_model." if key.startswith("visual.") else "text_model."
    name = key.removeprefix("visual.")
    for official, own in PARTS:
        name = name.replace(official, own)
    return side + name
