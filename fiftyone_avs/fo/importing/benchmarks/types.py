"""Benchmarks as FiftyOne dataset types: ``fo.Dataset.from_dir(dataset_dir=..., dataset_type=IS3Dataset)``.

FiftyOne asks for one sample at a time, so that a benchmark of any size takes little memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import fiftyone as fo
import fiftyone.types as fot
import fiftyone.utils.data as foud

from fiftyone_avs.benchmarks.layouts.avss import class_names_file
from fiftyone_avs.benchmarks.masks import hex_colour, read_class_names
from fiftyone_avs.benchmarks.records import Record, Rows
from fiftyone_avs.benchmarks.registry import Benchmark, find_benchmark
from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.fo.evaluate.choices import PAIR_KEY, VIDEO_KEY
from fiftyone_avs.fo.importing.benchmarks.samples import (
    IGNORED,
    PAIR,
    SEMANTIC,
    VIDEO,
    Tally,
    image_samples,
    records_only,
    video_samples,
)
from fiftyone_avs.fo.importing.benchmarks.truth import TruthFiles, default_masks_dir
from fiftyone_avs.fo.importing.import_folder import BENCHMARK_MARK, kinds_of
from fiftyone_avs.fo.schema.fields import GROUND_TRUTH, MASK_TARGETS
from fiftyone_avs.progress import Progress, track

IMPORT_RECORD = "fiftyone_avs_import"
"""The key in ``dataset.info`` that says what an import did."""

KEPT_PROBLEMS = 1000
"""How many problems the dataset itself keeps."""


class BenchmarkImporter(foud.GenericSampleDatasetImporter):
    """Reads a benchmark for FiftyOne, sample by sample; each type below has one of its own.

    Args:
        dataset_dir: the benchmark's folder.
        max_samples: look at no more rows (as videos: clips) than this.
        split: one of the benchmark's splits, "all", or None for its default.
        as_videos: import the clips themselves, with the ground truth on their frames (AVSBench S4 and MS3).
        clips_dir: where the clips are, if not where the benchmark has them.
        masks_dir: where masks that must be converted are written; None takes a folder below FiftyOne's own.
        negatives: add the pairs in which nothing sounds (VGG-SS, Flickr-SoundNet).
        index: which list to read (SSLalignment).
    """

    key: ClassVar[str]

    def __init__(  # FiftyOne finds arguments by name, and only if they are not keyword-only
        self,
        dataset_dir: str | Path,
        max_samples: int | None = None,
        split: str | None = None,
        as_videos: bool = False,
        clips_dir: str | Path | None = None,
        masks_dir: str | Path | None = None,
        negatives: bool = False,
        index: str | Path | None = None,
    ) -> None:
        super().__init__(dataset_dir=str(dataset_dir), max_samples=max_samples)
        self.benchmark: Benchmark = find_benchmark(self.key)
        self.root = Path(dataset_dir).expanduser()
        self.split = split
        self.as_videos = as_videos
        self.options = {
            "clips": None if clips_dir is None else Path(clips_dir).expanduser(),
            "negatives": negatives or None,
            "index": index,
        }
        folder = default_masks_dir(self.key, self.root) if masks_dir is None else Path(masks_dir)
        self.truth = TruthFiles(folder.expanduser().absolute())
        self.progress: Progress = False
        self.tally = Tally(0)
        self._class_names: Mapping[int, str] = {}
        self._samples: Iterator[fo.Sample] = iter(())

    def setup(self) -> None:
        """Read the index.

        Raises:
            ConfigurationError: if an argument does not fit the benchmark.
            DatasetError: if the folder does not hold the benchmark.
        """
        rows = self._read()
        self.tally = Tally(rows.total)
        if self.key == "avsbench-avss":
            self._class_names = read_class_names(class_names_file(self.root))
        if self.as_videos:
            videos = video_samples(self._records(rows, None), self.truth, self.tally)
            self._samples = islice(videos, self.max_samples)
        else:
            records = self._records(rows, self.max_samples)
            self._samples = image_samples(records, self.truth, self._class_names, self.tally)

    def __next__(self) -> fo.Sample:
        """The next sample; rows that cannot be one are left out."""
        return next(self._samples)

    def __len__(self) -> int:
        """How many samples there are at most.

        Raises:
            TypeError: for videos, whose number is not known before they are read.
        """
        if self.as_videos:
            raise TypeError("how many clips there are is not known before they are read")
        return min(self.tally.rows, self.tally.rows if self.max_samples is None else self.max_samples)

    @property
    def has_dataset_info(self) -> bool:
        """Always: which benchmark it is, its mask values, and what was left out."""
        return True

    @property
    def has_sample_field_schema(self) -> bool:
        """Never: fields that no sample has are not added."""
        return False

    def get_dataset_info(self) -> dict[str, Any]:
        """What the samples so far say of the dataset: entries of ``info``, and its ``mask_targets``."""
        tally, split = self.tally, self.benchmark.chosen_split(self.split)
        targets: dict[str, Any] = {GROUND_TRUTH: MASK_TARGETS}
        info: dict[str, Any] = {IMPORT_RECORD: self._record(split), "mask_targets": targets}
        if IGNORED in tally.fields:
            targets[IGNORED] = {0: "counted", 255: "ignored"}
        if SEMANTIC in tally.fields:
            names = {number: name for number, name in self._class_names.items() if number}
            targets[SEMANTIC] = {hex_colour(number): name for number, name in names.items()}
        if self.key != "folder" and self.benchmark.paper_split in (None, split):
            info[BENCHMARK_MARK] = self.key
        if PAIR in tally.fields:
            info[PAIR_KEY] = PAIR
        if VIDEO in tally.fields:
            info[VIDEO_KEY] = VIDEO
        return info

    def _read(self) -> Rows:
        benchmark = self.benchmark
        options = {name: value for name, value in self.options.items() if value is not None}
        unknown = [name for name in options if name not in benchmark.options]
        if unknown:
            raise ConfigurationError(f"{benchmark.title} has no {unknown[0]}: leave this argument out")
        if self.as_videos and not benchmark.clips:
            raise ConfigurationError(f"{benchmark.title} has no clips to import as videos")
        return benchmark.read(self.root, split=benchmark.chosen_split(self.split), **options)

    def _records(self, rows: Rows, limit: int | None) -> Iterator[Record]:
        """The records of the first rows, with progress over rows."""
        total = rows.total if limit is None else min(limit, rows.total)
        found = islice(records_only(rows.items, self.tally), limit)
        tracked = track(found, total, self.progress, f"import {self.key}")
        return (record for record in tracked if record is not None)

    def _record(self, split: str | None) -> dict[str, Any]:
        problems = tuple(self.tally.problems)
        left_out = sum(problem.left_out for problem in problems)
        return {
            "benchmark": self.key,
            "root": str(self.root.absolute()),
            "split": split,
            "rows": self.tally.rows,
            "imported": self.tally.imported,
            "left_out": left_out,
            "reasons": [{"reason": reason, "count": count} for reason, count in kinds_of(problems).items()],
            "problems": [
                {"row": problem.row, "reason": problem.reason, "left_out": problem.left_out}
                for problem in problems[:KEPT_PROBLEMS]
            ],
        }


class BenchmarkDataset(fot.Dataset):
    """Base class of the types; it is none itself."""

    importer: ClassVar[type[BenchmarkImporter]]

    def get_dataset_importer_cls(self) -> type[BenchmarkImporter]:
        """The importer of the type."""
        return self.importer


def _importer(key: str) -> type[BenchmarkImporter]:
    name = "".join(part.capitalize() for part in key.split("-")) + "Importer"
    return type(name, (BenchmarkImporter,), {"key": key, "__doc__": BenchmarkImporter.__doc__})


class IS3Dataset(BenchmarkDataset):
    """IS3; see ``read_is3`` for the layout."""

    importer = _importer("is3")


class AVSBenchS4Dataset(BenchmarkDataset):
    """AVSBench-S4; see ``read_s4`` for the layout."""

    importer = _importer("avsbench-s4")


class AVSBenchMS3Dataset(BenchmarkDataset):
    """AVSBench-MS3; see ``read_ms3`` for the layout."""

    importer = _importer("avsbench-ms3")


class AVSBenchAVSSDataset(BenchmarkDataset):
    """AVSBench-semantic; see ``read_avss`` for the layout."""

    importer = _importer("avsbench-avss")


class VPOSSDataset(BenchmarkDataset):
    """VPO-SS; see ``read_vpo_ss`` for the layouts."""

    importer = _importer("vpo-ss")


class VGGSSDataset(BenchmarkDataset):
    """VGG-SS; see ``read_vgg_ss`` for the layout."""

    importer = _importer("vgg-ss")


class FlickrSoundNetDataset(BenchmarkDataset):
    """Flickr-SoundNet; see ``read_flickr`` for the layout."""

    importer = _importer("flickr-soundnet")


class SSLalignDataset(BenchmarkDataset):
    """A list of SSLalignment; see ``read_sslalign`` for its form."""

    importer = _importer("sslalign")


class AVSFolderDataset(BenchmarkDataset):
    """Plain pictures with their sounds and masks; see ``read_folder`` for the layout."""

    importer = _importer("folder")


DATASET_TYPES: Mapping[str, type[BenchmarkDataset]] = {
    kind.importer.key: kind
    for kind in (
        IS3Dataset,
        AVSBenchS4Dataset,
        AVSBenchMS3Dataset,
        AVSBenchAVSSDataset,
        VPOSSDataset,
        VGGSSDataset,
        FlickrSoundNetDataset,
        SSLalignDataset,
        AVSFolderDataset,
    )
}
"""The FiftyOne type of each benchmark."""
