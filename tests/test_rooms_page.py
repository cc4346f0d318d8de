"""docs/rooms.md names files, rooms and functions: they are there."""

from __future__ import annotations

import ast
import re

import pytest

from tests.imports import PACKAGE, ROOT

PAGE = (ROOT / "docs" / "rooms.md").read_text()
STEPS = re.findall(r"([a-z_/]+\.py) ([A-Za-z_]\w+)(?=\s{2,}|\n)", PAGE.split("```")[1])


def test_the_drawing_names_many_steps_and_fits_a_screen():
    drawing = PAGE.split("```")[1].splitlines()
    assert len(STEPS) > 15
    assert len(drawing) <= 45 and max(map(len, drawing)) <= 120


@pytest.mark.parametrize(("file", "name"), STEPS)
def test_a_step_is_where_the_page_says(file, name):
    defined = {getattr(node, "name", None) for node in ast.parse((PACKAGE / file).read_text()).body}
    assert name in defined


def test_rooms_and_files_are_there():
    named = set(re.findall(r"`((?:[a-z_]+/)*(?:[a-z_]+\.py|[a-z_]+/))`", PAGE))
    assert len(named) > 20
    missing = {name for name in named if not (PACKAGE / name).exists() and not (ROOT / name).exists()}
    assert not missing
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert rooms <= {name.split("/")[0] for name in named}
