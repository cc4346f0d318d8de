"""First stage of the segmenter's training: the picture tower alone, with dense labels as its teacher."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch.nn.functional as F
from torch import Tensor, nn

from fiftyone_avs.tiny.world.vocabulary import NAMES
from fiftyone_avs.training.tiny.common import train_loop
from fiftyone_avs.training.tiny.picture_augment import Batch, augmented_batch, plain_batch
from fiftyone_avs.training.tiny.picture_data import PICTURE_SIZE, PictureSet
from fiftyone_avs.training.tiny.picture_labels import PATCH, class_map, class_shares, presence, to_patches

STAGE = "clipseg-tower"
STEPS = 2000
LR = 1.5e-3

TOWER = {
    "hidden_size": 128,
    "intermediate_size": 320,
    "num_hidden_layers": 5,
    "num_attention_heads": 4,
    "image_size": PICTURE_SIZE,
    "patch_size": PATCH,
    "projection_dim": 96,
    "hidden_act": "gelu",
}
"""The shape of the picture tower, in CLIPSeg and in BLIP, which takes over the former's weights."""

_VALIDATED = 240
_HARD_SEED = 5


class PatchClassifier(nn.Module):
    """The picture tower with the heads of stage 1; for training only."""

    def __init__(self, tower: nn.Module, width: int) -> None:
        super().__init__()
        self.tower: Any = tower
        self.patch_head = nn.Linear(width, len(NAMES) + 1)
        self.shape_head = nn.Linear(width, PATCH * PATCH)
        self.picture_head = nn.Linear(width, len(NAMES))

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits: classes per patch (B, 100, classes + 1), foreground (B, 100, 64), classes (B, classes)."""
        output = self.tower(pixel_values=pixels)
        patches = self.tower.post_layernorm(output.last_hidden_state[:, 1:])
        return self.patch_head(patches), self.shape_head(patches), self.picture_head(output.pooler_output)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Soft cross-entropy per patch, foreground per pixel, and classes per picture."""
        patch_logits, shape_logits, picture_logits = self(batch.pixels)
        classes = to_patches(class_map(batch))
        shares = class_shares(classes)
        patch_loss = -(shares * F.log_softmax(patch_logits, -1)).sum(-1).mean()
        shape_loss = F.binary_cross_entropy_with_logits(shape_logits, (classes > 0).float())
        picture_loss = F.binary_cross_entropy_with_logits(picture_logits, presence(batch))
        return {"patch": patch_loss, "shape": 0.5 * shape_loss, "picture": picture_loss}


def train_tower(
    tower: nn.Module,
    width: int,
    draw: Callable[[np.random.Generator], Batch],
    validation: PictureSet,
    work: Path,
    seed: int,
    scale: float,
) -> dict[str, float]:
    """Train ``tower`` (hidden size ``width``) in place on batches from ``draw``; returns the last figures."""
    classifier = PatchClassifier(tower, width)
    return train_loop(
        STAGE,
        classifier,
        lambda rng: classifier.losses(draw(rng)),
        lambda average: judge_patches(average, validation),
        steps=max(2, round(STEPS * scale)),
        lr=LR,
        work_dir=work,
        eval_every=200,
        seed=seed,
    )


def judge_patches(classifier: Any, pictures: PictureSet) -> dict[str, float]:
    """Share of foreground patches with the right class, on plain and on changed pictures."""
    indices = np.arange(min(_VALIDATED, len(pictures)))
    changed = augmented_batch(pictures, indices, np.random.default_rng(_HARD_SEED))
    figures = {}
    for key, batch in (("accuracy", plain_batch(pictures, indices)), ("hard_accuracy", changed)):
        shares = class_shares(to_patches(class_map(batch)))
        foreground = shares[..., 1:].sum(-1) > 0.5
        guess = classifier(batch.pixels)[0].argmax(-1)
        figures[key] = (guess == shares.argmax(-1))[foreground].float().mean().item()
    return figures
