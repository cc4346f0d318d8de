"""Import a benchmark as a FiftyOne dataset, or any folder, whether it is a benchmark or not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import fiftyone as fo

from fiftyone_avs.benchmarks.layouts.pairs import NEGATIVE
from fiftyone_avs.benchmarks.registry import ALL_SPLITS, find_benchmark
from fiftyone_avs.errors import DatasetError
from fiftyone_avs.fo.importing.benchmarks.samples import BOXES, LABEL, NAME, PAIR, TIME, VIDEO
from fiftyone_avs.fo.importing.benchmarks.types import DATASET_TYPES, BenchmarkImporter
from fiftyone_avs.fo.importing.import_folder import ImportReport, check_import, import_folder, kinds_of
from fiftyone_avs.fo.runs.appearance import show_truth
from fiftyone_avs.fo.schema.fields import AUDIO, FRAMES, GROUND_TRUTH
from fiftyone_avs.fo.schema.findings import Finding, finding_of, raise_first
from fiftyone_avs.media.endings import VIDEOS
from fiftyone_avs.paper.published import PUBLISHED_DATASETS
from fiftyone_avs.progress import Progress


def import_benchmark(
    name: str,
    root: str | Path,
    *,
    dataset_name: str | None = None,
    split: str | None = None,
    as_videos: bool = False,
    limit: int | None = None,
    masks_dir: str | Path | None = None,
    clips_dir: str | Path | None = None,
    negatives: bool = False,
    index: str | Path | None = None,
    persistent: bool = True,
    progress: Progress = True,
) -> ImportReport:
    """Make a dataset of a benchmark on disk. Files stay where they are.

    Every sample is a picture with ``audio_path``, ``sample_name`` and, where the benchmark has it, ``ground_truth``,
    ``ground_truth_boxes``, ``label``, ``pair_id``, ``video_id`` and ``t``; its split is a tag. AVSBench-semantic adds
    ``ground_truth_semantic`` and ``classes``, VPO-SS ``ignored``. Saved views group frames by their clip ("by_video")
    and pictures by their pair ("by_pair"). Rows that cannot be used are left out and reported.

    Args:
        name: a key of ``fiftyone_avs.benchmarks.registry.BENCHMARKS``, or "s4", "ms3" or "avss".
        root: the benchmark's folder.
        dataset_name: None makes one of the benchmark and its split.
        split: one of the benchmark's splits, "all", or None for its default.
        as_videos: import the clips themselves (AVSBench S4 and MS3): samples are videos, and the ground truth is on
            the frames that it was made for.
        limit: look at the first so many rows only (as videos: clips).
        masks_dir: where masks that must be converted are written; None takes a folder below FiftyOne's own. They
            belong to the dataset as long as that lives.
        clips_dir: where the clips are, if not where the benchmark has them.
        negatives: add the pairs in which nothing sounds (VGG-SS and Flickr-SoundNet), tagged "negative".
        index: which of SSLalignment's lists to read.
        persistent: keep the dataset when FiftyOne's database ends.
        progress: show a progress bar, or a function called with (rows done, rows to do).

    Raises:
        ConfigurationError: if an argument cannot work, or a dataset of that name exists.
        DatasetError: if the folder does not hold the benchmark, or none of its rows can be used.
    """
    benchmark = find_benchmark(name)
    dataset_name = dataset_name or default_name(name, split)
    raise_first(
        check_benchmark_import(name, root, dataset_name, split=split, as_videos=as_videos, limit=limit)
    )
    importer = DATASET_TYPES[benchmark.key].importer(
        root, limit, split, as_videos, clips_dir, masks_dir, negatives, index
    )
    importer.progress = progress
    dataset = fo.Dataset(dataset_name, persistent=persistent)
    try:
        return _fill(dataset, importer)
    except BaseException:
        dataset.delete()
        raise


def check_benchmark_import(
    name: str,
    root: str | Path,
    dataset_name: str,
    *,
    split: str | None = None,
    as_videos: bool = False,
    limit: int | None = None,
) -> list[Finding]:
    """What would stop ``import_benchmark``; arguments as there, the files are not looked at."""
    unknown = [*finding_of("name", lambda: find_benchmark(name))]
    if unknown:
        return unknown
    benchmark = find_benchmark(name)
    found = [*finding_of("split", lambda: benchmark.chosen_split(split))]
    if as_videos and not benchmark.clips:
        found.append(Finding("as_videos", f"{benchmark.title} has no clips to import as videos"))
    if limit is not None and limit < 1:
        found.append(Finding("limit", f"limit must be 1 or more, not {limit}"))
    called = {"folder": "root", "name": "dataset_name"}
    return found + [replace(one, argument=called[one.argument]) for one in check_import(root, dataset_name)]


def import_data(
    folder: str | Path,
    *,
    benchmark: str | None = None,
    name: str | None = None,
    kind: str | None = None,
    progress: Progress = True,
    **options: Any,
) -> ImportReport:
    """Import a folder: as a benchmark in its own layout, or as plain pictures or videos.

    Args:
        folder: what to import.
        benchmark: which benchmark it is, as for ``import_benchmark``; None for plain pictures or videos. A plain
            folder (with ``img/``, or with videos in it or in ``videos/``) of a benchmark that the paper has numbers
            of is imported as such and marked as the benchmark, as ``import_folder`` does.
        name: of the dataset; None takes the folder's, or one made of the benchmark and its split.
        kind: "images" or "videos"; None takes images, or videos where there are nothing but videos.
        progress: as for ``import_benchmark``.
        options: those of ``import_benchmark`` that are given, for benchmarks in their own layout.

    Raises:
        ConfigurationError: if an argument cannot work, or a dataset of that name exists.
        DatasetError: if there is nothing to import.
    """
    name = name or default_data_name(folder, benchmark, options.get("split"))
    raise_first(check_data(folder, name, benchmark=benchmark, kind=kind, **options))
    if is_plain(Path(folder).expanduser(), benchmark):
        mark = None if benchmark is None else find_benchmark(benchmark).key
        return import_folder(folder, name=name, kind=kind, benchmark=mark, progress=progress)
    return import_benchmark(
        benchmark or "", folder, dataset_name=name, as_videos=kind == "videos", progress=progress, **options
    )


def check_data(
    folder: str | Path,
    name: str,
    *,
    benchmark: str | None = None,
    kind: str | None = None,
    split: str | None = None,
    limit: int | None = None,
    **others: Any,
) -> list[Finding]:
    """What would stop ``import_data``; arguments as there, the files are not looked at."""
    unknown = [*finding_of("benchmark", lambda: None if benchmark is None else find_benchmark(benchmark))]
    if unknown:
        return unknown
    if not is_plain(Path(folder).expanduser(), benchmark):
        called = {"name": "benchmark", "root": "folder", "dataset_name": "name", "as_videos": "kind"}
        found = check_benchmark_import(
            benchmark or "", folder, name, split=split, as_videos=kind == "videos", limit=limit
        )
        return [replace(one, argument=called.get(one.argument, one.argument)) for one in found]
    given = [key for key, value in {"split": split, "limit": limit, **others}.items() if value]
    own = f"is for benchmarks in their own layout, and {folder} is imported as a plain folder"
    return check_import(folder, name, kind=kind) + [Finding(key, f"{key} {own}") for key in given]


def default_data_name(folder: str | Path, benchmark: str | None, split: str | None = None) -> str:
    """What ``import_data`` calls a dataset unless it is told."""
    root = Path(folder).expanduser()
    if is_plain(root, benchmark):
        return root.resolve().name
    return default_name(benchmark or "", split)


def is_plain(root: Path, benchmark: str | None) -> bool:
    """Whether a folder is to be imported without the benchmark's own layout."""
    if benchmark is None:
        return True
    if find_benchmark(benchmark).key not in PUBLISHED_DATASETS:
        return False
    videos = (path for place in (root, root / "videos") if place.is_dir() for path in place.iterdir())
    return (root / "img").is_dir() or any(path.suffix.lower() in VIDEOS for path in videos)


