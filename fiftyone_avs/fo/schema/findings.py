"""What is found out about a call before it is made: for forms that are being filled in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Something to know about a call before it is made.

    Attributes:
        argument: the argument that it is about, such as "run".
        message: what is the matter and what to do.
        blocks: whether the call cannot work; otherwise it is a remark.
    """

    argument: str
    message: str
    blocks: bool = True
