"""Files from the hub into its cache: large ones go on where an earlier try was cut off.

huggingface_hub begins a file anew that did not arrive whole. So large files are fetched here, into the place where it
looks for them; what it does then is to check them and to put their names into the snapshot.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from fiftyone_avs.errors import ModelError
from fiftyone_avs.models.hub import TIMEOUT, Listing, RemoteFile, Repository, cache_folder

LARGE = 8 << 20
"""Bytes from which on a file is worth going on with."""

TRIES, PAUSE = 5, 1.0
"""So often a line may break within a file, and the seconds before the next try."""

SHA256 = re.compile(r"[0-9a-f]{64}")

Told = Callable[[int], None]
"""Is told of bytes that came."""


def fetch(repository: Repository, listing: Listing, told: Told) -> Path:
    """Download a repository's files and return the folder of the snapshot. What is there already is not fetched again.

    Raises:
        ModelError: if that does not work, with what to do.
    """
    for file in listing.files:
        with explained(repository, file):
            _fetch_file(repository, listing.commit, file, told)
    folder = repository.folder / "snapshots" / listing.commit
    with explained(repository, None):
        _mark_absent(repository, listing)
        if repository.wanted != listing.commit:
            _point_to(repository.folder / "refs" / repository.wanted, listing.commit)
    if repository.cached() is None:
        what = repository.file or "weights in transformers' format"
        raise ModelError(f"the hub's {repository.source!r} has no {what}; check the name")
    return folder


def lacking(repository: Repository, listing: Listing) -> list[RemoteFile]:
    """The files of a listing that are not in the cache."""
    folder = repository.folder / "snapshots" / listing.commit
    return [file for file in listing.files if not (folder / file.name).is_file()]


def begun(repository: Repository) -> int:
    """How many bytes of files have come that did not come whole."""
    return sum(part.stat().st_size for part in (repository.folder / "blobs").glob("*.part"))


def room() -> int:
    """Bytes that are free where the hub's cache is."""
    place = cache_folder().absolute()
    return shutil.disk_usage(next(folder for folder in (place, *place.parents) if folder.is_dir())).free


@contextmanager
def explained(repository: Repository, file: RemoteFile | None) -> Iterator[None]:
    """Turn whatever goes wrong on the way into a ModelError that says what to do."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(_reason(error, repository, file)) from error


def _fetch_file(repository: Repository, commit: str, file: RemoteFile, told: Told) -> None:
    from huggingface_hub import hf_hub_download
    from tqdm import tqdm

    if (repository.folder / "snapshots" / commit / file.name).is_file():
        return
    large = file.size is not None and file.size >= LARGE
    if large:
        _fetch_blob(repository, commit, file, told)
    hf_hub_download(
        repository.source, file.name, revision=commit, etag_timeout=TIMEOUT, tqdm_class=_silent(tqdm)
    )
    if not large:
        told(file.size or 0)


def _fetch_blob(repository: Repository, commit: str, file: RemoteFile, told: Told) -> None:
    """Bring a large file to where huggingface_hub keeps contents."""
    from filelock import FileLock
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    url = hf_hub_url(repository.source, file.name, revision=commit)
    found = get_hf_file_metadata(url, timeout=TIMEOUT)
    if not found.etag or not found.size:
        return  # huggingface_hub's own way does not go on where it was, but it works
    blob = repository.folder / "blobs" / found.etag
    part = blob.with_name(f"{found.etag}.part")
    blob.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{part}.lock"):
        if blob.exists():
            return
        _go_on(url, part, found.size, told)
        if SHA256.fullmatch(found.etag) and _sha256(part) != found.etag:
            part.unlink()
            raise OSError(f"{file.name} arrived damaged; it was thrown away")
        part.replace(blob)
    Path(f"{part}.lock").unlink(missing_ok=True)


def _go_on(url: str, part: Path, size: int, told: Told) -> None:
    """Fetch what a partly fetched file lacks."""
    told(part.stat().st_size if part.exists() else 0)
    for chance in reversed(range(TRIES)):
        try:
            _receive(url, part, size, told)
        except OSError as error:
            if error.errno == errno.ENOSPC or not chance:
                raise
        except Exception:  # of whichever HTTP client huggingface_hub uses
            if not chance:
                raise
        if part.exists() and part.stat().st_size >= size:
            return
        time.sleep(PAUSE)
    raise ConnectionError(f"the line broke {TRIES} times")


def _receive(url: str, part: Path, size: int, told: Told) -> None:
    from huggingface_hub import get_hf_file_metadata, utils

    hub: Any = utils  # does not say that these names are public, though they are documented
    start = part.stat().st_size if part.exists() else 0
    if start >= size:
        return
    place = get_hf_file_metadata(url, timeout=TIMEOUT).location  # an address that is good for a while
    headers: dict[str, str] = {
        **hub.build_hf_headers(),
        "Range": f"bytes={start}-",
        "Accept-Encoding": "identity",
    }
    if urlparse(place).netloc != urlparse(url).netloc:
        headers.pop("authorization", None)  # is the hub's business alone
    client = hub.get_session()
    with client.stream("GET", place, headers=headers, timeout=TIMEOUT, follow_redirects=True) as answer:
        hub.hf_raise_for_status(answer)
        if answer.status_code != 206:  # the server begins at the beginning
            told(-start)
            part.unlink(missing_ok=True)
        with part.open("ab") as file:
            for piece in answer.iter_bytes():  # as they come: what waits for more would be lost with the line
                file.write(piece)
                told(len(piece))


def _mark_absent(repository: Repository, listing: Listing) -> None:
    """Remember what a repository does not have, as huggingface_hub does, so that nobody asks for it again."""
    for name in listing.absent:
        mark = repository.folder / ".no_exist" / listing.commit / name
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()


def _point_to(ref: Path, commit: str) -> None:
    """Let a branch's name mean a commit, whole or not at all."""
    ref.parent.mkdir(parents=True, exist_ok=True)
    written = ref.with_name(f"{ref.name}.{os.getpid()}")
    written.write_text(commit)
    written.replace(ref)


