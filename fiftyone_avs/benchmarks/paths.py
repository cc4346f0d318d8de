"""Where the files lie that an annotation file names: always below the root that the user gave.

Annotation files come from others, often with paths of their authors' machines. Whatever they say, no path
leaves the root: not by ``..``, not by an absolute path or a drive, and not by a symbolic link.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

DRIVE = re.compile(r"[A-Za-z]:")
LONGEST = 255
"""Bytes of a name in the usual file systems."""


class OutsideRoot(ValueError):
    """A path that does not stay below the root, or that is none at all."""


def inside(root: Path, relative: str) -> Path:
    r"""The absolute path of a file below a root, whether or not it is there.

    Args:
        root: a folder. It may be a symbolic link itself.
        relative: the file's path from there; ``\`` separates folders as ``/`` does.

    Returns:
        ``root / relative``, absolute; links are followed for the check only.

    Raises:
        OutsideRoot: if ``relative`` is empty, absolute, has a drive, a ``..`` or a null byte, cannot be a file's
            name, or is a symbolic link (or below one) that leads out of the root.
    """
    parts = _parts(relative)
    if not parts:
        raise OutsideRoot(f"{relative!r} names no file")
    if relative[0] in "/\\" or DRIVE.match(relative):
        raise OutsideRoot(f"{relative!r} is not relative to {root}")
    if ".." in parts:
        raise OutsideRoot(f"{relative!r} leaves {root}")
    if any(len(os.fsencode(part)) > LONGEST for part in parts):
        raise OutsideRoot(f"{relative[:40]!r}... is too long for a file's name")
    path = root.absolute().joinpath(*parts)
    if not _leads_below(root, path):
        raise OutsideRoot(f"{relative!r} is a link that leads out of {root}")
    return path


def rerooted(root: Path, foreign: str) -> Path | None:
    r"""The file below a root that a path of another machine means: the longest end of it that exists there.

    ``/home/her/data/IS3/images/a.png`` is ``root/IS3/images/a.png`` if that exists, else ``root/images/a.png``,
    else ``root/a.png``. Drives and backslashes of Windows are understood, and what stands before a ``..`` counts
    for nothing.

    Args:
        root: a folder. It may be a symbolic link itself.
        foreign: a path, absolute or not.

    Returns:
        An absolute path below the root, or None if no end of ``foreign`` exists there. What a symbolic link finds
        outside the root does not exist for this purpose.
    """
    try:
        parts = _parts(foreign)
    except OutsideRoot:
        return None
    if ".." in parts:
        parts = parts[len(parts) - parts[::-1].index("..") :]
    base = root.absolute()
    for start in range(len(parts)):
        path = base.joinpath(*parts[start:])
        # Path.exists would raise where a name is too long.
        if os.path.exists(path) and _leads_below(root, path):  # noqa: PTH110
            return path
    return None


def _parts(text: str) -> list[str]:
    """A path's folders and name, without ``.`` and empty ones."""
    try:
        possible = b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        possible = False
    if not possible:
        raise OutsideRoot(f"{text!r} cannot be a file's name")
    return [part for part in re.split(r"[/\\]", text) if part not in ("", ".")]


def _leads_below(root: Path, path: Path) -> bool:
    real, base = os.path.realpath(path), os.path.realpath(root)
    return real.startswith(base.rstrip(os.sep) + os.sep)
