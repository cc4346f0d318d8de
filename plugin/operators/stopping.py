"""Stop runs that are under way, and go on with them: the forms of ``stop_run`` and ``resume_run``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fiftyone.operators import types

import fiftyone_avs as avs
from fiftyone_avs.fo import check_resume

from ..forms import absent, dropdown, remark, show_findings
from .base import AVSOperator, LongOperator, follow
from .segment import show_summaries


class StopRun(AVSOperator):
    """Ends runs that are under way, wherever they run."""

    uri_name = "stop_avs_run"
    title = "Stop a run"
    about = (
        "Ends it after the batch it is at, wherever it runs. What is done is stored, and it can be resumed"
    )
    icon = "stop_circle"

    def fill_form(self, ctx: Any, inputs: types.Object) -> None:
        """Which run."""
        running = [call for call in avs.list_unfinished(ctx.dataset) if call.state == "running"]
        if not running:
            absent(inputs, "run under way", "Nothing has to be stopped")
            return
        choices = {call.runs[0]: ", ".join(call.runs) for call in running}
        dropdown(inputs, "run", choices, label="Run", default=running[0].runs[0], required=True)
        for index, call in enumerate(running):
            remark(inputs, f"call{index}", str(call), label="Under way")

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Ask it to stop."""
        runs = avs.stop_run(ctx.dataset, ctx.params.get("run"))
        ctx.ops.notify(
            f"{', '.join(runs)}: stopping after this batch; what is done is stored", variant="info"
        )
        return {"runs": runs}


class ResumeRun(LongOperator):
    """Goes on with a run that was stopped or interrupted."""

    uri_name = "resume_avs_run"
    title = "Resume a run"
    about = "Goes on with a run that was stopped or interrupted, on the same samples with the same settings"
    icon = "play_circle"

    def fill_form(self, ctx: Any, inputs: types.Object) -> None:
        """Which run."""
        calls = [call for call in avs.list_unfinished(ctx.dataset) if call.state != "running"]
        if not calls:
            absent(
                inputs, "unfinished run", "All runs have done what they were asked to do, or are under way"
            )
            return
        choices = {call.runs[0]: ", ".join(call.runs) for call in calls}
        dropdown(inputs, "run", choices, label="Run", default=calls[0].runs[0], required=True)
        run = ctx.params.get("run") or calls[0].runs[0]
        show_findings(inputs, check_resume(ctx.dataset, run))
        for call in calls:
            if run in call.runs:
                remark(inputs, "state", str(call), label="What is left")
                remark(inputs, "settings", call.settings, label="Settings")

    def steps(self, ctx: Any) -> Iterator[Any]:
        """Go on with it."""
        run = ctx.params.get("run")

        def work(progress: Any) -> Any:
            return avs.resume_run(ctx.dataset, run, progress=progress)

        summaries = yield from follow(ctx, work, run or "resuming", stop=run)
        if not ctx.delegated:
            yield from show_summaries(ctx, ctx.dataset, summaries)
