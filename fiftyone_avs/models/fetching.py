"""Bring repositories of the hub into its cache: say what and how much, look for room, show one bar."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from fiftyone_avs.errors import ModelError
from fiftyone_avs.models.hub import Listing, Repository, cache_folder
from fiftyone_avs.models.transfer import begun, explained, fetch, lacking, room, size_in_words
from fiftyone_avs.progress import Progress, say

MEGABYTE = 1_000_000
SPARE = 100 * MEGABYTE
"""So much of a disk is left free."""


@dataclass(frozen=True)
class Parcel:
    """A repository of which something has to be downloaded.

    Attributes:
        repository: what is needed of it.
        listing: what the hub has.
        size: bytes of all files that are not in the cache.
        begun: bytes of them that came in an earlier try.
    """

    repository: Repository
    listing: Listing
    size: int
    begun: int

    def __str__(self) -> str:
        return f"{self.repository.source} ({size_in_words(self.size)})"


def ask(repositories: Sequence[Repository]) -> list[Parcel]:
    """What has to be downloaded of repositories; the hub is asked about those only that the cache does not hold.

    Raises:
        ModelError: if the hub cannot be reached, or does not have one of them.
    """
    parcels = []
    for repository in dict.fromkeys(repositories):
        if repository.cached() is not None:
            continue
        with explained(repository, None):
            listing = repository.listing()
        size = sum(file.size or 0 for file in lacking(repository, listing))
        parcels.append(Parcel(repository, listing, size, begun(repository)))
    return parcels


def check_room(parcels: Sequence[Parcel]) -> None:
    """Raise ModelError if parcels do not fit onto the disk with the hub's cache."""
    needed, free = sum(parcel.size - min(parcel.begun, parcel.size) for parcel in parcels), room()
    if needed + SPARE > free:
        raise ModelError(
            f"the disk is too full: {size_in_words(needed)} are to be downloaded to {cache_folder()}, where"
            f" {size_in_words(free)} are free ({'; '.join(map(str, parcels))}). Make room there, or let HF_HOME"
            " name a folder on another disk"
        )


def bring(parcels: Sequence[Parcel], progress: Progress = True) -> list[Path]:
    """Download parcels and return the folders of their snapshots.

    Args:
        parcels: what ``ask`` found.
        progress: whether to say what is done and to show a bar; or a function, called with the megabytes that are
            here and those of all.

    Raises:
        ModelError: if there is no room, or a download is cut off; what has come is kept.
    """
    if not parcels:
        return []
    check_room(parcels)
    total = sum(parcel.size for parcel in parcels)
    quiet = progress is not True or bool(os.environ.get("HF_HUB_DISABLE_PROGRESS_BARS"))
    if not quiet:
        tqdm.write(
            f"downloading {size_in_words(total)} to {cache_folder()}: {'; '.join(map(str, parcels))}",
            file=sys.stderr,
        )
    with tqdm(total=total, desc="downloading models", unit="B", unit_scale=True, disable=quiet) as bar:
        come = 0

        def told(more: int) -> None:
            nonlocal come
            before, come = come, come + more
            bar.update(more)
            if callable(progress) and come // MEGABYTE != before // MEGABYTE:
                progress(come // MEGABYTE, max(1, total // MEGABYTE))
            if not callable(progress) and 100 * come // max(1, total) != 100 * before // max(1, total):
                say(f"downloading models, {size_in_words(come)} of {size_in_words(total)}")

        return [fetch(parcel.repository, parcel.listing, told) for parcel in parcels]


def folder_in_cache(repository: Repository) -> Path:
    """The folder of a repository's snapshot with all that is needed, downloaded if it has to be.

    Raises:
        ModelError: if it is not there and cannot be downloaded.
    """
    found = repository.cached()
    return bring(ask([repository]))[0] if found is None else found
