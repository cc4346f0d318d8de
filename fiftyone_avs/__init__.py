"""Zero-shot audio-visual segmentation: the pixels of the object that makes the sound.

The pipeline (``load_pipeline``) runs on plain arrays. The functions that work on FiftyOne collections (``segment``,
``evaluate``, ``compare``, ...) import FiftyOne when they are first used, so that the rest of the package works where
FiftyOne is not installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fiftyone_avs._lazy import lazily
from fiftyone_avs._version import __version__ as __version__

if TYPE_CHECKING:
    from fiftyone_avs.controls.report import ControlReport as ControlReport
    from fiftyone_avs.downloading import (
        DownloadPlan as DownloadPlan,
        download_models as download_models,
        plan_download as plan_download,
    )
    from fiftyone_avs.errors import (
        AVSError as AVSError,
        ConfigurationError as ConfigurationError,
        DatasetError as DatasetError,
        MediaError as MediaError,
        ModelError as ModelError,
        RunConflictError as RunConflictError,
    )
    from fiftyone_avs.fo.app.plugin_install import (
        install_plugin as install_plugin,
        uninstall_plugin as uninstall_plugin,
    )
    from fiftyone_avs.fo.compare.browsing import browse_by_iou as browse_by_iou
    from fiftyone_avs.fo.compare.comparison import Comparison as Comparison, compare as compare
    from fiftyone_avs.fo.evaluate.evaluation import evaluate as evaluate
    from fiftyone_avs.fo.evaluate.listing import (
        EvaluationInfo as EvaluationInfo,
        list_evaluations as list_evaluations,
    )
    from fiftyone_avs.fo.evaluate.renaming import rename_scores as rename_scores
    from fiftyone_avs.fo.evaluate.results import AVSResults as AVSResults
    from fiftyone_avs.fo.exporting.clips import ClipsSummary as ClipsSummary, make_clips as make_clips
    from fiftyone_avs.fo.exporting.export import ExportSummary as ExportSummary, export_run as export_run
    from fiftyone_avs.fo.exporting.sheets import SheetSummary as SheetSummary, make_sheet as make_sheet
    from fiftyone_avs.fo.importing.benchmarks.import_benchmark import import_benchmark as import_benchmark
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
        import_folder as import_folder,
        set_benchmark as set_benchmark,
    )
    from fiftyone_avs.fo.importing.predictions.import_predictions import (
        import_predictions as import_predictions,
    )
    from fiftyone_avs.fo.importing.preview import preview_import as preview_import
    from fiftyone_avs.fo.review.inspection import (
        SampleInspection as SampleInspection,
        inspect_sample as inspect_sample,
    )
    from fiftyone_avs.fo.review.verdicts import set_verdict as set_verdict
    from fiftyone_avs.fo.runs.calls import (
        UnfinishedCall as UnfinishedCall,
        list_unfinished as list_unfinished,
        stop_run as stop_run,
    )
    from fiftyone_avs.fo.runs.changing import delete_run as delete_run, rename_run as rename_run
    from fiftyone_avs.fo.runs.checking import RunCheck as RunCheck, check_runs as check_runs
    from fiftyone_avs.fo.runs.listing import RunInfo as RunInfo, list_runs as list_runs
    from fiftyone_avs.fo.segment.cluster.driver import RayRunner as RayRunner
    from fiftyone_avs.fo.segment.resuming import (
        resume_run as resume_run,
    )
    from fiftyone_avs.fo.segment.segmentation import segment as segment, segment_all as segment_all
    from fiftyone_avs.fo.segment.summaries import (
        RunSummaries as RunSummaries,
        RunSummary as RunSummary,
    )
    from fiftyone_avs.fo.studies.controls import run_controls as run_controls
    from fiftyone_avs.fo.studies.reproduction import reproduce as reproduce
    from fiftyone_avs.models import (
        Card as Card,
        Checkpoint as Checkpoint,
        Models as Models,
        ModelStatus as ModelStatus,
        convert_model as convert_model,
        list_models as list_models,
        load_models as load_models,
        register_card as register_card,
    )
    from fiftyone_avs.paper.table import Reproduction as Reproduction
    from fiftyone_avs.pipeline import Captions as Captions, Pipeline as Pipeline
    from fiftyone_avs.planning import load_pipeline as load_pipeline
    from fiftyone_avs.strategies import (
        Evidence as Evidence,
        Strategy as Strategy,
        get_strategy as get_strategy,
        list_strategies as list_strategies,
        register_strategy as register_strategy,
    )
    from fiftyone_avs.training.bridge import BridgeReport as BridgeReport, train_bridge as train_bridge
    from fiftyone_avs.training.captions import (
        CaptionedSound as CaptionedSound,
        CaptionTable as CaptionTable,
        read_captions as read_captions,
    )
    from fiftyone_avs.types import (
        Candidate as Candidate,
        Caption as Caption,
        Clip as Clip,
        Prediction as Prediction,
        Referral as Referral,
        Sound as Sound,
        TokenEmbeddings as TokenEmbeddings,
        Trace as Trace,
    )

_HOMES = {
    "__version__": "fiftyone_avs._version",
    "AVSBenchAVSSDataset": "fiftyone_avs.fo.importing.benchmarks.types",
    "AVSBenchMS3Dataset": "fiftyone_avs.fo.importing.benchmarks.types",
    "AVSBenchS4Dataset": "fiftyone_avs.fo.importing.benchmarks.types",
    "AVSError": "fiftyone_avs.errors",
    "AVSFolderDataset": "fiftyone_avs.fo.importing.benchmarks.types",
    "AVSResults": "fiftyone_avs.fo.evaluate.results",
    "BridgeReport": "fiftyone_avs.training.bridge",
    "browse_by_iou": "fiftyone_avs.fo.compare.browsing",
    "Candidate": "fiftyone_avs.types",
    "Caption": "fiftyone_avs.types",
    "captioned_sounds": "fiftyone_avs.fo.importing.captions",
    "CaptionedSound": "fiftyone_avs.training.captions",
    "Captions": "fiftyone_avs.pipeline",
    "CaptionTable": "fiftyone_avs.training.captions",
    "Card": "fiftyone_avs.models",
    "Checkpoint": "fiftyone_avs.models",
    "Clip": "fiftyone_avs.types",
    "ClipsSummary": "fiftyone_avs.fo.exporting.clips",
    "check_runs": "fiftyone_avs.fo.runs.checking",
    "compare": "fiftyone_avs.fo.compare.comparison",
    "Comparison": "fiftyone_avs.fo.compare.comparison",
    "ConfigurationError": "fiftyone_avs.errors",
    "ControlReport": "fiftyone_avs.controls.report",
    "convert_model": "fiftyone_avs.models",
    "dataset_from_folder": "fiftyone_avs.fo.importing.folders",
    "dataset_from_videos": "fiftyone_avs.fo.importing.folders",
    "DatasetError": "fiftyone_avs.errors",
    "delete_run": "fiftyone_avs.fo.runs.changing",
    "download_models": "fiftyone_avs.downloading",
    "DownloadPlan": "fiftyone_avs.downloading",
    "evaluate": "fiftyone_avs.fo.evaluate.evaluation",
    "EvaluationInfo": "fiftyone_avs.fo.evaluate.listing",
    "Evidence": "fiftyone_avs.strategies",
    "export_run": "fiftyone_avs.fo.exporting.export",
    "ExportSummary": "fiftyone_avs.fo.exporting.export",
    "FlickrSoundNetDataset": "fiftyone_avs.fo.importing.benchmarks.types",
    "get_strategy": "fiftyone_avs.strategies",
    "import_benchmark": "fiftyone_avs.fo.importing.benchmarks.import_benchmark",
    "import_folder": "fiftyone_avs.fo.importing.import_folder",
    "import_predictions": "fiftyone_avs.fo.importing.predictions.import_predictions",
    "ImportReport": "fiftyone_avs.fo.importing.import_folder",
    "inspect_sample": "fiftyone_avs.fo.review.inspection",
    "install_plugin": "fiftyone_avs.fo.app.plugin_install",
    "IS3Dataset": "fiftyone_avs.fo.importing.benchmarks.types",
    "list_evaluations": "fiftyone_avs.fo.evaluate.listing",
    "list_models": "fiftyone_avs.models",
    "list_runs": "fiftyone_avs.fo.runs.listing",
    "list_strategies": "fiftyone_avs.strategies",
    "list_unfinished": "fiftyone_avs.fo.runs.calls",
    "load_models": "fiftyone_avs.models",
    "load_pipeline": "fiftyone_avs.planning",
    "make_clips": "fiftyone_avs.fo.exporting.clips",
    "make_sheet": "fiftyone_avs.fo.exporting.sheets",
    "MediaError": "fiftyone_avs.errors",
    "ModelError": "fiftyone_avs.errors",
    "Models": "fiftyone_avs.models",
    "ModelStatus": "fiftyone_avs.models",
    "Pipeline": "fiftyone_avs.pipeline",
    "plan_download": "fiftyone_avs.downloading",
    "Prediction": "fiftyone_avs.types",
    "preview_import": "fiftyone_avs.fo.importing.preview",
    "RayRunner": "fiftyone_avs.fo.segment.cluster.driver",
    "read_captions": "fiftyone_avs.training.captions",
    "Referral": "fiftyone_avs.types",
    "register_card": "fiftyone_avs.models",
    "register_strategy": "fiftyone_avs.strategies",
    "rename_run": "fiftyone_avs.fo.runs.changing",
    "rename_scores": "fiftyone_avs.fo.evaluate.renaming",
    "reproduce": "fiftyone_avs.fo.studies.reproduction",
    "Reproduction": "fiftyone_avs.paper.table",
    "resume_run": "fiftyone_avs.fo.segment.resuming",
    "run_controls": "fiftyone_avs.fo.studies.controls",
    "RunConflictError": "fiftyone_avs.errors",
    "RunCheck": "fiftyone_avs.fo.runs.checking",
    "RunInfo": "fiftyone_avs.fo.runs.listing",
    "RunSummaries": "fiftyone_avs.fo.segment.summaries",
    "RunSummary": "fiftyone_avs.fo.segment.summaries",
    "SampleInspection": "fiftyone_avs.fo.review.inspection",
    "segment": "fiftyone_avs.fo.segment.segmentation",
    "segment_all": "fiftyone_avs.fo.segment.segmentation",
    "set_benchmark": "fiftyone_avs.fo.importing.import_folder",
    "set_verdict": "fiftyone_avs.fo.review.verdicts",
    "SheetSummary": "fiftyone_avs.fo.exporting.sheets",
    "Sound": "fiftyone_avs.types",
    "SSLalignDataset": "fiftyone_avs.fo.importing.benchmarks.types",
    "stop_run": "fiftyone_avs.fo.runs.calls",
    "Strategy": "fiftyone_avs.strategies",
    "TokenEmbeddings": "fiftyone_avs.types",
    "Trace": "fiftyone_avs.types",
    "train_bridge": "fiftyone_avs.training.bridge",
    "UnfinishedCall": "fiftyone_avs.fo.runs.calls",
    "uninstall_plugin": "fiftyone_avs.fo.app.plugin_install",
    "VGGSSDataset": "fiftyone_avs.fo.importing.benchmarks.types",
    "VPOSSDataset": "fiftyone_avs.fo.importing.benchmarks.types",
}
"""Where each public name is defined; it is imported from there when it is first used."""

_DEPRECATED: dict[str, str] = {"review_clip": "make_clips", "ReviewSummary": "ClipsSummary"}
"""Old names of public names, for one release."""

__all__ = [*_HOMES]

__getattr__ = lazily(__name__, _HOMES, _DEPRECATED)


def __dir__() -> list[str]:
    return sorted(__all__)
