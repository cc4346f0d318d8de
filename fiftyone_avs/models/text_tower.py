"""A segmenter's text encoder, which can be entered past its embedding layer, for text inversion."""

from __future__ import annotations

import html
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch


class TextTower(ABC):
    """The text encoder of a CLIP-like model, for texts and for token embeddings.

    Args:
        tokenizer: the model's tokenizer.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    @property
    @abstractmethod
    def table(self) -> torch.Tensor:
        """The token embeddings of the vocabulary, float32, shape (V, D)."""

    @abstractmethod
    def encode(self, texts: Sequence[str]) -> torch.Tensor:
        """Text embeddings, float32, shape (B, P). Texts longer than the encoder's context are cut."""

    @abstractmethod
    def encode_tokens(self, vectors: torch.Tensor) -> torch.Tensor:
        """Embeddings of token vectors that stand between the start and the end token.

        The vectors take the place of what the embedding layer would return; positions, attention and
        pooling are the encoder's own. Gradients flow to the vectors.

        Args:
            vectors: float32, shape (B, K, D).

        Returns:
            float32, shape (B, P).
        """

    @property
    def device(self) -> torch.device:
        """Where the encoder runs."""
        return self.table.device

    def nearest_words(self, vectors: npt.NDArray[np.float32]) -> tuple[str, ...]:
        """The vocabulary word with the highest cosine similarity to each of (K, D) token vectors."""
        table = torch.nn.functional.normalize(self.table.detach(), dim=-1)
        wanted = torch.nn.functional.normalize(torch.as_tensor(vectors, device=self.device), dim=-1)
        similarity = wanted @ table.T
        similarity[:, self.tokenizer.all_special_ids] = -2
        return tuple(self.tokenizer.decode([index]).strip() for index in similarity.argmax(-1).tolist())

    @property
    def _filler(self) -> int:
        """An ordinary token: its embedding is replaced, but its id must not mark the end or padding (0)."""
        special = {0, *self.tokenizer.all_special_ids}
        return next(index for index in range(len(self.tokenizer)) if index not in special)

    def _frame(self, batch: int, count: int) -> torch.Tensor:
        """Ids of the start token, ``count`` fillers and the end token, int64, shape (B, count + 2)."""
        start, end = self.tokenizer.bos_token_id, self.tokenizer.eos_token_id
        row = torch.tensor([start, *[self._filler] * count, end], device=self.device)
        return row.expand(batch, -1)


class ClipTextTower(TextTower):
    """The text side of a CLIP model of transformers.

    Args:
        text_model: transformers' CLIP text model (it owns ``embeddings.token_embedding``).
        projection: the layer from the text model's pooled output to the shared space.
        tokenizer: the model's tokenizer.
    """

    def __init__(self, text_model: Any, projection: torch.nn.Module, tokenizer: Any) -> None:
        super().__init__(tokenizer)
        self.text_model = text_model
        self.projection = projection

    @property
    def table(self) -> torch.Tensor:
        """The token embeddings of the vocabulary, float32, shape (V, D)."""
        weight: torch.Tensor = self.text_model.embeddings.token_embedding.weight
        return weight

    def encode(self, texts: Sequence[str]) -> torch.Tensor:
        """Text embeddings, float32, shape (B, P). Texts longer than the encoder's context are cut."""
        limit = self.text_model.embeddings.position_embedding.num_embeddings
        tokens = self.tokenizer(
            list(texts), padding=True, truncation=True, max_length=limit, return_tensors="pt"
        ).to(self.device)
        return self._pool(tokens.input_ids, tokens.attention_mask)

    def encode_tokens(self, vectors: torch.Tensor) -> torch.Tensor:
        """Embeddings (B, P) of token vectors (B, K, D) that stand between the start and the end token."""
        ids = self._frame(len(vectors), vectors.shape[1])

        def inject(_module: torch.nn.Module, _inputs: Any, output: torch.Tensor) -> torch.Tensor:
            return torch.cat([output[:, :1], vectors, output[:, -1:]], dim=1)

        hook = self.text_model.embeddings.token_embedding.register_forward_hook(inject)
        try:
            return self._pool(ids, torch.ones_like(ids))
        finally:
            hook.remove()

    def _pool(self, ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        pooled = self.text_model(input_ids=ids, attention_mask=attention_mask).pooler_output
        projected: torch.Tensor = self.projection(pooled)
        return projected


class RisTextTower(TextTower):
    """The text side of ASDA, CRIS or ETRIS: CLIP's tokens in a short, fixed context.

    Args:
        network: the segmentation network (``token_embedding``, ``context_length``, ``encode_text``).
        tokenizer: CLIP's tokenizer.
    """

    def __init__(self, network: Any, tokenizer: Any) -> None:
        super().__init__(tokenizer)
        self.network = network

    @property
    def table(self) -> torch.Tensor:
        """The token embeddings of the vocabulary, float32, shape (V, D)."""
        weight: torch.Tensor = self.network.token_embedding.weight
        return weight

    def tokens(self, texts: Sequence[str]) -> torch.Tensor:
        """CLIP token ids, int64, shape (B, context length), on the encoder's device.

        As ``clip.tokenize(text, length, truncate=True)``: HTML entities are undone, unused places hold 0,
        and a text that is too long is cut with the end token in the last place.
        """
        plain = [html.unescape(html.unescape(text)).strip() for text in texts]
        length = self.network.context_length
        rows = self.tokenizer(plain, truncation=True, max_length=length)["input_ids"]
        ids = torch.zeros(len(rows), length, dtype=torch.int64)
        for row, found in zip(ids, rows, strict=True):
            row[: len(found)] = torch.tensor(found)
        return ids.to(self.device)

    def injected(self, vectors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids (B, context length) and embeddings (B, context length, D) with vectors (B, K, D) in place."""
        batch, count, _ = vectors.shape
        room = self.network.context_length - 2
        if count > room:
            raise ValueError(
                f"{count} token embeddings do not fit between start and end: there is room for {room}"
            )
        ids = torch.zeros(batch, room + 2, dtype=torch.int64, device=self.device)
        ids[:, : count + 2] = self._frame(batch, count)
        embeddings = self.network.token_embedding(ids)
        return ids, torch.cat([embeddings[:, :1], vectors, embeddings[:, count + 1 :]], dim=1)

    def encode(self, texts: Sequence[str]) -> torch.Tensor:
        """Text embeddings, float32, shape (B, P). Texts longer than the encoder's context are cut."""
        embeddings: torch.Tensor = self.network.encode_text(self.tokens(texts))
        return embeddings

    def encode_tokens(self, vectors: torch.Tensor) -> torch.Tensor:
        """Embeddings (B, P) of token vectors (B, K, D) that stand between the start and the end token."""
        embeddings: torch.Tensor = self.network.encode_text(*self.injected(vectors))
        return embeddings
