"""Draw a contact sheet: the form of ``fiftyone_avs.make_sheet``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fiftyone.operators import types

import fiftyone_avs as avs
from fiftyone_avs.fo import check_sheet, choose_samples, list_evaluations, list_run_keys

from ..forms import absent, default_of, dropdown, mask_fields, names, show_findings
from .base import LongOperator, follow
from .runs import NO_RUN


class MakeSheet(LongOperator):
    """Draws pictures, ground truths and the masks of several runs side by side into a file."""

    uri_name = "make_avs_sheet"
    title = "Draw a contact sheet"
    about = "Picture, ground truth and each run's mask with its referring expression, as PNG or PDF"
    icon = "grid_view"

    def fill_form(self, ctx: Any, inputs: types.Object) -> None:
        """Which runs, which samples, and where to."""
        keys = list_run_keys(ctx.dataset)
        if not keys:
            absent(inputs, "runs", NO_RUN)
            return
        inputs.view_target(ctx, action_description="Draw")
        dropdown(inputs, "runs", names(keys), label="Runs, a column each", multiple=True, default=keys[:5])
        truths = [name for name in mask_fields(ctx.dataset) if name.removeprefix("frames.") not in keys]
        gt = default_of([name for name in truths if name.endswith("ground_truth")])
        dropdown(inputs, "gt", names(truths), label="Ground truth", default=gt)
        evaluations = names(info.key for info in list_evaluations(ctx.dataset))
        dropdown(inputs, "worst", evaluations, label="Lowest IoU first, of")
        inputs.int("limit", label="At most so many samples", default=10, min=1)
        inputs.int("cell", label="Size of a picture in pixels", default=320, min=32)
        inputs.str(
            "out",
            label="File (.png or .pdf)",
            description="A full path on the machine where FiftyOne runs, such as ~/sheet.png",
            required=True,
        )
        out = (ctx.params.get("out") or "").strip()
        if out:
            runs = ctx.params.get("runs", keys[:5]) or []
            rows, cell = ctx.params.get("limit") or 10, ctx.params.get("cell") or 320
            found = check_sheet(out, runs, rows, cell, samples=ctx.dataset, from_app=True)
            show_findings(inputs, found, {"path": "out", "max_rows": "limit"})

    def steps(self, ctx: Any) -> Iterator[Any]:
        """Draw it, and show it if it is a picture."""
        params, keys = ctx.params, list_run_keys(ctx.dataset)
        samples = choose_samples(ctx.target_view(), worst=params.get("worst") or None)

        def work(progress: Any) -> Any:
            return avs.make_sheet(
                samples,
                params.get("runs") or keys[:5],
                params["out"].strip(),
                gt=params.get("gt") or None,
                max_rows=params.get("limit") or 10,
                cell=params.get("cell") or 320,
            )

        found = yield from follow(ctx, work, "drawing the sheet")
        if ctx.delegated:
            return
        yield ctx.ops.notify(str(found), variant="warning" if found.problems else "success")
        outputs = types.Object()
        lines = [str(found), *(f"{name}: {problem}" for name, problem in found.problems.items())]
        for index, line in enumerate(lines):
            outputs.view(f"line{index}", types.Notice(label=line))
        if Path(found.path).suffix.lower() == ".png":
            outputs.str("sheet", view=types.ImageView(width="100%"))
        url = f"/media?filepath={quote(found.path, safe='')}"
        yield ctx.ops.show_output(types.Property(outputs).to_json(), {"sheet": url})
