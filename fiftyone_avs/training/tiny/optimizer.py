"""How the tiny models learn: the optimiser and its schedule."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

_NOT_HIDDEN = (
    "embed",
    "head",
    "projection",
    "reduces",
    "film",
    "lm_",
    "classifier",
    "predictions",
    "relative_position",
)
"""Parameter names that hold inputs, outputs or tables: they are no hidden matrices and go to AdamW."""


class MixedOptimizer:
    """Muon for the hidden matrices and AdamW for everything else, stepped together.

    Muon (Jordan et al., 2024) orthogonalises the update of a matrix. With ``match_rms_adamw`` its updates
    have the size of AdamW's, so that one learning rate serves both; ``muon_ratio`` scales Muon's share.
    """

    def __init__(
        self,
        named_parameters: Iterable[tuple[str, nn.Parameter]],
        lr: float,
        weight_decay: float = 0.03,
        muon_ratio: float = 1.5,
    ) -> None:
        trained = [(name, parameter) for name, parameter in named_parameters if parameter.requires_grad]
        if not trained:
            raise ValueError("there is no parameter to train")
        hidden = [p for name, p in trained if p.ndim == 2 and not any(word in name for word in _NOT_HIDDEN)]
        hidden_ids = {id(parameter) for parameter in hidden}
        others = [p for _, p in trained if id(p) not in hidden_ids]
        groups = [
            {"params": [p for p in others if p.ndim > 1], "weight_decay": weight_decay},
            {"params": [p for p in others if p.ndim <= 1], "weight_decay": 0.0},
        ]
        groups = [group for group in groups if group["params"]]
        self._lr = lr
        self._parameters = [parameter for _, parameter in trained]
        self._members: list[tuple[str, torch.optim.Optimizer, float]] = []
        if groups:
            adamw = torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.98), foreach=True)
            self._members.append(("adamw", adamw, 1.0))
        if hidden:
            muon = torch.optim.Muon(
                hidden, lr=lr, weight_decay=weight_decay, momentum=0.95, adjust_lr_fn="match_rms_adamw"
            )
            self._members.append(("muon", muon, muon_ratio))

    def step(self, loss: Tensor, factor: float) -> None:
        """Go one step down ``loss`` (a scalar) with ``factor`` (0..1) times the learning rate.

        The norm of the whole gradient is clipped to 1.
        """
        for _, optimizer, ratio in self._members:
            for group in optimizer.param_groups:
                group["lr"] = self._lr * ratio * factor
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
        for _, optimizer, _ in self._members:
            optimizer.step()

    def state_dict(self) -> dict[str, Any]:
        """The states of the member optimisers, by their names."""
        return {name: optimizer.state_dict() for name, optimizer, _ in self._members}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave; raises ``KeyError`` if a member is missing in it."""
        for name, optimizer, _ in self._members:
            optimizer.load_state_dict(state[name])


def cosine(step: int, steps: int, warmup: int) -> float:
    """Factor of the learning rate at ``step`` of ``steps``: linear warm-up, half a cosine down to 0.01."""
    fraction = min(1.0, step / max(1, steps))
    decay = 0.5 * (1.0 + math.cos(math.pi * fraction)) + 0.01
    return min(1.0, (step + 1) / max(1, warmup)) * decay
