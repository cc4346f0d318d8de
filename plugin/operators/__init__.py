"""The operators, in the order in which FiftyOne lists them."""

from __future__ import annotations

from .controls import RunControls
from .evaluate import EvaluateAVS
from .files import ExportRun, ImportDataset, MakeClips, MakeReviewClips
from .looking import BrowseByIoU, CompareStrategies, OpenAVSSample
from .metrics import AVS_METRICS
from .predictions import ImportPredictions
from .reproduce import ReproduceTable
from .runs import DeleteRun, RenameRun, ShowModels
from .segment import SegmentSoundingObjects
from .sheets import MakeSheet

OPERATORS = (
    SegmentSoundingObjects,
    EvaluateAVS,
    CompareStrategies,
    BrowseByIoU,
    OpenAVSSample,
    ImportDataset,
    ImportPredictions,
    RunControls,
    ReproduceTable,
    ExportRun,
    MakeClips,
    MakeSheet,
    RenameRun,
    DeleteRun,
    ShowModels,
    MakeReviewClips,
    *AVS_METRICS,
)
