"""Which rows a reproduced table has, and what makes each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fiftyone_avs.errors import ConfigurationError, ModelError
from fiftyone_avs.models import load_models
from fiftyone_avs.models.cards import get_preset
from fiftyone_avs.strategies import get_strategy

TABLES = {
    1: "the five strategies",
    2: "self-supervised localisers, from their own predictions, beside vcap_acls",
    3: "segmentation models under vcap_acls",
}
"""What the paper's tables compare."""

BEST = "vcap_acls"
"""The strategy that tables 2 and 3 use: the paper's best."""

STRATEGIES = {
    "classification": "Classification",
    "captioning": "Captioning",
    "inversion": "Inversion",
    "vcap_acls": "VCap+ACls",
    "acap_vcls": "ACap+VCls",
}
"""The strategies in the order of Table 1, and how the paper calls them."""

SEGMENTERS = {"ASDA": "asda", "ETRIS": "etris-r101", "CRIS": "cris-r101"}
"""The segmentation models of Table 3 and their cards."""


@dataclass(frozen=True)
class TableEntry:
    """A row to be made.

    Attributes:
        name: as the paper calls it, or the user's own.
        run: the run key.
        strategy: what to run, unless predictions are imported instead.
        models: other models for some roles.
        folder: where the predictions to be imported are; None if the strategy is run.
    """

    name: str
    run: str
    strategy: str = BEST
    models: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None


def plan_rows(
    table: int,
    preset: str,
    strategies: Sequence[str] | None = None,
    segmenters: Mapping[str, str] | None = None,
    predictions: Mapping[str, str | Path] | None = None,
    models: Mapping[str, str] | None = None,
) -> list[TableEntry]:
    """The rows to be made, in the paper's order."""
    get_preset(preset)
    for option, given, wanted in (
        ("strategies", strategies, 1),
        ("predictions", predictions, 2),
        ("segmenters", segmenters, 3),
    ):
        if given and table != wanted:
            raise ConfigurationError(f"{option} belongs to table {wanted}, not to table {table}")
    own = dict(models or {})
    suffix = "" if preset == "paper" else f"_{_key(preset)}"  # other presets' runs go beside the paper's
    if table == 1:
        chosen = list(strategies or STRATEGIES)
        unknown = sorted(set(chosen) - set(STRATEGIES))
        if unknown:
            raise ConfigurationError(
                f"table 1 has no strategy {unknown[0]!r}; it has {', '.join(STRATEGIES)}"
            )
        return [TableEntry(STRATEGIES[one], one + suffix, one, own) for one in STRATEGIES if one in chosen]
    if table == 2:
        folders = {method: Path(folder).expanduser() for method, folder in (predictions or {}).items()}
        for method, folder in folders.items():
            if not folder.is_dir():
                raise ConfigurationError(f"there is no folder {folder} with the predictions of {method}")
        baselines = [TableEntry(method, _key(method), folder=folder) for method, folder in folders.items()]
        return [*baselines, TableEntry(STRATEGIES[BEST], BEST + suffix, BEST, own)]
    if not segmenters:
        first = own.get("segmenter", get_preset(preset).roles["segmenter"])
        segmenters = SEGMENTERS if preset == "paper" and "segmenter" not in own else {first: first}
    default = get_preset(preset).roles["segmenter"]
    keys = {
        title: BEST if model == default else f"{BEST}_{_key(title)}" for title, model in segmenters.items()
    }
    return [
        TableEntry(title, keys[title] + suffix, BEST, {**own, "segmenter": model})
        for title, model in segmenters.items()
    ]


def missing_models(entries: Sequence[TableEntry], preset: str, device: str | None) -> dict[str, str]:
    """Which rows cannot be made for lack of models, and what is missing; nothing is loaded or downloaded."""
    missing = {}
    for entry in entries:
        if entry.folder is not None:
            continue
        try:
            models = load_models(preset, strategy=entry.strategy, overrides=entry.models, device=device)
            models.check([*get_strategy(entry.strategy).needs, "segmenter"])
        except ModelError as error:
            missing[entry.name] = str(error)
    return missing


def _key(name: str) -> str:
    """A run key of a method's name: "SSL-TIE" -> "ssl_tie"."""
    key = "".join(letter if letter.isalnum() else "_" for letter in name.lower()).strip("_")
    return key if key.isidentifier() else f"run_{key}"