def default_name(name: str, split: str | None = None) -> str:
    """What a benchmark's dataset is called unless it is told: such as "avsbench-s4-test"."""
    benchmark = find_benchmark(name)
    chosen = benchmark.chosen_split(split) or (ALL_SPLITS if benchmark.splits else None)
    return benchmark.key if chosen is None else f"{benchmark.key}-{chosen}"


def _fill(dataset: fo.Dataset, importer: BenchmarkImporter) -> ImportReport:
    _declare(dataset, importer.as_videos)
    for _ in dataset.add_importer(importer, generator=True, progress=False):
        pass
    tally = importer.tally
    problems = tuple(tally.problems)
    if not tally.imported:
        reasons = "; ".join(f"{count} x {reason}" for reason, count in kinds_of(problems).items())
        raise DatasetError(f"none of the {tally.rows} rows below {importer.root} can be used: {reasons}")
    if BOXES in tally.fields:
        dataset.add_sample_field(f"{BOXES}.detections.annotator", fo.IntField)
    _save_views(dataset, tally.fields)
    truth = FRAMES + GROUND_TRUTH if importer.as_videos else GROUND_TRUTH
    show_truth(dataset, [truth], [LABEL])
    return ImportReport(dataset, (), problems, tally.rows, tally.imported)


def _declare(dataset: fo.Dataset, as_videos: bool) -> None:
    """Add the fields that every benchmark has, in the order in which the App lists them."""
    label = {"ftype": fo.EmbeddedDocumentField}
    if as_videos:
        dataset.media_type = "video"
        dataset.add_frame_field(GROUND_TRUTH, **label, embedded_doc_type=fo.Segmentation)
    else:
        dataset.add_sample_field(GROUND_TRUTH, **label, embedded_doc_type=fo.Segmentation)
        dataset.add_sample_field(AUDIO, fo.StringField)
    dataset.add_sample_field(LABEL, **label, embedded_doc_type=fo.Classification)
    dataset.add_sample_field(NAME, fo.StringField)


def _save_views(dataset: fo.Dataset, fields: set[str]) -> None:
    if {VIDEO, TIME} <= fields:
        dataset.save_view("by_video", dataset.group_by(VIDEO, order_by=TIME))
    if PAIR in fields:
        dataset.save_view("by_pair", dataset.group_by(PAIR, order_by=NAME))
    if NEGATIVE in dataset.distinct("tags"):
        dataset.save_view("negatives", dataset.match_tags(NEGATIVE))
