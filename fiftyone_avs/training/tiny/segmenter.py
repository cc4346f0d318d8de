"""Training of the segmenter (CLIPSeg) and, with it, of the image-text scorer (CLIP) that it contains.

CLIPSeg (Lüddecke & Ecker, CVPR 2022) decodes a mask from a CLIP picture tower and a text. From nothing, and
with the mask loss alone, such a small network stays at "predict nothing" for long. So there are two stages:

1. The picture tower alone learns which class each patch shows (dense labels are a strong teacher), which
   pixels are foreground, and which classes are in the picture. The heads for that are thrown away.
2. Everything learns together: masks for texts, picture-text contrast, and patch-text contrast.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import (
    CLIPConfig,
    CLIPModel,
    PreTrainedTokenizerBase,
)

from fiftyone_avs.tiny.world.language import PHOTO_PROMPT, PLACE_PHRASES, place_prompt, referring_expression
from fiftyone_avs.tiny.world.vocabulary import INDEX, NAMES, PARTNER
from fiftyone_avs.training.tiny.common import save_model, train_loop
from fiftyone_avs.training.tiny.picture_augment import Batch, augmented_batch
from fiftyone_avs.training.tiny.picture_data import (
    load_pictures,
    make_image_processor,
    prepare_pictures,
)
from fiftyone_avs.training.tiny.picture_labels import (
    class_map,
    class_shares,
    presence,
    to_patches,
    visible_objects,
)
from fiftyone_avs.training.tiny.picture_tower import train_tower
from fiftyone_avs.training.tiny.segmenter_figures import judge_masks
from fiftyone_avs.training.tiny.segmenter_network import TinySegmenter, make_segmenter
from fiftyone_avs.training.tiny.stem import initialise_stem
from fiftyone_avs.training.tiny.tokenizers import make_tokenizer

STAGE = "clipseg"
STEPS = 5000
BATCH = 48
LR = 1.2e-3
PROMPTS_PER_PICTURE = 2
ABSENT_SHARE = 0.1
MAX_LOGIT_SCALE = 3.4
"""The contrast's logits are at most exp(3.4) = 30 times a cosine: a softmax over them stays meaningful."""


def segmenter_losses(segmenter: TinySegmenter, batch: Batch, rng: np.random.Generator) -> dict[str, Tensor]:
    """The losses of stage 2."""
    texts, rows, masks = draw_prompts(batch, rng)
    names = [referring_expression_for(index, {index}, rng) for index in range(len(NAMES))]
    places = [place_prompt(phrase, rng) for phrase in PLACE_PHRASES]
    embedded = segmenter.embed_texts([*texts, *names, *places])
    pictures, states = segmenter.embed_pictures(batch.pixels)
    logits = segmenter.decode(states, rows, embedded[: len(texts)])
    contrast = F.normalize(embedded[len(texts) :], dim=-1)
    patches = segmenter.model.clip.vision_model.post_layernorm(states[-1][:, 1:])
    patches = F.normalize(segmenter.model.clip.visual_projection(patches), dim=-1)
    scale = segmenter.model.clip.logit_scale.clamp(max=MAX_LOGIT_SCALE).exp()
    return {
        **mask_losses(logits, masks),
        **contrast_losses(F.normalize(pictures, dim=-1) @ contrast.T, presence(batch), scale),
        "patch_text": 0.3 * patch_text_loss(patches, contrast[: len(NAMES)], batch),
    }


def referring_expression_for(index: int, seen: set[int], rng: np.random.Generator) -> str:
    """A text for class ``index`` that names no other class in ``seen``."""
    name = NAMES[index]
    partner = PARTNER.get(name)
    for _ in range(8):
        text = referring_expression(name, rng)
        if name in text and (partner is None or partner not in text or INDEX[partner] not in seen):
            return text
    return PHOTO_PROMPT.format(name)


def draw_prompts(batch: Batch, rng: np.random.Generator) -> tuple[list[str], Tensor, Tensor]:
    """Texts with their pictures and masks: two for each picture, now and then of a class that is not there.

    Returns:
        The N texts, the index of each one's picture (N), and the masks, float32 (N, 80, 80).
    """
    texts: list[str] = []
    rows: list[int] = []
    wanted: list[int] = []
    for row, seen in enumerate(visible_objects(batch)):
        listed = {value - 1 for value in batch.objects[row].tolist() if value > 0}
        absent = [index for index in range(len(NAMES)) if index not in listed]
        present = list(rng.permutation(list(seen))) if seen else []
        for turn in range(PROMPTS_PER_PICTURE):
            if present and not (turn > 0 and rng.random() < ABSENT_SHARE * PROMPTS_PER_PICTURE):
                index = int(present[turn % len(present)])
                wanted.append(seen[index])
            else:
                index = int(rng.choice(absent))
                wanted.append(-1)
            texts.append(referring_expression_for(index, listed, rng))
            rows.append(row)
    masks = batch.labels[rows] == torch.tensor(wanted)[:, None, None]
    return texts, torch.tensor(rows), masks.float()


