"""The dataset's own settings of the App that say which fields are shown and in which colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import fiftyone as fo

from fiftyone_avs.fo.schema.private import ActiveFields
from fiftyone_avs.media.mask_files import SOUNDING

OURS = "fiftyone_avs_shown"
"""The key in ``dataset.info`` of the fields that this package chose last."""


def activate(dataset: fo.Dataset, paths: Sequence[str]) -> None:
    """Choose the fields that are shown when the dataset is opened, unless a user has chosen. The caller saves."""
    chosen = dataset.app_config.active_fields
    by_user = chosen is not None and not set(chosen.paths) <= set(dataset.info.get(OURS) or ())
    if not by_user:
        dataset.app_config.active_fields = ActiveFields(paths=list(paths), exclude=False)
        dataset.info[OURS] = list(paths)


def field_colours(dataset: fo.Dataset) -> dict[str, str | None]:
    """The colours of fields that have one, by path."""
    return {one["path"]: one.get("fieldColor") for one in colour_entries(dataset) if "path" in one}


def add_colours(dataset: fo.Dataset, colours: Mapping[str, str]) -> None:
    """Give fields a colour that have none, whatever the App colours by: fields or values. The caller saves."""
    known = field_colours(dataset)
    new = [
        {"path": path, "fieldColor": colour, "maskTargetsColors": [{"intTarget": SOUNDING, "color": colour}]}
        for path, colour in colours.items()
        if path not in known
    ]
    if new:
        _set(dataset, [*colour_entries(dataset), *new])


def drop_shown(dataset: fo.Dataset, paths: Sequence[str]) -> None:
    """Forget the colours of fields that go. The caller saves."""
    kept = [one for one in colour_entries(dataset) if one.get("path") not in paths]
    if len(kept) < len(colour_entries(dataset)):
        _set(dataset, kept)


def rename_shown(dataset: fo.Dataset, names: Mapping[str, str]) -> None:
    """Let colours, and what this package chose to be shown, follow fields to new paths. The caller saves."""
    entries = colour_entries(dataset)
    if any(one.get("path") in names for one in entries):
        _set(dataset, [{**one, "path": names.get(one.get("path", ""), one.get("path"))} for one in entries])
    if OURS in dataset.info:
        dataset.info[OURS] = [names.get(path, path) for path in dataset.info[OURS]]


def colour_entries(dataset: fo.Dataset) -> list[dict[str, Any]]:
    """What the dataset's color scheme says of single fields."""
    scheme = dataset.app_config.color_scheme
    return list((scheme.fields if scheme is not None else None) or ())


def _set(dataset: fo.Dataset, entries: Sequence[Mapping[str, Any]]) -> None:
    if dataset.app_config.color_scheme is None:
        dataset.app_config.color_scheme = fo.ColorScheme()
    dataset.app_config.color_scheme.fields = list(entries)
