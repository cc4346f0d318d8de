"""Everything that works on FiftyOne collections: segment, evaluate, compare, and records of runs."""

from __future__ import annotations

from fiftyone_avs.integrations.browsing import (
    BrowsedSample,
    browse_by_iou,
    describe_samples,
    view_of_cell,
    view_of_class,
    view_of_range,
)
from fiftyone_avs.integrations.captions import captioned_sounds
from fiftyone_avs.integrations.classes import sample_class_fields
from fiftyone_avs.integrations.comparison import Comparison, compare
from fiftyone_avs.integrations.composite import composite
from fiftyone_avs.integrations.evaluation import evaluate
from fiftyone_avs.integrations.evaluation_metrics import metric_of
from fiftyone_avs.integrations.exporting import ExportSummary, export_run
from fiftyone_avs.integrations.fields import CAPTION_FIELDS
from fiftyone_avs.integrations.folder import dataset_from_folder, dataset_from_videos
from fiftyone_avs.integrations.importing import (
    ImportReport,
    benchmark_of,
    check_import,
    import_folder,
    set_benchmark,
)
from fiftyone_avs.integrations.inspection import SampleInspection, frame_at, inspect_sample
from fiftyone_avs.integrations.joint import JointPoint, JointScores, joint_scores
from fiftyone_avs.integrations.leaderboard import (
    ClassStanding,
    EvaluationInfo,
    Standing,
    class_standings,
    find_evaluation,
    list_evaluations,
    standings,
)
from fiftyone_avs.integrations.outputs import check_output
from fiftyone_avs.integrations.plugin_install import install_plugin, uninstall_plugin
from fiftyone_avs.integrations.preflight import Finding, check_evaluate, check_segment
from fiftyone_avs.integrations.results import METRICS, AVSResults
from fiftyone_avs.integrations.review import ReviewSummary, review_clip
from fiftyone_avs.integrations.run_inspection import RunInspection
from fiftyone_avs.integrations.runner import RunSummary
from fiftyone_avs.integrations.runs import (
    RunInfo,
    check_rename,
    delete_run,
    list_run_keys,
    list_runs,
    rename_run,
    run_info,
)
from fiftyone_avs.integrations.segmentation import DEMO_MARK, DemoModelsWarning, segment
from fiftyone_avs.integrations.verdicts import VERDICTS, next_sample, set_verdict

__all__ = [
    "metric_of",
    "check_output",
    "frame_at",
    "ReviewSummary",
    "review_clip",
    "ExportSummary",
    "export_run",
    "VERDICTS",
    "next_sample",
    "set_verdict",
    "RunInspection",
    "SampleInspection",
    "inspect_sample",
    "composite",
    "BrowsedSample",
    "browse_by_iou",
    "describe_samples",
    "view_of_cell",
    "view_of_class",
    "view_of_range",
    "JointPoint",
    "JointScores",
    "joint_scores",
    "ClassStanding",
    "EvaluationInfo",
    "Standing",
    "class_standings",
    "find_evaluation",
    "standings",
    "CAPTION_FIELDS",
    "DEMO_MARK",
    "METRICS",
    "AVSResults",
    "Comparison",
    "DemoModelsWarning",
    "Finding",
    "ImportReport",
    "RunInfo",
    "RunSummary",
    "benchmark_of",
    "captioned_sounds",
    "check_evaluate",
    "check_import",
    "check_rename",
    "check_segment",
    "compare",
    "dataset_from_folder",
    "dataset_from_videos",
    "delete_run",
    "evaluate",
    "import_folder",
    "install_plugin",
    "list_evaluations",
    "list_run_keys",
    "list_runs",
    "rename_run",
    "run_info",
    "sample_class_fields",
    "segment",
    "set_benchmark",
    "uninstall_plugin",
]
