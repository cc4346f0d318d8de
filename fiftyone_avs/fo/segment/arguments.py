"""What the arguments of ``segment`` mean, and how they are kept to be called with again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.fo.segment.cluster.driver import RayRunner
from fiftyone_avs.models import Models
from fiftyone_avs.strategies import Strategy


def by_run_key(
    strategies: Sequence[str | Strategy] | Mapping[str, str | Strategy],
    options: Mapping[str, Mapping[str, Any]] | None,
) -> dict[str, str | Strategy]:
    """The strategy of each run key."""
    if isinstance(strategies, str):
        raise ConfigurationError(f"strategies must be several, as in [{strategies!r}]; segment() takes one")
    if not isinstance(strategies, Mapping | Sequence):
        raise ConfigurationError(f"strategies must be several, as in ['vcap_acls'], not {strategies!r}")
    if isinstance(strategies, Mapping):
        by_key = dict(strategies)
    else:
        by_key = {strategy_key(each): each for each in strategies}
        if len(by_key) < len(strategies):
            raise ConfigurationError(
                "two of the strategies have the same name; give them run keys, as in {'first': ..., 'second': ...}"
            )
    if not by_key:
        raise ConfigurationError("there is no strategy to segment with")
    unknown = (options or {}).keys() - by_key.keys()
    if unknown:
        raise ConfigurationError(f"strategy_options: there is no run {sorted(unknown)[0]!r} among these")
    return by_key


def strategy_key(strategy: str | Strategy) -> str:
    """The run key of a strategy unless another is given: its name.

    Raises:
        ConfigurationError: if it is neither a name nor a strategy.
    """
    name = strategy if isinstance(strategy, str) else getattr(strategy, "name", None)
    if not isinstance(name, str):
        raise ConfigurationError(f"a strategy must be a name or a strategy of your own, not {strategy!r}")
    return name


def to_call_again(
    strategies: Mapping[str, str | Strategy],
    models: Models | Mapping[str, str] | None,
    runner: str | RayRunner,
    **others: Any,
) -> dict[str, Any] | None:
    """The arguments of a call, to be noted and called with again; None if some are objects that cannot be noted."""
    if isinstance(models, Models) or not all(isinstance(each, str) for each in strategies.values()):
        return None
    arguments = {
        "strategies": dict(strategies),
        "models": None if models is None else dict(models),
        "runner": runner if isinstance(runner, str) else asdict(runner),
        **others,
    }
    try:
        plain: dict[str, Any] = json.loads(json.dumps(arguments))
    except (TypeError, ValueError):
        return None
    return plain
