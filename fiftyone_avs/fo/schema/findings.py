"""What is found out about a call before it is made: for forms that are being filled in.

The contract of every ``check_X`` beside its ``X``: it takes the same arguments, changes nothing, and returns all that
it finds; ``X`` raises the first finding that blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from fiftyone_avs.errors import AVSError, ConfigurationError


@dataclass(frozen=True)
class Finding:
    """Something to know about a call before it is made.

    Attributes:
        argument: the argument that it is about, such as "run".
        message: what is the matter and what to do.
        blocks: whether the call cannot work; otherwise it is a remark.
        error: what the call raises, if it blocks; None stands for a ``ConfigurationError`` with the message.
    """

    argument: str
    message: str
    blocks: bool = True
    error: AVSError | None = field(default=None, compare=False, repr=False)


def finding_of(argument: str, test: Callable[[], object]) -> Iterator[Finding]:
    """A finding about an argument if a test of it raises an error of ours, else nothing."""
    try:
        test()
    except AVSError as error:
        yield Finding(argument, str(error), error=error)


def raise_first(findings: Iterable[Finding]) -> None:
    """Raise the first finding that blocks."""
    for found in findings:
        if found.blocks:
            raise found.error or ConfigurationError(found.message)
