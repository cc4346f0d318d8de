"""The rooms of the package and the walls between them, as its imports have them: see docs/rooms.md.

Everything is derived from the tree, so that a new room stands behind the walls unless it is named here.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import fiftyone_avs
import fiftyone_avs.fo
from tests.imports import PACKAGE, ROOT, circles, graph, imports_of, module_name, reached

KNOW_FIFTYONE = ("fo", "cli")
"""The rooms that may import FiftyOne."""

USE_FO = (*KNOW_FIFTYONE, "integrations")
"""Those that may import the room ``fo``; ``integrations`` holds the addresses that stored records name."""

STOREYS = (
    {"schema"},
    {"runs"},
    {"segment", "evaluate"},
    {"importing", "compare"},
    {"review"},
    {"exporting"},
    {"studies"},
)
"""The rooms in ``fo``: each knows those of the storeys below. ``app`` stands apart."""

FILES = sorted(PACKAGE.rglob("*.py"))
FACES = {"fiftyone_avs": fiftyone_avs, "fiftyone_avs.fo": fiftyone_avs.fo}
GRAPH = graph(PACKAGE)


def room_of(module: str) -> str:
    """The room of a module: ``media`` for ``fiftyone_avs.media.images``, "" for the face."""
    return f"{module}.".split(".")[1]


def room_in_fo(module: str) -> str:
    """The room in ``fo``: ``runs`` for ``fiftyone_avs.fo.runs.records``, "" outside."""
    parts = module.split(".")
    return parts[2] if len(parts) > 2 and parts[1] == "fo" else ""


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_fiftyone_is_known_in_its_rooms_only(path):
    if path.relative_to(PACKAGE).parts[0] not in KNOW_FIFTYONE:
        assert not [name for name in imports_of(path) if name.split(".")[0] == "fiftyone"]


def test_what_works_on_fiftyone_is_used_from_above_only():
    outside = [name for name in GRAPH if room_of(name) not in USE_FO and name not in FACES]
    assert not [(name, used) for name in outside for used in GRAPH[name] if room_of(used) == "fo"]


def test_rooms_in_fo_build_on_those_below():
    storey = {room: number for number, rooms in enumerate(STOREYS) for room in rooms}
    rooms = {path.name for path in (PACKAGE / "fo").iterdir() if (path / "__init__.py").exists()}
    assert rooms == {*storey, "app"}
    wrong = [
        (name, used)
        for name, uses in GRAPH.items()
        for used in uses
        if (here := room_in_fo(name)) and (there := room_in_fo(used)) and here != there
        if "app" in (here, there) or storey[there] >= storey[here]
    ]
    assert not wrong


def test_what_needs_no_fiftyone_is_not_in_fo():
    known = {
        module_name(path) for path in FILES if any(n.split(".")[0] == "fiftyone" for n in imports_of(path))
    }
    idle = {
        name
        for name in GRAPH
        if room_in_fo(name) and name.count(".") > 2 and not ({name} | reached(name, GRAPH)) & known
    }
    packages = {module_name(path) for path in FILES if path.name == "__init__.py"}
    by_design = {
        "fiftyone_avs.fo.app.steps": "made for the App's operators",
        "fiftyone_avs.fo.evaluate.joining": "adds up what scoring found",
        "fiftyone_avs.fo.evaluate.scoring": "scores what is stored, in threads that must not touch the database",
        "fiftyone_avs.fo.schema.eval_fields": "names of fields, and what the App tells of them",
        "fiftyone_avs.fo.schema.findings": "what the checks of calls on collections return",
        "fiftyone_avs.fo.segment.summaries": "what calls on collections return",
    }
    assert idle - packages == set(by_design)


def test_no_import_leads_back_to_where_it_came_from():
    assert not circles(GRAPH)


def test_no_room_leads_back_to_itself():
    rooms: dict[str, set[str]] = {}
    for name, uses in GRAPH.items():
        rooms.setdefault(room_of(name), set()).update(map(room_of, uses))
    assert not circles({room: uses - {room} for room, uses in rooms.items()})


def test_nothing_below_the_faces_imports_them():
    below = {name: uses for name, uses in GRAPH.items() if room_of(name) not in ("cli", "integrations")}
    assert not [(name, face) for name, uses in below.items() for face in FACES if face in uses]


def test_the_plugin_sees_the_faces_only():
    for path in sorted((ROOT / "plugin").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fiftyone_avs"):
                assert node.module in FACES, path
            elif isinstance(node, ast.Import):
                own = {alias.name for alias in node.names if alias.name.startswith("fiftyone_avs")}
                assert own <= {"fiftyone_avs"}, path


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
    allowed = (
        "fiftyone_avs.models.",
        "fiftyone_avs.types.",
        "fiftyone_avs.errors.",
        "fiftyone_avs.strategies.",
    )
    found = set(imports_of(path))
    assert not [name for name in found if name.startswith("fiftyone_avs") and not name.startswith(allowed)]
    assert not {"torch", "transformers", "spacy"} & {name.split(".")[0] for name in found}


@pytest.mark.parametrize("face", FACES)
def test_a_face_names_each_thing_once_and_where_it_is(face):
    module, names = FACES[face], FACES[face].__all__
    assert sorted(names, key=str.lower) == sorted(set(names), key=str.lower)
    assert set(names) <= set(dir(module))
    for name in names:
        value = getattr(module, name)
        assert isinstance(value, str | tuple | dict | frozenset) or value.__doc__, f"{name} has no docstring"
        assert not isinstance(value, type(ast)), f"{name} is a module"
    for_type_checkers = {
        alias.asname: node.module
        for node in ast.walk(ast.parse(Path(module.__file__).read_text()))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname
    }
    assert for_type_checkers == module._HOMES


def test_a_face_has_no_name_of_a_room():
    """An imported room would stand in the name's place."""
    for module in FACES.values():
        assert not {one.name for one in pkgutil.iter_modules(module.__path__)} & {*module.__all__}


