"""Parts of forms: drop-downs filled from the dataset, and what is wrong with what was typed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import fiftyone as fo
from fiftyone.operators import types

from fiftyone_avs import AVSError

FRAMES = "frames."


def dropdown(
    inputs: types.Object,
    name: str,
    choices: Mapping[str, str],
    *,
    label: str,
    default: Any = None,
    description: str | None = None,
    required: bool = False,
    multiple: bool = False,
) -> Any:
    """A drop-down of values, each with its label and perhaps ": " and a description.

    ``multiple`` lets several be chosen and gives a list.
    """
    view = types.DropdownView(multiple=multiple)
    for value, text in choices.items():
        short, _, long = text.partition(": ")
        view.add_choice(value, label=short, description=long or None)
    options = {"label": label, "description": description, "default": default, "required": required}
    if multiple:
        return inputs.list(name, types.String(), view=view, **options)
    return inputs.enum(name, view.values(), view=view, **options)


def names(values: Iterable[str]) -> dict[str, str]:
    """Choices whose label is the value itself."""
    return {value: value for value in values}


def mask_fields(dataset: fo.Dataset) -> list[str]:
    """The fields with masks, on frames for videos."""
    kind = {"ftype": fo.EmbeddedDocumentField, "embedded_doc_type": fo.Segmentation}
    if dataset.media_type == "video":
        return [FRAMES + name for name in dataset.get_frame_field_schema(**kind) or ()]
    return list(dataset.get_field_schema(**kind))


def default_of(choices: Iterable[str], *preferred: str) -> str | None:
    """The first preferred value that is there, else the first of all, else None."""
    there = list(choices)
    return next((name for name in (*preferred, *there) if name in there), None)


def problem(inputs: types.Object, name: str, message: str, label: str = "This cannot work yet") -> None:
    """Show what is wrong, and keep the form from being sent."""
    shown = inputs.view(f"{name}_problem", types.Error(label=label, description=message))
    shown.invalid = True
    shown.error_message = message


def check(inputs: types.Object, name: str, test: Callable[[], object]) -> None:
    """Run one of the package's checks, and show what it raises."""
    try:
        test()
    except AVSError as error:
        problem(inputs, name, str(error))


def remark(inputs: types.Object, name: str, message: str, label: str = "Note") -> None:
    """Show something worth knowing."""
    inputs.view(f"{name}_remark", types.Notice(label=label, description=message))


def absent(inputs: types.Object, what: str, remedy: str) -> None:
    """Say that the dataset lacks what the operator works on."""
    problem(inputs, "absent", remedy, label=f"There is no {what} here")


def plain(text: str) -> str:
    """A text with everything that Markdown or HTML would take for markup escaped."""
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~&])", r"\\\1", text)
