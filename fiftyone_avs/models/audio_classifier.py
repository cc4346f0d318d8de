"""Audio classifiers: AST and every other audio classification model of transformers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch

from fiftyone_avs.models import Models
from fiftyone_avs.models.audioset import display_names
from fiftyone_avs.models.cards import Card
from fiftyone_avs.models.hearing import Ear
from fiftyone_avs.models.loading import load_network, load_pretrained, to_device
from fiftyone_avs.types import Candidate, Sound

FRAME_SECONDS = 0.01
"""AST's filter bank has one frame per 10 ms."""


class TransformersAudioClassifier:
    """An audio classification network with class names.

    Args:
        network: the network.
        ear: its feature extractor.
        top: so many classes are returned per sound, best first.
        multi_label: whether several classes can be right for a sound, so that scores are sigmoids, else a softmax.
            None goes by the checkpoint's ``problem_type``. Where it has none, several can be right if the classes
            are AudioSet's: the hub's AudioSet checkpoints do not say so.
    """

    compiled: ClassVar[tuple[str, ...]] = ("network",)

    def __init__(self, network: Any, ear: Ear, *, top: int = 10, multi_label: bool | None = None) -> None:
        self.network = network
        self.ear = ear
        self.top = top
        self.multi_label = _is_multi_label(network.config) if multi_label is None else multi_label

    @classmethod
    def load(cls, card: Card, models: Models) -> TransformersAudioClassifier:
        """Load the network and its feature extractor."""
        from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

        network = load_network(AutoModelForAudioClassification, card, models.device)
        extractor = load_pretrained(AutoFeatureExtractor, card)
        return cls(network, Ear(extractor, extractor.max_length * FRAME_SECONDS), **card.options)

    @torch.inference_mode()
    def classify(self, sounds: Sequence[Sound]) -> list[tuple[Candidate, ...]]:
        """The best classes of each sound with their probabilities in [0, 1], best first."""
        features = {name: to_device(value, self.network.device) for name, value in self.ear(sounds).items()}
        logits = self.network(**features).logits.float()
        scores = logits.sigmoid() if self.multi_label else logits.softmax(-1)
        best = scores.topk(min(self.top, scores.shape[-1]), dim=-1)
        names = self.network.config.id2label
        return [
            tuple(Candidate(names[index], score) for index, score in zip(indices, values, strict=True))
            for indices, values in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ]


def _is_multi_label(config: Any) -> bool:
    if config.problem_type is not None:
        return bool(config.problem_type == "multi_label_classification")
    audioset = set(display_names().values())
    return len(audioset.intersection(config.id2label.values())) > 0.9 * len(audioset)