def test_rooms_are_there_by_name():
    program = "import fiftyone_avs as avs; print(avs.models.CARDS is not None, avs.fo.runs.__name__)"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["True", "fiftyone_avs.fo.runs"]
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = fiftyone_avs.nothing


def test_threads_may_ask_for_names_at_once():
    """FiftyOne's imports are circular, and threads that entered them at several places locked up."""
    program = """
import threading, fiftyone_avs as avs
names, found = ("segment", "compare", "make_sheet", "list_runs"), {}
start = threading.Barrier(len(names))
def ask(name):
    start.wait()
    found[name] = getattr(avs, name)
threads = [threading.Thread(target=ask, args=(name,)) for name in names]
[thread.start() for thread in threads], [thread.join() for thread in threads]
assert all(callable(found[name]) for name in names)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["a.b", "metrics..x", "no name", ""])
def test_names_that_cannot_be_are_no_attributes(name):
    assert not any(hasattr(module, name) for module in FACES.values())


def test_asking_for_one_name_does_not_import_everything():
    program = "import sys, fiftyone_avs as avs; avs.AVSError; print(*{m.split('.')[0] for m in sys.modules})"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert not {"torch", "numpy", "fiftyone", "transformers"} & set(out.split())


def test_old_addresses_lead_to_the_new_ones():
    old = importlib.import_module("fiftyone_avs.integrations")
    for name in ("segment", "check_segment", "AVSResults"):
        with pytest.warns(DeprecationWarning, match="fiftyone_avs.fo now"):
            assert getattr(old, name) is getattr(
                fiftyone_avs if name in fiftyone_avs.__all__ else fiftyone_avs.fo, name
            )
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = old.nothing


def test_nothing_loads_pickles_or_remote_code():
    for path in FILES:
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
