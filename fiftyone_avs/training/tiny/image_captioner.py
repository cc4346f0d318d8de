"""Training of the image captioner (BLIP), whose picture tower starts from the segmenter's.

The captions name every object of a picture, in random order: what the caption leaves out, no later stage of
the pipeline can find again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import BlipConfig, BlipForConditionalGeneration, PreTrainedTokenizerBase

from fiftyone_avs.tiny.world.language import image_caption
from fiftyone_avs.tiny.world.vocabulary import CLASSES, NAMES
from fiftyone_avs.training.tiny.common import save_model, train_loop
from fiftyone_avs.training.tiny.picture_augment import Batch, augmented_batch, plain_batch
from fiftyone_avs.training.tiny.picture_data import (
    PictureSet,
    load_pictures,
    make_image_processor,
    prepare_pictures,
)
from fiftyone_avs.training.tiny.picture_labels import (
    class_map,
    class_shares,
    to_patches,
    visible_objects,
)
from fiftyone_avs.training.tiny.picture_tower import STAGE as TOWER_STAGE, TOWER
from fiftyone_avs.training.tiny.segmenter import STAGE
from fiftyone_avs.training.tiny.segmenter_network import make_segmenter
from fiftyone_avs.training.tiny.tokenizers import make_tokenizer

STEPS = 6500
BATCH = 48
LR = 1e-3
MAX_CAPTION_TOKENS = 20

_VALIDATED = 240
_HARD_SEED = 6
_IGNORED = -100


def make_captioner(tokenizer: PreTrainedTokenizerBase) -> BlipForConditionalGeneration:
    """A tiny BLIP with random weights; its picture tower has the shape of the segmenter's."""
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": 96,
        "encoder_hidden_size": 128,
        "intermediate_size": 192,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 40,
        "projection_dim": 96,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.sep_token_id,
        "sep_token_id": tokenizer.sep_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "is_decoder": True,
    }
    # The library's default range of 1e-10 leaves every matrix at zero.
    vision = {**TOWER, "initializer_range": 0.02}
    config = BlipConfig(text_config=text, vision_config=vision, projection_dim=96, image_text_hidden_size=96)
    return BlipForConditionalGeneration(config)


def copy_tower(source: Any, target: Any, pixels: Tensor) -> None:
    """Copy CLIPSeg's picture tower ``source`` into BLIP's ``target``.

    BLIP has no layer norm after the embeddings. Centring, gain and offset of that norm are folded into the
    embeddings; its division by each token's deviation becomes one division by the mean deviation on
    ``pixels`` (float32 (N, 3, 80, 80), normalised).
    """
    norm = source.pre_layrnorm if hasattr(source, "pre_layrnorm") else source.pre_layernorm
    given, taken = source.embeddings, target.embeddings
    with torch.no_grad():
        gain = norm.weight / given(pixels).std(-1).mean()
        kernel = given.patch_embedding.weight
        positions = given.position_embedding.weight
        taken.patch_embedding.weight.copy_((kernel - kernel.mean(0)) * gain[:, None, None, None])
        taken.patch_embedding.bias.zero_()
        taken.class_embedding.copy_((given.class_embedding - given.class_embedding.mean()) * gain)
        taken.position_embedding[0].copy_((positions - positions.mean(1, keepdim=True)) * gain + norm.bias)
        for into, layer in zip(target.encoder.layers, source.encoder.layers, strict=True):
            parts = [layer.self_attn.q_proj, layer.self_attn.k_proj, layer.self_attn.v_proj]
            into.self_attn.qkv.weight.copy_(torch.cat([part.weight for part in parts]))
            into.self_attn.qkv.bias.copy_(torch.cat([part.bias for part in parts]))
            into.self_attn.projection.load_state_dict(layer.self_attn.out_proj.state_dict())
            into.layer_norm1.load_state_dict(layer.layer_norm1.state_dict())
            into.layer_norm2.load_state_dict(layer.layer_norm2.state_dict())
            into.mlp.load_state_dict(layer.mlp.state_dict())
        target.post_layernorm.load_state_dict(source.post_layernorm.state_dict())


class CaptionTrainer(nn.Module):
    """BLIP with a head that keeps its patches telling classes apart; the head is for training only."""

    def __init__(self, captioner: Any, tokenizer: PreTrainedTokenizerBase) -> None:
        super().__init__()
        self.captioner = captioner
        self.patch_head = nn.Linear(captioner.config.vision_config.hidden_size, len(NAMES) + 1)
        self.tokenizer = tokenizer

    def losses(self, batch: Batch, captions: Sequence[str]) -> dict[str, Tensor]:
        """Cross-entropy per word of the caption and per patch of the picture."""
        tokens = self.tokenizer(list(captions), padding=True, return_tensors="pt")
        words = tokens.input_ids
        words[:, 0] = self.tokenizer.bos_token_id
        labels = words.masked_fill(tokens.attention_mask == 0, _IGNORED)
        labels[:, 0] = _IGNORED
        output = self.captioner(
            pixel_values=batch.pixels, input_ids=words, attention_mask=tokens.attention_mask, labels=labels
        )
        shares = class_shares(to_patches(class_map(batch)))
        logits = self.patch_head(output.last_hidden_state[:, 1:])
        patch_loss = -(shares * F.log_softmax(logits, -1)).sum(-1).mean()
        return {"caption": output.loss, "patch": 0.3 * patch_loss}

    def write(self, pixels: Tensor, **options: Any) -> list[str]:
        """One caption for each picture (normalised, (B, 3, 80, 80)); greedy unless ``options`` say else."""
        words = self.captioner.generate(pixel_values=pixels, max_new_tokens=MAX_CAPTION_TOKENS, **options)
        return list(self.tokenizer.batch_decode(words, skip_special_tokens=True))


