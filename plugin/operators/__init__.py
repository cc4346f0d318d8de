"""The operators, in the order in which FiftyOne lists them."""

from __future__ import annotations

from .evaluate import EvaluateAVS
from .files import ExportRun, ImportDataset, MakeReviewClips
from .looking import BrowseByIoU, CompareStrategies, OpenAVSSample
from .metrics import AVS_METRICS
from .runs import DeleteRun, RenameRun, ShowModels
from .segment import SegmentSoundingObjects

OPERATORS = (
    SegmentSoundingObjects,
    EvaluateAVS,
    CompareStrategies,
    BrowseByIoU,
    OpenAVSSample,
    ImportDataset,
    ExportRun,
    MakeReviewClips,
    RenameRun,
    DeleteRun,
    ShowModels,
    *AVS_METRICS,
)