def _reason(error: Exception, repository: Repository, file: RemoteFile | None) -> str:
    """What went wrong and what to do, in a line."""
    from huggingface_hub import errors

    source = repository.source
    chain = [error]
    while (link := chain[-1].__cause__ or chain[-1].__context__) is not None and link not in chain:
        if not isinstance(link, Exception):
            break
        chain.append(link)
    if any(isinstance(link, OSError) and link.errno == errno.ENOSPC for link in chain):
        what = f"{file.name} of " if file else ""
        return (
            f"the disk is full: {what}{source!r} does not fit into {cache_folder()} ({size_in_words(room())} are free)."
            " Make room there, or let HF_HOME name a folder on another disk; what has arrived is kept"
        )
    for link in chain:
        if isinstance(link, errors.OfflineModeIsEnabled):
            return (
                f"{source!r} is not in the hub's cache ({cache_folder()}), and HF_HUB_OFFLINE forbids to download it:"
                " run without it once, or copy the cache of a machine that has it"
            )
        if isinstance(link, errors.GatedRepoError):
            return f"the hub refuses {source!r}: its authors ask for a form (it is gated)"
        if isinstance(link, errors.RevisionNotFoundError):
            return f"the hub's {source!r} has no revision {repository.wanted!r}"
        if isinstance(link, errors.RepositoryNotFoundError):
            return (
                f"the hub has no model {source!r}, or it is private: check the name, or log in with `hf auth login`;"
                " if it is a folder, there is no such folder here"
            )
        if isinstance(link, errors.HfHubHTTPError):
            status = getattr(link.response, "status_code", "an error")
            return f"the hub answers {status} when asked for {source!r}: try again later"
    words = " ".join(str(error).split())[:200] or type(error).__name__
    if file is None:
        return (
            f"{source!r} is not in the hub's cache ({cache_folder()}), and the hub cannot be reached ({words})."
            " Check the network; without one, copy the cache of a machine that has it, or give a folder"
        )
    return (
        f"the download of {file.name} of {source!r} was cut off ({words}). What has arrived is kept: run the same"
        " again, and it goes on from there"
    )


def size_in_words(size: float) -> str:
    """A number of bytes as people say it."""
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}" if unit == 1e9 else f"{size / unit:.0f} {name}"
    return f"{size:.0f} bytes"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _silent(bar: type) -> type:
    """A progress bar that shows nothing."""

    class Silent(bar):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            options.pop("name", None)
            super().__init__(*args, **{**options, "disable": True})

    return Silent
