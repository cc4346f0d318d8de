"""A CLIP text encoder that can be entered past its embedding layer, for text inversion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch


class ClipTextTower:
    """The text encoder of a CLIP-like model, for texts and for token embeddings.

    Args:
        text_model: transformers' CLIP text model (it owns ``embeddings.token_embedding``).
        projection: the layer from the text model's pooled output to the shared space.
        tokenizer: the model's tokenizer.
    """

    def __init__(self, text_model: Any, projection: torch.nn.Module, tokenizer: Any) -> None:
        self.text_model = text_model
        self.projection = projection
        self.tokenizer = tokenizer

    @property
    def table(self) -> torch.Tensor:
        """The token embeddings of the vocabulary, float32, shape (V, D)."""
        weight: torch.Tensor = self.text_model.embeddings.token_embedding.weight
        return weight

    @property
    def device(self) -> torch.device:
        """Where the encoder runs."""
        return self.table.device

    def encode(self, texts: Sequence[str]) -> torch.Tensor:
        """Text embeddings, float32, shape (B, P). Texts longer than the encoder's context are cut."""
        limit = self.text_model.embeddings.position_embedding.num_embeddings
        tokens = self.tokenizer(
            list(texts), padding=True, truncation=True, max_length=limit, return_tensors="pt"
        ).to(self.device)
        return self._pool(tokens.input_ids, tokens.attention_mask)

    def encode_tokens(self, vectors: torch.Tensor) -> torch.Tensor:
        """Embeddings of token vectors that stand between the start and the end token.

        The vectors take the place of what the embedding layer would return; positions, attention and
        pooling are the encoder's own. Gradients flow to the vectors.

        Args:
            vectors: float32, shape (B, K, D).

        Returns:
            float32, shape (B, P).
        """
        batch, count, _ = vectors.shape
        start, end = self.tokenizer.bos_token_id, self.tokenizer.eos_token_id
        row = torch.tensor([start, *[self._filler] * count, end], device=self.device)
        ids = row.expand(batch, -1)

        def inject(_module: torch.nn.Module, _inputs: Any, output: torch.Tensor) -> torch.Tensor:
            return torch.cat([output[:, :1], vectors, output[:, -1:]], dim=1)

        hook = self.text_model.embeddings.token_embedding.register_forward_hook(inject)
        try:
            return self._pool(ids, torch.ones_like(ids))
        finally:
            hook.remove()

    def nearest_words(self, vectors: npt.NDArray[np.float32]) -> tuple[str, ...]:
        """The vocabulary word with the highest cosine similarity to each of (K, D) token vectors."""
        table = torch.nn.functional.normalize(self.table.detach(), dim=-1)
        wanted = torch.nn.functional.normalize(torch.as_tensor(vectors, device=self.device), dim=-1)
        similarity = wanted @ table.T
        similarity[:, self.tokenizer.all_special_ids] = -2
        return tuple(self.tokenizer.decode([index]).strip() for index in similarity.argmax(-1).tolist())

    @property
    def _filler(self) -> int:
        """An ordinary token: its embedding is replaced, but pooling must not take it for the end."""
        special = set(self.tokenizer.all_special_ids)
        return next(index for index in range(len(self.tokenizer)) if index not in special)

    def _pool(self, ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        pooled = self.text_model(input_ids=ids, attention_mask=attention_mask).pooler_output
        projected: torch.Tensor = self.projection(pooled)
        return projected
