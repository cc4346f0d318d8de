"""Predictions of other programs as a run: masks or soft maps from a folder, stored as ``segment`` stores its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import fiftyone as fo
from fiftyone.core.collections import SampleCollection

from fiftyone_avs.errors import AVSError, ConfigurationError, DatasetError
from fiftyone_avs.fo.importing.predictions.storing import Importer, ImportSummary, extra_note
from fiftyone_avs.fo.importing.predictions.targets import Targets, find_targets, match_targets
from fiftyone_avs.fo.runs.records import find_record
from fiftyone_avs.fo.runs.start_or_resume import open_run
from fiftyone_avs.fo.schema.checks import media_of, root_dataset
from fiftyone_avs.fo.schema.fields import AUDIO, RunFields, check_free, check_run_key
from fiftyone_avs.fo.schema.findings import Finding
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
    overwrite: bool = False,
    progress: Progress = True,
) -> ImportSummary:
    """Store the masks or soft maps in a folder as a run, so that they are evaluated and shown beside others.

    Files are PNG, JPEG (grey, or colours that are shades of grey) or NPY, in the folder or in folders in it. A
    file belongs to a sample if its relative path without ending is the end of the sample's name, or the other
    way round; where none is, if both have the same last name and no others have it. A sample is called by its field
    ``sample_name`` if there is one, else by its picture's path, else by its sound's. A sample without a file, or
    with one that cannot be used, gets the status "failed: reason" and never ends the job.

    A map is stored at its own size with 16 bits, its mask at the picture's size. Calling this again goes on with
    the samples that have no status yet.

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
        overwrite: delete the run's old results first, if there are any.
        progress: show a progress bar, or a function called with (samples done, samples to do).

    Raises:
        ConfigurationError: if an argument cannot work, or the frame numbers cannot be right as they are.
        RunConflictError: if the run key is taken by a run of other files or settings.
        DatasetError: if there are no such files or fields, or not one file fits a sample.
    """
    dataset = root_dataset(samples)
    on_frames = media_of(samples) == "video"
    _check_choices(run, activation, threshold, first_frame)
    found = list_predictions(folder)
    targets = find_targets(dataset, name_field, gt if on_frames else None, on_frames)
    matching = match_targets(found, targets, first_frame)
    _check_matched(dataset, found, matching, targets)
    settings = {
        "threshold": threshold,
        "media": "video" if on_frames else "image",
        "audio_field": AUDIO if isinstance(dataset.get_field(AUDIO), fo.StringField) else None,
        "fps": targets.fps,
        "source": source,
        "activation": activation,
        "first_frame": first_frame,
        "name_field": name_field,
        "gt": gt if on_frames else None,
    }
    record = _BASICS | settings | {"folder": str(found.folder), "digest": found.digest}
    fields = RunFields(run, on_frames)
    old = None if overwrite else find_record(dataset, run)
    if old is not None:
        record |= {name: old.settings[name] for name in _UNCOMPARED if name in old.settings}
    own_folder = open_run(dataset, fields, record, output_dir, overwrite)
    importer = Importer(dataset, fields, own_folder, found, matching, targets, activation, threshold)
    return importer.run(samples, progress)


def check_predictions(
    samples: SampleCollection,
    folder: str | Path,
    run: str,
    *,
    gt: str | None = None,
    first_frame: int | None = None,
    name_field: str | None = None,
    overwrite: bool = False,
) -> list[Finding]:
    """What would stop ``import_predictions``, and how many samples have a file; arguments as there.

    Files are listed, not read.
    """
    try:
        dataset = root_dataset(samples)
        on_frames = media_of(samples) == "video"
        found = list_predictions(folder)
        targets = find_targets(dataset, name_field, gt if on_frames else None, on_frames)
        matching = match_targets(found, targets, first_frame)
        _check_matched(dataset, found, matching, targets)
    except AVSError as error:
        return [Finding("folder", str(error))]
    what = "frames" if on_frames else "samples"
    message = f"{len(matching.files)} of {targets.count} {what} of the dataset have a file"
    findings = [Finding("folder", "; ".join([message, *extra_note(matching)]), blocks=False)]
    return findings + _check_run(dataset, run, on_frames, overwrite)


def _check_run(dataset: fo.Dataset, run: str, on_frames: bool, overwrite: bool) -> list[Finding]:
    try:
        check_run_key(run)
        record = find_record(dataset, run)
        if record is None:
            check_free(dataset, RunFields(run, on_frames))
            return []
    except AVSError as error:
        return [Finding("run", str(error))]
    if overwrite:
        return [Finding("run", f"the old results of run {run!r} will be deleted first", blocks=False)]
    if record.settings["strategy"] != IMPORTED:
        message = f"run {run!r} exists and was not imported; choose another run key, or overwrite it"
        return [Finding("run", message)]
    return [Finding("run", f"run {run!r} exists: samples without a result yet are done", blocks=False)]


def _check_choices(run: str, activation: str, threshold: float, first_frame: int | None) -> None:
    check_run_key(run)
    if activation not in get_args(Activation):
        raise ConfigurationError(
            f"activation must be one of {', '.join(get_args(Activation))}, not {activation!r}"
        )
    if not 0 <= threshold <= 1:
        raise ConfigurationError(f"threshold must lie in [0, 1], not {threshold!r}")
    if first_frame is not None and first_frame < 0:
        raise ConfigurationError(f"first_frame must be 0 or more, not {first_frame!r}")


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
