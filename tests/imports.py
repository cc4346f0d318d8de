"""The imports of the package as its files say them; lazy ones and those for type checkers count like all others."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "fiftyone_avs"


def module_name(path: Path) -> str:
    """The module that a file is, such as ``fiftyone_avs.fo.runs`` for a package's ``__init__.py``."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports_of(path: Path) -> Iterator[str]:
    """Every module or name that a file imports, absolute, wherever in the file it does."""
    package = module_name(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def graph(*folders: Path) -> dict[str, set[str]]:
    """Module -> the modules of these folders that it imports; a name leads to the module that it is in."""
    files = {module_name(path): path for folder in folders for path in sorted(folder.rglob("*.py"))}
    return {name: set(_within(imports_of(path), files)) - {name} for name, path in files.items()}


def _within(names: Iterator[str], files: Mapping[str, Path]) -> Iterator[str]:
    for name in names:
        while name and name not in files:
            name = name.rpartition(".")[0]
        if name:
            yield name


def circles(edges: Mapping[str, set[str]]) -> list[str]:
    """The modules from which imports lead back to themselves."""
    return sorted(name for name in edges if name in reached(name, edges))


def reached(start: str, edges: Mapping[str, set[str]]) -> set[str]:
    """The modules that a module imports, and those that they import in turn."""
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        new = edges[waiting.pop()] - reached
        reached |= new
        waiting += new
    return reached
