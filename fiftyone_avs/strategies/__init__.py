"""The strategies: each turns picture and sound into a referring expression. One file per strategy."""

from __future__ import annotations

from typing import Any, TypeVar

from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.strategies.acap_vcls import ACapVCls
from fiftyone_avs.strategies.base import Evidence, Strategy
from fiftyone_avs.strategies.captioning import Captioning
from fiftyone_avs.strategies.classification import Classification
from fiftyone_avs.strategies.inversion import Inversion
from fiftyone_avs.strategies.vcap_acls import VCapACls

__all__ = [
    "ACapVCls",
    "Captioning",
    "Classification",
    "Evidence",
    "Inversion",
    "Strategy",
    "VCapACls",
    "get_strategy",
    "list_strategies",
    "register_strategy",
]

StrategyType = TypeVar("StrategyType", bound=type[Strategy])

_REGISTRY: dict[str, type[Strategy]] = {
    strategy.name: strategy for strategy in (Classification, Captioning, Inversion, VCapACls, ACapVCls)
}


def list_strategies() -> list[str]:
    """The names of all registered strategies, the paper's five first."""
    return list(_REGISTRY)


def register_strategy(strategy: StrategyType) -> StrategyType:
    """Make a strategy known by its ``name``; usable as a class decorator.

    Raises:
        ConfigurationError: if another strategy has that name.
    """
    known = _REGISTRY.get(strategy.name)
    if known is not None and known.__qualname__ != strategy.__qualname__:
        raise ConfigurationError(
            f"a strategy named {strategy.name!r} is registered already; choose another name"
        )
    _REGISTRY[strategy.name] = strategy
    return strategy


def get_strategy(name: str, **options: Any) -> Strategy:
    """Build a strategy from its name and options (the fields of its dataclass).

    Raises:
        ConfigurationError: if the name or an option is unknown.
    """
    if not isinstance(name, str) or name not in _REGISTRY:
        raise ConfigurationError(f"unknown strategy {name!r}; choose one of {', '.join(_REGISTRY)}")
    try:
        return _REGISTRY[name](**options)
    except TypeError as error:
        raise ConfigurationError(f"strategy {name!r} does not take these options: {error}") from error
