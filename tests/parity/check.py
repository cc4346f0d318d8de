"""Compare this package with numbers made by official code.

Usage: ``python tests/parity/check.py NAME CASE.npz``

NAME is "metrics" or the name of a network (a folder of ``tests/parity/cases``). The network is built, filled
with the recipe of ``fill.py`` and fed with the inputs of the case; ``prep.npz`` files check the way of a
picture into the network and of a mask back.

Prints ``NAME max_abs_diff=... tol=...`` of the output that comes nearest to its tolerance, then a line for
each output. Exit status: 0 if all agree, 1 if one does not, 2 if the arguments are wrong or the file cannot
be read. Works from a clone without installation.
"""

from __future__ import annotations

import importlib.util
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent))
if importlib.util.find_spec("fiftyone_avs") is None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from comparison import Comparison
from evaluators import compare_metrics, read_pairs

Arrays = Mapping[str, npt.NDArray[Any]]

RIS = ("asda", "cris_r50", "cris_r101", "etris_r50", "etris_r101", "etris_vitb16")
SOUND = (
    "beats_as2m",
    "beats_small",
    "wavcaps_htsat_bart",
    "wavcaps_htsat_bart_reduced",
    "msclap2023",
    "clapcap2023",
    "laion_clap_tiny",
    "laion_clap_base",
    "clip_vitb16",
)
NAMES = ("metrics", *RIS, *SOUND)

__all__ = ["NAMES", "compare", "compare_metrics", "main", "read_case", "read_pairs"]


def read_case(path: str | Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a case file."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def compare(name: str, data: Arrays) -> list[Comparison]:
    """Every output of a case with what this package makes of its inputs."""
    if name == "metrics":
        return compare_metrics(data)
    if name in SOUND:
        import sound

        return sound.compare(name, data)
    import ris

    return ris.compare_prep(name, data) if "sizes" in data else ris.compare(name, data)


def main(arguments: Sequence[str]) -> int:
    """Run the comparison named by the arguments and return the exit status."""
    if len(arguments) != 2 or arguments[0] not in NAMES:
        print(f"usage: check.py {{{','.join(NAMES)}}} CASE.npz", file=sys.stderr)
        return 2
    name, path = arguments
    try:
        comparisons = compare(name, read_case(path))
    except (OSError, ValueError, KeyError, IndexError, AttributeError, zipfile.BadZipFile) as error:
        print(f"cannot read {path} as a case of {name}: {error!r}", file=sys.stderr)
        return 2
    if not comparisons:
        print(f"{path} holds nothing to compare", file=sys.stderr)
        return 2
    worst = max(comparisons, key=Comparison.strain)
    print(f"{name} max_abs_diff={worst.difference:.3g} tol={worst.tolerance:.3g}")
    for comparison in comparisons:
        verdict = "ok" if comparison.agrees else f"DIFFERS (tolerance {comparison.tolerance:g})"
        print(f"  {comparison.name:<28} largest difference {comparison.difference:.3g}  {verdict}")
    return 0 if all(comparison.agrees for comparison in comparisons) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
