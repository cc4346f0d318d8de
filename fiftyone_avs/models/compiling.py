"""Networks that torch compiles: slow at their first batches, for runs that are long enough."""

from __future__ import annotations

from functools import cache
from operator import attrgetter

from fiftyone_avs.errors import ConfigurationError


def compile_parts(model: object, device: str) -> None:
    """Let torch compile the parts of an adapter's networks that its attribute ``compiled`` names, if it has one.

    They are compiled when they first work, and once more when the size of the batch changes. Their numbers stay the
    same up to rounding.

    Args:
        model: an adapter; ``compiled`` holds dotted names of modules that are called as functions.
        device: where it works.

    Raises:
        ConfigurationError: if torch cannot compile for the device here.
    """
    names: tuple[str, ...] = getattr(model, "compiled", ())
    if names:
        _check_compiler(device)
    for name in names:
        attrgetter(name)(model).compile()


@cache
def _check_compiler(device: str) -> None:
    """Compile next to nothing: without a compiler, every sample would fail for it."""
    import torch

    def trial(x: torch.Tensor) -> torch.Tensor:
        return x.sin() + 1

    try:
        torch.compile(trial)(torch.ones(8, device=device))
    except Exception as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ConfigurationError(
            f"torch cannot compile networks for {device!r} here ({first}); leave out compile=True, or install what is"
            " missing: a C++ compiler for a CPU, Triton for a GPU"
        ) from error
