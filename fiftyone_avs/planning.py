"""From names and options to pipelines: which strategy and which models one is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.models import Models, load_models
from fiftyone_avs.pipeline import Pipeline
from fiftyone_avs.strategies import Strategy, get_strategy


def load_pipeline(
    strategy: str | Strategy = "vcap_acls",
    *,
    preset: str = "open",
    models: Models | Mapping[str, str] | None = None,
    strategy_options: Mapping[str, Any] | None = None,
    device: str | None = None,
    silence: Literal["abstain", "run"] = "abstain",
    threshold: float | None = None,
    precision: str = "float32",
    compile: bool = False,
    batch_size: int | None = None,
    **roles: str,
) -> Pipeline:
    """A pipeline with its models loaded, ready for clips.

    Args:
        strategy: the name of a strategy, or one of your own.
        preset: which models to use: "open" (default), "paper", or "tiny" (demo world only).
        models: other models for some roles (role -> card, ``<card>:<path>``, folder or hub id), or all
            models, loaded already.
        strategy_options: options of the strategy, when it is given by name; they come before the preset's.
        device: "cpu", "cuda", ...; None takes a GPU if there is one.
        silence: "abstain" on silent sounds, or "run" to treat them as any other.
        threshold: of the mask; None takes the segmenter's own.
        precision: "float32", or "bf16" or "fp16" to compute in half precision where that is safe.
        compile: let torch compile the networks that look at pictures; see ``segment``.
        batch_size: how many clips go through a model at once; None finds a size for every stage while it works.
        **roles: other models by role, as in ``segmenter="cris-r101"``; the same as ``models={...}``.

    Raises:
        ConfigurationError: if a name or an option is unknown.
        ModelError: if a model cannot be loaded.
    """
    if isinstance(models, Models) and roles:
        raise ConfigurationError(
            f"{', '.join(roles)} and loaded models cannot be given together; use models.use"
        )
    pipeline = plan_pipeline(
        strategy,
        preset=preset,
        models=models if isinstance(models, Models) else {**(models or {}), **roles},
        strategy_options=strategy_options,
        device=device,
        silence=silence,
        threshold=threshold,
        precision=precision,
        compile=compile,
        batch_size=batch_size,
    )
    pipeline.models.require(pipeline.roles)
    return pipeline


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