def mask_losses(logits: Tensor, masks: Tensor) -> dict[str, Tensor]:
    """Cross-entropy per pixel, and Dice where there is something to find.

    Dice on empty masks would pay the model for predicting nothing.
    """
    entropy = F.binary_cross_entropy_with_logits(logits, masks)
    soft = logits.sigmoid()
    area = masks.sum((1, 2))
    dice = 1 - (2 * (soft * masks).sum((1, 2)) + 1) / (soft.sum((1, 2)) + area + 1)
    present = (area > 0).float()
    return {"mask": 2 * entropy, "dice": (dice * present).sum() / present.sum().clamp(min=1)}


def contrast_losses(cosines: Tensor, target: Tensor, scale: Tensor) -> dict[str, Tensor]:
    """Pull pictures to the texts of what they show and push them from all other texts.

    Args:
        cosines: (B, classes + places).
        target: which classes are shown, (B, classes). Places are shown by no picture.
        scale: CLIP's logit scale.
    """
    target = F.pad(target, (0, cosines.shape[1] - target.shape[1]))
    shares = target / target.sum(1, keepdim=True).clamp(min=1)
    ranking = -(shares * F.log_softmax(scale * cosines, -1)).sum(-1).mean()
    # An absolute measure beside the ranking: what is shown lies above a cosine of 0.4, what is not, below.
    margin = F.binary_cross_entropy_with_logits(12 * (cosines - 0.4), target)
    return {"contrast": 0.3 * ranking, "margin": margin}


def patch_text_loss(patches: Tensor, texts: Tensor, batch: Batch) -> Tensor:
    """Each patch that mostly shows one object should be nearest to that object's text."""
    shares = class_shares(to_patches(class_map(batch)))[..., 1:]
    chosen = shares.sum(-1) > 0.4
    logits = 15 * patches[chosen] @ texts.T
    return F.cross_entropy(logits, shares[chosen].argmax(-1))


def train_segmenter(work: Path, out: Path, seed: int = 0, scale: float = 1.0) -> dict[str, Any]:
    """Train both stages and write ``out/clipseg`` and ``out/clip``; returns the last figures of stage 2.

    Args:
        work: folder of caches and checkpoints; a killed training continues from there.
        out: folder of the exported models; they are refreshed at every checkpoint.
        seed: seed of the weights, the data and the batches.
        scale: factor on the number of steps and pictures.
    """
    prepare_pictures(work, seed, scale)
    training, validation = load_pictures(work, "training"), load_pictures(work, "validation")
    tokenizer = make_tokenizer("clip")
    torch.manual_seed(seed)
    model = make_segmenter(tokenizer)
    tower = model.clip.vision_model
    sample = np.sort(
        np.random.default_rng(seed).choice(len(training), min(1000, len(training)), replace=False)
    )
    initialise_stem(tower.embeddings, training.pixels[sample])

    def draw(rng: np.random.Generator) -> Batch:
        return augmented_batch(training, np.sort(rng.choice(len(training), BATCH, replace=False)), rng)

    train_tower(tower, model.config.vision_config.hidden_size, draw, validation, work, seed, scale)
    model.train()
    segmenter = TinySegmenter(model, tokenizer)
    figures = train_loop(
        STAGE,
        model,
        lambda rng: segmenter_losses(segmenter, draw(rng), rng),
        lambda average: judge_masks(TinySegmenter(average, tokenizer), validation),
        steps=max(2, round(STEPS * scale)),
        lr=LR,
        work_dir=work,
        eval_every=300,
        seed=seed + 1,
        on_checkpoint=lambda average, _: export_segmenter(average, tokenizer, out),
    )
    export_segmenter(model, tokenizer, out)
    return figures


def export_segmenter(model: Any, tokenizer: PreTrainedTokenizerBase, out: Path) -> None:
    """Write ``out/clipseg`` and, with the very same CLIP weights, ``out/clip``."""
    processor = make_image_processor()
    save_model(model, tokenizer, processor, Path(out) / "clipseg")
    text, vision = model.config.text_config.to_dict(), model.config.vision_config.to_dict()
    clip = CLIPModel(
        CLIPConfig(text_config=text, vision_config=vision, projection_dim=model.config.projection_dim)
    )
    clip.load_state_dict(model.clip.state_dict())
    with torch.no_grad():
        clip.logit_scale.clamp_(max=MAX_LOGIT_SCALE)
    save_model(clip, tokenizer, processor, Path(out) / "clip")
