"""The first look at a file, before any decoder sees it."""

from __future__ import annotations

from pathlib import Path

from fiftyone_avs.errors import MediaError


def check_file(path: str | Path) -> Path:
    """Return the path of a file that exists and is not empty.

    Raises:
        MediaError: missing, a folder or another thing that is no file, not readable, or zero bytes.
    """
    file = Path(path)
    try:
        if not file.exists():
            raise MediaError("the file does not exist; check the sample's path", path=path)
        if not file.is_file():
            raise MediaError("this is not a file; check the sample's path", path=path)
        if file.stat().st_size == 0:
            raise MediaError("the file is empty (zero bytes); copy or download it again", path=path)
    except (OSError, ValueError) as error:
        raise MediaError(f"the file cannot be looked at ({error})", path=path) from error
    return file
