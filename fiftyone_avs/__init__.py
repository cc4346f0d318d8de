"""Zero-shot audio-visual segmentation: the pixels of the object that makes the sound.

The pipeline (``load_pipeline``) runs on plain arrays. The functions that work on FiftyOne collections
(``segment``, ``evaluate``, ``compare``, ...) import FiftyOne when they are first used, so that the rest
of the package works where FiftyOne is not installed.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from fiftyone_avs.errors import (
    AVSError,
    ConfigurationError,
    DatasetError,
    MediaError,
    ModelError,
    RunConflictError,
)
from fiftyone_avs.models import (
    Card,
    Checkpoint,
    Models,
    ModelStatus,
    convert_model,
    list_models,
    load_models,
    register_card,
)
from fiftyone_avs.pipeline import Captions, Pipeline
from fiftyone_avs.planning import plan_pipeline as _plan_pipeline
from fiftyone_avs.strategies import (
    Evidence,
    Strategy,
    get_strategy,
    list_strategies,
    register_strategy,
)
from fiftyone_avs.training.captions import CaptionedSound, CaptionTable, read_captions
from fiftyone_avs.types import (
    Candidate,
    Caption,
    Clip,
    Prediction,
    Referral,
    Sound,
    TokenEmbeddings,
    Trace,
)

if TYPE_CHECKING:
    from fiftyone_avs.integrations import (
        AVSBenchAVSSDataset,
        AVSBenchMS3Dataset,
        AVSBenchS4Dataset,
        AVSFolderDataset,
        AVSResults,
        Comparison,
        ControlReport,
        EvaluationInfo,
        ExportSummary,
        FlickrSoundNetDataset,
        ImportReport,
        IS3Dataset,
        RayRunner,
        Reproduction,
        ReviewSummary,
        RunInfo,
        RunSummary,
        SampleInspection,
        SheetSummary,
        SSLalignDataset,
        VGGSSDataset,
        VPOSSDataset,
        browse_by_iou,
        captioned_sounds,
        compare,
        dataset_from_folder,
        dataset_from_videos,
        delete_run,
        evaluate,
        export_run,
        import_benchmark,
        import_folder,
        import_predictions,
        inspect_sample,
        install_plugin,
        list_evaluations,
        list_runs,
        make_sheet,
        rename_run,
        reproduce,
        review_clip,
        run_controls,
        segment,
        segment_all,
        set_benchmark,
        set_verdict,
        uninstall_plugin,
    )
    from fiftyone_avs.training.bridge import BridgeReport, train_bridge

__version__ = "0.1.0"

__all__ = [
    "__version__",
    "AVSBenchAVSSDataset",
    "AVSBenchMS3Dataset",
    "AVSBenchS4Dataset",
    "AVSError",
    "AVSFolderDataset",
    "AVSResults",
    "BridgeReport",
    "browse_by_iou",
    "Candidate",
    "Caption",
    "captioned_sounds",
    "CaptionedSound",
    "Captions",
    "CaptionTable",
    "Card",
    "Checkpoint",
    "Clip",
    "compare",
    "Comparison",
    "ConfigurationError",
    "ControlReport",
    "convert_model",
    "dataset_from_folder",
    "dataset_from_videos",
    "DatasetError",
    "delete_run",
    "evaluate",
    "EvaluationInfo",
    "Evidence",
    "export_run",
    "ExportSummary",
    "FlickrSoundNetDataset",
    "get_strategy",
    "import_benchmark",
    "import_folder",
    "import_predictions",
    "ImportReport",
    "inspect_sample",
    "install_plugin",
    "IS3Dataset",
    "list_evaluations",
    "list_models",
    "list_runs",
    "list_strategies",
    "load_models",
    "load_pipeline",
    "make_sheet",
    "MediaError",
    "ModelError",
    "Models",
    "ModelStatus",
    "Pipeline",
    "Prediction",
    "RayRunner",
    "read_captions",
    "Referral",
    "register_card",
    "register_strategy",
    "rename_run",
    "reproduce",
    "Reproduction",
    "review_clip",
    "ReviewSummary",
    "run_controls",
    "RunConflictError",
    "RunInfo",
    "RunSummary",
    "SampleInspection",
    "segment",
    "segment_all",
    "set_benchmark",
    "set_verdict",
    "SheetSummary",
    "Sound",
    "SSLalignDataset",
    "Strategy",
    "TokenEmbeddings",
    "Trace",
    "train_bridge",
    "uninstall_plugin",
    "VGGSSDataset",
    "VPOSSDataset",
]

_LATER = {
    "BridgeReport": "fiftyone_avs.training.bridge",
    "train_bridge": "fiftyone_avs.training.bridge",
}
"""Where names are that are imported when they are first used; all others of those are in ``integrations``."""


def load_pipeline(
    strategy: str | Strategy = "vcap_acls",
    *,
    preset: str = "open",
    models: Models | Mapping[str, str] | None = None,
    strategy_options: Mapping[str, Any] | None = None,
    device: str | None = None,
    silence: Literal["abstain", "run"] = "abstain",
    threshold: float | None = None,
    precision: str = "float32",
    compile: bool = False,
    batch_size: int | None = None,
    **roles: str,
) -> Pipeline:
    """A pipeline with its models loaded, ready for clips.

    Args:
        strategy: the name of a strategy, or one of your own.
        preset: which models to use: "open" (default), "paper", or "tiny" (demo world only).
        models: other models for some roles (role -> card, ``<card>:<path>``, folder or hub id), or all
            models, loaded already.
        strategy_options: options of the strategy, when it is given by name; they come before the preset's.
        device: "cpu", "cuda", ...; None takes a GPU if there is one.
        silence: "abstain" on silent sounds, or "run" to treat them as any other.
        threshold: of the mask; None takes the segmenter's own.
        precision: "float32", or "bf16" or "fp16" to compute in half precision where that is safe.
        compile: let torch compile the networks that look at pictures; see ``segment``.
        batch_size: how many clips go through a model at once; None finds a size for every stage while it works.
        **roles: other models by role, as in ``segmenter="cris-r101"``; the same as ``models={...}``.

    Raises:
        ConfigurationError: if a name or an option is unknown.
        ModelError: if a model cannot be loaded.
    """
    if isinstance(models, Models) and roles:
        raise ConfigurationError(
            f"{', '.join(roles)} and loaded models cannot be given together; use models.use"
        )
    pipeline = _plan_pipeline(
        strategy,
        preset=preset,
        models=models if isinstance(models, Models) else {**(models or {}), **roles},
        strategy_options=strategy_options,
        device=device,
        silence=silence,
        threshold=threshold,
        precision=precision,
        compile=compile,
        batch_size=batch_size,
    )
    pipeline.models.require([*pipeline.strategy.needs, "segmenter"])
    return pipeline


def __getattr__(name: str) -> Any:
    if name in __all__:  # what is not defined above works on FiftyOne collections, or trains
        return getattr(importlib.import_module(_LATER.get(name, "fiftyone_avs.integrations")), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
