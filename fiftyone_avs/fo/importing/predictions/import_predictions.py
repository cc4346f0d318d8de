"""Predictions of other programs as a run: masks or soft maps from a folder, stored as ``segment`` stores its own."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import fiftyone as fo
from fiftyone.core.collections import SampleCollection

from fiftyone_avs.errors import AVSError, ConfigurationError, DatasetError, check_share, check_whole
from fiftyone_avs.fo.importing.predictions.storing import Importer, ImportSummary, extra_note
from fiftyone_avs.fo.importing.predictions.targets import Targets, find_targets, match_targets
from fiftyone_avs.fo.runs.appearance import show_runs
from fiftyone_avs.fo.runs.conflicts import check_settings, choose_folder, starts_anew
from fiftyone_avs.fo.runs.overwriting import Overwrite, check_overwrite, old_results, pinned
from fiftyone_avs.fo.runs.records import find_record, recorded_folder
from fiftyone_avs.fo.runs.start_or_resume import open_run
from fiftyone_avs.fo.schema.checks import media_of, root_dataset
from fiftyone_avs.fo.schema.fields import AUDIO, RunFields, check_run_key
from fiftyone_avs.fo.schema.findings import Finding, finding_of, raise_first
from fiftyone_avs.fo.schema.private import dataset_id
from fiftyone_avs.predictions.files import Activation, PredictionFiles, list_predictions
from fiftyone_avs.predictions.matching import Matching, listed
from fiftyone_avs.progress import Progress

IMPORTED = "imported"
"""The strategy and the preset of such runs, in their records."""

_BASICS: dict[str, Any] = {
    "strategy": IMPORTED,
    "options": {},
    "preset": IMPORTED,
    "models": {},
    "precision": "float32",
    "masks": 0,
    "soft_maps": 0,
}
"""What the records of all such runs begin with; the last two are counted."""

_UNCOMPARED = ("folder", "source", "masks", "soft_maps")  # these change no result


def import_predictions(
    samples: SampleCollection,
    folder: str | Path,
    run: str,
    *,
    gt: str | None = None,
    activation: Activation = "none",
    threshold: float = 0.5,
    first_frame: int | None = None,
    name_field: str | None = None,
    source: str = "",
    output_dir: str | Path | None = None,
    overwrite: Overwrite = False,
    progress: Progress = True,
) -> ImportSummary:
    """Store the masks or soft maps in a folder as a run, so that they are evaluated and shown beside others.

    Files are PNG, JPEG (grey, or colours that are shades of grey) or NPY, in the folder or in folders in it. A
    file belongs to a sample if its relative path without ending is the end of the sample's name, or the other
    way round; where none is, if both have the same last name and no others have it. A sample is called by its field
    ``sample_name`` if there is one, else by its picture's path, else by its sound's. A sample without a file, or
    with one that cannot be used, gets the status "failed: reason" and never ends the job.

    A map is stored at its own size with 16 bits, its mask at the picture's size. Calling this again goes on with
    the samples that have no status yet, or whose mask or soft map is not there any more.

    Args:
        samples: a dataset or view of images, or of videos with labelled frames.
        folder: where the files are.
        run: the run key, which names the fields.
        gt: videos: the field of the ground truth. ``<video>_<k>`` or ``<video>/<k>`` is the prediction of the k-th
            frame that has one, from 1.
        activation: "none" if values lie in [0, 1] (or fill the range of 8 or 16 bits), "sigmoid" for raw
            scores, "minmax" to stretch each map from 0 to 1.
        threshold: values above this are the mask.
        first_frame: the number that the files give to a video's first frame, where names end in frame numbers:
            0 for what AVSBench's code writes. None takes numbers as they are, and refuses files that seem to
            count otherwise than the samples.
        name_field: the samples' field of text by which files are called, instead of all other names.
        source: where the predictions come from, for the record: "SSLalign, official checkpoint".
        output_dir: the run's own files go to ``<output_dir>/<run>``; None takes a folder beside FiftyOne's
            datasets.
        overwrite: True makes these samples anew, "run" deletes the whole run first; see ``segment``.
        progress: show a progress bar, or a function called with (samples done, samples to do).

    Raises:
        ConfigurationError: if an argument cannot work, or the frame numbers cannot be right as they are.
        RunConflictError: if the run key is taken by a run of other files or settings.
        DatasetError: if there are no such files or fields, or not one file fits a sample.
    """
    raise_first(
        check_predictions(
            samples,
            folder,
            run,
            gt=gt,
            activation=activation,
            threshold=threshold,
            first_frame=first_frame,
            name_field=name_field,
            source=source,
            output_dir=output_dir,
            overwrite=overwrite,
        )
    )
    dataset = root_dataset(samples)
    on_frames = media_of(samples) == "video"
    found = list_predictions(folder)
    targets = find_targets(dataset, name_field, gt if on_frames else None, on_frames)
    matching = match_targets(found, targets, first_frame)
    fields = RunFields(run, on_frames)
    options = _Options(activation, threshold, first_frame, name_field, gt if on_frames else None, source)
    settings = _settings(samples, dataset, fields, found, targets, options, overwrite)
    if overwrite:
        samples = pinned(samples)
    own_folder, cleared = open_run(samples, dataset, fields, settings, output_dir, overwrite)
    show_runs(dataset, [run])
    importer = Importer(dataset, fields, own_folder, found, matching, targets, activation, threshold)
    return importer.run(samples, progress, cleared)


def check_predictions(
    samples: SampleCollection,
    folder: str | Path,
    run: str,
    *,
    gt: str | None = None,
    activation: Activation = "none",
    threshold: float = 0.5,
    first_frame: int | None = None,
    name_field: str | None = None,
    source: str = "",
    output_dir: str | Path | None = None,
    overwrite: Overwrite = False,
) -> list[Finding]:
    """What would stop ``import_predictions``, and how many samples have a file; arguments as there.

    Files are listed, not read.
    """
    try:
        dataset = root_dataset(samples)
        on_frames = media_of(samples) == "video"
    except AVSError as error:
        return [Finding("samples", str(error), error=error)]
    findings = [
        *finding_of("run", lambda: check_run_key(run)),
        *finding_of("activation", lambda: _check_activation(activation)),
        *finding_of("threshold", lambda: _check_threshold(threshold)),
        *finding_of("first_frame", lambda: _check_first_frame(first_frame)),
    ]
    listed_files: list[PredictionFiles] = []
    findings += finding_of("folder", lambda: listed_files.append(list_predictions(folder)))
    findings += finding_of("folder", lambda: _check_not_its_own(dataset, folder, run))
    argument = "gt" if on_frames and name_field is None else "name_field"
    called: list[Targets] = []
    findings += finding_of(
        argument,
        lambda: called.append(find_targets(dataset, name_field, gt if on_frames else None, on_frames)),
    )
    if any(one.blocks for one in findings):
        return findings
    found, targets = listed_files[0], called[0]
    try:
        matching = match_targets(found, targets, first_frame)
    except AVSError as error:
        return [*findings, Finding("first_frame", str(error), error=error)]
    findings += finding_of("folder", lambda: _check_matched(dataset, found, matching, targets))
    if not findings:
        what = "frames" if on_frames else "samples"
        message = f"{len(matching.files)} of {targets.count} {what} of the dataset have a file"
        findings.append(Finding("folder", "; ".join([message, *extra_note(matching)]), blocks=False))
    fields = RunFields(run, on_frames)
    options = _Options(activation, threshold, first_frame, name_field, gt if on_frames else None, source)
    settings = _settings(samples, dataset, fields, found, targets, options, overwrite)
    return findings + _check_run(samples, dataset, fields, settings, output_dir, overwrite)


@dataclass(frozen=True)
class _Options:
    """How files are read and called, for the record."""

    activation: str
    threshold: float
    first_frame: int | None
    name_field: str | None
    gt: str | None
    source: str


def _settings(
    samples: SampleCollection,
    dataset: fo.Dataset,
    fields: RunFields,
    found: PredictionFiles,
    targets: Targets,
    options: _Options,
    overwrite: Overwrite,
) -> dict[str, Any]:
    """The settings of the run; what changes no result is that of the run that is gone on with."""
    settings = _BASICS | {
        "media": "video" if fields.on_frames else "image",
        "audio_field": AUDIO if isinstance(dataset.get_field(AUDIO), fo.StringField) else None,
        "fps": targets.fps,
        **asdict(options),
        "folder": str(found.folder),
        "digest": found.digest,
    }
    old = find_record(dataset, fields.run)
    if old is None or starts_anew(samples, dataset, fields, overwrite):
        return settings
    return settings | {name: old.settings[name] for name in _UNCOMPARED if name in old.settings}


def _check_run(
    samples: SampleCollection,
    dataset: fo.Dataset,
    fields: RunFields,
    settings: dict[str, Any],
    output_dir: str | Path | None,
    overwrite: Overwrite,
) -> list[Finding]:
    """Whether the run key can be used, and what becomes of a run that has it."""
    run = fields.run
    unknown = [*finding_of("overwrite", lambda: check_overwrite(overwrite))]
    problems = unknown or [
        *finding_of("run", lambda: check_settings(samples, dataset, fields, settings, overwrite)),
        *finding_of("output_dir", lambda: choose_folder(samples, dataset, fields, output_dir, overwrite)),
    ]
    if problems or find_record(dataset, run) is None:
        return problems
    if overwrite:
        going = old_results(dataset, fields, samples).going(run, overwrite)
        return [Finding("overwrite", going, blocks=False)]
    return [Finding("run", f"run {run!r} exists: samples without a result yet are done", blocks=False)]


def _check_not_its_own(dataset: fo.Dataset, folder: str | Path, run: str) -> None:
    """Raise ConfigurationError if the files are the run's own, which an overwrite deletes before they are read."""
    record = find_record(dataset, run)
    if record is None:
        return
    own = recorded_folder(record)
    home, source = own.path.resolve(), Path(folder).expanduser().resolve()
    if own.dataset_id == dataset_id(dataset) and (source == home or home in source.parents):
        raise ConfigurationError(
            f"{source} is where run {run!r} keeps its own files, so they cannot be imported as {run!r}; choose another"
            " run key, or copy the files to another folder first"
        )


def _check_activation(activation: str) -> None:
    if activation not in get_args(Activation):
        raise ConfigurationError(
            f"activation must be one of {', '.join(get_args(Activation))}, not {activation!r}"
        )


def _check_threshold(threshold: float) -> None:
    check_share("threshold", threshold)


def _check_first_frame(first_frame: int | None) -> None:
    if first_frame is not None:
        check_whole("first_frame", first_frame, 0)


def _check_matched(dataset: fo.Dataset, found: PredictionFiles, matching: Matching, targets: Targets) -> None:
    """Raise DatasetError if not one file fits a sample."""
    if matching.files:
        return
    names = targets.kinds[0].values()
    reason = next(iter(matching.reasons.values()), "no sample has a name")
    raise DatasetError(
        f"none of the {len(found.files)} prediction files in {found.folder} fits dataset {dataset.name!r}: files are"
        f" called {listed(found.files)}, samples {listed(names)}. The first sample: {reason}. If a field holds"
        " the files' names, pass it as name_field (--name-field)"
    )
