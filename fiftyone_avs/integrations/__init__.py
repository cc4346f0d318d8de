"""Everything that works on FiftyOne collections: segment, evaluate, compare, and records of runs."""

from __future__ import annotations

from fiftyone_avs.integrations.benchmarks import (
    AVSBenchAVSSDataset,
    AVSBenchMS3Dataset,
    AVSBenchS4Dataset,
    AVSFolderDataset,
    FlickrSoundNetDataset,
    IS3Dataset,
    SSLalignDataset,
    VGGSSDataset,
    VPOSSDataset,
    check_data,
    import_benchmark,
    import_data,
)
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
from fiftyone_avs.integrations.cluster import RayRunner
from fiftyone_avs.integrations.comparison import Comparison, compare
from fiftyone_avs.integrations.composite import composite
from fiftyone_avs.integrations.controls import ControlReport, check_controls, run_controls
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
from fiftyone_avs.integrations.opening import name_runs
from fiftyone_avs.integrations.outputs import check_output
from fiftyone_avs.integrations.plugin_install import install_plugin, uninstall_plugin
from fiftyone_avs.integrations.predictions import ImportSummary, check_predictions, import_predictions
from fiftyone_avs.integrations.preflight import Finding, check_evaluate, check_segment
from fiftyone_avs.integrations.reproduction import (
    TABLES,
    ReproducedRow,
    Reproduction,
    check_reproduce,
    reproduce,
)
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
from fiftyone_avs.integrations.segmentation import DEMO_MARK, DemoModelsWarning, segment, segment_all
from fiftyone_avs.integrations.sheets import SheetSummary, check_sheet, choose_samples, make_sheet
from fiftyone_avs.integrations.verdicts import VERDICTS, next_sample, set_verdict

__all__ = [
    "AVSBenchAVSSDataset",
    "AVSBenchMS3Dataset",
    "AVSBenchS4Dataset",
    "AVSFolderDataset",
    "AVSResults",
    "benchmark_of",
    "browse_by_iou",
    "BrowsedSample",
    "CAPTION_FIELDS",
    "captioned_sounds",
    "check_controls",
    "check_data",
    "check_evaluate",
    "check_import",
    "check_output",
    "check_predictions",
    "check_rename",
    "check_reproduce",
    "check_segment",
    "check_sheet",
    "choose_samples",
    "class_standings",
    "ClassStanding",
    "compare",
    "Comparison",
    "composite",
    "ControlReport",
    "dataset_from_folder",
    "dataset_from_videos",
    "delete_run",
    "DEMO_MARK",
    "DemoModelsWarning",
    "describe_samples",
    "evaluate",
    "EvaluationInfo",
    "export_run",
    "ExportSummary",
    "find_evaluation",
    "Finding",
    "FlickrSoundNetDataset",
    "frame_at",
    "import_benchmark",
    "import_data",
    "import_folder",
    "import_predictions",
    "ImportReport",
    "ImportSummary",
    "inspect_sample",
    "install_plugin",
    "IS3Dataset",
    "joint_scores",
    "JointPoint",
    "JointScores",
    "list_evaluations",
    "list_run_keys",
    "list_runs",
    "make_sheet",
    "metric_of",
    "METRICS",
    "next_sample",
    "RayRunner",
    "rename_run",
    "reproduce",
    "ReproducedRow",
    "Reproduction",
    "review_clip",
    "ReviewSummary",
    "run_controls",
    "run_info",
    "RunInfo",
    "RunInspection",
    "RunSummary",
    "sample_class_fields",
    "SampleInspection",
    "name_runs",
    "segment",
    "segment_all",
    "set_benchmark",
    "set_verdict",
    "SheetSummary",
    "SSLalignDataset",
    "Standing",
    "standings",
    "TABLES",
    "uninstall_plugin",
    "VERDICTS",
    "VGGSSDataset",
    "view_of_cell",
    "view_of_class",
    "view_of_range",
    "VPOSSDataset",
]
