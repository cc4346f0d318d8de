"""What both panels share: rendering only when there is something new, and a layout that fits narrow windows."""

from __future__ import annotations

import json
from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

WRAPPED = {
    "grid": {
        "sx": {"display": "flex", "flexWrap": "wrap", "gap": "8px", "& > *": {"width": "auto !important"}}
    }
}
"""Lets a row of buttons break where the panel is narrow."""


class QuietPanel(foo.Panel):
    """A panel that does not compute everything again for events that change nothing.

    The App reports every drop-down when it appears and every change of the view several times; each report
    would render the whole panel.
    """

    repeated = ("on_pick", "on_change_view")

    def execute(self, ctx: Any) -> Any:
        """Handle an event, unless the panel shows its outcome already."""
        repeated = ctx.params.get("__method__") in self.repeated
        if repeated and ctx.panel.state.get("rendered") == json.dumps(self.shown(ctx)):
            return None
        return super().execute(ctx)

    def remember(self, ctx: Any) -> None:
        """Note, while rendering, what the panel shows now."""
        ctx.panel.state.rendered = json.dumps(self.shown(ctx))

    def shown(self, ctx: Any) -> list[Any]:
        """All choices that the panel's content follows from, as JSON."""
        raise NotImplementedError


def in_one_column(panel: types.Object) -> types.Property:
    """The panel's content below one another, never wider than the panel."""
    narrow = {"display": "grid", "gridTemplateColumns": "minmax(0, 1fr)", "padding": "12px"}
    return types.Property(panel, view=types.GridView(gap=2, componentsProps={"grid": {"sx": narrow}}))
