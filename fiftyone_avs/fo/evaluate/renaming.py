"""Today's names for the scores that a version before 0.2 wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import fiftyone as fo

from fiftyone_avs.errors import ConfigurationError
from fiftyone_avs.fo.evaluate.listing import EvaluationInfo, find_evaluation, list_evaluations
from fiftyone_avs.fo.schema.eval_fields import ADAPTIVE_NAMING, MASK_NAMING, EvalFields
from fiftyone_avs.fo.schema.private import update_evaluation_config


@dataclass(frozen=True)
class RenamedScores:
    """What ``rename_scores`` did for an evaluation.

    Attributes:
        eval_key: the evaluation.
        fields: old field -> new field.
        saved_views: names of the dataset's saved views that mention one of these fields: they mean another score now.
    """

    eval_key: str
    fields: dict[str, str]
    saved_views: tuple[str, ...]

    def __str__(self) -> str:
        names = ", ".join(f"{old} is {new} now" for old, new in self.fields.items())
        views = ", ".join(repr(name) for name in self.saved_views)
        return f"{self.eval_key}: {names}" + (
            f"; look at the saved views {views}, which use them" if views else ""
        )


def rename_scores(dataset: fo.Dataset, eval_keys: Sequence[str] | None = None) -> list[RenamedScores]:
    """Give the fields of evaluations that a version before 0.2 made the names that ``evaluate`` writes today.

    There, ``<eval_key>_iou`` was the adaptive IoU and ``<eval_key>_iou_threshold`` that of the mask. No score changes.
    What was interrupted is finished by another call.

    Args:
        dataset: the dataset.
        eval_keys: which evaluations; None takes all that have the earlier names. Others are left as they are.

    Returns:
        One per evaluation that was renamed.

    Raises:
        DatasetError: if there is no such evaluation.
        ConfigurationError: if one of the names is taken by a field that is not the evaluation's. Nothing is renamed
            then.
    """
    infos = list_evaluations(dataset)
    if eval_keys is not None:
        infos = [find_evaluation(dataset, key) for key in eval_keys]
    infos = [info for info in infos if info.naming == ADAPTIVE_NAMING]
    for info in infos:
        _check_free(dataset, info)
    return [_rename(dataset, info) for info in infos]


def _check_free(dataset: fo.Dataset, info: EvaluationInfo) -> None:
    """Raise ConfigurationError if a new name is another field's, so that a score could not leave its old name.

    After an interrupted call either the adaptive score's old name or the mask's is free already.
    """
    schema = {*dataset.get_field_schema(), *(dataset.get_frame_field_schema() or ())}
    old, new = info.fields, EvalFields(info.key, MASK_NAMING, info.fields.adaptive)
    pairs = ((old.iou_adaptive, old.iou, new.iou_adaptive), (old.f_adaptive, old.f, new.f_adaptive))
    taken = {there[-1] for there in pairs if schema.issuperset(there)}
    if taken:
        raise ConfigurationError(
            f"evaluation {info.key!r} would get the field {min(map(str, taken))!r}, which dataset {dataset.name!r} has"
            " already; rename yours first with dataset.rename_sample_field()"
        )


def _rename(dataset: fo.Dataset, info: EvaluationInfo) -> RenamedScores:
    old = info.fields.by_score
    new = EvalFields(info.key, MASK_NAMING, info.fields.adaptive)
    names = {name: new.by_score[score] for score, name in old.items() if score in new.by_score}
    doubled = [
        name for score, name in old.items() if score not in new.by_score
    ]  # avsbench wrote two scores twice
    for on_frames in (False, True) if info.on_frames else (False,):
        _move(dataset, names, doubled, on_frames=on_frames)
    dataset.reload()  # fields still have their old names in memory
    for name, about in new.abouts.items():
        for path in (name, f"frames.{name}") if info.on_frames else (name,):
            field = dataset.get_field(path)
            if field is not None:
                field.description = about
                field.save()
    config = dataset.get_evaluation_info(info.key).config
    config.naming = MASK_NAMING
    update_evaluation_config(dataset, info.key, config)
    views = [name for name in dataset.list_saved_views() if _mentions(dataset, name, names)]
    return RenamedScores(info.key, names, tuple(views))


def _move(dataset: fo.Dataset, names: dict[str, str], doubled: Sequence[str], *, on_frames: bool) -> None:
    """Rename fields of samples or frames, those first whose new names are free.

    The adaptive IoU has to leave ``<eval_key>_iou`` before the mask's can come.
    """
    rename = dataset.rename_frame_fields if on_frames else dataset.rename_sample_fields
    delete = dataset.delete_frame_fields if on_frames else dataset.delete_sample_fields
    schema = dataset.get_frame_field_schema if on_frames else dataset.get_field_schema
    if set(names) <= set(schema()):  # else an interrupted call has moved them to the doubled ones' names
        delete([name for name in doubled if name in schema()])
    while step := {
        old: new for old, new in names.items() if old != new and old in schema() and new not in schema()
    }:
        rename(step)


def _mentions(dataset: fo.Dataset, view: str, names: dict[str, str]) -> bool:
    """Whether a saved view's stages name one of the fields."""
    try:
        stages = str(dataset.load_saved_view(view))
    except Exception:  # a view of what is gone cannot be loaded, and is none of our business
        return False
    return any(name in stages for name in names)
