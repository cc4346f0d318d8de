"""How these tests load models (as users do), and transformers' own code where torchvision hides it."""

from __future__ import annotations

import ast
import importlib
from dataclasses import replace
from pathlib import Path

import torch
import transformers

import fiftyone_avs as avs
from fiftyone_avs.models import CARDS


def play(role, name, precision="float32"):
    """The model that a user gets for a role by a folder, or by ``<card>:<folder>``."""
    models = avs.load_models("open", overrides={role: str(name)}, device="cpu", precision=precision)
    return models.role(role)


def play_card(card, folder, **settings):
    """The model of a card with files and settings of one's own."""
    own = replace(CARDS[card], source=str(folder), settings={**CARDS[card].settings, **settings})
    return avs.Models({own.role: own}).role(own.role)


def processor_method(model, name):
    """A method of a transformers image processor whose module cannot be imported without torchvision.

    It is taken out of the module's source, and must not need anything that it does not get here.
    """
    source = Path(transformers.__file__).parent / "models" / model / f"image_processing_{model}.py"
    tree = ast.parse(source.read_text())
    found = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    wanted = [found[name], *(found[other] for other in ("_scale_boxes",) if other in found)]
    for function in wanted:
        function.decorator_list = []
    future = ast.ImportFrom("__future__", [ast.alias("annotations")], 0)
    module = ast.fix_missing_locations(ast.Module([future, *wanted], []))
    names = {"torch": torch, "F": torch.nn.functional, "np": importlib.import_module("numpy")}
    exec(compile(module, str(source), "exec"), names)
    return names[name]


def processor_constants(model, name):
    """The constants in a transformers image processor's class body, as source text by name."""
    source = Path(transformers.__file__).parent / "models" / model / f"image_processing_{model}.py"
    body = next(
        node.body
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.ClassDef) and node.name == name
    )
    return {node.targets[0].id: ast.unparse(node.value) for node in body if isinstance(node, ast.Assign)}
