"""Run a strategy beside controls that cannot hear, and tell how much of its score the sound earns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import fiftyone as fo
from fiftyone.core.collections import SampleCollection

from fiftyone_avs.controls.report import ControlReport, measure
from fiftyone_avs.controls.sounds import SOUND_KINDS
from fiftyone_avs.fo.evaluate.evaluation import evaluate
from fiftyone_avs.fo.evaluate.results import AVSResults
from fiftyone_avs.fo.runs.changing import delete_run
from fiftyone_avs.fo.runs.class_fields import sample_class_fields
from fiftyone_avs.fo.runs.listing import run_info
from fiftyone_avs.fo.runs.records import AVSRunConfig, find_record
from fiftyone_avs.fo.schema.checks import root_dataset
from fiftyone_avs.fo.schema.fields import AUDIO
from fiftyone_avs.fo.schema.findings import raise_first
from fiftyone_avs.fo.segment.segmentation import segment
from fiftyone_avs.fo.studies.control_checks import check_controls
from fiftyone_avs.fo.studies.control_plan import CONTROLS, ControlStep, kept_settings, plan_controls
from fiftyone_avs.fo.studies.control_sounds import (
    delete_control_sounds,
    make_control_sounds,
)
from fiftyone_avs.metrics import SampleScores
from fiftyone_avs.models import Models, load_models
from fiftyone_avs.progress import Progress, Steps

SOUND_FOLDER = "control_sounds"


def run_controls(
    samples: SampleCollection,
    strategy: str = "vcap_acls",
    *,
    gt: str = "ground_truth",
    preset: str | None = None,
    controls: Sequence[str] = CONTROLS,
    run: str | None = None,
    seed: int = 0,
    protocol: Literal["baav", "native"] = "baav",
    models: Models | Mapping[str, str] | None = None,
    strategy_options: Mapping[str, Any] | None = None,
    audio_field: str = AUDIO,
    label_field: str | None = None,
    device: str | None = None,
    precision: str = "float32",
    batch_size: int | None = None,
    output_dir: str | Path | None = None,
    overwrite: bool = False,
    progress: Progress = True,
) -> ControlReport:
    """Segment with a strategy and with controls that cannot hear, score all, and compare.

    The strategy's run is the one that ``segment`` would make; if it is there already, it is gone on with. Controls
    are runs like any other: ``floor_salient``, ``floor_noun`` and ``floor_centre``, and ``<run>_swapped``,
    ``<run>_silence`` and ``<run>_noise``, which listen to the fields ``audio_swapped``, ``audio_silence`` and
    ``audio_noise``. A sample that the strategy failed on gets none of these sounds, so that it counts nowhere for
    more than 0. All runs are evaluated under ``<run key>_controls``, and other evaluations stay as they are.
    Calling this again goes on where it stopped.

    Args:
        samples: a dataset or view of images with sounds and a ground truth.
        strategy: the name of a strategy.
        gt: the field of the ground truth.
        preset: which models to use; None takes those of the strategy's run if it is there, else "open".
        controls: which of ``CONTROLS``.
        run: the run key of the strategy; by default its name.
        seed: of the random noun, the exchange of sounds and the noise.
        protocol: "baav" or "native", see ``evaluate``.
        models: as for ``segment``.
        strategy_options: as for ``segment``.
        audio_field: the field of the samples' own sounds.
        label_field: the field of the samples' class, so that swapped sounds come from other classes; None takes
            ``label`` if it can be one.
        device: as for ``segment``.
        precision: as for ``segment``.
        batch_size: as for ``segment``.
        output_dir: as for ``segment``.
        overwrite: delete the controls' old runs and sounds first. The strategy's own run stays.
        progress: show progress bars, or a function called with (steps done, steps to do).

    Raises:
        ConfigurationError: if an argument cannot work, or the samples are videos.
        RunConflictError: if a run is there already with other settings.
        ModelError: if a model is missing.
        DatasetError: if the samples lack what is needed.
    """
    raise_first(
        check_controls(
            samples,
            controls,
            strategy=strategy,
            gt=gt,
            preset=preset,
            run=run,
            seed=seed,
            protocol=protocol,
            models=models,
            strategy_options=strategy_options,
            audio_field=audio_field,
            device=device,
            precision=precision,
            batch_size=batch_size,
            output_dir=output_dir,
            overwrite=overwrite,
        )
    )
    dataset = root_dataset(samples)
    run = run or strategy
    record = find_record(dataset, run)
    if not isinstance(models, Models):
        preset = preset or ("open" if record is None else record.settings["preset"])
        models = load_models(preset, strategy=strategy, overrides=models, device=device, precision=precision)
    plan = plan_controls(run, strategy, controls, models, strategy_options, audio_field, seed)
    if overwrite:
        _delete_old(dataset, plan[1:])
    tell = Steps(progress, 2 * len(plan), len(samples))
    for step in plan:
        if step.name in SOUND_KINDS:
            _make_sounds(samples, run, step.name, audio_field, label_field, seed)
        _segment(samples, step, run, batch_size, output_dir, tell.next())
    found = {
        step.name: evaluate(
            samples, step.run, gt, eval_key=step.eval_key, protocol=protocol, progress=tell.next()
        )
        for step in plan
    }
    by_name = {step.name: step for step in plan}
    return measure(
        run,
        {name: (by_name[name].run, by_name[name].eval_key) for name in (run, *controls)},
        {name: _by_sample(results) for name, results in found.items()},
        {name: results.counts for name, results in found.items()},
        f"{run} beside controls that cannot hear: protocol {protocol}, ground truth {gt}",
    )


def _segment(
    samples: SampleCollection,
    step: ControlStep,
    run: str,
    batch_size: int | None,
    output_dir: str | Path | None,
    progress: Progress,
) -> None:
    """Do a run of the plan, or what is missing of it."""
    dataset = root_dataset(samples)
    record = find_record(dataset, step.run)
    segment(
        samples,
        step.strategy,
        run=step.run,
        preset=step.models.preset,
        models=step.models,
        strategy_options=step.options,
        audio_field=step.audio_field,
        batch_size=batch_size,
        output_dir=output_dir if record is None else None,
        progress=progress,
        **_settings_of(record, step, find_record(dataset, run)),
    )


def _settings_of(
    record: AVSRunConfig | None, step: ControlStep, original: AVSRunConfig | None
) -> dict[str, Any]:
    """Silence and threshold: of the run itself if it is there already, else those that suit a control."""
    if record is not None:
        return kept_settings(record)
    if original is None:
        return {}
    return {
        "silence": "run",
        "threshold": original.settings["threshold"] if step.name in SOUND_KINDS else None,
    }


def _by_sample(results: AVSResults) -> dict[str, SampleScores]:
    """The scores of each sample by its id."""
    return dict(zip((row[0] for row in results.rows), results.scores, strict=True))


def _make_sounds(
    samples: SampleCollection,
    run: str,
    kind: str,
    audio_field: str,
    label_field: str | None,
    seed: int,
) -> None:
    """Fill the field of a control's sounds, for samples whose own sound and picture could be read."""
    dataset = root_dataset(samples)
    ids, statuses = samples.values("id"), dict(zip(*dataset.values(["id", f"{run}_status"]), strict=True))
    heard = [one for one in ids if statuses[one] and not statuses[one].startswith("failed")]
    if label_field is None and "label" in sample_class_fields(dataset):
        label_field = "label"
    make_control_sounds(
        dataset,
        heard,
        kind,
        Path(run_info(dataset, run).directory).parent / SOUND_FOLDER,
        audio_field=audio_field,
        label_field=label_field,
        seed=seed,
    )


def _delete_old(dataset: fo.Dataset, plan: Sequence[ControlStep]) -> None:
    for step in plan:
        if find_record(dataset, step.run) is not None:
            delete_run(dataset, step.run)
        if step.name in SOUND_KINDS:
            delete_control_sounds(dataset, step.name)