def draw_captions(
    batch: Batch, backgrounds: Sequence[str], rng: np.random.Generator
) -> tuple[Batch, list[str]]:
    """Captions of what can be seen, and the batch without pictures in which nothing can."""
    seen = visible_objects(batch)
    kept = [row for row, objects in enumerate(seen) if objects]
    captions = [image_caption([NAMES[index] for index in seen[row]], rng, backgrounds[row]) for row in kept]
    part = Batch(batch.pixels[kept], batch.labels[kept], batch.objects[kept], batch.indices[kept])
    return part, captions


def named_classes(caption: str) -> set[str]:
    """The sounding classes that a caption names."""
    return {name for name in CLASSES if re.search(rf"\b{name}\b", caption)}


def judge_captions(trainer: Any, pictures: PictureSet, count: int = _VALIDATED) -> dict[str, float]:
    """Figures on validation pictures with greedy captions, and the same on changed pictures (``hard_``).

    ``recall`` is the share of visible sounding objects that are named, ``false`` the number of sounding
    classes per picture that are named but are not there.
    """
    figures: dict[str, float] = {}
    indices = np.arange(min(count, len(pictures)))
    for prefix in ("", "hard_"):
        named, false = [], []
        for part in np.array_split(indices, max(1, len(indices) // 48)):
            rng = np.random.default_rng([_HARD_SEED, int(part[0])])
            batch = augmented_batch(pictures, part, rng) if prefix else plain_batch(pictures, part)
            captions = trainer.write(batch.pixels)
            for position, caption, seen in zip(part, captions, visible_objects(batch), strict=True):
                found = named_classes(caption)
                named += [NAMES[index] in found for index in seen if index < len(CLASSES)]
                false.append(len(found - set(pictures.names(int(position)))))
        figures[f"{prefix}recall"] = float(np.mean(named))
        figures[f"{prefix}false"] = float(np.mean(false))
    return figures


def train_image_captioner(work: Path, out: Path, seed: int = 0, scale: float = 1.0) -> dict[str, Any]:
    """Train BLIP from the segmenter's tower and write ``out/blip``; returns the last figures.

    Args:
        work: folder of caches and checkpoints; the segmenter's training must have left a checkpoint there.
        out: folder of the exported models.
        seed: seed of the weights, the data and the batches.
        scale: factor on the number of steps and pictures.

    Raises:
        FileNotFoundError: if there is no segmenter to start from.
    """
    prepare_pictures(work, seed, scale)
    training, validation = load_pictures(work, "training"), load_pictures(work, "validation")
    tokenizer = make_tokenizer("bert")
    torch.manual_seed(seed)
    captioner = make_captioner(tokenizer)
    sample = plain_batch(training, np.arange(min(64, len(training))))
    copy_tower(_load_tower(work), captioner.vision_model, sample.pixels)
    trainer = CaptionTrainer(captioner, tokenizer)

    def losses(rng: np.random.Generator) -> dict[str, Tensor]:
        batch = augmented_batch(training, np.sort(rng.choice(len(training), BATCH, replace=False)), rng)
        backgrounds = [training.backgrounds[index] for index in batch.indices]
        return trainer.losses(*draw_captions(batch, backgrounds, rng))

    figures = train_loop(
        "blip",
        trainer,
        losses,
        lambda average: judge_captions(average, validation),
        steps=max(2, round(STEPS * scale)),
        lr=LR,
        work_dir=work,
        eval_every=400,
        seed=seed + 2,
        on_checkpoint=lambda average, _: export_captioner(average, out),
    )
    export_captioner(trainer, out)
    return figures


def export_captioner(trainer: Any, out: Path) -> None:
    """Write ``out/blip``."""
    save_model(trainer.captioner, trainer.tokenizer, make_image_processor(), Path(out) / "blip")


def _load_tower(work: Path) -> nn.Module:
    """The picture tower of the segmenter's newest checkpoint, of stage 2 if there is one, else of stage 1."""
    model: Any = make_segmenter(make_tokenizer("clip"))
    tower: nn.Module = model.clip.vision_model
    for stage, prefix in ((STAGE, "clip.vision_model."), (TOWER_STAGE, "tower.")):
        checkpoint = Path(work) / stage / "checkpoint.pt"
        if checkpoint.exists():
            state = torch.load(checkpoint, map_location="cpu", weights_only=True)["average"]
            part = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
            tower.load_state_dict(part)
            return tower
    raise FileNotFoundError(f"no checkpoint of the segmenter in {work}; train the segmenter first")
