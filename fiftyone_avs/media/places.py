"""Where files can be written: not into what only looks like a folder of files."""

from __future__ import annotations

from pathlib import Path

from fiftyone_avs.errors import ConfigurationError

_OF_THE_SYSTEM = (Path("/proc"), Path("/sys"), Path("/dev"))
_MEMORY = Path("/dev/shm")


def check_place(path: str | Path, *, from_app: bool = False) -> Path:
    """A path to write to, absolute.

    Args:
        path: of a file or folder, which need not exist.
        from_app: it was typed in the App, where a relative path would lie wherever the App's server was started.

    Raises:
        ConfigurationError: if it lies among the system's own (/proc, /sys, /dev), or is relative in the App, or is no
            path that the system can have.
    """
    try:
        place = Path(path).expanduser()
        found = place.absolute().resolve()
        found.exists()
    except (
        OSError,
        ValueError,
        RuntimeError,
        TypeError,
    ) as error:  # too long, a NUL, no such user, no rights, no path
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(
            f"{str(path)[:100]!r} cannot be written to: {reason}; choose another place"
        ) from error
    if from_app and not place.is_absolute():
        raise ConfigurationError(
            f"{path} is relative, and would lie in {Path.cwd()}, where the App's server was started; type a full path,"
            " such as ~/exported"
        )
    place = place.absolute()
    home = next((root for root in _OF_THE_SYSTEM if found == root or root in found.parents), None)
    if home is not None and _MEMORY not in found.parents:
        raise ConfigurationError(
            f"{place} lies in {home}, which holds no files of yours; choose another place"
        )
    return place
