"""ClapCap 2023, the audio captioner of MS-CLAP: its audio encoder, a mapper, and GPT-2.

Source: Elizalde et al., "Natural Language Supervision for General-Purpose Audio Representations" (2023);
the mapper and the search are those of Mokady et al., "ClipCap: CLIP Prefix for Image Captioning" (2021).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import DynamicCache, GPT2Config, GPT2LMHeadModel

from fiftyone_avs.nets.htsat import HTSATConfig, own_htsat_state
from fiftyone_avs.nets.msclap import EARS, JOINT, SAMPLE_RATE, SECONDS, AudioEncoder, without_gpt2_buffers
from fiftyone_avs.nets.official import OfficialNetwork

PREFIX = 40
LAYERS = 8
HEADS = 8

BEAMS = 5
MAX_TOKENS = 67

STOP = 220
"""The token that ends a caption: a lone space, the first of the two tokens of " <|endoftext|>"."""

FILLER = 0
"""What the search writes behind the end of a finished caption."""


class GPT2Attention(nn.Module):
    """Self-attention with the official layers: keys and values from one, none of them with a bias."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_queries = nn.Linear(width, width, bias=False)
        self.to_keys_values = nn.Linear(width, 2 * width, bias=False)
        self.project = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, width) to the same shape; every place sees all others."""
        queries = self.to_queries(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        keys, values = self.to_keys_values(x).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(queries, keys, values)
        out: Tensor = self.project(mixed.transpose(1, 2).flatten(2))
        return out


class Perceptron(nn.Module):
    """Two layers with a ReLU between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 2 * width)
        self.fc2 = nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, width) to the same shape."""
        out: Tensor = self.fc2(functional.relu(self.fc1(x)))
        return out


class GPT2Layer(nn.Module):
    """Attention and a perceptron, each on a normalised input and added to it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn = GPT2Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Perceptron(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, width) to the same shape."""
        x = x + self.attn(self.norm1(x))
        out: Tensor = x + self.mlp(self.norm2(x))
        return out


class _Layers(nn.Module):
    """A level of official keys around the layers."""

    def __init__(self, width: int, count: int, heads: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(GPT2Layer(width, heads) for _ in range(count))


class Mapper(nn.Module):
    """From one audio embedding to the embeddings of the tokens that a caption begins after."""

    def __init__(self, joint: int, width: int, *, length: int, layers: int, heads: int) -> None:
        super().__init__()
        self.length = length
        self.prefix_const = nn.Parameter(torch.zeros(length, width))
        self.transformer = _Layers(width, layers, heads)
        self.linear = nn.Linear(joint, length * width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, joint) to (B, length, width)."""
        heard = self.linear(x).unflatten(-1, (self.length, -1))
        # The learned tokens, which become the prefix, read what was heard from the tokens before them.
        tokens = torch.cat([heard, self.prefix_const.to(heard.dtype).expand_as(heard)], 1)
        for layer in self.transformer.layers:
            tokens = layer(tokens)
        return tokens[:, self.length :]


class Beams(NamedTuple):
    """The K best beginnings of captions of B sounds.

    Attributes:
        tokens: int64, shape (B, K, L); `FILLER` behind the end of a finished one.
        scores: sums of the tokens' log-probabilities, shape (B, K).
        lengths: tokens of each, the stop token included, int64, shape (B, K).
        done: whether each is finished, bool, shape (B, K).
    """

    tokens: Tensor
    scores: Tensor
    lengths: Tensor
    done: Tensor

    @classmethod
    def first(cls, log_probs: Tensor, beams: int) -> Beams:
        """The best first tokens by log-probabilities (B, V)."""
        scores, tokens = log_probs.topk(beams)
        return cls(tokens[..., None], scores, torch.ones_like(tokens), tokens == STOP)

    def extended(self, log_probs: Tensor) -> tuple[Beams, Tensor]:
        """Go on by a token.

        Of all continuations those with the best average log-probability per token are kept. A finished
        beginning has one continuation, itself.

        Args:
            log_probs: of the next token after each beginning, shape (B, K, V).

        Returns:
            The new beams, best first, and for each the index of the one that it continues, (B, K).
        """
        log_probs = log_probs.masked_fill(self.done[..., None], -torch.inf)
        log_probs[..., FILLER] = log_probs[..., FILLER].masked_fill(self.done, 0)
        lengths = self.lengths + ~self.done
        averages = (self.scores[..., None] + log_probs) / lengths[..., None]
        best, chosen = averages.flatten(1).topk(self.scores.shape[1])
        source = chosen // log_probs.shape[-1]
        token = chosen % log_probs.shape[-1]
        lengths = lengths.gather(1, source)
        history = self.tokens.gather(1, source[..., None].expand_as(self.tokens))
        done = self.done.gather(1, source) | (token == STOP)
        tokens = torch.cat([history, token[..., None]], -1)
        return Beams(tokens, best * lengths, lengths, done), source

    def captions(self) -> Tensor:
        """The tokens, best average first, (B, K, L), filled up with `STOP` behind the end."""
        order = (self.scores / self.lengths).argsort(dim=-1, descending=True, stable=True)
        places = torch.arange(self.tokens.shape[-1], device=self.tokens.device)
        tokens = self.tokens.masked_fill(places >= self.lengths[..., None], STOP)
        return tokens.gather(1, order[..., None].expand_as(tokens))


