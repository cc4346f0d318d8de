"""What an import would make of a folder, before it is made: which files were paired, and which were not."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from fiftyone_avs.benchmarks.pairing import few_of, find_pairs
from fiftyone_avs.benchmarks.records import Record
from fiftyone_avs.benchmarks.registry import find_benchmark
from fiftyone_avs.errors import DatasetError
from fiftyone_avs.fo.importing.benchmarks.import_benchmark import check_data, default_data_name, is_plain
from fiftyone_avs.fo.importing.folders import video_files
from fiftyone_avs.fo.schema.findings import raise_first
from fiftyone_avs.media.endings import IMAGES, VIDEOS


def preview_import(
    folder: str | Path,
    *,
    benchmark: str | None = None,
    name: str | None = None,
    kind: str | None = None,
    split: str | None = None,
    limit: int | None = None,
    **options: Any,
) -> str:
    """Say what ``import_data`` would import with the same arguments; nothing is made, and no picture is opened.

    Args:
        folder: what would be imported.
        benchmark: as for ``import_data``, like those that follow.
        name: of the dataset.
        kind: "images" or "videos".
        split: of a benchmark.
        limit: its first rows only.
        options: others of ``import_benchmark``.

    Returns:
        Lines of text: how many pictures have a sound and a ground truth, with examples, and which files have no
        partner; for a benchmark, how many rows of its index can be used and what is wrong with the others.

    Raises:
        ConfigurationError, DatasetError: as ``import_data``.

    Example:
        >>> print(preview_import("~/my-data"))
        3 pictures side by side, 2 with a sound, 0 with a ground truth
        such as dog: dog.jpg + dog.wav; walks/cat: cat.jpg + cat.wav
        1 pictures without a sound: walks/bird
    """
    named = name or default_data_name(folder, benchmark, split)
    raise_first(
        check_data(folder, named, benchmark=benchmark, kind=kind, split=split, limit=limit, **options)
    )
    root = Path(folder).expanduser().absolute()
    if not is_plain(root, benchmark):
        return _of_benchmark(root, benchmark or "", split)
    pairs = find_pairs(root)
    if kind == "images" or (kind is None and pairs.pairs):
        if not pairs.pairs:
            raise DatasetError(f"{root} holds no images ({', '.join(sorted(IMAGES))})")
        return str(pairs)
    videos = list(video_files(root))
    if not videos:
        raise DatasetError(
            f"{root} holds neither images nor videos ({', '.join(sorted((*IMAGES, *VIDEOS)))})"
        )
    return f"{len(videos)} videos: {few_of(videos)}"


def _of_benchmark(root: Path, key: str, split: str | None) -> str:
    """How many rows of a benchmark's index can be used, and what is wrong with the others."""
    benchmark = find_benchmark(key)
    rows = benchmark.read(root, split=benchmark.chosen_split(split))
    kinds: Counter[str] = Counter()
    problems = []
    for item in rows.items:
        if isinstance(item, Record):
            missing = [
                str(path) for path in (item.image, item.sound) if path is not None and not path.is_file()
            ]
            kinds["missing" if missing else "usable"] += 1
            problems += [f"{path} does not exist" for path in missing]
        else:
            kinds["left out"] += item.left_out
            problems.append(str(item))
    lines = [f"{benchmark.title}: {rows.total} rows, {kinds['usable']} with their picture and sound"]
    return "\n".join(
        [*lines, *problems[:5], *([f"and {len(problems) - 5} more"] if len(problems) > 5 else [])]
    )
