"""The optimisation of a bridge's head on embeddings that are there already."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

import torch
from torch.nn.functional import cross_entropy, normalize
from tqdm import tqdm

from fiftyone_avs.models.bridge import BridgeHead
from fiftyone_avs.training.retrieval import recall_at

DIRECTION_WEIGHT = 2.0
"""How much it counts that a sound lands near its caption, beside that it finds it among others."""


@dataclass(frozen=True)
class Pairs:
    """Sounds and captions that belong together.

    Attributes:
        sounds: float32 audio embeddings, shape (S, D).
        texts: float32 text embeddings, shape (T, P).
        sound_of: the sound of each pair, int64, shape (N,).
        text_of: the caption of each pair, int64, shape (N,).
    """

    sounds: torch.Tensor
    texts: torch.Tensor
    sound_of: torch.Tensor
    text_of: torch.Tensor

    def of_sounds(self, chosen: torch.Tensor) -> Pairs:
        """The pairs of the chosen sounds (int64 indices)."""
        kept = torch.isin(self.sound_of, chosen)
        return Pairs(self.sounds, self.texts, self.sound_of[kept], self.text_of[kept])


@dataclass(frozen=True)
class FitPlan:
    """How a head is fitted.

    Attributes:
        epochs: passes over the pairs at most.
        patience: passes without a better held-out score after which it ends.
        batch_size: pairs per step.
        learning_rate: AdamW's.
        hidden: width of the head's hidden layer.
        seed: of the head's first weights and the order of the pairs.
    """

    epochs: int = 100
    patience: int = 10
    batch_size: int = 256
    learning_rate: float = 1e-3
    hidden: int = 1024
    seed: int = 0


@dataclass
class History:
    """What happened, epoch by epoch: the mean loss, and the validation score it is stopped by."""

    loss: list[float] = field(default_factory=list)
    score: list[float] = field(default_factory=list)

    @property
    def best(self) -> int:
        """The epoch whose head was kept, counted from 1."""
        return self.score.index(max(self.score)) + 1


def fit_head(
    train: Pairs, validation: Pairs, plan: FitPlan, device: str, progress: bool
) -> tuple[BridgeHead, History]:
    """Fit a head and keep the one that did best on the validation pairs."""
    generator = torch.Generator().manual_seed(plan.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        head = BridgeHead(train.sounds.shape[1], train.texts.shape[1], plan.hidden).to(device)
    scale = torch.nn.Parameter(torch.tensor(3.0, device=device))
    optimizer = torch.optim.AdamW([*head.parameters(), scale], lr=plan.learning_rate, weight_decay=0.01)
    history = History()
    best = copy.deepcopy(head.state_dict())
    with tqdm(total=plan.epochs, desc="bridge", unit="epoch", disable=not progress) as bar:
        for _ in range(plan.epochs):
            history.loss.append(_epoch(head, scale, optimizer, train, plan.batch_size, generator))
            history.score.append(_validate(head, validation))
            if history.best == len(history.score):
                best = copy.deepcopy(head.state_dict())
            bar.set_postfix(loss=f"{history.loss[-1]:.3f}", score=f"{history.score[-1]:.3f}", refresh=False)
            bar.update()
            if len(history.score) - history.best >= plan.patience:
                break
    head.load_state_dict(best)
    return head.eval().requires_grad_(False), history


def retrieval_scores(head: BridgeHead, pairs: Pairs) -> dict[str, float]:
    """R@1/5/10 of the pairs, from sound to text and back, what R@1 chance has, and the mean cosine of pairs."""
    sounds, texts = pairs.sound_of.unique(), pairs.text_of.unique()
    similarity = _similarity(head, pairs, sounds, texts)
    relevant = torch.zeros(similarity.shape, dtype=torch.bool)
    relevant[torch.searchsorted(sounds, pairs.sound_of), torch.searchsorted(texts, pairs.text_of)] = True
    scores = {f"audio to text {name}": value for name, value in recall_at(similarity, relevant).items()}
    scores |= {f"text to audio {name}": value for name, value in recall_at(similarity.T, relevant.T).items()}
    chance = float(relevant.float().mean())  # captions that several sounds share make it more than one in n
    return {**scores, "chance R@1": chance, "cosine": float(similarity[relevant].mean())}


def _epoch(
    head: BridgeHead,
    scale: torch.nn.Parameter,
    optimizer: torch.optim.Optimizer,
    pairs: Pairs,
    batch_size: int,
    generator: torch.Generator,
) -> float:
    head.train()
    losses = []
    for batch in torch.randperm(len(pairs.sound_of), generator=generator).split(batch_size):
        loss = _loss(head, scale, pairs, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return sum(losses) / len(losses)


def _loss(head: BridgeHead, scale: torch.Tensor, pairs: Pairs, batch: torch.Tensor) -> torch.Tensor:
    """Contrast both ways, with all that belong together shared equally, and the distance to one's caption."""
    sound_of, text_of = pairs.sound_of[batch], pairs.text_of[batch]
    heard = head(pairs.sounds[sound_of].to(scale.device))
    read = normalize(pairs.texts[text_of].to(scale.device), dim=-1)
    cosines = heard @ read.T
    together = (sound_of[:, None] == sound_of[None]) | (text_of[:, None] == text_of[None])
    target = (together / together.sum(1, keepdim=True)).to(scale.device)
    logits = scale.exp().clamp(max=100.0) * cosines
    contrast = (cross_entropy(logits, target) + cross_entropy(logits.T, target)) / 2
    loss: torch.Tensor = contrast + DIRECTION_WEIGHT * (1 - cosines.diagonal()).mean()
    return loss


def _validate(head: BridgeHead, pairs: Pairs) -> float:
    """The mean of all six recalls, and a little of the cosine, which inversion aims by."""
    scores = retrieval_scores(head, pairs)
    recalls = [score for name, score in scores.items() if " to " in name]
    return sum(recalls) / len(recalls) + 0.1 * scores["cosine"]


@torch.no_grad()
def _similarity(head: BridgeHead, pairs: Pairs, sounds: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
    head.eval()
    device = next(head.parameters()).device
    heard: torch.Tensor = head(pairs.sounds[sounds].to(device)).cpu()
    return heard @ normalize(pairs.texts[texts], dim=-1).T
