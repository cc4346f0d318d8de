"""Everything that works on FiftyOne collections.

Rooms build on each other in this order: ``schema``, ``runs``, ``segment`` and ``evaluate``, ``importing`` and
``compare``, ``review``, ``exporting``, ``studies``; ``app`` stands apart. Rooms of one step do not know each other. The
names below are for the App's plugin, the command line, and whoever needs more than ``fiftyone_avs`` itself offers;
``segment``, ``evaluate`` and ``compare`` are there, because here they are rooms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fiftyone_avs._lazy import lazily

if TYPE_CHECKING:
    from fiftyone_avs.benchmarks.registry import (
        ALL_SPLITS as ALL_SPLITS,
        BENCHMARKS as BENCHMARKS,
        Benchmark as Benchmark,
    )
    from fiftyone_avs.controls.report import (
        CONTROL_METRICS as CONTROL_METRICS,
        ControlReport as ControlReport,
    )
    from fiftyone_avs.drawing.spectrogram import spectrogram_picture as spectrogram_picture
    from fiftyone_avs.fo.app.plugin_install import (
        install_plugin as install_plugin,
        uninstall_plugin as uninstall_plugin,
    )
    from fiftyone_avs.fo.app.steps import InSteps as InSteps
    from fiftyone_avs.fo.compare.browsing import (
        BrowsedSample as BrowsedSample,
        browse_by_iou as browse_by_iou,
        check_browse as check_browse,
        describe_samples as describe_samples,
        view_of_cell as view_of_cell,
        view_of_class as view_of_class,
        view_of_range as view_of_range,
    )
    from fiftyone_avs.fo.compare.colours import evaluation_colours as evaluation_colours
    from fiftyone_avs.fo.compare.comparison import Comparison as Comparison
    from fiftyone_avs.fo.compare.joint import (
        JointPoint as JointPoint,
        JointScores as JointScores,
        joint_scores as joint_scores,
    )
    from fiftyone_avs.fo.compare.standings import (
        ClassStanding as ClassStanding,
        Standing as Standing,
        class_standings as class_standings,
        standings as standings,
    )
    from fiftyone_avs.fo.evaluate.choices import (
        PAIR_KEY as PAIR_KEY,
        VIDEO_KEY as VIDEO_KEY,
        boxes_fields as boxes_fields,
        group_fields as group_fields,
        offered_protocols as offered_protocols,
    )
    from fiftyone_avs.fo.evaluate.custom_metrics import metric_of as metric_of
    from fiftyone_avs.fo.evaluate.listing import (
        EvaluationInfo as EvaluationInfo,
        find_evaluation as find_evaluation,
        list_evaluations as list_evaluations,
    )
    from fiftyone_avs.fo.evaluate.preflight import check_evaluate as check_evaluate
    from fiftyone_avs.fo.evaluate.renaming import (
        RenamedScores as RenamedScores,
        rename_scores as rename_scores,
    )
    from fiftyone_avs.fo.evaluate.results import (
        AVSResults as AVSResults,
        describe_rules as describe_rules,
        metrics_of_all as metrics_of_all,
    )
    from fiftyone_avs.fo.exporting.clips import ClipsSummary as ClipsSummary, make_clips as make_clips
    from fiftyone_avs.fo.exporting.export import ExportSummary as ExportSummary, export_run as export_run
    from fiftyone_avs.fo.exporting.output_folders import check_output as check_output
    from fiftyone_avs.fo.exporting.sheets import (
        SheetSummary as SheetSummary,
        check_sheet as check_sheet,
        choose_samples as choose_samples,
        make_sheet as make_sheet,
    )
    from fiftyone_avs.fo.importing.benchmarks.import_benchmark import (
        check_data as check_data,
        default_data_name as default_data_name,
        import_benchmark as import_benchmark,
        import_data as import_data,
    )
    from fiftyone_avs.fo.importing.benchmarks.types import (
        AVSBenchAVSSDataset as AVSBenchAVSSDataset,
        AVSBenchMS3Dataset as AVSBenchMS3Dataset,
        AVSBenchS4Dataset as AVSBenchS4Dataset,
        AVSFolderDataset as AVSFolderDataset,
        FlickrSoundNetDataset as FlickrSoundNetDataset,
        IS3Dataset as IS3Dataset,
        SSLalignDataset as SSLalignDataset,
        VGGSSDataset as VGGSSDataset,
        VPOSSDataset as VPOSSDataset,
    )
    from fiftyone_avs.fo.importing.captions import captioned_sounds as captioned_sounds
    from fiftyone_avs.fo.importing.folders import (
        dataset_from_folder as dataset_from_folder,
        dataset_from_videos as dataset_from_videos,
    )
    from fiftyone_avs.fo.importing.import_folder import (
        ImportReport as ImportReport,
        benchmark_of as benchmark_of,
        check_import as check_import,
        import_folder as import_folder,
        set_benchmark as set_benchmark,
    )
    from fiftyone_avs.fo.importing.predictions.import_predictions import (
        check_predictions as check_predictions,
        import_predictions as import_predictions,
    )
    from fiftyone_avs.fo.importing.predictions.storing import ImportSummary as ImportSummary
    from fiftyone_avs.fo.importing.preview import preview_import as preview_import
    from fiftyone_avs.fo.review.composite import composite as composite
    from fiftyone_avs.fo.review.inspection import (
        SampleInspection as SampleInspection,
        frame_at as frame_at,
        inspect_sample as inspect_sample,
    )
    from fiftyone_avs.fo.review.run_inspection import RunInspection as RunInspection
    from fiftyone_avs.fo.review.verdicts import (
        VERDICTS as VERDICTS,
        next_sample as next_sample,
        set_verdict as set_verdict,
    )
    from fiftyone_avs.fo.runs.appearance import Shown as Shown, show_runs as show_runs
    from fiftyone_avs.fo.runs.calls import (
        UnfinishedCall as UnfinishedCall,
        list_unfinished as list_unfinished,
        stop_run as stop_run,
    )
    from fiftyone_avs.fo.runs.changing import (
        check_rename as check_rename,
        delete_run as delete_run,
        rename_run as rename_run,
    )
    from fiftyone_avs.fo.runs.checking import RunCheck as RunCheck, check_runs as check_runs
    from fiftyone_avs.fo.runs.class_fields import sample_class_fields as sample_class_fields
    from fiftyone_avs.fo.runs.listing import (
        RunInfo as RunInfo,
        list_run_keys as list_run_keys,
        list_runs as list_runs,
        run_info as run_info,
    )
    from fiftyone_avs.fo.runs.start_or_resume import name_runs as name_runs
    from fiftyone_avs.fo.schema.checks import root_dataset as root_dataset
    from fiftyone_avs.fo.schema.eval_fields import (
        IOU_LABELS as IOU_LABELS,
        EvalFields as EvalFields,
    )
    from fiftyone_avs.fo.schema.fields import CAPTION_FIELDS as CAPTION_FIELDS
    from fiftyone_avs.fo.schema.findings import Finding as Finding
    from fiftyone_avs.fo.schema.private import serialized_view as serialized_view
    from fiftyone_avs.fo.segment.cluster.driver import RayRunner as RayRunner
    from fiftyone_avs.fo.segment.demo_models import (
        DEMO_MARK as DEMO_MARK,
        DemoModelsWarning as DemoModelsWarning,
        demo_models_note as demo_models_note,
    )
    from fiftyone_avs.fo.segment.preflight import check_segment as check_segment
    from fiftyone_avs.fo.segment.resuming import (
        check_resume as check_resume,
        resume_run as resume_run,
    )
    from fiftyone_avs.fo.segment.segmentation import segment_all as segment_all
    from fiftyone_avs.fo.segment.summaries import (
        RunSummaries as RunSummaries,
        RunSummary as RunSummary,
    )
    from fiftyone_avs.fo.studies.control_checks import check_controls as check_controls
    from fiftyone_avs.fo.studies.control_plan import (
        CONTROLS as CONTROLS,
        CONTROLS_ABOUT as CONTROLS_ABOUT,
    )
    from fiftyone_avs.fo.studies.controls import run_controls as run_controls
    from fiftyone_avs.fo.studies.reproduction import (
        check_reproduce as check_reproduce,
        reproduce as reproduce,
    )
    from fiftyone_avs.media.places import check_place as check_place
    from fiftyone_avs.metrics import (
        AUC_THRESHOLDS as AUC_THRESHOLDS,
        METRICS as METRICS,
        PROTOCOLS as PROTOCOLS,
    )
    from fiftyone_avs.models import PRESETS as PRESETS, ROLES as ROLES
    from fiftyone_avs.paper.plan import TABLES as TABLES
    from fiftyone_avs.paper.published import (
        PUBLISHED_DATASETS as PUBLISHED_DATASETS,
        PublishedRow as PublishedRow,
        published_rows as published_rows,
    )
    from fiftyone_avs.paper.table import ReproducedRow as ReproducedRow, Reproduction as Reproduction

_HOMES = {
    "ALL_SPLITS": "fiftyone_avs.benchmarks.registry",
    "AUC_THRESHOLDS": "fiftyone_avs.metrics",
    "AVSBenchAVSSDataset": "fiftyone_avs.fo.importing.benchmarks.types",
    "AVSBenchMS3Dataset": "fiftyone_avs.fo.importing.benchmarks.types",
    "AVSBenchS4Dataset": "fiftyone_avs.fo.importing.benchmarks.types",
    "AVSFolderDataset": "fiftyone_avs.fo.importing.benchmarks.types",
    "AVSResults": "fiftyone_avs.fo.evaluate.results",
    "Benchmark": "fiftyone_avs.benchmarks.registry",
    "benchmark_of": "fiftyone_avs.fo.importing.import_folder",
    "BENCHMARKS": "fiftyone_avs.benchmarks.registry",
    "boxes_fields": "fiftyone_avs.fo.evaluate.choices",
    "browse_by_iou": "fiftyone_avs.fo.compare.browsing",
    "BrowsedSample": "fiftyone_avs.fo.compare.browsing",
    "CAPTION_FIELDS": "fiftyone_avs.fo.schema.fields",
    "captioned_sounds": "fiftyone_avs.fo.importing.captions",
    "check_browse": "fiftyone_avs.fo.compare.browsing",
    "check_controls": "fiftyone_avs.fo.studies.control_checks",
    "check_data": "fiftyone_avs.fo.importing.benchmarks.import_benchmark",
    "check_evaluate": "fiftyone_avs.fo.evaluate.preflight",
    "check_import": "fiftyone_avs.fo.importing.import_folder",
    "check_output": "fiftyone_avs.fo.exporting.output_folders",
    "check_place": "fiftyone_avs.media.places",
    "check_predictions": "fiftyone_avs.fo.importing.predictions.import_predictions",
    "check_rename": "fiftyone_avs.fo.runs.changing",
    "check_reproduce": "fiftyone_avs.fo.studies.reproduction",
    "check_resume": "fiftyone_avs.fo.segment.resuming",
    "check_runs": "fiftyone_avs.fo.runs.checking",
    "check_segment": "fiftyone_avs.fo.segment.preflight",
    "check_sheet": "fiftyone_avs.fo.exporting.sheets",
    "choose_samples": "fiftyone_avs.fo.exporting.sheets",
    "class_standings": "fiftyone_avs.fo.compare.standings",
    "ClassStanding": "fiftyone_avs.fo.compare.standings",
    "ClipsSummary": "fiftyone_avs.fo.exporting.clips",
    "Comparison": "fiftyone_avs.fo.compare.comparison",
    "composite": "fiftyone_avs.fo.review.composite",
    "CONTROL_METRICS": "fiftyone_avs.controls.report",
    "ControlReport": "fiftyone_avs.controls.report",
    "CONTROLS": "fiftyone_avs.fo.studies.control_plan",
    "CONTROLS_ABOUT": "fiftyone_avs.fo.studies.control_plan",
    "dataset_from_folder": "fiftyone_avs.fo.importing.folders",
    "dataset_from_videos": "fiftyone_avs.fo.importing.folders",
    "default_data_name": "fiftyone_avs.fo.importing.benchmarks.import_benchmark",
    "delete_run": "fiftyone_avs.fo.runs.changing",
    "DEMO_MARK": "fiftyone_avs.fo.segment.demo_models",
    "demo_models_note": "fiftyone_avs.fo.segment.demo_models",
    "DemoModelsWarning": "fiftyone_avs.fo.segment.demo_models",
    "describe_rules": "fiftyone_avs.fo.evaluate.results",
    "describe_samples": "fiftyone_avs.fo.compare.browsing",
    "evaluation_colours": "fiftyone_avs.fo.compare.colours",
    "EvaluationInfo": "fiftyone_avs.fo.evaluate.listing",
    "export_run": "fiftyone_avs.fo.exporting.export",
    "ExportSummary": "fiftyone_avs.fo.exporting.export",
    "find_evaluation": "fiftyone_avs.fo.evaluate.listing",
    "Finding": "fiftyone_avs.fo.schema.findings",
    "FlickrSoundNetDataset": "fiftyone_avs.fo.importing.benchmarks.types",
    "frame_at": "fiftyone_avs.fo.review.inspection",
    "group_fields": "fiftyone_avs.fo.evaluate.choices",
    "import_benchmark": "fiftyone_avs.fo.importing.benchmarks.import_benchmark",
    "import_data": "fiftyone_avs.fo.importing.benchmarks.import_benchmark",
    "import_folder": "fiftyone_avs.fo.importing.import_folder",
    "import_predictions": "fiftyone_avs.fo.importing.predictions.import_predictions",
    "ImportReport": "fiftyone_avs.fo.importing.import_folder",
    "ImportSummary": "fiftyone_avs.fo.importing.predictions.storing",
    "inspect_sample": "fiftyone_avs.fo.review.inspection",
    "install_plugin": "fiftyone_avs.fo.app.plugin_install",
    "InSteps": "fiftyone_avs.fo.app.steps",
    "IS3Dataset": "fiftyone_avs.fo.importing.benchmarks.types",
    "joint_scores": "fiftyone_avs.fo.compare.joint",
    "JointPoint": "fiftyone_avs.fo.compare.joint",
    "JointScores": "fiftyone_avs.fo.compare.joint",
    "list_evaluations": "fiftyone_avs.fo.evaluate.listing",
    "list_run_keys": "fiftyone_avs.fo.runs.listing",
    "list_runs": "fiftyone_avs.fo.runs.listing",
    "list_unfinished": "fiftyone_avs.fo.runs.calls",
    "make_clips": "fiftyone_avs.fo.exporting.clips",
    "make_sheet": "fiftyone_avs.fo.exporting.sheets",
    "metric_of": "fiftyone_avs.fo.evaluate.custom_metrics",
    "METRICS": "fiftyone_avs.metrics",
    "metrics_of_all": "fiftyone_avs.fo.evaluate.results",
    "name_runs": "fiftyone_avs.fo.runs.start_or_resume",
    "next_sample": "fiftyone_avs.fo.review.verdicts",
    "offered_protocols": "fiftyone_avs.fo.evaluate.choices",
    "PAIR_KEY": "fiftyone_avs.fo.evaluate.choices",
    "PRESETS": "fiftyone_avs.models",
    "preview_import": "fiftyone_avs.fo.importing.preview",
    "PROTOCOLS": "fiftyone_avs.metrics",
    "PUBLISHED_DATASETS": "fiftyone_avs.paper.published",
    "published_rows": "fiftyone_avs.paper.published",
    "PublishedRow": "fiftyone_avs.paper.published",
    "RayRunner": "fiftyone_avs.fo.segment.cluster.driver",
    "rename_run": "fiftyone_avs.fo.runs.changing",
    "RenamedScores": "fiftyone_avs.fo.evaluate.renaming",
    "rename_scores": "fiftyone_avs.fo.evaluate.renaming",
    "IOU_LABELS": "fiftyone_avs.fo.schema.eval_fields",
    "EvalFields": "fiftyone_avs.fo.schema.eval_fields",
    "reproduce": "fiftyone_avs.fo.studies.reproduction",
    "ReproducedRow": "fiftyone_avs.paper.table",
    "Reproduction": "fiftyone_avs.paper.table",
    "resume_run": "fiftyone_avs.fo.segment.resuming",
    "ROLES": "fiftyone_avs.models",
    "root_dataset": "fiftyone_avs.fo.schema.checks",
    "run_controls": "fiftyone_avs.fo.studies.controls",
    "run_info": "fiftyone_avs.fo.runs.listing",
    "RunCheck": "fiftyone_avs.fo.runs.checking",
    "RunInfo": "fiftyone_avs.fo.runs.listing",
    "RunInspection": "fiftyone_avs.fo.review.run_inspection",
    "RunSummaries": "fiftyone_avs.fo.segment.summaries",
    "RunSummary": "fiftyone_avs.fo.segment.summaries",
    "sample_class_fields": "fiftyone_avs.fo.runs.class_fields",
    "SampleInspection": "fiftyone_avs.fo.review.inspection",
    "segment_all": "fiftyone_avs.fo.segment.segmentation",
    "serialized_view": "fiftyone_avs.fo.schema.private",
    "set_benchmark": "fiftyone_avs.fo.importing.import_folder",
    "set_verdict": "fiftyone_avs.fo.review.verdicts",
    "SheetSummary": "fiftyone_avs.fo.exporting.sheets",
    "show_runs": "fiftyone_avs.fo.runs.appearance",
    "Shown": "fiftyone_avs.fo.runs.appearance",
    "spectrogram_picture": "fiftyone_avs.drawing.spectrogram",
    "SSLalignDataset": "fiftyone_avs.fo.importing.benchmarks.types",
    "Standing": "fiftyone_avs.fo.compare.standings",
    "standings": "fiftyone_avs.fo.compare.standings",
    "stop_run": "fiftyone_avs.fo.runs.calls",
    "TABLES": "fiftyone_avs.paper.plan",
    "UnfinishedCall": "fiftyone_avs.fo.runs.calls",
    "uninstall_plugin": "fiftyone_avs.fo.app.plugin_install",
    "VERDICTS": "fiftyone_avs.fo.review.verdicts",
    "VGGSSDataset": "fiftyone_avs.fo.importing.benchmarks.types",
    "VIDEO_KEY": "fiftyone_avs.fo.evaluate.choices",
    "view_of_cell": "fiftyone_avs.fo.compare.browsing",
    "view_of_class": "fiftyone_avs.fo.compare.browsing",
    "view_of_range": "fiftyone_avs.fo.compare.browsing",
    "VPOSSDataset": "fiftyone_avs.fo.importing.benchmarks.types",
}
"""Where each public name is defined; it is imported from there when it is first used."""

_DEPRECATED: dict[str, str] = {"review_clip": "make_clips", "ReviewSummary": "ClipsSummary"}
"""Old names of public names, for one release."""

__all__ = [*_HOMES]

__getattr__ = lazily(__name__, _HOMES, _DEPRECATED)


def __dir__() -> list[str]:
    return sorted(__all__)
