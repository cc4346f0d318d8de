"""A name means one thing in the whole package, so that a reader who meets it knows what it is."""

from __future__ import annotations

import ast
from collections import defaultdict

from tests.imports import PACKAGE, ROOT, module_name

CONVENTIONS = {
    "add_commands": ("fiftyone_avs.cli", "adds the commands of a family to the command line"),
    "make_model": ("fiftyone_avs.training.tiny", "the tiny model of a role with random weights"),
    "held_out_figures": (
        "fiftyone_avs.training.tiny",
        "how good the tiny model of a role is on held-out data",
    ),
}
"""Functions that every file of a room has, with one meaning."""


def definitions() -> dict[str, list[str]]:
    """Classes and public functions of all modules: name -> modules."""
    found = defaultdict(list)
    for path in [*sorted(PACKAGE.rglob("*.py")), *sorted((ROOT / "plugin").rglob("*.py"))]:
        for node in ast.parse(path.read_text()).body:
            named = isinstance(node, ast.ClassDef | ast.FunctionDef)
            if named and not (isinstance(node, ast.FunctionDef) and node.name.startswith("_")):
                found[node.name].append(module_name(path))
    return found


def test_no_two_classes_or_functions_share_a_name():
    shared = {name: modules for name, modules in definitions().items() if len(modules) > 1}
    for name, (room, _meaning) in CONVENTIONS.items():
        assert all(module.startswith(room) for module in shared.pop(name))
    assert not shared
