"""The operators in the order of the work, in which FiftyOne lists them: data, runs, scores, files, housekeeping."""

from __future__ import annotations

from .controls import RunControls
from .download import DownloadModels
from .evaluate import EvaluateAVS
from .files import ExportRun, ImportDataset, MakeClips, MakeReviewClips
from .looking import BrowseByIoU, CompareStrategies, OpenAVSSample
from .metrics import AVS_METRICS
from .predictions import ImportPredictions
from .reproduce import ReproduceTable
from .runs import CheckRuns, DeleteRun, RenameRun, ShowModels
from .segment import SegmentSoundingObjects
from .sheets import MakeSheet
from .stopping import ResumeRun, StopRun

OPERATORS = (
    ImportDataset,
    ShowModels,
    DownloadModels,
    SegmentSoundingObjects,
    StopRun,
    ResumeRun,
    OpenAVSSample,
    ImportPredictions,
    EvaluateAVS,
    CompareStrategies,
    BrowseByIoU,
    RunControls,
    ReproduceTable,
    MakeSheet,
    MakeClips,
    ExportRun,
    CheckRuns,
    RenameRun,
    DeleteRun,
    MakeReviewClips,
    *AVS_METRICS,
)
