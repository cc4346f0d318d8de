"""Run a stage over a batch so that a bad item fails alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from fiftyone_avs.errors import ConfigurationError, ModelError

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Failure:
    """Why one item of a stage has no result."""

    stage: str
    error: Exception

    @property
    def reason(self) -> str:
        """A line for people: the stage, the kind of error and its message."""
        message = " ".join(str(self.error).split())
        return f"{self.stage}: {message or type(self.error).__name__}"


def run_stage(
    stage: str, call: Callable[[Sequence[Item]], Sequence[Result]], items: Sequence[Item]
) -> list[Result | Failure]:
    """Call a batch function; if it raises, call it item by item, so that only bad items fail.

    Args:
        stage: names the stage in reasons, such as "segmenter".
        call: takes a batch, returns one result per item, in order.
        items: the batch; an empty one is not passed on.

    Raises:
        ConfigurationError, ModelError: as they come; they concern every item alike.
    """
    if not items:
        return []
    try:
        results = list(call(items))
        if len(results) != len(items):
            raise RuntimeError(f"{len(results)} results for {len(items)} items")
        return list(results)
    except (ConfigurationError, ModelError):
        raise  # no item is at fault, and no other item can do better
    except Exception as error:
        if len(items) == 1:
            return [Failure(stage, error)]
    return [result for item in items for result in run_stage(stage, call, [item])]
