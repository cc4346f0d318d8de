"""The names of AudioSet's classes.

The table is from the AudioSet ontology (Google, CC BY 4.0), https://github.com/audioset/ontology: the 527
classes that are evaluated, in the usual order of the label list. Checkpoints have orders of their own: BEATs'
say which machine id an output stands for, and the name is looked up by that id.
"""

from __future__ import annotations

from pathlib import Path

TABLE = Path(__file__).with_name("audioset_classes.tsv")


def display_names() -> dict[str, str]:
    """The display name ("Speech") of each machine id ("/m/09x0r"), in the label list's order."""
    rows = (line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines())
    return dict(rows)
