"""What would stop a call of ``run_controls``, told before it is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import fiftyone as fo
from fiftyone.core.collections import SampleCollection

from fiftyone_avs.controls.sounds import SOUND_KINDS
from fiftyone_avs.errors import AVSError
from fiftyone_avs.fo.evaluate.evaluation import mask_field
from fiftyone_avs.fo.runs.records import find_record
from fiftyone_avs.fo.schema.checks import media_of, root_dataset
from fiftyone_avs.fo.schema.fields import AUDIO
from fiftyone_avs.fo.schema.findings import Finding, finding_of
from fiftyone_avs.fo.segment.preflight import check_segment
from fiftyone_avs.fo.studies.control_plan import CONTROLS, ControlStep, kept_settings, plan_controls
from fiftyone_avs.fo.studies.control_sounds import (
    check_control_sounds,
)
from fiftyone_avs.models import Models, load_models

NO_VIDEOS = (
    "controls need image samples, because a video brings its own sound along; make image samples of its frames with"
    " their sounds first, as imports of AVSBench do"
)


def check_controls(  # noqa: D417 - the other arguments are those of run_controls
    samples: SampleCollection,
    controls: Sequence[str] = CONTROLS,
    *,
    strategy: str = "vcap_acls",
    gt: str = "ground_truth",
    preset: str | None = None,
    run: str | None = None,
    seed: int = 0,
    protocol: str = "baav",
    models: Models | Mapping[str, str] | None = None,
    strategy_options: Mapping[str, Any] | None = None,
    audio_field: str = AUDIO,
    device: str | None = None,
    precision: str = "float32",
    batch_size: int | None = None,
    output_dir: str | Path | None = None,
    overwrite: bool = False,
) -> list[Finding]:
    """What would stop ``run_controls``; arguments as there. Nothing is loaded.

    Args:
        samples: a dataset or view.
        controls: which of ``CONTROLS``.
    """
    found = [Finding("controls", one) for one in _wrong_controls(controls)]
    try:
        if media_of(samples) == "video":
            return [*found, Finding("samples", NO_VIDEOS)]
    except AVSError as error:
        return [*found, Finding("samples", str(error), error=error)]
    dataset = root_dataset(samples)
    if protocol not in ("baav", "native"):
        wrong = f"controls are scored under the protocol 'baav' or 'native', not {protocol!r}"
        found.append(Finding("protocol", wrong))
    found += finding_of("gt", lambda: mask_field(dataset, gt, False))
    run = run or strategy
    record = find_record(dataset, run)
    if not isinstance(models, Models) and preset is None:
        preset = "open" if record is None else record.settings["preset"]
    given: dict[str, Any] = {"device": device, "precision": precision, "batch_size": batch_size}
    found += check_segment(
        samples,
        [strategy],
        runs=[run],
        preset=preset or "open",
        models=models,
        strategy_options=None if strategy_options is None else {run: strategy_options},
        audio_field=audio_field,
        output_dir=output_dir if record is None else None,
        **kept_settings(record),
        **given,
    )
    if any(one.blocks for one in found):
        return found
    if not isinstance(models, Models):
        models = load_models(
            preset or "open", strategy=strategy, overrides=models, device=device, precision=precision
        )
    for step in plan_controls(run, strategy, controls, models, strategy_options, audio_field, seed)[1:]:
        found += _check_step(samples, dataset, step, output_dir, overwrite)
        if step.name in SOUND_KINDS:
            sounds = partial(check_control_sounds, dataset, step.name, audio_field=audio_field, seed=seed)
            found += finding_of("seed", partial(sounds, overwrite=overwrite))
    return found


def _check_step(
    samples: SampleCollection,
    dataset: fo.Dataset,
    step: ControlStep,
    output_dir: str | Path | None,
    overwrite: bool,
) -> list[Finding]:
    """What keeps a control's run from being begun or gone on with."""
    record = find_record(dataset, step.run)
    if record is not None and overwrite:
        return []  # it is deleted first
    found = check_segment(
        samples,
        [step.strategy],
        runs=[step.run],
        preset=step.models.preset,
        models=step.models,
        strategy_options=None if step.options is None else {step.run: step.options},
        audio_field=step.audio_field,
        output_dir=output_dir if record is None else None,
        **kept_settings(record),
    )
    # its field of sounds is made when its turn comes
    return [replace(one, argument="controls") for one in found if one.blocks and one.argument == "run"]


def _wrong_controls(controls: Sequence[str]) -> Iterator[str]:
    known = ", ".join(CONTROLS)
    yield from (f"unknown control {name!r}; choose from {known}" for name in controls if name not in CONTROLS)
    if not controls:
        yield f"there is no control to compare with; choose from {known}"
