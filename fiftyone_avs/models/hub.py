"""Repositories of the hub: which of their files a model needs, and whether those are in the hub's cache.

Nothing here asks the network but ``Repository.listing``. A network is loaded from the folder of its snapshot, never by
its hub id: transformers then asks the network nothing, and fetches nothing of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fiftyone_avs.models.revisions import REVISIONS

WEIGHTS, PREPROCESSOR, TOKENIZER = "weights", "preprocessor", "tokenizer"
"""What a model needs of a repository."""

PREPROCESSORS = ("preprocessor_config.json", "processor_config.json")
TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json")
"""Any of the first says how media are prepared, any of the second is a tokenizer's vocabulary."""

SETTINGS: Mapping[str, frozenset[str]] = {
    WEIGHTS: frozenset({"config.json", "generation_config.json", *PREPROCESSORS}),
    PREPROCESSOR: frozenset({"config.json", *PREPROCESSORS}),
    TOKENIZER: frozenset(
        {*TOKENIZERS, "config.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"}
        | {"merges.txt", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model"}
    ),
}
"""The small files of each need."""

WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")
"""Weights in the order in which transformers prefers them; large ones are in parts, with an index."""

COMMIT = re.compile(r"[0-9a-f]{40}")

TIMEOUT = 10.0
"""Seconds to wait for an answer of the hub."""


@dataclass(frozen=True)
class RemoteFile:
    """A file on the hub: its name, and its size in bytes, or None where the hub does not say."""

    name: str
    size: int | None


@dataclass(frozen=True)
class Listing:
    """What a repository holds at one commit.

    Attributes:
        commit: the commit.
        files: what is needed of it, small files first.
        absent: what could have been needed, and is not there.
    """

    commit: str
    files: tuple[RemoteFile, ...]
    absent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Repository:
    """What is needed of a repository of the hub.

    Attributes:
        source: its id.
        revision: a commit, branch or tag; None is the commit in ``REVISIONS``, else the default branch.
        needs: ``WEIGHTS``, ``PREPROCESSOR``, ``TOKENIZER``.
        file: one file that is needed instead.
    """

    source: str
    revision: str | None = None
    needs: tuple[str, ...] = ()
    file: str = ""

    @property
    def wanted(self) -> str:
        """The revision that is downloaded."""
        return self.revision or REVISIONS.get(self.source) or "main"

    @property
    def folder(self) -> Path:
        """Its folder in the hub's cache."""
        return cache_folder() / f"models--{self.source.replace('/', '--')}"

    def cached(self) -> Path | None:
        """The folder of a snapshot in the cache that holds all that is needed, or None.

        Where no revision was asked for, the default branch as somebody downloaded it does as well as the commit in
        ``REVISIONS``; the record of a run tells them apart.
        """
        return next((folder for folder in self._snapshots() if not self._missing(folder)), None)

    def commit_in_cache(self) -> str | None:
        """The commit of what is in the cache, be it all that is needed or not, or None."""
        found = self.cached() or next(self._snapshots(), None)
        return None if found is None else found.name

    def listing(self) -> Listing:
        """Ask the hub which files there are to download; takes seconds at most.

        Raises:
            Exception: whatever huggingface_hub and its HTTP client raise.
        """
        from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_url

        info = HfApi().model_info(
            self.source,
            revision=None if self.wanted == "main" else self.wanted,
            files_metadata=True,
            timeout=TIMEOUT,
        )
        commit = str(info.sha)
        sizes = {sibling.rfilename: sibling.size for sibling in info.siblings or ()}
        files = []
        for name in self._chosen(sizes):
            size = sizes[name]
            if size is None:
                url = hf_hub_url(self.source, name, revision=commit)
                size = get_hf_file_metadata(url, timeout=TIMEOUT).size
            files.append(RemoteFile(name, size))
        absent = tuple(name for name in (*PREPROCESSORS, *TOKENIZERS) if name not in sizes)
        return Listing(commit, tuple(files), absent)

    def _chosen(self, names: Iterable[str]) -> list[str]:
        """The files to download of those that there are: small ones first, so that with the weights all is there."""
        there = set(names)
        if self.file:
            return [self.file] if self.file in there else []
        small = sorted(there & frozenset().union(*(SETTINGS[need] for need in self.needs)))
        return [*small, *(_weights(there) if WEIGHTS in self.needs else ())]

    def _snapshots(self) -> Iterator[Path]:
        """The folders of snapshots that would do, the wanted one first."""
        for name in dict.fromkeys([self.wanted] if self.revision else [self.wanted, "main"]):
            commit = self._commit(name)
            if commit is not None and (self.folder / "snapshots" / commit).is_dir():
                yield self.folder / "snapshots" / commit

    def _commit(self, revision: str) -> str | None:
        """The commit that a revision means: what a branch pointed to, or what a mirror gave for a commit."""
        try:
            return (self.folder / "refs" / revision).read_text().strip() or None
        except OSError:
            return revision if COMMIT.fullmatch(revision) else None

    def _missing(self, folder: Path) -> list[str]:
        """The needs that a snapshot's folder does not meet."""
        if self.file:
            return [] if (folder / self.file).is_file() else [self.file]
        return [need for need in self.needs if not _met(need, folder)]


def cache_folder() -> Path:
    """The hub's cache: ``HF_HUB_CACHE``, or ``hub`` in ``HF_HOME``."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def is_hub_id(source: str) -> bool:
    """Whether a text can be the id of a repository."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(source)
    except HFValidationError:
        return False
    return bool(source) and not Path(source).is_absolute()


def _weights(there: set[str]) -> list[str]:
    """The files of weights: those in safetensors before pickled ones, one file before several."""
    for name in WEIGHT_FILES:
        if name in there:
            return [name]
        if f"{name}.index.json" in there:
            stem, suffix = name.split(".")
            part = re.compile(rf"{stem}-\d+-of-\d+\.{suffix}")
            return [f"{name}.index.json", *sorted(filter(part.fullmatch, there))]
    return []


def _met(need: str, folder: Path) -> bool:
    """Whether a snapshot's folder has what a need is about, or the repository is known not to have it."""

    def has(*names: str) -> bool:
        return any((folder / name).is_file() for name in names)

    def known_absent(*names: str) -> bool:
        marks = folder.parent.parent / ".no_exist" / folder.name
        return all((marks / name).is_file() for name in names)

    if need == WEIGHTS:
        return has("config.json") and any(
            has(name) or _has_parts(folder, f"{name}.index.json") for name in WEIGHT_FILES
        )
    if need == PREPROCESSOR:
        return has(*PREPROCESSORS) or known_absent(*PREPROCESSORS)
    if has("vocab.json") and not has("tokenizer.json", "merges.txt"):
        return False
    vocabularies = (*TOKENIZERS, *(name for name in SETTINGS[TOKENIZER] if name.endswith(".model")))
    return has(*vocabularies) or known_absent(*TOKENIZERS)


def _has_parts(folder: Path, index: str) -> bool:
    """Whether all files are there that an index names."""
    try:
        parts = set(json.loads((folder / index).read_text())["weight_map"].values())
    except (OSError, ValueError, KeyError, AttributeError):
        return False
    return bool(parts) and all((folder / part).is_file() for part in parts)