class ClapCap(OfficialNetwork):
    """Captions of sounds, as GPT-2 tokens.

    Sounds are resampled to ``sample_rate``; one that is shorter than ``seconds`` is repeated and cut, of
    a longer one a part is taken (``fiftyone_avs.media.fit_window`` with ``fill``).
    """

    sample_rate = SAMPLE_RATE
    seconds = SECONDS
    fill: Literal["repeat"] = "repeat"

    def __init__(
        self,
        htsat: HTSATConfig = EARS,
        gpt2: GPT2Config | None = None,
        *,
        joint: int = JOINT,
        prefix: int = PREFIX,
        layers: int = LAYERS,
        heads: int = HEADS,
    ) -> None:
        super().__init__()
        gpt2 = gpt2 or GPT2Config()
        self.clap = AudioEncoder(htsat, joint)
        self.gpt = GPT2LMHeadModel(gpt2)
        self.clap_project = Mapper(joint, gpt2.hidden_size, length=prefix, layers=layers, heads=heads)

    def embed_audio(self, waves: Tensor) -> Tensor:
        """Embeddings of waves (B, N) at 44.1 kHz in [-1, 1]: (B, 1024), float32, not normalised."""
        out: Tensor = self.clap(waves)
        return out

    def prefix(self, embeddings: Tensor) -> Tensor:
        """Token embeddings (B, 40, 768) of audio embeddings (B, 1024), from which GPT-2 goes on."""
        out: Tensor = self.clap_project(functional.normalize(embeddings, dim=-1))
        return out

    @torch.no_grad()
    def caption(
        self, waves: Tensor, *, beams: int = BEAMS, sequences: int = 1, max_tokens: int = MAX_TOKENS
    ) -> Tensor:
        """Describe sounds.

        Args:
            waves: shape (B, N), 44.1 kHz, in [-1, 1].
            beams: how many beginnings the search goes on with; 1 is the greedy search.
            sequences: captions per sound, at most ``beams``.
            max_tokens: how long a caption can be.

        Returns:
            Token ids of the captions of each sound, best first, int64, shape (B, sequences, L) with L up
            to ``max_tokens``. `STOP` ends a caption and follows up to L; it decodes to a space.
        """
        found = self.search(self.prefix(self.embed_audio(waves)), beams, max_tokens)
        return found.captions()[:, :sequences]

    def search(self, prefix: Tensor, beams: int, max_tokens: int) -> Beams:
        """Look for captions after token embeddings (B, P, width)."""
        cache = DynamicCache(config=self.gpt.config)
        found = Beams.first(self._next_token(cache, inputs_embeds=prefix)[:, 0], beams)
        cache.batch_repeat_interleave(beams)
        for _ in range(max_tokens - 1):
            if bool(found.done.all()):
                break
            last = found.tokens[..., -1].reshape(-1, 1)
            log_probs = self._next_token(cache, input_ids=last)
            found, source = found.extended(log_probs.view(*found.scores.shape, -1))
            rows = torch.arange(len(source), device=source.device)[:, None] * beams
            cache.reorder_cache(cast(torch.LongTensor, (rows + source).flatten()))
        return found

    def _next_token(self, cache: DynamicCache, **inputs: Tensor) -> Tensor:
        """Log-probabilities of the next token, float32, shape (B, 1, V); what was read goes to the cache."""
        out = self.gpt(**inputs, past_key_values=cache, use_cache=True, logits_to_keep=1)
        logits: Tensor = out.logits
        return logits.float().log_softmax(-1)

    def load_state_dict(self, *args: Any, **options: Any) -> Any:
        """Load, and make one parameter of head and embeddings again: ``assign`` gives each its own."""
        result = super().load_state_dict(*args, **options)
        self.gpt.tie_weights()
        return result

    @classmethod
    def own_state(cls, official: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename HTSAT's keys and leave out what GPT-2 no longer stores."""
        return own_htsat_state(without_gpt2_buffers(official), "clap.base.htsat.")
