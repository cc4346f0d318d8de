"""The audio classifier of the paper: BEATs, fine-tuned on AudioSet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from fiftyone_avs.errors import ModelError
from fiftyone_avs.models import Models
from fiftyone_avs.models.audioset import display_names
from fiftyone_avs.models.cards import Card
from fiftyone_avs.models.hearing import waves_of
from fiftyone_avs.models.loading import load_checkpoint, to_device
from fiftyone_avs.types import Candidate, Sound

SHORTEST = 2800
"""Samples of one patch (16 frames of 10 ms, the last one 25 ms long); shorter sounds get silence behind them."""


class BeatsClassifier:
    """BEATs with AudioSet's display names.

    Args:
        network: BEATs with a class layer.
        names: the display name of each class, in the network's order.
        top: how many of the best classes are returned.
    """

    def __init__(self, network: Any, names: Sequence[str], *, top: int = 10) -> None:
        self.network = network
        self.names = names
        self.top = top

    @classmethod
    def load(cls, card: Card, models: Models) -> BeatsClassifier:
        """Load the official checkpoint, which brings its configuration and the order of its classes.

        Raises:
            ModelError: if a class of the checkpoint is not one of AudioSet's.
        """
        network, extras = load_checkpoint(card, models.device)
        return cls(network, class_names(card, extras["label_dict"]), **card.options)

    @torch.inference_mode()
    def classify(self, sounds: Sequence[Sound]) -> list[tuple[Candidate, ...]]:
        """The best classes of each sound with their probabilities in [0, 1], best first.

        Sounds of one length go through the network together, so that none is padded to another's length.
        """
        waves = waves_of(sounds, self.network.sample_rate, self.network.seconds, shortest=SHORTEST)
        lengths = [len(wave) for wave in waves]
        found: dict[int, tuple[Candidate, ...]] = {}
        for length in dict.fromkeys(lengths):
            places = [index for index, other in enumerate(lengths) if other == length]
            batch = torch.stack([waves[index] for index in places])
            scores = self.network.classify(to_device(batch, next(self.network.parameters()).device))
            found |= dict(zip(places, self._best(scores), strict=True))
        return [found[index] for index in range(len(sounds))]

    def _best(self, scores: torch.Tensor) -> list[tuple[Candidate, ...]]:
        best = scores.topk(min(self.top, scores.shape[-1]), dim=-1)
        return [
            tuple(Candidate(self.names[index], score) for index, score in zip(indices, values, strict=True))
            for indices, values in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ]


def class_names(card: Card, labels: Mapping[Any, str]) -> list[str]:
    """Display names in the order of a checkpoint's ``label_dict``, index -> AudioSet id.

    That order is not the one of AudioSet's own list.
    """
    by_index = {int(index): mid for index, mid in labels.items()}
    known = display_names()
    strange = [mid for mid in by_index.values() if mid not in known]
    if strange or sorted(by_index) != list(range(len(by_index))):
        raise ModelError(
            f"{card.name}: the class list in the checkpoint is not AudioSet's"
            + (f": it has {', '.join(map(str, strange[:3]))}" if strange else "")
        )
    return [known[by_index[index]] for index in range(len(by_index))]
