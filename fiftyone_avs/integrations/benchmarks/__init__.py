"""Benchmarks on disk as FiftyOne datasets."""

from __future__ import annotations

from fiftyone_avs.integrations.benchmarks.importing import (
    check_benchmark_import,
    check_data,
    default_data_name,
    import_benchmark,
    import_data,
)
from fiftyone_avs.integrations.benchmarks.types import (
    DATASET_TYPES,
    AVSBenchAVSSDataset,
    AVSBenchMS3Dataset,
    AVSBenchS4Dataset,
    AVSFolderDataset,
    FlickrSoundNetDataset,
    IS3Dataset,
    SSLalignDataset,
    VGGSSDataset,
    VPOSSDataset,
)

__all__ = [
    "DATASET_TYPES",
    "AVSBenchAVSSDataset",
    "AVSBenchMS3Dataset",
    "AVSBenchS4Dataset",
    "AVSFolderDataset",
    "FlickrSoundNetDataset",
    "IS3Dataset",
    "SSLalignDataset",
    "VGGSSDataset",
    "VPOSSDataset",
    "check_benchmark_import",
    "check_data",
    "default_data_name",
    "import_benchmark",
    "import_data",
]
