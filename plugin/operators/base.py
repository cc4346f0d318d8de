"""What all operators share: how they are listed and called from Python, how progress and errors are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from fiftyone_avs.fo import InSteps

from ..forms import plain

NARROW = {
    "tableContainer": {"sx": {"overflowX": "auto"}},
    "table": {"sx": {"minWidth": 0, "& td, & th": {"padding": "4px 8px", "fontSize": "0.85rem"}}},
}
"""Lets a table fit into a form or half a window."""

OURS = "@fiftyone-avs/avs"
"""What the addresses of our operators begin with."""

FIRST = "AVS: "
"""What the App's list of operators is sorted by is the first letter of a description. All of ours begin alike, so that
they come in the order in which they are registered: that of the work."""

Work = Callable[[Callable[[int, int], None]], Any]


class AVSOperator(foo.Operator):
    """An operator with a form that checks what is typed.

    Attributes:
        uri_name: the last part of its URI.
        title: of the form; with "AVS: " in front, its entry in the operator list.
        about: what it does, in a line.
        icon: the name of a Material icon.
        options: further options of ``foo.OperatorConfig``.
    """

    uri_name = ""
    title = ""
    about = ""
    icon = "graphic_eq"
    options: dict[str, Any] = {}  # noqa: RUF012  # read only

    @property
    def config(self) -> foo.OperatorConfig:
        """How FiftyOne lists it."""
        return foo.OperatorConfig(
            self.uri_name,
            label=f"AVS: {self.title[0].lower()}{self.title[1:]}",
            description=f"{FIRST}{self.about}",
            icon=self.icon,
            dynamic=True,
            **self.options,
        )

    def __call__(self, samples: Any, *, delegate: bool = False, **params: Any) -> Any:
        """Run it from Python: ``foo.get_operator(uri)(dataset_or_view, <parameters of the form>)``."""
        return foo.execute_operator(
            self.uri, {"view": samples.view()}, params=params, request_delegation=delegate
        )

    def resolve_input(self, ctx: Any) -> types.Property:
        """The form."""
        inputs = types.Object()
        self.fill_form(ctx, inputs)
        return types.Property(inputs, view=types.View(label=self.title, description=self.about))

    def fill_form(self, ctx: Any, inputs: types.Object) -> None:
        """Add the form's fields."""


class LongOperator(AVSOperator):
    """An operator that shows progress and can be delegated."""

    options = {"execute_as_generator": True, "allow_delegated_execution": True}  # noqa: RUF012

    def execute(self, ctx: Any) -> Iterator[Any]:
        """Do the work; an error is shown, because the App is silent about errors of such operators."""
        try:
            yield from self.steps(ctx)
        except Exception as error:
            if not ctx.delegated:
                yield from show_error(ctx, f"{self.title}: it did not work", error)
            raise

    def steps(self, ctx: Any) -> Iterator[Any]:
        """Do the work, yielding the App's messages."""
        raise NotImplementedError


def follow(
    ctx: Any,
    work: Work,
    label: str,
    *,
    start: float = 0.0,
    share: float = 1.0,
    stop: str | None = None,
) -> Iterator[Any]:
    """Do work, yielding its progress for the App, or reporting it for a delegated operation; return its result.

    Args:
        ctx: the operator's context.
        work: takes a function ``(done, total)``.
        label: what is being done.
        start: where the progress bar stands at the beginning, in 0..1.
        share: how much of the bar is the work's.
        stop: the key of a run that a button beside the progress stops.
    """
    steps = InSteps(work)
    yield from _progress(ctx, start, label, stop)
    for done, total in steps:
        yield from _progress(ctx, start + share * done / max(total, 1), f"{label}: {steps.text}", stop)
    if start + share > 0.999:
        yield from _progress(ctx, 1.0, f"{label}: done", None)
    return steps.result


def bring_up_to_date(ctx: Any, shown: Any = None) -> Any:
    """Let the App see what has changed in its dataset; filters and view stay, and fields to be shown are.

    Args:
        ctx: the operator's context.
        shown: what ``show_runs`` gave; None changes nothing of what is shown.
    """
    params: dict[str, Any] = {}
    if shown is not None:
        params = {"fields": shown.fields, "instead_of": shown.instead_of, "colours": shown.colours}
    return ctx.trigger(f"{OURS}/bring_up_to_date", {name: list(value) for name, value in params.items()})


def show_error(ctx: Any, label: str, error: Exception) -> Iterator[Any]:
    """A notification and a readable output."""
    outputs = types.Object()
    outputs.view("error", types.Error(label=label, description=str(error)))
    yield ctx.ops.notify(f"{label}. {error}", variant="error")
    yield ctx.ops.show_output(types.Property(outputs).to_json(), {})


def show_results(
    ctx: Any,
    lines: Sequence[str],
    columns: Mapping[str, str],
    rows: Sequence[Mapping[str, Any]],
    remarks: Sequence[str] = (),
    *,
    resume: str | None = None,
) -> Any:
    """An operator's output: lines, a table (column key -> heading, one mapping per row) if it has rows, remarks.

    ``resume`` is the key of a run that a button goes on with.
    """
    outputs = types.Object()
    for index, line in enumerate(lines):
        outputs.view(f"line{index}", types.Notice(label=line))
    if rows:
        outputs.list("rows", types.Object(), view=table(columns))
    data: dict[str, Any] = {"rows": list(rows)}
    if remarks:
        outputs.str("remarks", view=types.MarkdownView())
        data["remarks"] = "\n".join(f"* {plain(remark)}" for remark in remarks)
    if resume is not None:
        outputs.btn(
            "resume",
            "Resume with the same settings",
            on_click=f"{OURS}/resume_avs_run",
            params={"run": resume},
            variant="contained",
        )
    return ctx.ops.show_output(types.Property(outputs).to_json(), data)


def table(columns: Mapping[str, str], **options: Any) -> types.TableView:
    """A table with these columns: key -> heading."""
    view = types.TableView(componentsProps=NARROW, **options)
    for key, heading in columns.items():
        view.add_column(key, label=heading)
    return view


def _progress(ctx: Any, progress: float, label: str, stop: str | None) -> Iterator[Any]:
    if ctx.delegated:
        ctx.set_progress(progress=progress, label=label)
    elif stop is None:
        yield ctx.ops.set_progress(progress=progress, label=label)
    else:
        shown = types.Object()
        shown.float("progress", view=types.ProgressView(label=label))
        shown.btn("stop", "Stop", on_click=f"{OURS}/stop_avs_run", params={"run": stop}, variant="outlined")
        yield ctx.ops.show_output(types.Property(shown).to_json(), {"progress": progress})
