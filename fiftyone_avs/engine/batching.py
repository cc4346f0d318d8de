"""Run a stage batch by batch, so that a bad item fails alone and a full memory only makes batches smaller."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from fiftyone_avs.engine.fitting import BatchSizes
from fiftyone_avs.engine.overflow import forget_frames, is_out_of_memory, release_memory
from fiftyone_avs.errors import ConfigurationError, ModelError

Item = TypeVar("Item")
Result = TypeVar("Result")

NO_ROOM = "memory runs out with this sample alone; use another device, a smaller picture or bf16"


@dataclass(frozen=True)
class Failure:
    """Why one item of a stage has no result."""

    stage: str
    error: Exception

    @property
    def reason(self) -> str:
        """A line for people: the stage, the kind of error and its message."""
        message = " ".join(str(self.error).split())
        if is_out_of_memory(self.error):
            return f"{self.stage}: {NO_ROOM} ({message or type(self.error).__name__})"
        return f"{self.stage}: {message or type(self.error).__name__}"


def run_stage(
    stage: str,
    call: Callable[[Sequence[Item]], Sequence[Result]],
    items: Sequence[Item],
    sizes: BatchSizes | None = None,
) -> list[Result | Failure]:
    """Call a batch function on portions of the items; if it raises, call it item by item, so that only bad ones fail.

    A portion that does not fit into memory is halved until it does; an item that does not fit alone fails.

    Args:
        stage: names the stage in reasons, such as "segmenter".
        call: takes a batch, returns one result per item, in order.
        items: what to work on; an empty batch is not passed on.
        sizes: how many items go into a batch; None takes all at once.

    Raises:
        ConfigurationError, ModelError: as they come; they concern every item alike.
    """
    sizes = sizes or BatchSizes(max(1, len(items)), max(1, len(items)))
    results: list[Result | Failure] = []
    while len(results) < len(items):
        batch = items[len(results) : len(results) + sizes.of(stage)]
        start = time.perf_counter()
        found = _attempt(stage, call, batch)
        if not isinstance(found, Failure):
            sizes.took(stage, len(batch), time.perf_counter() - start)
            results += found
            continue
        no_room = is_out_of_memory(found.error)
        if no_room:
            release_memory()
        if len(batch) == 1:
            results.append(found)
        elif no_room:
            sizes.overflowed(stage, len(batch))
        else:
            results += [result for item in batch for result in run_stage(stage, call, [item])]
    return results


def _attempt(
    stage: str, call: Callable[[Sequence[Item]], Sequence[Result]], batch: Sequence[Item]
) -> list[Result] | Failure:
    """The results of a batch, or why it has none."""
    try:
        results = list(call(batch))
        if len(results) != len(batch):
            raise RuntimeError(f"{len(results)} results for {len(batch)} items")
        return results
    except (ConfigurationError, ModelError):
        raise  # no item is at fault, and no other item can do better
    except Exception as error:
        forget_frames(error)
        return Failure(stage, error)
