"""The paper's tables, made again from the data on disk: import, run what is missing, evaluate, compare.

Every step leaves its result on a FiftyOne dataset that stays, so a call that was stopped goes on where it was.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import fiftyone as fo

from fiftyone_avs.benchmarks.registry import Benchmark, find_benchmark
from fiftyone_avs.errors import ConfigurationError, ModelError
from fiftyone_avs.fo.compare.comparison import compare
from fiftyone_avs.fo.evaluate.results import AVSResults
from fiftyone_avs.fo.importing.benchmarks.import_benchmark import import_benchmark
from fiftyone_avs.fo.schema.findings import Finding, finding_of, raise_first
from fiftyone_avs.fo.schema.private import check_dataset_name
from fiftyone_avs.fo.studies.reproduced_rows import Say, make_rows
from fiftyone_avs.media.places import check_place
from fiftyone_avs.models.cards import get_preset
from fiftyone_avs.paper.plan import TABLES, missing_models, plan_rows
from fiftyone_avs.paper.published import PUBLISHED_DATASETS
from fiftyone_avs.paper.table import ReproducedRow, Reproduction, gather_rows
from fiftyone_avs.progress import Progress

MARK = "fiftyone_avs_reproduction"
"""The key in ``dataset.info`` that says what a dataset was imported from."""


def reproduce(
    table: int,
    data: str | Path,
    benchmark: str,
    *,
    preset: str = "paper",
    name: str | None = None,
    out: str | Path | None = None,
    limit: int | None = None,
    strategies: Sequence[str] | None = None,
    segmenters: Mapping[str, str] | None = None,
    predictions: Mapping[str, str | Path] | None = None,
    prediction_options: Mapping[str, Any] | None = None,
    models: Mapping[str, str] | None = None,
    device: str | None = None,
    precision: str = "float32",
    batch_size: int | None = None,
    progress: Progress = True,
    say: Say = print,
) -> Reproduction:
    """Make a table of the paper again (Lee & Seo, Interspeech 2025, Tables 1-3).

    Args:
        table: 1 (strategies), 2 (self-supervised baselines) or 3 (segmentation models).
        data: the benchmark's folder.
        benchmark: "is3", "s4" or "vpo-ss".
        preset: which models to use; the paper's need files of your own.
        name: of the FiftyOne dataset; None makes one of the benchmark, its split and the limit. One that an earlier
            call made of the same data is used again.
        out: where the table and the plot are written; None takes ``reproduced/<dataset>``.
        limit: only the benchmark's first so many samples, for a trial.
        strategies: Table 1: only these.
        segmenters: Table 3: name -> model, in place of the paper's three (or, with another preset, of the preset's
            own).
        predictions: Table 2: method -> folder of its predictions; see ``import_predictions``.
        prediction_options: further options of ``import_predictions``, such as ``first_frame``.
        models: other models for some roles, as for ``segment``.
        device: "cpu", "cuda", ...; None takes a GPU if there is one.
        precision: as for ``segment``.
        batch_size: as for ``segment``.
        progress: show progress bars, or a function called with (samples done, samples to do) over all runs.
        say: told about each step.

    Returns:
        Our rows beside the published ones, with the files that were written.

    Raises:
        ConfigurationError: if an argument cannot work, the dataset's name is taken by other data, or ``out`` cannot be
            written to.
        DatasetError: if the folder does not hold the benchmark.
        ModelError: if no row can be made for lack of models. Rows that cannot be made beside others that can say why.
    """
    raise_first(
        check_reproduce(
            table,
            data,
            benchmark,
            preset=preset,
            name=name,
            limit=limit,
            strategies=strategies,
            segmenters=segmenters,
            predictions=predictions,
            models=models,
        )
    )
    known = _benchmark(table, benchmark)
    entries = plan_rows(table, preset, strategies, segmenters, predictions, models)
    folder = _folder(data)
    reasons = {name: f"not run: {reason}" for name, reason in missing_models(entries, preset, device).items()}
    if len(reasons) == len(entries):
        raise ModelError("\n".join(f"{entry}: {reason}" for entry, reason in reasons.items()))
    target = _output_folder(out, _name_and_source(known, folder, name, limit)[0])
    dataset = _dataset(known, folder, name, limit, progress, say)
    options = {"preset": preset, "device": device, "precision": precision, "batch_size": batch_size}
    done = make_rows(dataset, entries, reasons, options, prediction_options or {}, progress, say)
    if not done:
        raise ModelError("\n".join(f"{entry}: {reason}" for entry, reason in reasons.items()))
    rows = gather_rows(table, known.key, entries, done, reasons)
    return _write(table, known, dataset, rows, done, preset, limit, target)


def check_reproduce(
    table: int,
    data: str | Path,
    benchmark: str,
    *,
    preset: str = "paper",
    name: str | None = None,
    limit: int | None = None,
    strategies: Sequence[str] | None = None,
    segmenters: Mapping[str, str] | None = None,
    predictions: Mapping[str, str | Path] | None = None,
    models: Mapping[str, str] | None = None,
) -> list[Finding]:
    """What would stop ``reproduce``; arguments as there. Nothing is imported or run."""
    tables = [*finding_of("table", lambda: _check_table(table))]
    found = [*tables, *finding_of("benchmark", lambda: _benchmark(1 if tables else table, benchmark))]
    presets = [*finding_of("preset", lambda: get_preset(preset))]
    found += presets
    if not tables and not presets:
        plan = partial(plan_rows, table, preset, models=models)
        found += finding_of("strategies", lambda: plan(strategies=strategies))
        found += finding_of("segmenters", lambda: plan(segmenters=segmenters))
        found += finding_of("predictions", lambda: plan(predictions=predictions))
    if limit is not None and limit < 1:
        found.append(Finding("limit", f"limit must be 1 or more, not {limit}"))
    found += finding_of("data", lambda: _folder(data))
    if any(one.argument in ("benchmark", "data", "limit") for one in found):
        return found
    called, source = _name_and_source(_benchmark(1, benchmark), _folder(data), name, limit)
    if fo.dataset_exists(called):
        return [*found, *finding_of("name", lambda: _check_source(called, source))]
    return [*found, *finding_of("name", lambda: check_dataset_name(called))]


def _check_table(table: int) -> None:
    if table not in TABLES:
        raise ConfigurationError(f"table must be one of {', '.join(map(str, TABLES))}, not {table!r}")


def _benchmark(table: int, benchmark: str) -> Benchmark:
    """The benchmark of that name; raises ConfigurationError if it is unknown or the paper has no such table of it."""
    _check_table(table)
    known = find_benchmark(benchmark)
    if known.key not in PUBLISHED_DATASETS:
        names = ", ".join(PUBLISHED_DATASETS)
        raise ConfigurationError(f"the paper has no numbers for {known.key!r}; it has some for {names}")
    return known


def _folder(data: str | Path) -> Path:
    """The benchmark's folder; raises ConfigurationError if there is none."""
    folder = Path(data).expanduser()
    if not folder.is_dir():
        raise ConfigurationError(f"there is no folder {data} on the machine where FiftyOne runs")
    return folder


