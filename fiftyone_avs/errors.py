"""The exceptions of the package: one small tree, so that ``except AVSError`` catches all of them; tests of numbers.

Every message names the sample, the field or the file at fault and says what to do about it.
"""

from __future__ import annotations

from numbers import Integral, Real
from pathlib import Path
from typing import Any


class AVSError(Exception):
    """Base class of every error that this package raises on purpose."""


class ConfigurationError(AVSError):
    """An argument, a preset, a strategy or a run key that cannot work, whatever the data."""


class RunConflictError(ConfigurationError):
    """A run key is taken by a run with another configuration."""


class ModelError(AVSError):
    """A model that cannot be found, loaded or used in the asked-for role."""


class DatasetError(AVSError):
    """A collection that lacks what a run needs: a field, a media type, a run record."""


class MediaError(AVSError):
    """An image, sound or video file that cannot be read.

    Args:
        message: what is wrong and what to do, without the file's name.
        path: the file at fault; it is put in front of the message.
    """

    def __init__(self, message: str, *, path: str | Path | None = None) -> None:
        self.path = None if path is None else str(path)
        super().__init__(message if path is None else f"{path}: {message}")


def check_whole(name: str, value: Any, least: int) -> None:
    """Raise ConfigurationError unless an argument is a whole number of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise ConfigurationError(f"{name} must be a whole number, not {value!r}")
    if value < least:
        raise ConfigurationError(f"{name} must be {least} or more, not {value!r}")


def check_share(name: str, value: Any) -> None:
    """Raise ConfigurationError unless an argument is a number in [0, 1]."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ConfigurationError(f"{name} must be a number, not {value!r}")
    if not 0 <= float(value) <= 1:
        raise ConfigurationError(f"{name} must lie in [0, 1], not {value!r}")
