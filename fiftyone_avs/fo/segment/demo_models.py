"""The embedded demo models know the drawn demo world only: which datasets are of it, and what is said on others."""

from __future__ import annotations

import warnings

import fiftyone as fo

from fiftyone_avs.models import Models

DEMO_MARK = "fiftyone_avs_demo"
"""The key in ``dataset.info`` that marks a dataset of the demo world."""


class DemoModelsWarning(UserWarning):
    """The embedded demo models were asked to look at data that they know nothing of."""


def warn_of_demo_models(models: Models, dataset: fo.Dataset) -> str:
    """Warn if the demo's models are to look at other data; what summaries are to say of it, or ""."""
    note = demo_models_note(models.preset, dataset)
    if note:
        warnings.warn(note, DemoModelsWarning, stacklevel=4)
    return note


def demo_models_note(preset: str, dataset: fo.Dataset) -> str:
    """What is to be said of the demo's models on a dataset that is not of the demo; "" for others."""
    if preset != "tiny" or dataset.info.get(DEMO_MARK):
        return ""
    return (
        f"preset 'tiny' knows the drawn demo world only, and dataset {dataset.name!r} is not of it:"
        " expect nonsense. Use preset='open' for real data"
    )
