"""What must survive a rebuilding: public names, flags, operators, and datasets that an earlier version wrote.

New names, parameters, flags, rows and fields are welcome; lost ones are not. A name that is deprecated counts as there.
``public.json`` and ``earlier-version.zip`` (a demo of version 0.1.0: twelve pictures with nine runs and their
evaluations, three videos with one) are what that version had; they are not made again.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from fiftyone.core.odm import get_db_conn

import fiftyone_avs as avs
import fiftyone_avs.integrations
from fiftyone_avs.cli import build_parser
from fiftyone_avs.fo.studies.demo import run_demo

HERE = Path(__file__).parent
PUBLIC = json.loads((HERE / "public.json").read_text())
IMAGES, VIDEOS = "fiftyone-avs-demo", "fiftyone-avs-demo-videos"


@pytest.mark.parametrize("name", PUBLIC["names"])
def test_a_public_name_is_there_with_its_parameters(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        found = getattr(avs, name)
    parameters = PUBLIC["names"][name]
    if parameters is not None:
        assert set(parameters) <= set(inspect.signature(found).parameters)


@pytest.mark.parametrize("name", PUBLIC["integrations"])
def test_a_name_of_the_earlier_address_is_there_with_a_warning(name):
    with pytest.warns(DeprecationWarning):
        assert getattr(fiftyone_avs.integrations, name) is not None
    assert name in dir(fiftyone_avs.integrations)


def lost(known: Mapping[str, Any], parser: argparse.ArgumentParser, path: str) -> Iterator[str]:
    """The commands and arguments that a parser lacks."""
    there = {text for action in parser._actions for text in (action.option_strings or [action.dest])}
    yield from (f"{path} {name}" for name in known.get("arguments", ()) if name not in there)
    subparsers = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    choices = next((action.choices for action in subparsers), {})
    for name, inner in known.get("commands", {}).items():
        if name in choices:
            yield from lost(inner, choices[name], f"{path} {name}")
        else:
            yield f"{path} {name}"


def test_commands_and_flags_are_there():
    assert not list(lost({"commands": PUBLIC["commands"]}, build_parser(), "fiftyone-avs"))


def test_the_operators_are_there(monkeypatch, tmp_path):
    monkeypatch.setattr(fo.config, "plugins_dir", str(tmp_path))
    avs.install_plugin()
    uris = {operator.uri for operator in foo.list_operators(builtin=False)}
    assert not [name for name in PUBLIC["operators"] if f"@fiftyone-avs/avs/{name}" not in uris]


@pytest.fixture(scope="module")
def earlier(tmp_path_factory) -> Iterator[dict[str, fo.Dataset]]:
    """The datasets of the earlier version, by name."""
    folder = tmp_path_factory.mktemp("earlier")
    zipfile.ZipFile(HERE / "earlier-version.zip").extractall(folder)
    datasets = {
        name: fo.Dataset.from_dir(
            dataset_dir=str(folder / name), dataset_type=fo.types.FiftyOneDataset, name=f"earlier-{name}"
        )
        for name in (IMAGES, VIDEOS)
    }
    yield datasets
    for dataset in datasets.values():
        dataset.delete()


def test_the_classes_that_stored_records_name_are_found(earlier):
    """FiftyOne finds classes by the paths that records hold: they must load, whatever has moved since."""
    stored = get_db_conn()["runs"].find({"_id": {"$in": [*earlier_records(earlier[IMAGES])]}})
    assert {record["config"]["cls"] for record in stored} == {
        "fiftyone_avs.integrations.runs.AVSRunConfig",
        "fiftyone_avs.integrations.backend.AVSEvaluationConfig",
    }
    runs, backend, results = (
        importlib.import_module(f"fiftyone_avs.integrations.{name}")
        for name in ("runs", "backend", "results")
    )
    assert results.AVSResults is avs.AVSResults
    assert isinstance(earlier[IMAGES].get_run_info("vcap_acls").config, runs.AVSRunConfig)
    assert runs.AVSRunConfig(settings={}).run_cls is runs.AVSRun
    found = earlier[IMAGES].get_evaluation_info("vcap_acls_eval").config
    assert isinstance(found, backend.AVSEvaluationConfig)
    assert found.run_cls is backend.AVSEvaluation


def earlier_records(dataset: fo.Dataset) -> Iterator[Any]:
    """The ids of the records of a dataset's runs and evaluations."""
    document = get_db_conn()["datasets"].find_one({"name": dataset.name})
    yield from document["runs"].values()
    yield from document["evaluations"].values()


@pytest.mark.parametrize(("name", "runs", "scored"), [(IMAGES, 9, 12), (VIDEOS, 1, 30)])
def test_an_earlier_version_s_dataset_is_read_evaluated_renamed_and_cleared(earlier, name, runs, scored):
    dataset = earlier[name]
    assert len(avs.list_runs(dataset)) == runs
    evaluations = avs.list_evaluations(dataset)
    assert len(evaluations) == runs
    for info in evaluations:
        results = dataset.load_evaluation_results(info.key)
        assert isinstance(results, avs.AVSResults)
        assert results.summary.n == scored
        assert all(label in results.to_text() for label in results.metrics_shown.values())

    before = dataset.load_evaluation_results("vcap_acls_eval").summary
    results = avs.evaluate(dataset, "vcap_acls", eval_key="again", progress=False)
    if name == IMAGES:
        assert results.summary.miou == pytest.approx(before.miou, abs=1e-6)
        assert results.summary.j == pytest.approx(before.j, abs=1e-6)
    else:  # FiftyOne's export leaves the files of frames behind
        assert results.summary.n == 0
        assert sum("does not exist" in reason for reason in results.excluded.values()) == scored
    assert avs.compare(
        [dataset.load_evaluation_results(key) for key in ("vcap_acls_eval", "again")]
    ).to_text()

    avs.rename_run(dataset, "vcap_acls", "renamed")
    assert "renamed" in {info.key for info in avs.list_runs(dataset)}
    avs.delete_run(dataset, "renamed")
    fields = [*dataset.get_field_schema(), *(dataset.get_frame_field_schema() or ())]
    assert not [field for field in fields if field.startswith("renamed") and "_eval" not in field]


@pytest.mark.parametrize(
    "address",
    [
        *("types", "pipeline", "strategies", "metrics", "media", "models", "engine"),
        "models:CARDS",
        "models.loading:load_network",
        *(f"engine.fitting:{name}" for name in ("sizes_for", "BatchSizes", "is_out_of_memory")),
        *(f"engine.batching:{name}" for name in ("run_stage", "Failure")),
    ],
)
def test_an_address_that_others_import_is_there(address):
    module, _, name = address.partition(":")
    found = importlib.import_module(f"fiftyone_avs.{module}")
    assert not name or hasattr(found, name)


@pytest.mark.slow  # two minutes
def test_the_demo_of_a_seed_gives_the_numbers_it_gave(tmp_path):
    """Numbers differ in the sixth digit between processors; the embedded weights are the same everywhere."""
    report = run_demo(tmp_path, seed=7, samples=60, videos=0, say=lambda text: None)
    found = json.loads(report.to_json())
    rows = {(row["name"], row["subset"]): row for row in found["rows"]}
    for old in json.loads((HERE / "demo-seed7.json").read_text())["rows"]:
        new = rows[old["name"], old["subset"]]
        numbers = {key: value for key, value in old.items() if isinstance(value, float)}
        assert {key: new[key] for key in numbers} == pytest.approx(numbers, abs=5e-5), old["name"]
