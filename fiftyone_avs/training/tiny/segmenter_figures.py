"""How good masks and picture-text scores are, measured on validation pictures while training."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fiftyone_avs.tiny.world.language import PHOTO_PROMPT
from fiftyone_avs.tiny.world.vocabulary import CLASSES, NAMES
from fiftyone_avs.training.tiny.picture_augment import Batch, augmented_batch, plain_batch
from fiftyone_avs.training.tiny.picture_data import PictureSet
from fiftyone_avs.training.tiny.picture_labels import presence, visible_objects
from fiftyone_avs.training.tiny.segmenter_network import TinySegmenter

_VALIDATED = 240
_HARD_SEED = 5


def top_share_iou(logits: Tensor, masks: Tensor) -> Tensor:
    """IoU (N) of the highest pixels, as many as the true mask has."""
    flat, truth = logits.flatten(1), masks.flatten(1) > 0.5
    area = truth.sum(1)
    ordered = flat.sort(1, descending=True).values
    threshold = ordered.gather(1, (area - 1).clamp(min=0)[:, None])
    chosen = flat >= threshold
    return (chosen & truth).sum(1) / (chosen | truth).sum(1).clamp(min=1)


def answer_all(
    segmenter: TinySegmenter, batch: Batch, embedded: Tensor
) -> tuple[list[tuple[int, int]], Tensor, Tensor]:
    """Masks for the true name of every sounding object that can be seen.

    Args:
        segmenter: the model.
        batch: B pictures.
        embedded: text embeddings of all classes.

    Returns:
        Position in the batch and class index of each of the N objects; their mask logits and their true
        masks, both float32 (N, 80, 80).
    """
    asked = [
        (row, index, label)
        for row, seen in enumerate(visible_objects(batch))
        for index, label in seen.items()
        if index < len(CLASSES)
    ]
    rows = torch.tensor([row for row, _, _ in asked], dtype=torch.long)
    labels = torch.tensor([label for _, _, label in asked], dtype=torch.long)
    _, states = segmenter.embed_pictures(batch.pixels)
    logits = segmenter.decode(states, rows, embedded[[index for _, index, _ in asked]])
    masks = (batch.labels[rows] == labels[:, None, None]).float()
    return [(row, index) for row, index, _ in asked], logits, masks


def judge_masks(segmenter: TinySegmenter, pictures: PictureSet, count: int = _VALIDATED) -> dict[str, float]:
    """Figures on the first ``count`` validation pictures.

    Keys: ``miou`` and ``ciou`` (top-share), ``threshold_iou`` (logits above 0), ``hard_miou`` (top-share on
    augmented pictures, the stand-in for styles never seen), and those of `judge_scores`.
    """
    parts = np.array_split(np.arange(min(count, len(pictures))), max(1, count // 48))
    embedded = segmenter.embed_texts([PHOTO_PROMPT.format(name) for name in NAMES])
    overlaps, thresholded, hard = [], [], []
    for part in parts:
        _, logits, masks = answer_all(segmenter, plain_batch(pictures, part), embedded)
        overlaps.append(top_share_iou(logits, masks))
        thresholded.append(_iou(logits > 0, masks > 0.5))
        changed = augmented_batch(pictures, part, np.random.default_rng([_HARD_SEED, int(part[0])]))
        _, logits, masks = answer_all(segmenter, changed, embedded)
        hard.append(top_share_iou(logits, masks))
    iou = torch.cat(overlaps)
    return {
        "miou": iou.mean().item(),
        "ciou": (iou >= 0.5).float().mean().item(),
        "threshold_iou": torch.cat(thresholded).mean().item(),
        "hard_miou": torch.cat(hard).mean().item(),
        **judge_scores(segmenter, pictures, parts, embedded),
    }


def judge_scores(
    segmenter: TinySegmenter, pictures: PictureSet, parts: list[np.ndarray], embedded: Tensor
) -> dict[str, float]:
    """How well picture-text cosines part the classes that are shown from those that are not.

    Keys: ``present_cosine`` and ``absent_cosine`` (means), ``rank`` (share of shown objects whose text beats
    the texts of all absent classes).
    """
    texts = F.normalize(embedded, dim=-1)
    cosines, shown = [], []
    for part in parts:
        batch = plain_batch(pictures, part)
        cosines.append(F.normalize(segmenter.embed_pictures(batch.pixels)[0], dim=-1) @ texts.T)
        shown.append(presence(batch) > 0)
    cosine, present = torch.cat(cosines), torch.cat(shown)
    rival = cosine.masked_fill(present, -1).max(1, keepdim=True).values
    return {
        "present_cosine": cosine[present].mean().item(),
        "absent_cosine": cosine[~present].mean().item(),
        "rank": (cosine > rival)[present].float().mean().item(),
    }


def _iou(predicted: Tensor, truth: Tensor) -> Tensor:
    return (predicted & truth).sum((1, 2)) / (predicted | truth).sum((1, 2)).clamp(min=1)
