"""Every network gives the official numbers on the stored cases; see check.py."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import check  # noqa: E402 - the line above says where it is

MINUTES = ("wavcaps_htsat_bart",)
"""At real size this one takes a minute; its reduced form runs always."""

CASES = [
    pytest.param(
        path.parent.name,
        path,
        marks=pytest.mark.slow if path.parent.name in MINUTES else (),
    )
    for path in sorted(HERE.glob("cases/*/*.npz"))
]


@pytest.mark.parametrize(("name", "path"), CASES, ids=lambda value: str(getattr(value, "stem", value)))
def test_outputs_are_the_official_ones(name, path):
    comparisons = check.compare(name, check.read_case(path))
    assert comparisons
    wrong = {c.name: (c.difference, c.tolerance) for c in comparisons if not c.agrees}
    assert not wrong


def test_every_network_has_a_case():
    assert {path.parent.name for path in HERE.glob("cases/*/case_a.npz")} == {*check.NAMES} - {"metrics"}


def test_the_command_prints_the_difference_and_the_tolerance(capsys):
    case = HERE / "cases" / "beats_small" / "case_a.npz"
    assert check.main(["beats_small", str(case)]) == 0
    first = capsys.readouterr().out.splitlines()[0].split()
    assert first[0] == "beats_small"
    values = dict(part.split("=") for part in first[1:])
    assert 0 < float(values["max_abs_diff"]) < float(values["tol"])


def test_the_command_sees_a_wrong_output(tmp_path, capsys):
    data = check.read_case(HERE / "cases" / "beats_small" / "case_a.npz")
    data["probs"] = data["probs"] + np.float32(1e-3)
    np.savez(tmp_path / "wrong.npz", **data)
    assert check.main(["beats_small", str(tmp_path / "wrong.npz")]) == 1
    out = capsys.readouterr().out
    assert "probs " in out and "DIFFERS" in out


def test_another_seed_gives_other_weights(tmp_path):
    data = check.read_case(HERE / "cases" / "beats_small" / "case_a.npz")
    data["seed"] = np.array(1)
    differs = [c.name for c in check.compare("beats_small", data) if not c.agrees]
    assert "probs" in differs and "fbank_probe" not in differs


def test_wrong_arguments_are_refused(tmp_path, capsys):
    assert check.main(["nonsense", "x.npz"]) == 2
    assert check.main(["asda", str(tmp_path / "nowhere.npz")]) == 2
    assert "nowhere.npz" in capsys.readouterr().err
