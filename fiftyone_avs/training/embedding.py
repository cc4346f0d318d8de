"""Embeds many sounds and texts once, in pieces that are kept, so that a stopped training goes on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import torch
from tqdm import tqdm

from fiftyone_avs.engine import Failure, run_stage
from fiftyone_avs.media import read_sound
from fiftyone_avs.models.bridge import SoundEmbedder
from fiftyone_avs.models.text_tower import TextTower
from fiftyone_avs.types import Sound

PIECE = 512
"""Sounds per file of kept embeddings."""

Item = TypeVar("Item")


class Embedded(NamedTuple):
    """Embeddings of those sounds that could be read.

    Attributes:
        vectors: float32, shape (N, D), on the CPU.
        rows: the row of each sound's vector.
        failed: why a sound has none.
    """

    vectors: torch.Tensor
    rows: dict[Path, int]
    failed: dict[Path, str]


def embed_sounds(
    paths: Sequence[Path],
    embedder: SoundEmbedder,
    keep: Path,
    identity: str,
    *,
    batch_size: int = 16,
    progress: bool = True,
) -> Embedded:
    """Embed sound files, piece by piece.

    Args:
        paths: the files, without repeats.
        embedder: the audio-text model.
        keep: folder of pieces that are done; a piece found there is not done again.
        identity: names the embedder and its weights, so that a piece of another is not taken for its own.
        batch_size: sounds per call of the embedder.
        progress: show a progress bar.
    """
    keep.mkdir(parents=True, exist_ok=True)
    pieces: list[torch.Tensor] = []
    rows: dict[Path, int] = {}
    failed: dict[Path, str] = {}
    with tqdm(total=len(paths), desc="sounds", unit="sound", disable=not progress) as bar:
        for part in _parts(paths, PIECE):
            vectors, done = _piece(part, embedder, keep, identity, batch_size, failed, bar.update)
            rows |= {path: len(rows) + offset for offset, path in enumerate(done)}
            pieces.append(vectors)
    return Embedded(torch.cat(pieces) if pieces else torch.empty(0, 0), rows, failed)


@torch.no_grad()
def embed_texts(
    texts: Sequence[str], tower: TextTower, *, batch_size: int = 64, progress: bool = True
) -> torch.Tensor:
    """Text embeddings, float32, shape (N, P), on the CPU."""
    with tqdm(total=len(texts), desc="captions", unit="caption", disable=not progress) as bar:
        found = []
        for part in _parts(texts, batch_size):
            found.append(tower.encode(part).float().cpu())
            bar.update(len(part))
    return torch.cat(found)


def _piece(
    paths: Sequence[Path],
    embedder: SoundEmbedder,
    keep: Path,
    identity: str,
    batch_size: int,
    failed: dict[Path, str],
    tell: Callable[[int], object],
) -> tuple[torch.Tensor, list[Path]]:
    """The vectors of one piece and the files they belong to; those that failed are noted."""
    from safetensors.torch import load_file, save_file

    file = keep / f"{_name(paths, identity)}.safetensors"
    if file.is_file():
        tell(len(paths))
        return load_file(file)["vectors"], list(paths)  # a piece is kept only if all its sounds were read
    vectors, done = [], []
    for batch in _parts(paths, batch_size):
        for path, result in zip(batch, _embed_batch(batch, embedder), strict=True):
            if isinstance(result, Failure):
                failed[path] = result.reason
            else:
                vectors.append(result)
                done.append(path)
        tell(len(batch))
    stacked = torch.stack(vectors) if vectors else torch.empty(0, 0)
    if len(done) == len(paths):
        save_file({"vectors": stacked}, file.with_suffix(".part"))
        file.with_suffix(".part").replace(file)
    return stacked, done


def _embed_batch(paths: Sequence[Path], embedder: SoundEmbedder) -> list[torch.Tensor | Failure]:
    """One vector per file, or why there is none; a file that cannot be read fails alone."""
    sounds = run_stage("reading", lambda batch: [read_sound(path) for path in batch], paths)
    heard = [sound for sound in sounds if isinstance(sound, Sound)]
    vectors = iter(
        run_stage("audio-text model", lambda batch: list(embedder.embed_sounds(batch).float().cpu()), heard)
    )
    return [sound if isinstance(sound, Failure) else next(vectors) for sound in sounds]


def _name(paths: Sequence[Path], identity: str) -> str:
    """A name that changes with the model, and with any file's path, size or time."""
    digest = hashlib.sha256(identity.encode())
    for path in paths:
        try:
            found = path.stat()
            digest.update(f"{path}|{found.st_size}|{found.st_mtime_ns}".encode())
        except OSError:
            digest.update(f"{path}|gone".encode())
    return digest.hexdigest()[:24]


def _parts(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
