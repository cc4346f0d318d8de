"""What would stop a call of ``segment`` or ``evaluate``, told before it is made: for forms that are being filled in.

Nothing is loaded, downloaded or written. The calls themselves check again, and more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fiftyone.core.collections import SampleCollection

from fiftyone_avs.errors import AVSError
from fiftyone_avs.integrations.checks import check_audio_field, media_of, root_dataset
from fiftyone_avs.integrations.choices import choose
from fiftyone_avs.integrations.classes import class_path
from fiftyone_avs.integrations.cluster import RayRunner, ray_options
from fiftyone_avs.integrations.evaluation import check_eval_key, mask_field
from fiftyone_avs.integrations.fields import CAPTION_FIELDS, FRAMES, RunFields, check_free, check_run_key
from fiftyone_avs.integrations.runs import find_record
from fiftyone_avs.models import load_models
from fiftyone_avs.strategies import get_strategy


@dataclass(frozen=True)
class Finding:
    """Something to know about a call before it is made.

    Attributes:
        argument: the argument that it is about, such as "run".
        message: what is the matter and what to do.
        blocks: whether the call cannot work; otherwise it is a remark.
    """

    argument: str
    message: str
    blocks: bool = True


def check_segment(
    samples: SampleCollection,
    strategies: Sequence[str],
    *,
    preset: str = "open",
    runs: Sequence[str] | None = None,
    audio_field: str = "audio_path",
    models: Mapping[str, str] | None = None,
    device: str | None = None,
    overwrite: bool = False,
    ray: Mapping[str, Any] | None = None,
) -> list[Finding]:
    """What would stop ``segment`` from running these strategies on these samples.

    Args:
        samples: a dataset or view.
        strategies: names of strategies.
        preset: as for ``segment``.
        runs: the run key of each strategy; None takes the strategies' names.
        audio_field: as for ``segment``.
        models: as for ``segment``.
        device: as for ``segment``.
        overwrite: as for ``segment``.
        ray: arguments of the ``RayRunner`` that is to do it; None if this process is.

    Returns:
        Findings in the order of the arguments; empty if all is well and every run is new.
    """
    if not strategies:
        return [Finding("strategies", "choose at least one strategy")]
    try:
        media = media_of(samples)
    except AVSError as error:
        return [Finding("samples", str(error))]
    found: list[Finding] = []
    if media == "image":
        found += _check_sound(samples, audio_field)
    if ray is not None:
        found += _check_ray(ray)
        device = None  # of the workers, which say themselves what they have
    runs = list(strategies) if runs is None else runs
    for strategy, run in zip(strategies, runs, strict=True):
        try:
            get_strategy(strategy)
        except AVSError as error:
            found.append(Finding("strategies", str(error)))
            continue
        found += _check_models(strategy, preset, models, device)
        found += _check_run(samples, strategy, run, media, preset, overwrite)
    if len(set(runs)) < len(runs):
        found.append(Finding("run", "two strategies would share a run key; give each its own"))
    return list(dict.fromkeys(found))


def _check_sound(samples: SampleCollection, audio_field: str) -> Iterator[Finding]:
    try:
        check_audio_field(root_dataset(samples), audio_field)
    except AVSError as error:
        yield Finding("audio_field", str(error))


def _check_ray(arguments: Mapping[str, Any]) -> Iterator[Finding]:
    try:
        ray_options(RayRunner(**arguments))
    except AVSError as error:
        yield Finding("runner", str(error))


def _check_models(
    strategy: str, preset: str, models: Mapping[str, str] | None, device: str | None
) -> Iterator[Finding]:
    """Unknown names, and checkpoints that users have to get themselves."""
    try:
        chosen = load_models(preset, strategy=strategy, overrides=models, device=device)
        chosen.check([*get_strategy(strategy).needs, "segmenter"])
    except AVSError as error:
        yield Finding("models", str(error))


def _check_run(
    samples: SampleCollection, strategy: str, run: str, media: str, preset: str, overwrite: bool
) -> Iterator[Finding]:
    """Whether the run key can be used, and what becomes of a run that has it."""
    dataset = root_dataset(samples)
    try:
        check_run_key(run)
        record = find_record(dataset, run)
        if record is None:
            needs = get_strategy(strategy).needs
            captions = tuple(CAPTION_FIELDS[role] for role in needs if role in CAPTION_FIELDS)
            check_free(dataset, RunFields(run, media == "video", captions))
            return
    except AVSError as error:
        yield Finding("run", str(error))
        return
    made_by = (record.settings["strategy"], record.settings["preset"])
    if overwrite:
        yield Finding("run", f"the old results of run {run!r} will be deleted first", blocks=False)
    elif made_by != (strategy, preset):
        yield Finding(
            "run",
            f"run {run!r} exists and was made by {made_by[0]!r} with preset {made_by[1]!r}; choose another run"
            " key, or overwrite it",
        )
    else:
        yield Finding("run", f"run {run!r} exists: samples that have no result yet are done", blocks=False)


def check_evaluate(
    samples: SampleCollection,
    pred: str,
    gt: str | None = "ground_truth",
    *,
    eval_key: str | None = None,
    class_field: str | None = None,
    protocol: str = "baav",
    threshold: float | None = None,
    adaptive_rule: str = "official",
    pair_field: str | None = None,
    video_field: str | None = None,
    boxes_field: str | None = None,
) -> list[Finding]:
    """What would stop ``evaluate`` from scoring a run against a ground truth; arguments as there."""
    try:
        dataset = root_dataset(samples)
        on_frames = media_of(samples) == "video"
        pred_field = mask_field(dataset, pred, on_frames)
        gt_field = mask_field(dataset, gt or "ground_truth", on_frames)
        choose(
            dataset,
            gt_field,
            protocol=protocol,
            threshold=threshold,
            adaptive_rule=adaptive_rule,
            pair_field=pair_field,
            video_field=video_field,
            boxes_field=boxes_field,
        )
        key = eval_key or f"{pred.removeprefix(FRAMES)}_eval"
        check_eval_key(dataset, key, pred_field, gt_field)
        if class_field is not None:
            class_path(dataset, class_field)
    except AVSError as error:
        return [Finding("evaluation", str(error))]
    if key in dataset.list_evaluations():
        return [Finding("eval_key", f"evaluation {key!r} exists and will be replaced", blocks=False)]
    return []
