"""Runs the code cells of a notebook as a notebook would, without Jupyter; see test_notebook.py.

    python tests/notebook_run.py <notebook> <tag>[,<tag>...] ...

Runs it once for every argument after the first, which names the tags of cells to leave out. Prints a line of
JSON in the end: the kinds and sizes of what was displayed the last time.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import io
import json
import sys
import types
from pathlib import Path

from PIL import Image as PILImage


class Media:
    """Stands in for IPython's Image and Audio, which hold the bytes of what they show in ``data``."""

    def __init__(self, data=None, filename=None):
        self.data = Path(filename).read_bytes() if data is None else data


class Image(Media):
    pass


class Audio(Media):
    pass


def provide_ipython(shown):
    """Let what is displayed be collected, whether IPython is installed or not."""
    try:
        import IPython.display as module
    except ImportError:
        module = types.ModuleType("IPython.display")
        module.Image, module.Audio = Image, Audio
        package = types.ModuleType("IPython")
        package.display, package.get_ipython = module, lambda: None
        package.version_info = (9, 0)  # which matplotlib asks for
        sys.modules |= {"IPython": package, "IPython.display": module}
    module.display = shown.append


def code_cells(path, left_out):
    """The sources of the cells to run, with their places in the notebook."""
    cells = enumerate(json.loads(Path(path).read_text(encoding="utf-8"))["cells"])
    return [
        (place, "".join(cell["source"]))
        for place, cell in cells
        if cell["cell_type"] == "code" and not left_out & set(cell["metadata"].get("tags", ()))
    ]


async def run_cells(cells):
    """Run cells one after the other in one namespace, within an event loop, as Jupyter does."""
    namespace = {"__name__": "__main__"}
    for place, source in cells:
        code = compile(source, f"<cell {place}>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        result = eval(code, namespace)
        if inspect.isawaitable(result):
            await result


def describe(thing):
    """What was displayed: its kind and, for a picture, its size in pixels."""
    size = PILImage.open(io.BytesIO(thing.data)).size if type(thing).__name__ == "Image" else None
    return [type(thing).__name__, size]


def main(path, *rounds):
    """Run a notebook, perhaps several times."""
    shown = []
    provide_ipython(shown)
    for tags in rounds:
        shown.clear()
        asyncio.run(run_cells(code_cells(path, set(tags.split(",")))))
    print(json.dumps([describe(thing) for thing in shown]))


if __name__ == "__main__":
    main(*sys.argv[1:])
