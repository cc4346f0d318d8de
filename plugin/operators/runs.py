"""Delete a run, rename a run, and what is known of models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fiftyone.operators import types

import fiftyone_avs as avs
from fiftyone_avs.fo import PRESETS, check_rename, list_run_keys, run_info

from ..forms import absent, dropdown, names, remark, show_findings
from .base import AVSOperator, LongOperator, bring_up_to_date, follow, show_results, table

NO_RUN = "Run 'Segment sounding objects' first"
SHOWN_ROWS = 100


class DeleteRun(AVSOperator):
    """Deletes a run's fields, files and record."""

    uri_name = "delete_avs_run"
    title = "Delete a run"
    about = "Its fields, its files and its record. This cannot be undone"
    icon = "delete"

    def fill_form(self, ctx: Any, inputs: types.Object) -> None:
        """Which run, and what will be gone."""
        if choose_run(ctx, inputs) is None:
            return
        inputs.bool("evaluations", label="Delete its evaluations, too", default=True)
        run = ctx.params.get("run")
        if run in list_run_keys(ctx.dataset):
            info = run_info(ctx.dataset, run)
            counts = ", ".join(f"{number} {status}" for status, number in info.counts.items())
            what = f"{info.masks} masks ({counts}); files in {info.directory}"
            remark(inputs, "run", what, label="What will be deleted")

    def execute(self, ctx: Any) -> None:
        """Delete it."""
        run = ctx.params["run"]
        avs.delete_run(ctx.dataset, run, evaluations=ctx.params.get("evaluations", True))
        bring_up_to_date(ctx)
        ctx.ops.notify(f"run {run!r} is deleted", variant="success")


class RenameRun(AVSOperator):
    """Gives a run another key."""

    uri_name = "rename_avs_run"
    title = "Rename a run"
    about = "Its fields get the new name, and so do its evaluations"
    icon = "edit"

    def fill_form(self, ctx: Any, inputs: types.Object) -> None:
        """Which run, and its new key."""
        if choose_run(ctx, inputs) is None:
            return
        inputs.str("new_run", label="New run key", required=True)
        new = (ctx.params.get("new_run") or "").strip()
        run = ctx.params.get("run")
        if run and new:
            show_findings(inputs, check_rename(ctx.dataset, run, new))

    def execute(self, ctx: Any) -> None:
        """Rename it."""
        run, new = ctx.params["run"], ctx.params["new_run"].strip()
        avs.rename_run(ctx.dataset, run, new)
        bring_up_to_date(ctx)
        ctx.ops.notify(f"run {run!r} is {new!r} now", variant="success")


class CheckRuns(LongOperator):
    """Compares the fields, files and records of the dataset's runs."""

    uri_name = "check_avs_runs"
    title = "Check runs"
    about = "Are all masks and maps there and whole? Which files belong to nobody? Not while a run goes on"
    icon = "rule"

    def fill_form(self, ctx: Any, inputs: types.Object) -> None:
        """Whether to mend what is found."""
        inputs.bool(
            "mend",
            label="Mend what is found",
            description="Removes files that belong to no result, and clears results whose files are lost or damaged:"
            " 'Segment sounding objects' does these samples again",
            default=False,
        )
        inputs.bool(
            "all_datasets",
            label="All datasets",
            description="And the files that deleted datasets left behind",
            default=False,
        )

    def steps(self, ctx: Any) -> Iterator[Any]:
        """Read every file, and show what was found."""
        dataset = None if ctx.params.get("all_datasets") else ctx.dataset
        mend = bool(ctx.params.get("mend"))

        def work(progress: Any) -> Any:
            return avs.check_runs(dataset, mend=mend, progress=progress)

        found = yield from follow(ctx, work, "checking")
        if ctx.delegated:
            return
        if mend:
            yield ctx.ops.reload_dataset()
        wrong = [one for one in found if not one.whole]
        text = (
            f"{len(found)} runs checked, {len(wrong)} of them with something wrong"
            if found
            else "there are no runs"
        )
        yield ctx.ops.notify(text, variant="warning" if wrong else "success")
        rows = [
            {"run": one.run, "what": what, "reason": reason}
            for one in wrong
            for what, reason in [*one.lost.items(), *((path, "belongs to no result") for path in one.orphans)]
        ]
        columns = {"run": "Run", "what": "Sample or file", "reason": "What is wrong"}
        yield show_results(ctx, [str(one) for one in found] or [text], columns, rows[:SHOWN_ROWS])


class ShowModels(AVSOperator):
    """Which models are on this machine, and how to get the others."""

    uri_name = "show_avs_models"
    title = "Model status"
    about = "What is on this machine, what is missing, and how to get it. Nothing is downloaded"
    icon = "inventory_2"

    def fill_form(self, ctx: Any, inputs: types.Object) -> None:
        """The preset, and a table of its models."""
        dropdown(
            inputs,
            "preset",
            {"all": "all models", **{name: f"{name}: {found.summary}" for name, found in PRESETS.items()}},
            label="Models of",
            default="open",
        )
        rows = model_rows(ctx.params.get("preset") or "open")
        inputs.list("models", types.Object(), view=table(MODEL_COLUMNS, label="Models"), default=rows)

    def execute(self, ctx: Any) -> dict[str, Any]:
        """The same for callers from Python."""
        return {"models": model_rows(ctx.params.get("preset") or "open")}


MODEL_COLUMNS = {
    "role": "Role",
    "name": "Model",
    "state": "State",
    "licence": "Licence",
    "how": "How to get it",
}


def model_rows(preset: str) -> list[dict[str, str]]:
    """One row per model of a preset, or of all."""
    rows = [
        {
            "role": status.card.role.replace("_", " "),
            "name": status.card.name,
            "state": "ready" if status.ready else "downloads itself" if status.automatic else "missing",
            "licence": status.card.licence,
            "how": "; ".join(f"{what}: {how}" for what, how in status.missing.items()),
        }
        for status in avs.list_models(None if preset == "all" else preset)
    ]
    missing = {} if preset == "all" else PRESETS[preset].missing
    return rows + [
        {"role": role.replace("_", " "), "name": "-", "state": "missing", "licence": "", "how": remedy}
        for role, remedy in missing.items()
    ]


def choose_run(ctx: Any, inputs: types.Object) -> list[str] | None:
    """A drop-down of the dataset's runs; None, with a message in the form, if there are none."""
    keys = list_run_keys(ctx.dataset)
    if not keys:
        absent(inputs, "run", NO_RUN)
        return None
    dropdown(inputs, "run", names(keys), label="Run", required=True)
    return keys