def _output_folder(out: str | Path | None, name: str) -> Path:
    """Where the table goes, made at once: hours of work should not end at a folder that cannot be written to."""
    folder = Path("reproduced") / name if out is None else check_place(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"cannot write to {folder}: {error.strerror or error}; choose another out"
        ) from error
    if not os.access(folder, os.W_OK):
        raise ConfigurationError(f"cannot write to {folder}: no right to; choose another out")
    return folder


def _name_and_source(
    benchmark: Benchmark, data: Path, name: str | None, limit: int | None
) -> tuple[str, dict[str, Any]]:
    """How the dataset is called, and what it says that it was made of."""
    split = benchmark.paper_split
    parts = [benchmark.key, split or "", f"first-{limit}" if limit else ""]
    source = {"benchmark": benchmark.key, "root": str(data.resolve()), "split": split, "limit": limit}
    return name or "-".join(part for part in parts if part), source


def _check_source(name: str, source: Mapping[str, Any]) -> None:
    """Raise ConfigurationError unless an existing dataset was made of this data in this way."""
    mark = fo.load_dataset(name).info.get(MARK)
    if mark != source:
        made = f" of {mark['root']} (limit {mark['limit']})" if mark else ""
        raise ConfigurationError(
            f"a dataset named {name!r} exists already{made}; choose another name or delete it"
        )


def _dataset(
    benchmark: Benchmark,
    data: Path,
    name: str | None,
    limit: int | None,
    progress: Progress,
    say: Say,
) -> fo.Dataset:
    """The benchmark as a FiftyOne dataset: the one that an earlier call made, or a new one."""
    name, source = _name_and_source(benchmark, data, name, limit)
    if fo.dataset_exists(name):
        _check_source(name, source)
        dataset = fo.load_dataset(name)
        say(f"going on with dataset {name!r}: {len(dataset)} samples")
        return dataset
    unfinished = f"{name}-importing"  # a killed import never passes for a whole one
    if fo.dataset_exists(unfinished):
        fo.delete_dataset(unfinished)
    report = import_benchmark(
        benchmark.key,
        data,
        dataset_name=unfinished,
        split=benchmark.paper_split,
        limit=limit,
        progress=progress is True,
    )
    say(str(report))
    for problem in report.problems[:10]:
        say(f"  {problem}")
    dataset = report.dataset
    dataset.info[MARK] = source
    dataset.save()
    dataset.name = name
    return dataset


def _write(
    table: int,
    benchmark: Benchmark,
    dataset: fo.Dataset,
    rows: tuple[ReproducedRow, ...],
    done: Mapping[str, AVSResults],
    preset: str,
    limit: int | None,
    out: Path,
) -> Reproduction:
    """Write the table and the plot, and gather all of it."""
    stem = f"table{table}"
    notes = [
        "The protocol is the paper's (baav): maps at 224 x 224 pixels, the official adaptive rule. Its adaptive scores"
        " know how large the ground truth is."
    ]
    if preset == "tiny":
        notes.append("The models know the drawn demo world only: on real data these numbers say nothing.")
    elif preset != "paper":
        notes.append(f"Models of the preset {preset!r}, not the paper's: the difference is theirs, too.")
    if limit:
        notes.append(f"TRIAL: the first {limit} samples only; the published numbers are over all of them.")
    excluded = sorted({name for result in done.values() for name in result.excluded})
    if excluded:
        notes.append(f"{len(excluded)} samples were left out of the scores, the first one: {excluded[0]}.")
    title = f"Table {table}, {PUBLISHED_DATASETS[benchmark.key]} ({TABLES[table]}); protocol baav, preset {preset}"
    files = [out / f"{stem}.csv", out / f"{stem}.md", out / f"{stem}.png"]
    found = Reproduction(title, rows, tuple(notes), dataset.name, tuple(files))
    found.to_csv(files[0])
    files[1].write_text(found.to_markdown(), encoding="utf-8")
    compare(list(done.values()), names=list(done)).plot(files[2])
    return found
