"""What the exported models can do on what they were not trained on, as one JSON file.

The figures of single models come from the validation set: new drawings in the styles of training, new sounds
from its generators. The figures of the strategies come from held-out scenes, half of them in styles kept out
of training; see `strategy_report`. No choice in training leans on those.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from transformers import (
    AutoTokenizer,
    BlipForConditionalGeneration,
    CLIPModel,
    CLIPSegForImageSegmentation,
)

from fiftyone_avs.tiny.world.language import PHOTO_PROMPT
from fiftyone_avs.tiny.world.vocabulary import CLASSES, NAMES
from fiftyone_avs.training.tiny.common import read_done, write_atomically
from fiftyone_avs.training.tiny.image_captioner import MAX_CAPTION_TOKENS, named_classes
from fiftyone_avs.training.tiny.picture_augment import plain_batch
from fiftyone_avs.training.tiny.picture_data import PictureSet, load_pictures
from fiftyone_avs.training.tiny.picture_labels import presence, visible_objects
from fiftyone_avs.training.tiny.segmenter_figures import answer_all, top_share_iou
from fiftyone_avs.training.tiny.segmenter_network import TinySegmenter
from fiftyone_avs.training.tiny.strategy_report import report_strategies

HEARING = ("ast", "clap", "whisper", "bridge", "nouns")
"""Trainings that measured themselves on held-out sounds and sentences."""

_PART = 48


def write_report(work: Path, out: Path, seed: int = 0, scale: float = 1.0) -> dict[str, Any]:
    """Measure the models in ``out`` and write ``out/report.json``.

    Args:
        work: folder of caches and checkpoints.
        out: folder of the exported models.
        seed: noted in the report.
        scale: noted in the report; below 1, the share of the scenes that the strategies are tried on.

    Returns:
        The report. Shares and IoUs are in 0..1.
    """
    pictures = load_pictures(Path(work), "validation")
    with torch.no_grad():
        report: dict[str, Any] = {
            "seed": seed,
            "scale": scale,
            "pictures": len(pictures),
            "masks": report_masks(Path(out) / "clipseg", pictures),
            "picture_text": report_scores(Path(out) / "clip", pictures),
            "captions": report_captions(Path(out) / "blip", pictures),
            "sounds": {name: _own_report(Path(work) / name) for name in HEARING},
            "strategies": report_strategies(Path(out), scale),
        }
    finished = {path.parent.name: read_done(path.parent) for path in sorted(Path(work).glob("*/done"))}
    report["trainings"] = finished
    write_atomically(
        Path(out) / "report.json", lambda path: path.write_text(json.dumps(report, indent=2) + "\n")
    )
    return report


def _own_report(folder: Path) -> Any:
    """What a training wrote about itself, or None if it was not run."""
    path = folder / "report.json"
    return json.loads(path.read_text()) if path.exists() else None


def report_masks(folder: Path, pictures: PictureSet) -> dict[str, Any]:
    """Top-share IoU of the mask for each sounding object, given its true name: by class and by style."""
    model = CLIPSegForImageSegmentation.from_pretrained(folder, dtype=torch.float32).eval()
    segmenter = TinySegmenter(model, AutoTokenizer.from_pretrained(folder))
    embedded = segmenter.embed_texts([PHOTO_PROMPT.format(name) for name in NAMES])
    by_class: dict[str, list[float]] = {name: [] for name in CLASSES}
    by_style: dict[str, list[float]] = {}
    for part in _parts(pictures):
        asked, logits, masks = answer_all(segmenter, plain_batch(pictures, part), embedded)
        for (row, index), overlap in zip(asked, top_share_iou(logits, masks).tolist(), strict=True):
            by_class[NAMES[index]].append(overlap)
            by_style.setdefault(pictures.styles[int(part[row])], []).append(overlap)
    overlaps = [overlap for values in by_class.values() for overlap in values]
    return {
        "miou": _mean(overlaps),
        "ciou": _mean([overlap >= 0.5 for overlap in overlaps]),
        "miou_by_class": {name: _mean(values) for name, values in by_class.items()},
        "miou_by_style": {style: _mean(values) for style, values in sorted(by_style.items())},
    }


def report_scores(folder: Path, pictures: PictureSet) -> dict[str, float]:
    """How well picture-text cosines part shown classes from absent ones.

    ``rank`` is the share of shown objects that beat every absent class.
    """
    model = CLIPModel.from_pretrained(folder, dtype=torch.float32).eval()
    tokens = AutoTokenizer.from_pretrained(folder)(
        [PHOTO_PROMPT.format(name) for name in NAMES], padding=True, return_tensors="pt"
    )
    cosines, shown = [], []
    for part in _parts(pictures):
        batch = plain_batch(pictures, part)
        output = model(pixel_values=batch.pixels, **_clip_inputs(tokens))
        cosines.append(F.normalize(output.image_embeds, dim=-1) @ F.normalize(output.text_embeds, dim=-1).T)
        shown.append(presence(batch) > 0)
    cosine, present = torch.cat(cosines), torch.cat(shown)
    rival = cosine.masked_fill(present, -1).max(1, keepdim=True).values
    return {
        "rank": (cosine > rival)[present].float().mean().item(),
        "present_cosine": cosine[present].mean().item(),
        "absent_cosine": cosine[~present].mean().item(),
    }


def report_captions(folder: Path, pictures: PictureSet) -> dict[str, Any]:
    """Share of sounding objects that greedy captions name, by style, and false names per picture."""
    model = BlipForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    by_style: dict[str, list[float]] = {}
    false = []
    for part in _parts(pictures):
        batch = plain_batch(pictures, part)
        words = model.generate(pixel_values=batch.pixels, max_new_tokens=MAX_CAPTION_TOKENS)
        captions = tokenizer.batch_decode(words, skip_special_tokens=True)
        for position, caption, seen in zip(part, captions, visible_objects(batch), strict=True):
            found = named_classes(caption)
            hits = by_style.setdefault(pictures.styles[int(position)], [])
            hits += [float(NAMES[index] in found) for index in seen if index < len(CLASSES)]
            false.append(len(found - set(pictures.names(int(position)))))
    return {
        "recall": _mean([hit for hits in by_style.values() for hit in hits]),
        "recall_by_style": {style: _mean(hits) for style, hits in sorted(by_style.items())},
        "false_per_picture": _mean(false),
    }


def _clip_inputs(tokens: Any) -> dict[str, torch.Tensor]:
    return {"input_ids": tokens.input_ids, "attention_mask": tokens.attention_mask}


def _parts(pictures: PictureSet) -> list[np.ndarray]:
    return np.array_split(np.arange(len(pictures)), max(1, len(pictures) // _PART))


def _mean(values: Any) -> float | None:
    """The mean, or None of nothing: JSON knows no NaN."""
    return round(float(np.mean(values)), 4) if len(values) else None
