"""Reproduce a table of the paper: the form of ``fiftyone_avs.reproduce``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fiftyone.operators import types

import fiftyone_avs as avs
from fiftyone_avs.fo import METRICS, PRESETS, PUBLISHED_DATASETS, TABLES, check_reproduce

from ..forms import dropdown, misplaced, show_findings
from .base import LongOperator, follow, show_results


class ReproduceTable(LongOperator):
    """Imports a benchmark, runs what a table of the paper needs, and puts both rows side by side."""

    uri_name = "reproduce_avs_table"
    title = "Reproduce a table of the paper"
    about = "Import a benchmark, run what is missing, evaluate, and compare with the published numbers"
    icon = "fact_check"

    def fill_form(self, ctx: Any, inputs: types.Object) -> None:
        """Which table, of which data."""
        tables = {f"table{number}": f"Table {number}: {what}" for number, what in TABLES.items()}
        dropdown(inputs, "table", tables, label="Table", default="table1", required=True)
        dropdown(inputs, "benchmark", PUBLISHED_DATASETS, label="Benchmark", default="is3", required=True)
        inputs.str(
            "data", label="Its folder", description="On the machine where FiftyOne runs", required=True
        )
        presets = {name: f"{name}: {preset.summary}" for name, preset in PRESETS.items()}
        dropdown(inputs, "preset", presets, label="Models", default="paper", required=True)
        inputs.int("limit", label="Only the first so many samples, for a trial", required=False, min=1)
        inputs.str(
            "name", label="Name of the dataset", description="By default the benchmark's", required=False
        )
        inputs.str(
            "out",
            label="Folder for the table and the plot",
            description="By default 'reproduced' where the App runs",
            required=False,
        )
        if _table(ctx.params) == 2:
            inputs.map(
                "predictions",
                types.String(),
                types.String(),
                label="Predictions of other methods",
                description="The method's name, and the folder of its maps or masks",
            )
        found = misplaced("out", (ctx.params.get("out") or "").strip())
        if _arguments(ctx.params)["data"]:
            found += check_reproduce(**_checked(ctx.params))
        show_findings(inputs, found)

    def steps(self, ctx: Any) -> Iterator[Any]:
        """Do what is missing, show the table, open the dataset."""
        arguments = _arguments(ctx.params)

        def work(progress: Any) -> Any:
            return avs.reproduce(**arguments, progress=progress, say=lambda line: None)

        found = yield from follow(ctx, work, f"table {arguments['table']} of {arguments['benchmark']}")
        if ctx.delegated:
            return
        yield ctx.ops.open_dataset(found.dataset)
        columns = {"name": "", "origin": "", **METRICS}
        remarks = [*found.remarks(), *(f"written: {file}" for file in found.files)]
        yield show_results(ctx, [found.title], columns, found.cells(), remarks)


def _table(params: dict[str, Any]) -> int:
    return int((params.get("table") or "table1").removeprefix("table"))


def _arguments(params: dict[str, Any]) -> dict[str, Any]:
    """The arguments of ``reproduce``; what the form did not say takes the function's own default."""
    given = {
        name: params[name] for name in ("name", "limit", "out", "device", "batch_size") if params.get(name)
    }
    return given | {
        "table": _table(params),
        "data": (params.get("data") or "").strip(),
        "benchmark": params.get("benchmark") or "is3",
        "preset": params.get("preset") or "paper",
        "predictions": params.get("predictions") or None if _table(params) == 2 else None,
    }


def _checked(params: dict[str, Any]) -> dict[str, Any]:
    """What the live check needs to know of the form."""
    arguments = _arguments(params)
    names = ("table", "data", "benchmark", "preset", "name", "limit", "predictions")
    return {name: arguments[name] for name in names if name in arguments}
