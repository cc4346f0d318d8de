"""Go on with calls of ``segment`` that were stopped or interrupted, with the settings that they had."""

from __future__ import annotations

from typing import Any

import fiftyone as fo
from fiftyone.core.collections import SampleCollection

from fiftyone_avs.errors import AVSError, ConfigurationError, DatasetError
from fiftyone_avs.fo.runs.calls import UnfinishedCall, list_unfinished
from fiftyone_avs.fo.schema.findings import Finding
from fiftyone_avs.fo.schema.private import view_of_stages
from fiftyone_avs.fo.segment.cluster.driver import RayRunner
from fiftyone_avs.fo.segment.segmentation import segment_all
from fiftyone_avs.fo.segment.summaries import RunSummaries
from fiftyone_avs.progress import Progress


def resume_run(dataset: fo.Dataset, run: str | None = None, *, progress: Progress = True) -> RunSummaries:
    """Go on with a stopped or interrupted call of ``segment`` or ``segment_all``, with the same settings.

    The samples are those that the call was given: a view is made again by its stages.

    Args:
        dataset: the dataset.
        run: the key of one of the call's runs; None takes the newest call. All runs of the call go on together.
        progress: as for ``segment``.

    Returns:
        What was done, per run.

    Raises:
        DatasetError: if nothing is unfinished, or not this run.
        ConfigurationError: if the call is under way, or was given models or strategies that are no names.
        RunConflictError, ModelError: as ``segment_all``.

    Example:
        >>> avs.stop_run(dataset)
        ['vcap_acls']
        >>> print(avs.resume_run(dataset))
        run        ok  abstained  failed  done already  left
        vcap_acls  45          1       0            14     0
    """
    call = unfinished_call(dataset, run)
    samples: SampleCollection = dataset if call.view is None else view_of_stages(dataset, call.view)
    arguments: dict[str, Any] = dict(call.arguments or {})
    strategies = {key: name for key, name in arguments.pop("strategies").items() if key in call.runs}
    if not isinstance(arguments["runner"], str):
        arguments["runner"] = RayRunner(**arguments["runner"])
    return segment_all(samples, strategies, progress=progress, **arguments)


def check_resume(dataset: fo.Dataset, run: str | None = None) -> list[Finding]:
    """What would stop ``resume_run``."""
    try:
        unfinished_call(dataset, run)
    except AVSError as error:
        return [Finding("run", str(error))]
    return []


def unfinished_call(dataset: fo.Dataset, run: str | None) -> UnfinishedCall:
    """The call that ``resume_run`` goes on with; raises as it does."""
    calls = list_unfinished(dataset)
    chosen = [call for call in calls if run is None or run in call.runs]
    waiting = [call for call in chosen if call.state != "running"]
    if not chosen:
        known = ", ".join(key for call in calls for key in call.runs) or "none"
        what = "no run is" if run is None else f"run {run!r} is not"
        raise DatasetError(f"{what} unfinished on dataset {dataset.name!r}; unfinished: {known}")
    if not waiting:
        raise ConfigurationError(f"{chosen[0]}: it is under way; stop it first")
    call = waiting[0]
    if call.arguments is None:
        raise ConfigurationError(
            f"{', '.join(call.runs)}: it was given models or strategies of your own, which cannot be noted; call"
            " segment again with them, and it goes on where it stopped"
        )
    return call
