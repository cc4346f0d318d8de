"""Parts of forms: drop-downs filled from the dataset, and what is wrong with what was typed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

import fiftyone as fo
from fiftyone.operators import types

from fiftyone_avs import AVSError
from fiftyone_avs.fo import Finding, check_place

FRAMES = "frames."

CANNOT = "This cannot work yet"

FIELDS_IN_SIGHT = 4
"""How many fields above a form's button are surely seen with it."""

SHOWN = ("_problem", "_remark")
"""How the names of problems and remarks end."""


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


def problem(inputs: types.Object, name: str, message: str, label: str = CANNOT) -> None:
    """Show what is wrong, and keep the form from being sent."""
    shown = inputs.view(f"{name}_problem", types.Error(label=label, description=message))
    shown.invalid = True
    shown.error_message = message


def show_findings(
    inputs: types.Object, findings: Iterable[Finding], called: Mapping[str, str] | None = None
) -> None:
    """Show all that a check found: each below the field that it is about, or at the top if the form has no such field.

    Args:
        inputs: the form, with its fields.
        findings: what the check returned.
        called: how the form calls arguments that have other names there.
    """
    for found in dict.fromkeys(findings):
        field = (called or {}).get(found.argument, found.argument)
        there = inputs.properties.get(field)
        title = there.view.label if there is not None and there.view is not None else None
        names = (field if number == 1 else f"{field}_{number}" for number in count(1))
        name = next(one for one in names if not {f"{one}{end}" for end in SHOWN} & inputs.properties.keys())
        if found.blocks:
            problem(inputs, name, found.message, f"{title}: this cannot work yet" if title else CANNOT)
        else:
            remark(inputs, name, found.message, f"{title}: note" if title else "Note")
        _move(inputs, [*inputs.properties][-1], below=field)
    _sum_up(inputs)


def _sum_up(inputs: types.Object) -> None:
    """Say at the end of a long form, beside its button, which fields keep it from being sent."""
    names = list(inputs.properties)
    stops = [name for name in names if inputs.properties[name].invalid]
    if stops and len(names) - names.index(stops[-1]) > FIELDS_IN_SIGHT:
        where = dict.fromkeys(inputs.properties[name].view.label.partition(":")[0] for name in stops)
        inputs.view("sum_up", types.Warning(label=CANNOT, description=f"See above: {', '.join(where)}"))


def misplaced(name: str, path: str) -> list[Finding]:
    """What is wrong with a path that was typed: it is relative, or no place for files; nothing if it is empty."""
    try:
        if path:
            check_place(path, from_app=True)
    except AVSError as error:
        return [Finding(name, str(error))]
    return []


def _move(inputs: types.Object, name: str, below: str) -> None:
    """Put the last property of a form below a field and what is shown there already, or first if there is none."""
    names = [one for one in inputs.properties if one != name]
    place = names.index(below) + 1 if below in names else 0
    while place < len(names) and names[place].endswith(SHOWN):
        place += 1
    names.insert(place, name)
    inputs.properties = {one: inputs.properties[one] for one in names}


def remark(inputs: types.Object, name: str, message: str, label: str = "Note") -> None:
    """Show something worth knowing."""
    inputs.view(f"{name}_remark", types.Notice(label=label, description=message))


def absent(inputs: types.Object, what: str, remedy: str) -> None:
    """Say that the dataset lacks what the operator works on."""
    problem(inputs, "absent", remedy, label=f"There is no {what} here")


def plain(text: str) -> str:
    """A text with everything that Markdown or HTML would take for markup escaped."""
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~&])", r"\\\1", text)
