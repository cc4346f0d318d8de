"""The walls of the architecture: who may import whom, and what is public."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import fiftyone_avs

PACKAGE = Path(fiftyone_avs.__file__).parent
FREE_OF_FIFTYONE = [
    *sorted(PACKAGE.glob("*.py")),
    *(
        path
        for room in (
            "media",
            "strategies",
            "models",
            "nets",
            "engine",
            "metrics",
            "tiny",
            "training",
            "benchmarks",
        )
        for path in sorted((PACKAGE / room).rglob("*.py"))
    ),
]


def imported_modules(path: Path) -> set[str]:
    """Every module that a file imports, wherever in the file it does."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", FREE_OF_FIFTYONE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_pipeline_modules_do_not_import_fiftyone(path):
    offenders = {name for name in imported_modules(path) if name.split(".")[0] == "fiftyone"}
    assert not offenders


def test_a_pipeline_runs_where_fiftyone_is_not_installed():
    program = """
import sys
sys.modules["fiftyone"] = None  # importing it now raises ImportError
import numpy as np
import fiftyone_avs as avs
from fiftyone_avs.models.fake import fake_models
clip = avs.Clip("a", np.full((8, 8, 3), 255, np.uint8), avs.Sound(np.full(1600, 0.5, np.float32), 16000))
for name in avs.list_strategies():
    (prediction,) = avs.load_pipeline(name, models=fake_models())([clip])
    assert prediction.status == "ok", prediction
    assert prediction.mask.all()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", sorted((PACKAGE / "strategies").glob("*.py")), ids=lambda path: path.name)
def test_strategies_see_roles_only(path):
    allowed = {"fiftyone_avs.models", "fiftyone_avs.types", "fiftyone_avs.errors"}
    own = {name for name in imported_modules(path) if name.startswith("fiftyone_avs")}
    assert {name for name in own if not name.startswith("fiftyone_avs.strategies")} <= allowed
    assert not {"torch", "transformers", "spacy"} & {name.split(".")[0] for name in imported_modules(path)}


def test_the_export_list_is_complete_and_every_name_is_documented():
    program = "import fiftyone_avs as a; print([n for n in vars(a) if not n.startswith('_')])"
    assert sorted(fiftyone_avs.__all__, key=str.lower) == sorted(set(fiftyone_avs.__all__), key=str.lower)
    for name in fiftyone_avs.__all__:
        value = getattr(fiftyone_avs, name)
        assert name == "__version__" or value.__doc__, f"{name} has no docstring"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    modules_and_typing = {
        "annotations",
        "importlib",
        "Mapping",
        "TYPE_CHECKING",
        "Any",
        "Literal",
        "errors",
        "types",
        "models",
        "media",
        "engine",
        "pipeline",
        "planning",
        "strategies",
        "metrics",
        "training",
    }
    unlisted = set(ast.literal_eval(out)) - set(fiftyone_avs.__all__) - modules_and_typing
    assert not unlisted, f"public but not in __all__: {unlisted}"


def test_nothing_loads_pickles_or_remote_code():
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            called = ast.unparse(node.func)
            assert "trust_remote_code" not in keywords, path
            assert not called.startswith("pickle."), path
            if called == "torch.load":
                assert keywords.get("weights_only") == "True", path
            if called == "np.load":
                assert keywords.get("allow_pickle", "False") == "False", path
