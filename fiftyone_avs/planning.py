"""Which strategy and which models a pipeline is made of, before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.models import Models, load_models
from fiftyone_avs.pipeline import Pipeline
from fiftyone_avs.strategies import Strategy, get_strategy


def plan_pipeline(
    strategy: str | Strategy,
    *,
    preset: str,
    models: Models | Mapping[str, str] | None,
    strategy_options: Mapping[str, Any] | None,
    device: str | None,
    silence: Literal["abstain", "run"],
    threshold: float | None,
    precision: str,
    compile: bool,
    batch_size: int | None,
) -> Pipeline:
    """The pipeline that ``load_pipeline`` gives, with the same arguments; each model is loaded when it is first used.

    Raises:
        ConfigurationError: if a name or an option is unknown.
    """
    if not isinstance(models, Models):
        name = strategy if isinstance(strategy, str) else strategy.name
        models = load_models(
            preset, strategy=name, overrides=models, device=device, precision=precision, compile=compile
        )
    if isinstance(strategy, str):
        defaults = models.strategy_options.get(strategy, {})
        strategy = get_strategy(strategy, **{**defaults, **(strategy_options or {})})
    elif strategy_options:
        raise ConfigurationError(
            "strategy_options go with a strategy's name; set them on your strategy object"
        )
    return Pipeline(strategy, models, silence=silence, threshold=threshold, batch_size=batch_size)


def share_models(pipelines: Sequence[Pipeline]) -> list[Pipeline]:
    """The same pipelines with each model loaded once for all of them, so that they share what it finds.

    Args:
        pipelines: on one device.
    """
    sharing: list[Pipeline] = []
    for pipeline in pipelines:
        same = next((p.models for p in sharing if p.models.cards == pipeline.models.cards), None)
        if same is not None:
            pipeline = replace(pipeline, models=same)
        elif sharing:
            pipeline.models.share_with(sharing[0].models)
        sharing.append(pipeline)
    return sharing
