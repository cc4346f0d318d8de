"""Everything that works on FiftyOne collections: segment, evaluate, compare, and records of runs."""

from __future__ import annotations

from fiftyone_avs.integrations.captions import captioned_sounds
from fiftyone_avs.integrations.comparison import Comparison, compare
from fiftyone_avs.integrations.evaluation import evaluate
from fiftyone_avs.integrations.folder import dataset_from_folder, dataset_from_videos
from fiftyone_avs.integrations.results import AVSResults
from fiftyone_avs.integrations.runner import RunSummary
from fiftyone_avs.integrations.runs import RunInfo, delete_run, list_runs, run_info
from fiftyone_avs.integrations.segmentation import DemoModelsWarning, segment

__all__ = [
    "AVSResults",
    "Comparison",
    "DemoModelsWarning",
    "RunInfo",
    "RunSummary",
    "captioned_sounds",
    "compare",
    "dataset_from_folder",
    "dataset_from_videos",
    "delete_run",
    "evaluate",
    "list_runs",
    "run_info",
    "segment",
]
